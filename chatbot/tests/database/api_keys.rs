use chatbot::store::{StoreError, api_keys};
use jiff::{Timestamp, ToSpan};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::support::{migrated, user};

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_key_opens_the_door_for_its_owner_until_it_expires_or_is_revoked() {
    let database = migrated().await;
    let owner = user(&database).await;
    let secret = api_keys::from_random([7; 32]);
    let expires = now() + 1.hour();
    let key = api_keys::create(&database.pool, owner.id, "test", secret.expose_secret(), Some(expires)).await.unwrap();
    let enter = async |text: &str, at| api_keys::authenticate(&database.pool, text, at).await.unwrap();

    let caller = enter(secret.expose_secret(), now()).await.expect("the key works");
    assert_eq!((caller.key_id, caller.user_id, caller.user_name.as_str()), (key.id, owner.id, "sara"));
    assert_eq!(enter("cbk_unknown", now()).await, None);
    assert_eq!(enter(&key.prefix, now()).await, None, "what lists show opens nothing");
    assert_eq!(enter(secret.expose_secret(), expires).await, None, "it is expired at its time");

    assert_eq!(api_keys::revoke(&database.pool, &key.prefix, now()).await.unwrap().len(), 1);
    assert_eq!(enter(secret.expose_secret(), now()).await, None, "it is revoked");
    let again = api_keys::revoke(&database.pool, &key.prefix, now()).await.unwrap();
    assert!(again.is_empty(), "it cannot be revoked twice");
}

#[tokio::test]
async fn the_database_never_holds_a_key() {
    let database = migrated().await;
    let owner = user(&database).await;
    let secret = api_keys::from_random([9; 32]);
    api_keys::create(&database.pool, owner.id, "test", secret.expose_secret(), None).await.unwrap();
    let row: String =
        sqlx::query_scalar("SELECT to_jsonb(k)::text FROM api_keys k").fetch_one(&database.pool).await.unwrap();
    let hidden = &secret.expose_secret()[12..];
    assert!(!row.contains(hidden));
    let bytes: Vec<u8> = sqlx::query_scalar("SELECT hash FROM api_keys").fetch_one(&database.pool).await.unwrap();
    assert_eq!(bytes.len(), 32);
}

#[tokio::test]
async fn use_is_noted_once_a_minute() {
    let database = migrated().await;
    let owner = user(&database).await;
    let secret = api_keys::from_random([1; 32]);
    api_keys::create(&database.pool, owner.id, "test", secret.expose_secret(), None).await.unwrap();
    let last_used_after = async |at| {
        api_keys::authenticate(&database.pool, secret.expose_secret(), at).await.unwrap().unwrap();
        api_keys::list(&database.pool, Some(owner.id)).await.unwrap()[0].last_used_at
    };
    assert_eq!(last_used_after(now()).await, Some(now()));
    assert_eq!(last_used_after(now() + 30.seconds()).await, Some(now()));
    assert_eq!(last_used_after(now() + 61.seconds()).await, Some(now() + 61.seconds()));
}

#[tokio::test]
async fn a_key_needs_an_owner() {
    let database = migrated().await;
    let error = api_keys::create(&database.pool, Uuid::now_v7(), "test", "cbk_x", None).await.unwrap_err();
    assert!(matches!(error, StoreError::ParentMissing("user")), "{error}");
}
