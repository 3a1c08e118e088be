//! A running monitor, jobs to look at, and somebody who looks.

use std::time::Duration;

use chatbot::{
    app::App,
    auth::{
        Role, Scopes,
        people::{Newcomer, People},
    },
    clock::Clock,
    monitor,
    store::{
        api_keys,
        audit::Actor,
        users::{self, User},
    },
};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Database, app, app_with, migrated};

pub(super) const PASSWORD: &str = "a password of sara's";

pub(super) struct World {
    pub(super) app: App,
    pub(super) database: Database,
    pub(super) key: String,
    url: String,
    client: reqwest::Client,
    _serving: JoinSet<()>,
}

/// What a browser keeps: the cookie, and the token that is in every page.
pub(super) struct Browser {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let database = migrated().await;
        let app = app(&database, "http://127.0.0.1:1");
        Self::around(database, app).await
    }

    pub(super) async fn of_tier(tier: &str) -> Self {
        let database = migrated().await;
        let app = app_with(
            &database,
            "http://127.0.0.1:1",
            &[("ENVIRONMENT", tier), ("DEBUG", "false"), ("OBJECTS_DIR", "")],
        );
        Self::around(database, app).await
    }

    async fn around(database: Database, app: App) -> Self {
        let (url, serving) = serve(app.clone()).await;
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().timeout(Duration::from_mins(1)).redirect(no_redirects);
        let client = client.build().unwrap();
        let mut world = Self { app, database, key: String::new(), url, client, _serving: serving };
        world.key = world.key_of("sara", Role::Admin).await;
        world
    }

    /// The same monitor at another time.
    pub(super) async fn at(&self, time: jiff::Timestamp) -> (String, JoinSet<()>) {
        let mut app = self.app.clone();
        app.clock = Clock::fixed(time);
        serve(app).await
    }

    pub(super) fn db(&self) -> &PgPool {
        &self.database.pool
    }

    /// A key of a new user, for all that the role allows. The user's password is [`PASSWORD`].
    pub(super) async fn key_of(&self, name: &str, role: Role) -> String {
        let password = Some(SecretString::from(PASSWORD));
        let newcomer = Newcomer { name: name.to_owned(), email: None, role, password };
        let user = People::from(&self.app).create(&Actor::COMMAND_LINE, &newcomer).await.unwrap();
        self.key_for(user.id, Scopes::of(role)).await
    }

    pub(super) async fn sara(&self) -> User {
        users::find_by_name(self.db(), "sara").await.unwrap().unwrap()
    }

    /// Another key of a user.
    pub(super) async fn key_for(&self, user_id: Uuid, scopes: Scopes) -> String {
        let mut bits = [0; 32];
        bits[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        let key = api_keys::from_random(bits);
        let (name, key_text) = ("test", key.expose_secret());
        let new = api_keys::NewKey { user_id, name, key: key_text, scopes, expires_at: None };
        api_keys::create_with(self.db(), &new).await.unwrap();
        key.expose_secret().to_owned()
    }

    pub(super) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) fn elsewhere(&self, url: &str, path: &str) -> RequestBuilder {
        self.client.get(format!("{url}{path}"))
    }

    /// What the JSON API answers to somebody with a key.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.anonymous(Method::GET, path).bearer_auth(&self.key)).await
    }

    pub(super) async fn post(&self, path: &str) -> (u16, Value) {
        read(self.anonymous(Method::POST, path).bearer_auth(&self.key)).await
    }

    pub(super) async fn submit_login(&self, name: &str, password: &str) -> Response {
        let form = encoded(&[("name", name), ("password", password)]);
        form_of(self.anonymous(Method::POST, "/login"), form).send().await.unwrap()
    }

    /// Logs in as `sara`, an admin.
    pub(super) async fn browser(&self) -> Browser {
        self.browser_of("sara").await
    }

    pub(super) async fn browser_of(&self, name: &str) -> Browser {
        let response = self.submit_login(name, PASSWORD).await;
        assert_eq!(response.status(), 303);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = self.page(&cookie, "/").await.1;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Browser { cookie, csrf }
    }

    /// Status and text of a page.
    pub(super) async fn page(&self, cookie: &str, path: &str) -> (u16, String) {
        let response = self.anonymous(Method::GET, path).header("cookie", cookie).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Submits the form of a page's button.
    pub(super) async fn press(&self, browser: &Browser, path: &str) -> Response {
        let request = self.anonymous(Method::POST, path).header("cookie", &browser.cookie);
        form_of(request, encoded(&[("csrf", &browser.csrf)])).send().await.unwrap()
    }

    pub(super) async fn state(&self, id: i64) -> String {
        let state = sqlx::query_scalar("SELECT state::text FROM river_job WHERE id = $1").bind(id);
        state.fetch_one(self.db()).await.unwrap()
    }
}

async fn serve(app: App) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(monitor::serve(app, listener, CancellationToken::new()));
    (url, serving)
}

pub(super) fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(super) fn form_of(request: RequestBuilder, form: String) -> RequestBuilder {
    request.header("content-type", "application/x-www-form-urlencoded").body(form)
}

pub(super) async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// A job, waiting unless changed; fields are columns of River's table in JSON.
pub(super) async fn job(db: &PgPool, changes: Value) -> i64 {
    let mut row = json!({
        "kind": "remove_document", "queue": "low", "state": "available", "attempt": 0, "max_attempts": 25, "priority": 1,
        "args": {"document_id": "01890a5d-ac96-774b-bcce-b302099a8057", "object_key": "documents/x"}, "metadata": {},
        "created_at": "2026-01-01T12:00:00Z", "scheduled_at": "2026-01-01T12:00:00Z", "tags": [],
    });
    row.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let is_over = ["completed", "cancelled", "discarded"].contains(&row["state"].as_str().unwrap());
    if is_over && row["finalized_at"].is_null() {
        row["finalized_at"] = json!(db_now(db).await);
    }
    let insert = "INSERT INTO river_job (kind, queue, state, attempt, max_attempts, priority, args, metadata, created_at, \
          scheduled_at, attempted_at, finalized_at, attempted_by, errors, tags) \
        SELECT kind, queue, state, attempt, max_attempts, priority, args, metadata, created_at, scheduled_at, attempted_at, \
          finalized_at, attempted_by, errors, tags FROM jsonb_populate_record(NULL::river_job, $1) RETURNING id";
    sqlx::query_scalar(insert).bind(row).fetch_one(db).await.unwrap()
}

pub(super) async fn db_now(db: &PgPool) -> String {
    sqlx::query_scalar("SELECT to_jsonb(now()) #>> '{}'").fetch_one(db).await.unwrap()
}

/// A worker that gave its last sign of life so many seconds ago.
pub(super) async fn worker(db: &PgPool, id: &str, queues: Value, kinds: &[&str], silent: f64) {
    sqlx::query(
        "INSERT INTO job_workers (id, release_id, kinds, queues, beaten_at) \
         VALUES ($1, 'r1', $2, $3, clock_timestamp() - make_interval(secs => $4))",
    )
    .bind(id)
    .bind(kinds)
    .bind(queues)
    .bind(silent)
    .execute(db)
    .await
    .unwrap();
}

/// A failed attempt, as River writes it.
pub(super) fn failure(attempt: i32, error: &str) -> Value {
    json!({"at": "2026-01-01T12:00:00Z", "attempt": attempt, "error": error, "trace": ""})
}

/// The same document with what differs from run to run replaced: times, and how long ago something was.
pub(super) fn steady(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| {
                let is_span = name.to_lowercase().ends_with("seconds") && field.is_number();
                (name, if is_span { json!("<seconds>") } else { steady(field) })
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(steady).collect(),
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => json!("<time>"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
