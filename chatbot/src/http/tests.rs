//! The OpenAPI document, and what it says of who may do what.

use super::openapi;

#[test]
fn the_published_openapi_document_is_the_one_that_the_code_makes() {
    let published = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/openapi.json");
    let made = format!("{}\n", openapi().to_pretty_json().unwrap());
    let kept = std::fs::read_to_string(&published).unwrap_or_default();
    assert!(
        kept == made,
        "docs/reference/openapi.json is not fresh: run `cargo run -p chatbot -- openapi > docs/reference/openapi.json`"
    );
}

#[test]
fn every_operation_under_api_says_who_may_and_tells_of_problems() {
    let document = serde_json::to_value(openapi()).unwrap();
    assert_eq!(document["security"], serde_json::json!([{"apiKey": []}, {"login": []}]));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_api = path.starts_with("/api/v1/") || path.starts_with("/v1/");
            assert!(operation.get("security").is_some(), "{method} {path}");
            assert_eq!(operation["responses"].get("4XX").is_some(), is_api, "{method} {path}");
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(openapi()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let different: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), different.len(), "{names:?}");
}
