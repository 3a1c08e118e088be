//! Tells people outside of the cluster what they would want to know of a release: a POST to a webhook, as JSON or in Slack's shape.
//!
//! Nothing waits for it: messages queue up in a bounded queue, and are tried a few times. The URL is a secret, since whoever
//! knows it may write to the channel: it is never logged.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinSet,
    time::timeout,
};

use crate::metrics::Metrics;

/// So many messages may wait; more would be news of yesterday.
const QUEUE: usize = 64;
/// For one attempt.
const DEADLINE: Duration = Duration::from_secs(10);
/// Attempts for one message.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_secs(1);
/// For everything that is left when the process ends. With the last traces it has to fit into the pod's grace period.
pub const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a message looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A JSON object with a field for each part.
    #[default]
    Json,
    /// `{"text": …}`, as incoming webhooks of Slack and Mattermost take it.
    Slack,
}

/// Something that happened to an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment.
    pub environment: String,
    /// Its tier.
    pub tier: String,
    /// Id of the release under way, or else of the one that serves; empty before the first.
    pub release: String,
    /// Short, stable word.
    pub reason: String,
    /// Whether a person should look at it.
    pub warning: bool,
    /// What happened, and what to do next.
    pub message: String,
    /// When, as RFC 3339.
    pub time: String,
}

/// Where messages are handed in; a notifier without a webhook takes them and does nothing.
#[derive(Debug, Clone)]
pub struct Notifier {
    queue: Option<mpsc::Sender<Message>>,
    metrics: Arc<Metrics>,
}

/// The task that sends what was handed in.
#[derive(Debug, Default)]
pub struct Delivery(JoinSet<()>);

/// Why messages cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// It is no address.
    #[error("NOTIFY_URL is no http:// or https:// URL: write the webhook's whole address, or remove it")]
    Url,
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client for NOTIFY_URL: {0}")]
    Client(#[from] reqwest::Error),
}

impl Notifier {
    /// A notifier, and the task of its own in which it sends; without a URL nothing is sent.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn start(
        url: Option<&SecretString>,
        format: Format,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Delivery), NotifyError> {
        let mut delivery = Delivery::default();
        let Some(url) = url.filter(|url| !url.expose_secret().trim().is_empty()) else {
            return Ok((Self { queue: None, metrics }, delivery));
        };
        let webhook = Webhook::new(url, format)?;
        let (queue, messages) = mpsc::channel(QUEUE);
        delivery.0.spawn(send_all(webhook, messages, Arc::clone(&metrics)));
        Ok((Self { queue: Some(queue), metrics }, delivery))
    }

    /// Hands a message in. It is dropped, and counted, when too many wait.
    pub fn tell(&self, message: Message) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(message) | TrySendError::Closed(message)) = queue.try_send(message) {
            tracing::warn!(reason = message.reason, environment = message.environment, "a notification was dropped");
            self.metrics.notified("dropped");
        }
    }
}

impl Delivery {
    /// Sends what still waits, once every [`Notifier`] is gone; says whether all of it was sent or given up in time.
    pub async fn finish(mut self, within: Duration) -> bool {
        let ended = timeout(within, async { while self.0.join_next().await.is_some() {} }).await.is_ok();
        if !ended {
            tracing::warn!("the last notifications could not be sent in time");
        }
        ended
    }
}

async fn send_all(webhook: Webhook, mut messages: mpsc::Receiver<Message>, metrics: Arc<Metrics>) {
    while let Some(message) = messages.recv().await {
        let outcome = webhook.send(&message).await;
        metrics.notified(if outcome.is_ok() { "sent" } else { "failed" });
        if let Err(why) = outcome {
            tracing::warn!(why, reason = message.reason, environment = message.environment, "nobody was notified");
        }
    }
}

struct Webhook {
    client: reqwest::Client,
    url: Url,
    format: Format,
    pause: Duration,
}

impl Webhook {
    fn new(url: &SecretString, format: Format) -> Result<Self, NotifyError> {
        let url = Url::parse(url.expose_secret().trim()).map_err(|_| NotifyError::Url)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(NotifyError::Url);
        }
        let client =
            reqwest::Client::builder().timeout(DEADLINE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, url, format, pause: PAUSE })
    }

    /// Tries until it is taken, refused for good, or has been tried often enough; says why it was not taken.
    async fn send(&self, message: &Message) -> Result<(), String> {
        let body = body(self.format, message);
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(self.pause * 2_u32.pow(attempt - 1)).await;
            }
            match self.client.post(self.url.clone()).json(&body).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if is_final(answer.status()) => {
                    return Err(format!("the webhook answered {}", answer.status()));
                }
                Ok(answer) => last = format!("the webhook answered {}", answer.status()),
                // Its own words hold the URL.
                Err(error) if error.is_timeout() => "the webhook does not answer in time".clone_into(&mut last),
                Err(_) => "the webhook cannot be reached".clone_into(&mut last),
            }
        }
        Err(format!("{last}, {ATTEMPTS} times"))
    }
}

/// A client's mistake stays one; a busy server may have time later.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT
}

fn body(format: Format, message: &Message) -> Value {
    match format {
        Format::Json => json!(message),
        Format::Slack => {
            let sign = if message.warning { ":warning:" } else { ":white_check_mark:" };
            let Message { namespace, environment, reason, .. } = message;
            json!({ "text": format!("{sign} *{namespace}/{environment}* {reason}: {}", escaped(&message.message)) })
        }
    }
}

/// The three characters that mean something to Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn message(text: &str) -> Message {
        let [namespace, environment, tier, release, reason] =
            ["chat", "prod", "prod", "0123456789", "RolledBack"].map(str::to_owned);
        let time = "2026-01-01T00:00:00Z".to_owned();
        Message { namespace, environment, tier, release, reason, warning: true, message: text.to_owned(), time }
    }

    /// A webhook that answers with these, one after the other, and then with 200; and what it was sent.
    async fn webhook(answers: &'static [u16], format: Format) -> (Webhook, Arc<Mutex<Vec<Value>>>, JoinSet<()>) {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = SecretString::from(format!("http://{}/secret-path", listener.local_addr().unwrap()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let answer = move |axum::Json(body): axum::Json<Value>| {
            let mut log = log.lock().unwrap();
            let status = answers.get(log.len()).copied().unwrap_or(200);
            log.push(body);
            async move { axum::http::StatusCode::from_u16(status).unwrap() }
        };
        let app = axum::Router::new().route("/secret-path", axum::routing::post(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let webhook = Webhook { pause: Duration::from_millis(1), ..Webhook::new(&url, format).unwrap() };
        (webhook, seen, tasks)
    }

    #[tokio::test]
    async fn what_is_not_taken_at_once_is_tried_again_and_what_is_refused_is_not() {
        let table: [(&[u16], usize, Result<(), &str>); 4] = [
            (&[], 1, Ok(())),
            (&[500, 429], 3, Ok(())),
            (&[404], 1, Err("the webhook answered 404 Not Found")),
            (&[503; 9], 5, Err("the webhook answered 503 Service Unavailable, 5 times")),
        ];
        for (answers, attempts, expected) in table {
            let (webhook, seen, _tasks) = webhook(answers, Format::Json).await;
            let outcome = webhook.send(&message("it was taken back")).await;
            assert_eq!(outcome.as_ref().map_err(String::as_str), expected.as_ref().map_err(|why| *why), "{answers:?}");
            assert_eq!(seen.lock().unwrap().len(), attempts, "{answers:?}");
        }
    }

    /// A message of a release that failed must not be lost because the operator is upgraded in the same moment.
    #[tokio::test]
    async fn what_waits_when_the_operator_ends_is_sent_and_a_webhook_that_hangs_does_not_hold_it_up() {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let hook = async |delay| {
            let answer = wiremock::ResponseTemplate::new(200).set_delay(delay);
            let server = wiremock::MockServer::start().await;
            wiremock::Mock::given(wiremock::matchers::method("POST")).respond_with(answer).mount(&server).await;
            server
        };
        let table = [(Duration::from_millis(50), LAST_WORDS * 10, true, 3), (DEADLINE * 60, PAUSE / 10, false, 1)];
        for (delay, within, ends, most) in table {
            let server = hook(delay).await;
            let url = SecretString::from(server.uri());
            let (notifier, delivery) = Notifier::start(Some(&url), Format::Json, Arc::default()).unwrap();
            for text in ["first", "second", "third"] {
                notifier.tell(message(text));
            }
            drop(notifier);
            assert_eq!(delivery.finish(within).await, ends, "{delay:?}");
            let sent = server.received_requests().await.unwrap();
            assert!(if ends { sent.len() == most } else { sent.len() <= most }, "{delay:?}: {sent:?}");
        }
    }

    #[tokio::test]
    async fn each_format_says_where_what_and_why() {
        let (webhook_json, seen, _tasks) = webhook(&[], Format::Json).await;
        webhook_json.send(&message("9 % <failed>")).await.unwrap();
        assert_eq!(
            seen.lock().unwrap()[0],
            json!({"namespace": "chat", "environment": "prod", "tier": "prod", "release": "0123456789", "reason": "RolledBack",
                "warning": true, "message": "9 % <failed>", "time": "2026-01-01T00:00:00Z"})
        );
        let (slack, seen, _tasks) = webhook(&[], Format::Slack).await;
        slack.send(&message("9 % <failed>")).await.unwrap();
        let expected = ":warning: *chat/prod* RolledBack: 9 % &lt;failed&gt;";
        assert_eq!(seen.lock().unwrap()[0], json!({ "text": expected }));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_told_without_the_address() {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let nobody = SecretString::from("http://127.0.0.1:9/secret-path");
        let webhook = Webhook { pause: Duration::ZERO, ..Webhook::new(&nobody, Format::Json).unwrap() };
        assert_eq!(webhook.send(&message("")).await, Err("the webhook cannot be reached, 5 times".to_owned()));
        for url in ["hooks.example.org", "file:///etc/passwd", "https://"] {
            let error = Webhook::new(&SecretString::from(url), Format::Json).err().unwrap().to_string();
            assert!(error.starts_with("NOTIFY_URL is no http") && !error.contains("passwd"), "{error}");
        }
    }

    #[tokio::test]
    async fn too_many_messages_are_dropped_and_counted_and_nobody_waits() {
        let (queue, _messages) = mpsc::channel(1);
        let notifier = Notifier { queue: Some(queue), metrics: Arc::new(Metrics::default()) };
        notifier.tell(message("first"));
        notifier.tell(message("second"));
        let text = notifier.metrics.encode().unwrap();
        assert!(text.contains("chatbot_operator_notifications_total{outcome=\"dropped\"} 1"), "{text}");
    }
}
