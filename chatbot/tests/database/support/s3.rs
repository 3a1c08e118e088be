//! What stands in an S3 server's place: it keeps objects and unfinished uploads in memory.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
};

use wiremock::{Mock, MockServer, Request, ResponseTemplate, http::Method, matchers::any};

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    /// Key and parts by the upload's id.
    uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    begun: u32,
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

    /// How many uploads were begun, and how many of them are neither complete nor aborted.
    pub(crate) fn uploads(&self) -> (u32, usize) {
        let state = self.state.lock().unwrap();
        (state.begun, state.uploads.len())
    }
}

fn answer(state: &mut State, request: &Request) -> ResponseTemplate {
    let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
    let key = request.url.path().trim_start_matches('/').split_once('/').map_or("", |(_bucket, key)| key).to_owned();
    let upload = query.get("uploadId").cloned();
    match (request.method.clone(), upload) {
        (Method::POST, None) if query.contains_key("uploads") => begin(state, key),
        (Method::POST, None) => delete(state, &String::from_utf8_lossy(&request.body)),
        (Method::PUT, Some(id)) => {
            let number = query["partNumber"].parse().unwrap();
            state.uploads.get_mut(&id).unwrap().1.insert(number, request.body.clone());
            ResponseTemplate::new(200).insert_header("ETag", "\"part\"")
        }
        (Method::POST, Some(id)) => {
            let (key, parts) = state.uploads.remove(&id).unwrap();
            state.objects.insert(key, parts.into_values().flatten().collect());
            xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
        }
        (Method::DELETE, Some(id)) => {
            state.uploads.remove(&id);
            ResponseTemplate::new(204)
        }
        (Method::GET, None) if key.is_empty() => list(state, &query["prefix"]),
        (Method::GET, None) => get(state, &key),
        (method, _) => panic!("the stand-in knows no {method} {}", request.url),
    }
}

fn begin(state: &mut State, key: String) -> ResponseTemplate {
    state.begun += 1;
    let id = format!("upload-{}", state.begun);
    let body = format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
    state.uploads.insert(id, (key, BTreeMap::new()));
    xml(&body)
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

fn get(state: &State, key: &str) -> ResponseTemplate {
    let Some(content) = state.objects.get(key) else { return ResponseTemplate::new(404) };
    let mut content = content.clone();
    if let Some(last) = content.last_mut().filter(|_| state.corrupts) {
        *last ^= 1;
    }
    let answer = ResponseTemplate::new(200).insert_header("ETag", "\"whole\"");
    answer.insert_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT").set_body_bytes(content)
}

fn xml(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.as_bytes().to_vec(), "application/xml")
}
