use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use tower::ServiceExt;

use super::*;

async fn ask(path: &str, known: Option<&str>) -> Response {
    let request = Request::builder().method(Method::GET).uri(path);
    let request = match known {
        Some(tag) => request.header("if-none-match", tag),
        None => request,
    };
    let router: Router = routes();
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn every_file_is_served_under_a_type_that_browsers_know() {
    for path in Files::iter() {
        let response = ask(&format!("/assets/{path}"), None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_ne!(response.headers()["content-type"], "application/octet-stream", "{path}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let first = ask("/", None).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = ask("/", Some(&known)).await;
        assert_eq!(
            (again.status(), &again.headers()["etag"]),
            (StatusCode::NOT_MODIFIED, &first.headers()["etag"]),
            "{known}"
        );
    }
    assert_eq!(ask("/", Some("\"other\"")).await.status(), StatusCode::OK);
    assert_eq!(ask("/admin", Some(&tag)).await.status(), StatusCode::OK, "each file has a validator of its own");
}

#[tokio::test]
async fn what_is_not_among_the_files_is_not_there() {
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2fetc%2fpasswd",
    ] {
        assert_eq!(ask(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere_and_run_nothing_that_stands_in_them() {
    for path in ["/", "/admin"] {
        let response = ask(path, None).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        let page = text(response).await;
        for forbidden in ["<style", " style=", " onclick=", " onload=", "://"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        for script in page.split("<script").skip(1) {
            let script = script.strip_prefix(" type=\"module\"").unwrap_or(script);
            assert!(script.starts_with(" src=\"/assets/js/"), "{path}: {script}");
        }
    }
}

#[test]
fn what_comes_from_others_is_never_made_into_html() {
    for path in Files::iter().filter(|path| path.ends_with(".js")) {
        let code = String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap();
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            assert!(!code.contains(forbidden), "{path}: {forbidden}");
        }
    }
}
