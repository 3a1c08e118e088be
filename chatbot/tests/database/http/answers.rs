//! Answers in the making: stopped, taken up again, and written anew.

use std::collections::BTreeSet;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_upstream::Step;

use super::world::{World, events, read};
use crate::support::{eventually, redis};

/// Reads a stream until it holds some words.
async fn until(response: &mut Response, words: &str) -> String {
    let mut read = String::new();
    while !read.contains(words) {
        read.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    read
}

fn words(told: &[(String, Value)]) -> String {
    told.iter().filter(|(name, _)| name == "token").map(|(_, data)| data["text"].as_str().unwrap()).collect()
}

/// The numbers of a stream's events, in order.
fn numbers(body: &str) -> Vec<u64> {
    body.lines().filter_map(|line| line.strip_prefix("id: ")).map(|number| number.parse().unwrap()).collect()
}

fn slow(count: usize) -> Step {
    Step::Answer { text: "word ".repeat(count).trim_end().to_owned(), token_delay_ms: 50 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_answer_ends_and_is_kept_as_far_as_it_came() {
    let world = World::new().await;
    world.play(vec![Step::Stall { text: "one two three".to_owned(), after: 2 }]);
    let mut response = world.stream(&json!({"message": "Count."})).await;
    let read_so_far = until(&mut response, "two ").await;
    let start = &events(&read_so_far)[0].1;
    let path = format!("/api/v1/chat/{}/stop", start["messageId"].as_str().unwrap());
    let stranger = world.key_of("omid").await;
    assert_eq!(
        read(world.anonymous(Method::POST, &path).bearer_auth(stranger)).await.0,
        503,
        "without Redis nobody knows"
    );
    assert_eq!(read(world.request(Method::POST, &path)).await.0, 204);
    let rest = response.text().await.unwrap();
    assert_eq!(events(&rest).last().unwrap().1["finishReason"], "stopped", "{rest}");
    let kept = world.messages(&start["conversationId"]).await;
    assert_eq!(kept[1], ("assistant".to_owned(), "one two ".to_owned(), json!("stopped")));
    assert_eq!(read(world.request(Method::POST, &path)).await.0, 204, "what is complete stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pod_stops_an_answer_and_a_stranger_does_not() {
    let redis = redis().await;
    let mut world = World::with(&[("REDIS_URL", &redis.url)]).await;
    let other = world.another_pod().await;
    world.play(vec![Step::Stall { text: "one two three".to_owned(), after: 2 }]);
    let mut response = world.stream(&json!({"message": "Count."})).await;
    let read_so_far = until(&mut response, "two ").await;
    let path = format!("/api/v1/chat/{}/stop", events(&read_so_far)[0].1["messageId"].as_str().unwrap());
    let stranger = world.key_of("omid").await;
    assert_eq!(read(world.anonymous(Method::POST, &path).bearer_auth(stranger)).await.0, 404);
    let stopped = eventually("the copy", async || {
        let status = read(world.request_at(&other, Method::POST, &path)).await.0;
        (status != 404).then_some(status)
    });
    assert_eq!(stopped.await, 204);
    let rest = response.text().await.unwrap();
    assert_eq!(events(&rest).last().unwrap().1["finishReason"], "stopped", "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_taken_up_where_it_was_left_on_another_pod_while_the_answer_goes_on() {
    let redis = redis().await;
    let mut world = World::with(&[("REDIS_URL", &redis.url)]).await;
    let other = world.another_pod().await;
    world.play(vec![slow(60)]);
    let mut response = world.stream(&json!({"message": "Count."})).await;
    let before = until(&mut response, "word").await;
    let id = events(&before)[0].1["messageId"].as_str().unwrap().to_owned();
    let last = *numbers(&before).last().unwrap();
    drop(response);
    let path = format!("/api/v1/chat/{id}/events");
    let resume = world.request_at(&other, Method::GET, &path).header("last-event-id", last.to_string());
    let after = resume.send().await.unwrap().text().await.unwrap();
    let both: Vec<u64> = numbers(&before).into_iter().filter(|number| *number <= last).chain(numbers(&after)).collect();
    let expected: Vec<u64> = (1..).take(both.len()).collect();
    assert_eq!(both, expected, "nothing is missing and nothing comes twice");
    let told: Vec<(String, Value)> = [events(&before), events(&after)].concat();
    assert_eq!(words(&told).split_whitespace().count(), 60);
    assert_eq!(told.last().unwrap().1["finishReason"], "stop");
    let again = world.request_at(&other, Method::GET, &path).send().await.unwrap().text().await.unwrap();
    assert_eq!(numbers(&again), expected, "without a number it is told from its beginning");
    let stranger = world.key_of("omid").await;
    assert_eq!(read(world.anonymous(Method::GET, &path).bearer_auth(stranger)).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_complete_answer_is_told_from_the_database() {
    let world = World::new().await;
    world.says("At nine.");
    let answer = world.ask("When?").await;
    let path = |id: &str| format!("/api/v1/chat/{id}/events");
    let id = answer["messageId"].as_str().unwrap();
    let told = world.request(Method::GET, &path(id)).header("last-event-id", "3").send().await.unwrap();
    let told = events(&told.text().await.unwrap());
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, words(&told).as_str()), (vec!["start", "sources", "token", "done"], "At nine."));
    assert_eq!(told[3].1["finishReason"], "stop");
    let nothing = "018f0000-0000-7000-8000-000000000000";
    assert_eq!(world.get(&path(nothing)).await.0, 503, "it may be in the making on another pod");
    let wrong = world.request(Method::GET, &path(id)).header("last-event-id", "last");
    assert_eq!(read(wrong).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_written_anew_takes_the_place_of_the_old_one_which_is_kept() {
    let world = World::new().await;
    world.says("At nine.");
    let first = world.ask("When does the office open?").await;
    world.says("At ten.");
    let path = |id: &Value| format!("/api/v1/messages/{}/regenerate", id.as_str().unwrap());
    let (status, second) = world.post(&path(&first["messageId"]), &Value::Null).await;
    assert_eq!(
        (status, &second["answer"], &second["conversationId"]),
        (200, &json!("At ten."), &first["conversationId"])
    );
    let asked = world.upstream.requests().pop().unwrap();
    assert!(!asked.to_string().contains("At nine."), "it is no part of the prompt: {asked}");
    let standing = world.messages(&first["conversationId"]).await;
    let texts: Vec<&str> = standing.iter().map(|(_, text, _)| text.as_str()).collect();
    assert_eq!(texts, ["When does the office open?", "At ten."]);
    let list = format!("/api/v1/conversations/{}/messages?replaced=true", first["conversationId"].as_str().unwrap());
    let (_, all) = world.get(&list).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&all["items"][1]["content"], &all["items"][1]["replacedBy"]),
        (&json!("At nine."), &second["messageId"])
    );

    world.says("You asked when.");
    let body = json!({"message": "What did I ask?", "conversationId": first["conversationId"]});
    world.post("/api/v1/chat", &body).await;
    let asked = world.upstream.requests().pop().unwrap().to_string();
    assert!(asked.contains("At ten.") && !asked.contains("At nine."), "{asked}");
    for id in [&first["messageId"], &second["messageId"]] {
        assert_eq!(world.post(&path(id), &Value::Null).await.0, 409, "only the last answer can be written anew");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_got_no_answer_is_answered_and_a_stranger_s_is_not_found() {
    let world = World::new().await;
    let answer = world.ask("When?").await;
    sqlx::query("DELETE FROM messages WHERE role = 'assistant'").execute(&world.app.db).await.unwrap();
    let (_, page) =
        world.get(&format!("/api/v1/conversations/{}/messages", answer["conversationId"].as_str().unwrap())).await;
    let path = format!("/api/v1/messages/{}/regenerate?stream=true", page["items"][0]["id"].as_str().unwrap());
    let stranger = world.key_of("omid").await;
    assert_eq!(read(world.anonymous(Method::POST, &path).bearer_auth(stranger)).await.0, 404);
    world.says("At nine.");
    let told = events(&world.request(Method::POST, &path).send().await.unwrap().text().await.unwrap());
    assert_eq!((words(&told).as_str(), told.last().unwrap().0.as_str()), ("At nine.", "done"));
    assert_eq!(world.messages(&answer["conversationId"]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_answers_that_are_written_anew_at_once_one_stands() {
    let world = World::new().await;
    let first = world.ask("When?").await;
    world.play(vec![slow(3)]);
    let path = format!("/api/v1/messages/{}/regenerate", first["messageId"].as_str().unwrap());
    let again = async || world.post(&path, &Value::Null).await.0;
    let (one, two, three) = tokio::join!(again(), again(), again());
    assert!(BTreeSet::from([one, two, three]).is_subset(&BTreeSet::from([200, 409])), "{one} {two} {three}");
    assert_eq!(world.messages(&first["conversationId"]).await.len(), 2);
}
