use std::collections::BTreeMap;

use secrecy::SecretString;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::*;

fn folder() -> (tempfile::TempDir, Objects) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::new(&Config::Folder(folder.path().join("new/objects"))).unwrap();
    (folder, objects)
}

fn s3(server: &MockServer) -> S3 {
    drop(rustls::crypto::ring::default_provider().install_default());
    S3 {
        endpoint: server.uri().parse().unwrap(),
        access_key: "user".to_owned(),
        secret_key: SecretString::from("password"),
        bucket: "dev-chatbot".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

#[tokio::test]
async fn an_object_is_there_until_it_is_deleted() {
    let (_folder, objects) = folder();
    objects.put("documents/1", Bytes::from_static(b"text")).await.unwrap();
    assert_eq!(objects.get("documents/1").await.unwrap(), "text");
    objects.delete("documents/1").await.unwrap();
    objects.delete("documents/1").await.expect("deleting twice is fine");
    assert!(matches!(objects.get("documents/1").await, Err(ObjectsError::NotFound)));
}

#[tokio::test]
async fn a_key_cannot_leave_the_store() {
    let (_folder, objects) = folder();
    for key in ["../outside", "a//b", "a/../../b"] {
        assert!(matches!(objects.get(key).await, Err(ObjectsError::Key(_))), "{key}");
    }
}

#[tokio::test]
async fn an_empty_store_is_healthy_and_none_is_not_configured() {
    let (_folder, objects) = folder();
    objects.ping().await.unwrap();
    let none = Objects::new(&Config::Disabled).unwrap();
    assert!(!none.is_configured());
    assert!(none.ping().await.unwrap_err().to_string().contains("set MINIO_URL"));
}

#[tokio::test]
async fn a_missing_bucket_is_told_with_the_command_that_makes_it() {
    let server = MockServer::start().await;
    let body = "<Error><Code>NoSuchBucket</Code></Error>";
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(404).set_body_string(body)).mount(&server).await;
    let objects = Objects::new(&Config::S3(s3(&server))).unwrap();
    assert!(objects.ping().await.unwrap_err().to_string().contains("chatbot provision"));
}

#[tokio::test]
async fn a_bucket_is_made_once_and_a_stranger_s_is_refused() {
    let cases = [
        (200, "", Ok(true)),
        (409, "BucketAlreadyOwnedByYou", Ok(false)),
        (409, "BucketAlreadyExists", Err("set OBJECTS_BUCKET to a free name")),
        (403, "SignatureDoesNotMatch", Err("check MINIO_ROOT_USER")),
    ];
    for (status, code, expected) in cases {
        let server = MockServer::start().await;
        Mock::given(method("PUT"))
            .respond_with(ResponseTemplate::new(status).set_body_string(code))
            .mount(&server)
            .await;
        let result = ensure_bucket(&s3(&server)).await;
        match expected {
            Ok(made) => assert_eq!(result.unwrap(), made, "{code}"),
            Err(step) => assert!(result.unwrap_err().to_string().contains(step), "{code}"),
        }
        let asked = &server.received_requests().await.unwrap()[0].url;
        assert_eq!(asked.path().trim_end_matches('/'), "/dev-chatbot");
        let query: BTreeMap<_, _> = asked.query_pairs().collect();
        assert!(query.contains_key("X-Amz-Signature"), "the request is signed: {asked}");
    }
}

#[tokio::test]
async fn requests_are_signed_for_the_region_and_a_new_bucket_is_made_there() {
    for (region, said) in [("us-east-1", false), ("eu-central-1", true)] {
        let server = MockServer::start().await;
        let kept = ResponseTemplate::new(200).insert_header("etag", "\"1\"");
        Mock::given(method("PUT")).respond_with(kept).mount(&server).await;
        let config = S3 { region: region.to_owned(), ..s3(&server) };
        ensure_bucket(&config).await.unwrap();
        Objects::new(&Config::S3(config)).unwrap().put("documents/1", Bytes::from_static(b"text")).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let bucket = String::from_utf8_lossy(&requests[0].body).into_owned();
        assert_eq!(bucket.contains(&format!("<LocationConstraint>{region}<")), said, "{bucket}");
        assert!(requests[0].url.query().unwrap().contains(region), "{}", requests[0].url);
        assert!(requests[1].headers["authorization"].to_str().unwrap().contains(region), "{:?}", requests[1].headers);
    }
}
