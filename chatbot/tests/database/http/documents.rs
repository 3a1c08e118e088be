use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::world::{World, read, stable};
use crate::support::eventually;

/// A form as browsers send it.
fn form(world: &World, parts: &[(&str, &str)]) -> RequestBuilder {
    let part = |(head, text): &(&str, &str)| format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let body: String = parts.iter().map(part).chain(["--x--\r\n".to_owned()]).collect();
    let request = world.request(Method::POST, "/api/v1/documents");
    request.header("content-type", "multipart/form-data; boundary=x").body(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_uploads_a_file_under_its_own_name() {
    let world = World::new().await;
    let file = "name=\"file\"; filename=\"راهنما.md\"\r\nContent-Type: application/octet-stream";
    let parts = [("name=\"note\"", "ignored"), (file, "# راهنما\n\nدفتر ساعت ۸ باز می‌شود.")];
    let (status, document) = read(form(&world, &parts)).await;
    assert_eq!(status, 201, "{document}");
    insta::assert_json_snapshot!(stable(document.clone()));
    let ready = world.status_of(document["id"].as_str().unwrap(), "ready").await;
    assert_eq!(ready["chunks"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_twice_is_one_document() {
    let world = World::new().await;
    let id = world.upload("a.md", "The same text.").await;
    let again = world.request(Method::POST, "/api/v1/documents?title=b.md").header("content-type", "text/plain");
    let (status, document) = read(again.body("The same text.")).await;
    assert_eq!((status, document["id"].as_str().unwrap()), (200, id.as_str()));
    let (_, list) = world.get("/api/v1/documents").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_is_found_and_cited_no_more() {
    let world = World::new().await;
    let id = world.upload("secret.md", "The launch code is swordfish.").await;
    let found = async || world.post("/api/v1/search", &json!({"query": "launch code"})).await.1["results"].take();
    assert_eq!(found().await.as_array().unwrap().len(), 1);
    let path = format!("/api/v1/documents/{id}");
    assert_eq!(world.delete(&path).await, 204);
    assert_eq!((world.get(&path).await.0, found().await), (404, json!([])));
    eventually("its vectors to go", async || {
        let points = world.app.qdrant.count_document(id.parse().unwrap()).await.unwrap();
        (points == 0).then_some(())
    })
    .await;
    assert_eq!(world.ask("What is the launch code?").await["sources"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_leaves_the_sources_of_earlier_answers_and_another_stays_in_them() {
    let world = World::new().await;
    let gone = world.upload("secret.md", "# Codes\n\nThe launch code is swordfish.").await;
    let kept = world.upload("public.md", "# Hours\n\nThe launch office opens at nine.").await;
    world.says("Here [1][2].");
    let answer = world.ask("What is the launch code, and when does the launch office open?").await;
    assert_eq!(answer["sources"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(world.delete(&format!("/api/v1/documents/{gone}")).await, 204);
    let path = format!("/api/v1/conversations/{}/messages", answer["conversationId"].as_str().unwrap());
    let (_, page) = world.get(&path).await;
    let sources = page["items"][1]["sources"].as_array().unwrap();
    let of = |id: &str| sources.iter().find(|source| source["documentId"] == id).unwrap();
    let (gone, kept) = (of(&gone), of(&kept));
    assert_eq!((&gone["text"], &gone["heading"], &gone["title"]), (&json!(""), &json!(null), &json!("secret.md")));
    assert!(kept["text"].as_str().unwrap().contains("opens at nine"), "{kept}");
    assert_eq!(sources[0]["number"], json!(1), "the order stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_deleted_while_the_index_is_down() {
    let mut world = World::new().await;
    let path = format!("/api/v1/documents/{}", world.upload("a.md", "The harbour.").await);
    world.qdrant.take().unwrap().stop().await;
    assert_eq!((world.delete(&path).await, world.get(&path).await.0, world.delete(&path).await), (204, 404, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_document_whose_upload_is_gone_is_mended_by_uploading_it_again() {
    let world = World::new().await;
    let id = world.upload("a.md", "The harbour.").await;
    let db = &world.app.db;
    let key: String = sqlx::query_scalar("UPDATE documents SET status = 'failed', error = 'x' RETURNING object_key")
        .fetch_one(db)
        .await
        .unwrap();
    world.app.objects.delete(&key).await.unwrap();
    let again = world.request(Method::POST, "/api/v1/documents?title=a.md").header("content-type", "text/markdown");
    let (status, document) = read(again.body("The harbour.")).await;
    assert_eq!((status, &document["status"]), (200, &json!("pending")), "{document}");
    world.status_of(&id, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused_with_what_to_send() {
    let world = World::with(&[("MAX_UPLOAD_BYTES", "2048")]).await;
    let table = [
        ("text/markdown", vec![0xff, 0xc0], 422, "UTF-8"),
        ("text/plain;charset=klingon", vec![0xff, 0xc0], 422, "UTF-8"),
        ("text/plain", b"\x89PNG\r\n".to_vec(), 422, "picture"),
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0".to_vec(), 422, ".docx"),
        ("application/zip", b"PK\x03\x04".to_vec(), 422, "ZIP"),
        ("text/markdown", b"  \n".to_vec(), 422, "empty"),
        ("text/plain", b"a\0b".to_vec(), 422, "NUL"),
        ("application/pdf", b"no PDF".to_vec(), 422, "damaged"),
        ("application/json", b"{}".to_vec(), 415, "text/markdown"),
        ("text/plain", vec![b'x'; 100_000], 413, "smaller"),
        ("multipart/form-data", b"no boundary".to_vec(), 400, "boundary"),
    ];
    for (kind, body, expected, words) in table {
        let request = world.request(Method::POST, "/api/v1/documents").header("content-type", kind).body(body);
        let (status, problem) = read(request).await;
        assert_eq!(status, expected, "{kind}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{kind}: {problem}");
    }
    let (status, problem) = read(form(&world, &[("name=\"other\"", "x")])).await;
    assert_eq!((status, &problem["field"]), (422, &json!("file")));
}
