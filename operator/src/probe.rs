//! Asks a pod of the chatbot how it is, and how its users fared.

use std::{fmt, time::Duration};

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::traffic::Traffic;

/// Port on which app and worker answer.
const PORT: u16 = 8000;
/// For the whole question and answer: longer than a pod waits for its services, which is 3 s, so that one that is cut off from
/// all of them can still say so.
const DEADLINE: Duration = Duration::from_secs(5);
/// For an answer of the language model: longer than the server itself waits.
const QUESTION_DEADLINE: Duration = Duration::from_secs(25);
/// A report takes about a kilobyte.
const LARGEST_HEALTH: usize = 64 * 1024;
/// Metrics take a few kilobytes for each route.
const LARGEST_METRICS: usize = 1024 * 1024;

/// What a pod says about itself at `/health`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// ok, degraded or unavailable.
    pub status: String,
    /// Id of the release that it runs.
    #[serde(default)]
    pub release_id: Option<String>,
    /// The database's schema as the pod finds it.
    #[serde(default)]
    pub schema: Option<Schema>,
    /// What it depends on.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// The schema as a pod finds it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// Newest applied version.
    #[serde(default)]
    pub current: Option<String>,
    /// Version that the pod needs.
    #[serde(default)]
    pub required: Option<String>,
    /// Whether the pod can work with it.
    pub compatible: bool,
}

/// Something that a pod depends on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// postgresql, redis, qdrant, objects, llm or embedding.
    pub name: String,
    /// Whether it answers.
    pub healthy: bool,
    /// Whether the pod is of no use without it.
    #[serde(default)]
    pub required: bool,
    /// What was found.
    #[serde(default)]
    pub message: Option<String>,
}

/// Why a pod could not be asked, in words for a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered(pub String);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks pods over plain HTTP inside the cluster.
#[derive(Debug, Clone)]
pub struct Prober {
    client: reqwest::Client,
    port: u16,
}

impl Prober {
    /// A prober for pods of the chatbot.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new() -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .connect_timeout(Duration::from_secs(1))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { client, port: PORT })
    }

    /// Asks on another port than the pods' own, for tests.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// What the pod at this address says about itself, whether it is well (200) or not (503).
    ///
    /// # Errors
    /// When it does not answer, or not as the chatbot does.
    pub async fn health(&self, address: &str) -> Result<Health, Unanswered> {
        let (status, body) = self.get(address, "/health", LARGEST_HEALTH).await?;
        serde_json::from_slice(&body)
            .map_err(|_| Unanswered(format!("/health answered {status}, but not as the chatbot does")))
    }

    /// What the server at this address has answered since it started.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn traffic(&self, address: &str) -> Result<Traffic, Unanswered> {
        match self.get(address, "/metrics", LARGEST_METRICS).await? {
            (StatusCode::OK, body) => Ok(Traffic::read(&String::from_utf8_lossy(&body))),
            (status, _) => Err(Unanswered(format!("/metrics answered {status}"))),
        }
    }

    /// Has the server at this address answer a question, which costs a few words of the language model.
    ///
    /// # Errors
    /// When it gives no answer.
    pub async fn question(&self, address: &str, token: &SecretString) -> Result<(), Unanswered> {
        const PATH: &str = "/health/question";
        let request = self.client.post(self.url(address, PATH)).timeout(QUESTION_DEADLINE);
        let answer = request.bearer_auth(token.expose_secret()).send().await.map_err(|error| reason(PATH, &error))?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            status => Err(Unanswered(format!("{PATH} answered {status}"))),
        }
    }

    fn url(&self, address: &str, path: &str) -> String {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        format!("http://{host}:{}{path}", self.port)
    }

    async fn get(&self, address: &str, path: &str, largest: usize) -> Result<(StatusCode, Vec<u8>), Unanswered> {
        let url = self.url(address, path);
        let mut answer = self.client.get(&url).send().await.map_err(|error| reason(path, &error))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| reason(path, &error))? {
            body.extend_from_slice(&chunk);
            if body.len() > largest {
                return Err(Unanswered(format!("{path} answered more than {} KiB", largest / 1024)));
            }
        }
        Ok((answer.status(), body))
    }
}

/// No addresses: they would make the same trouble a new message with every pod.
fn reason(path: &str, error: &reqwest::Error) -> Unanswered {
    let what = if error.is_timeout() {
        "does not answer in time"
    } else if error.is_connect() {
        "refuses the connection"
    } else {
        "breaks off its answer"
    };
    Unanswered(format!("{path} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pod(status: u16, body: &'static str) -> (Prober, tokio::task::JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let code = axum::http::StatusCode::from_u16(status).unwrap();
        let app = axum::Router::new().route("/health", axum::routing::get(move || async move { (code, body) }));
        #[expect(clippy::disallowed_methods, reason = "the task ends with the test's runtime")]
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let _already = rustls::crypto::ring::default_provider().install_default();
        (Prober::new().unwrap().with_port(port), server)
    }

    #[tokio::test]
    async fn a_pod_that_is_unwell_says_why() {
        let body = r#"{"status":"unavailable","version":"0.1.0","releaseId":"abc","schema":{"current":null,"required":"2","compatible":false},
            "services":[{"name":"postgresql","healthy":false,"required":true,"message":"connection refused","latencyMs":0.5}]}"#;
        let (prober, _server) = pod(503, body).await;
        let health = prober.health("127.0.0.1").await.unwrap();
        assert_eq!(health.release_id.as_deref(), Some("abc"));
        assert_eq!(health.services[0].message.as_deref(), Some("connection refused"));
        assert!(!health.schema.unwrap().compatible);
    }

    #[tokio::test]
    async fn an_answer_of_something_else_is_no_health() {
        let (prober, _server) = pod(200, "<html>").await;
        let message = prober.health("127.0.0.1").await.unwrap_err().to_string();
        assert_eq!(message, "/health answered 200 OK, but not as the chatbot does");
    }

    #[tokio::test]
    async fn a_refused_connection_is_said_without_an_address() {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let prober = Prober::new().unwrap().with_port(9);
        assert_eq!(prober.health("127.0.0.1").await, Err(Unanswered("/health refuses the connection".to_owned())));
    }
}
