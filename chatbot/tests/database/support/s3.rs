//! What stands in an S3 server's place: it keeps objects in memory.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
};

use wiremock::{Mock, MockServer, Request, ResponseTemplate, http::Method, matchers::any};

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    corrupts: bool,
}

pub(crate) struct S3 {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

/// A server with an empty bucket.
pub(crate) async fn s3() -> S3 {
    let (server, state) = (MockServer::start().await, Arc::new(Mutex::new(State::default())));
    let kept = Arc::clone(&state);
    Mock::given(any())
        .respond_with(move |request: &Request| answer(&mut kept.lock().unwrap(), request))
        .mount(&server)
        .await;
    S3 { server, state }
}

impl S3 {
    pub(crate) fn url(&self) -> String {
        self.server.uri()
    }

    /// From now on one bit of what it gives back is another one, at the end of the object.
    pub(crate) fn corrupt(&self) {
        self.state.lock().unwrap().corrupts = true;
    }

    /// Keys, without the bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn put(&self, key: &str) {
        self.state.lock().unwrap().objects.insert(key.to_owned(), Vec::new());
    }
}

fn answer(state: &mut State, request: &Request) -> ResponseTemplate {
    let key = request.url.path().trim_start_matches('/').split_once('/').map_or("", |(_bucket, key)| key).to_owned();
    match request.method {
        Method::POST => delete(state, &String::from_utf8_lossy(&request.body)),
        Method::PUT => put(state, key, request),
        Method::GET if key.is_empty() => {
            let prefix = request.url.query_pairs().find(|(name, _)| name == "prefix").expect("a list has a prefix").1;
            list(state, &prefix)
        }
        Method::GET | Method::HEAD => get(state, &key, request),
        _ => panic!("the stand-in knows no {} {}", request.method, request.url),
    }
}

fn delete(state: &mut State, body: &str) -> ResponseTemplate {
    let keys = body.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>")).map(|(key, _)| key);
    let mut deleted = String::new();
    for key in keys {
        state.objects.remove(key);
        write!(deleted, "<Deleted><Key>{key}</Key></Deleted>").unwrap();
    }
    xml(&format!("<DeleteResult>{deleted}</DeleteResult>"))
}

fn list(state: &State, prefix: &str) -> ResponseTemplate {
    let mut entries = String::new();
    for (key, content) in state.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let (size, time) = (content.len(), "2026-01-01T00:00:00Z");
        write!(entries, "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{time}</LastModified></Contents>")
            .unwrap();
    }
    xml(&format!("<ListBucketResult>{entries}</ListBucketResult>"))
}

/// What is there already is not replaced by who asks for that.
fn put(state: &mut State, key: String, request: &Request) -> ResponseTemplate {
    if request.headers.contains_key("if-none-match") && state.objects.contains_key(&key) {
        return ResponseTemplate::new(412);
    }
    state.objects.insert(key, request.body.clone());
    ResponseTemplate::new(200).insert_header("ETag", "\"whole\"")
}

fn get(state: &State, key: &str, request: &Request) -> ResponseTemplate {
    let Some(content) = state.objects.get(key) else { return ResponseTemplate::new(404) };
    let mut content = content.clone();
    if let Some(last) = content.last_mut().filter(|_| state.corrupts && key.contains("/data/")) {
        *last ^= 1;
    }
    let answer = |status| {
        let described = ResponseTemplate::new(status).insert_header("ETag", "\"whole\"");
        described.insert_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
    };
    let range =
        request.headers.get("range").and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = range else { return answer(200).set_body_bytes(content) };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let told = format!("bytes {first}-{last}/{}", content.len());
    answer(206).insert_header("Content-Range", told.as_str()).set_body_bytes(&content[first..=last])
}

fn xml(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.as_bytes().to_vec(), "application/xml")
}
