use chatbot::store::{
    StoreError, api_keys,
    chunks::{self, Chunk},
    conversations, document_versions, documents,
    documents::Status,
    messages::{self, NewMessage, Role, Wanted},
    users,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{app, document, migrated, user};

fn question(conversation_id: Uuid, content: &str) -> NewMessage<'_> {
    NewMessage {
        id: Uuid::now_v7(),
        conversation_id,
        role: Role::User,
        content,
        sources: json!([]),
        model: None,
        prompt_tokens: None,
        completion_tokens: None,
        finish_reason: None,
    }
}

#[tokio::test]
async fn constraint_names_become_errors_that_a_caller_understands() {
    let database = migrated().await;
    let owner = user(&database).await;
    let app = app(&database, "http://127.0.0.1:1");
    document(&app, &owner, b"once").await;

    let twice = users::create(&database.pool, "sara").await.unwrap_err();
    assert!(matches!(twice, StoreError::UserExists), "{twice}");
    let nameless = users::create(&database.pool, "").await.unwrap_err();
    assert!(matches!(&nameless, StoreError::Check(rule) if rule == "users_name_length"), "{nameless}");
    let orphan = messages::create(&database.pool, &question(Uuid::now_v7(), "hi")).await.unwrap_err();
    assert!(matches!(orphan, StoreError::ParentMissing("conversation")), "{orphan}");
    let known = documents::find_by_sha256(&database.pool, owner.id, &hex::encode([0; 32])).await.unwrap();
    assert_eq!(known, None);
}

#[tokio::test]
async fn an_unreachable_database_is_worth_another_try() {
    let database = migrated().await;
    database.pool.close().await;
    let error = users::find_by_name(&database.pool, "sara").await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_conversation_is_its_owner_s_alone() {
    let database = migrated().await;
    let owner = user(&database).await;
    let stranger = users::create(&database.pool, "omar").await.unwrap();
    let conversation = conversations::create(&database.pool, owner.id, "سلام").await.unwrap();
    let find = async |who| conversations::find(&database.pool, who, conversation.id).await.unwrap();
    assert_eq!(find(owner.id).await, Some(conversation.clone()));
    assert_eq!(find(stranger.id).await, None);
    assert!(!conversations::delete(&database.pool, stranger.id, conversation.id).await.unwrap());
    assert!(conversations::delete(&database.pool, owner.id, conversation.id).await.unwrap());
}

#[tokio::test]
async fn messages_come_back_in_order_and_page_by_page() {
    let database = migrated().await;
    let owner = user(&database).await;
    let conversation = conversations::create(&database.pool, owner.id, "t").await.unwrap();
    for content in ["one", "two", "three"] {
        messages::create(&database.pool, &question(conversation.id, content)).await.unwrap();
    }
    let contents = |page: &[messages::Message]| page.iter().map(|message| message.content.clone()).collect::<Vec<_>>();
    let first = messages::list(&database.pool, conversation.id, Wanted::Standing, None, 2).await.unwrap();
    let second = messages::list(
        &database.pool,
        conversation.id,
        Wanted::Standing,
        first.last().map(messages::Message::place),
        2,
    )
    .await
    .unwrap();
    assert_eq!((contents(&first), contents(&second)), (vec!["one".into(), "two".into()], vec!["three".into()]));
    let latest = messages::latest(&database.pool, conversation.id, None, 2).await.unwrap();
    assert_eq!(contents(&latest), ["two", "three"]);
    let updated = conversations::find(&database.pool, owner.id, conversation.id).await.unwrap().unwrap();
    assert!(updated.updated_at > conversation.updated_at, "the conversation moves to the top of the list");
}

#[tokio::test]
async fn an_answer_that_is_kept_after_its_document_was_deleted_holds_no_passage_of_it() {
    let database = migrated().await;
    let owner = user(&database).await;
    let document = document(&app(&database, "http://127.0.0.1:1"), &owner, b"text").await;
    let conversation = conversations::create(&database.pool, owner.id, "t").await.unwrap();
    let source = |id: Uuid| json!({"documentId": id, "title": "t", "heading": "h", "text": "x"});
    let sources = json!([source(document.id), source(Uuid::now_v7())]);
    let answer = NewMessage { role: Role::Assistant, sources, ..question(conversation.id, "answer") };
    let stored = messages::create(&database.pool, &answer).await.unwrap();
    let texts = |sources: &serde_json::Value| [sources[0]["text"].clone(), sources[1]["text"].clone()];
    assert_eq!(texts(&stored.sources), [json!("x"), json!("")]);
    assert_eq!(messages::create(&database.pool, &answer).await.unwrap().id, answer.id, "keeping it again is fine");
    let theirs = documents::Document { user_id: Uuid::now_v7(), ..document.clone() };
    messages::forget_document(&database.pool, &theirs).await.unwrap();
    let kept =
        async || messages::list(&database.pool, conversation.id, Wanted::All, None, 9).await.unwrap().remove(0).sources;
    assert_eq!(texts(&kept().await), [json!("x"), json!("")], "another user's answers are not touched");
    messages::forget_document(&database.pool, &document).await.unwrap();
    assert_eq!(texts(&kept().await), [json!(""), json!("")]);
    assert_eq!(messages::list(&database.pool, conversation.id, Wanted::All, None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn replacing_chunks_twice_leaves_them_once() {
    let database = migrated().await;
    let owner = user(&database).await;
    let document = document(&app(&database, "http://127.0.0.1:1"), &owner, b"text").await;
    let chunk = |ordinal: i32| Chunk {
        id: Uuid::from_u128(u128::from(ordinal.unsigned_abs()) + 1),
        document_id: document.id,
        ordinal,
        heading: (ordinal == 0).then(|| "Title".to_owned()),
        text: format!("chunk {ordinal}"),
        start_char: 0,
        end_char: 4,
    };
    for chunks in [vec![chunk(0), chunk(1), chunk(2)], vec![chunk(0), chunk(1)], vec![chunk(0), chunk(1)]] {
        let mut tx = database.pool.begin().await.unwrap();
        chunks::replace(&mut tx, document.id, &chunks).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(chunks::list(&database.pool, document.id).await.unwrap(), chunks);
    }
    let found = chunks::find_many(&database.pool, owner.id, &[chunk(0).id]).await.unwrap();
    assert_eq!((found.len(), found[0].title.as_str(), &found[0].chunk), (1, document.title.as_str(), &chunk(0)));
    let stranger = chunks::find_many(&database.pool, Uuid::now_v7(), &[chunk(0).id]).await.unwrap();
    assert_eq!(stranger, [], "chunks are their owner's alone");
}

#[tokio::test]
async fn a_failed_document_says_why_and_a_ready_one_says_nothing() {
    let database = migrated().await;
    let owner = user(&database).await;
    let id = document(&app(&database, "http://127.0.0.1:1"), &owner, b"text").await.id;
    let state = async || {
        let document = documents::get(&database.pool, id).await.unwrap().unwrap();
        (document.status, document.error, document.chunk_count)
    };
    assert_eq!(state().await, (Status::Pending, None, 0));
    documents::mark_failed(&database.pool, id, "not text").await.unwrap();
    assert_eq!(state().await, (Status::Failed, Some("not text".to_owned()), 0));
    documents::mark_ready(&database.pool, id, 3).await.unwrap();
    assert_eq!(state().await, (Status::Ready, None, 3));
}

#[tokio::test]
async fn only_a_document_that_is_still_as_it_was_seen_waits_again() {
    let database = migrated().await;
    let owner = user(&database).await;
    let seen = document(&app(&database, "http://127.0.0.1:1"), &owner, b"text").await;
    documents::mark_ready(&database.pool, seen.id, 3).await.unwrap();
    assert!(!documents::mark_pending(&database.pool, &seen).await.unwrap(), "it became ready meanwhile");
    let ready = documents::get(&database.pool, seen.id).await.unwrap().unwrap();
    assert!(documents::mark_pending(&database.pool, &ready).await.unwrap());
    assert!(!documents::mark_pending(&database.pool, &ready).await.unwrap(), "another was quicker");
    document_versions::delete(&database.pool, owner.id, seen.id).await.unwrap();
    assert!(!documents::mark_pending(&database.pool, &seen).await.unwrap(), "it was deleted meanwhile");
}

#[tokio::test]
async fn a_release_works_on_while_the_next_one_adds_columns_to_its_tables() {
    let database = migrated().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let owner = user(&database).await;
    let conversation = conversations::create(&mut *connection, owner.id, "t").await.unwrap();
    let look = async |connection: &mut sqlx::PgConnection| {
        conversations::find(&mut *connection, owner.id, conversation.id).await.unwrap().unwrap();
        messages::create(&mut *connection, &question(conversation.id, "hi")).await.unwrap();
        assert!(!messages::latest(&mut *connection, conversation.id, None, 10).await.unwrap().is_empty());
        documents::list(&mut *connection, owner.id, None, 10).await.unwrap();
        api_keys::list(&mut *connection, Some(owner.id)).await.unwrap();
    };
    look(&mut connection).await;
    for table in ["conversations", "messages", "documents", "chunks", "api_keys"] {
        let add = format!("ALTER TABLE {table} ADD COLUMN of_the_next_release text");
        sqlx::raw_sql(sqlx::AssertSqlSafe(add)).execute(&database.pool).await.unwrap();
    }
    look(&mut connection).await;
}
