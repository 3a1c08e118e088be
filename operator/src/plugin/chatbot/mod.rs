//! The way into a running chatbot: a tunnel to one of its pods, an API key, and HTTP.

mod key;
pub mod sse;
pub mod tunnel;

use std::time::Duration;

use clap::Args;
use kube::ResourceExt;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};

use self::tunnel::Tunnel;
use super::{
    PluginError,
    error::with_causes,
    target::{self, Target},
};
use crate::{crd::ChatbotEnvironment, resources::labels::Component};

const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence: a model on a small machine takes its time before the first word.
const SILENCE: Duration = Duration::from_mins(2);

/// Who asks.
#[derive(Debug, Args)]
pub struct KeyOptions {
    /// API key; without one a key of ten minutes is made in the app pod
    #[arg(long, env = "CHATBOT_API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: Option<SecretString>,
    /// User for whom that key is made; documents belong to users
    #[arg(long, default_value = "admin")]
    user: String,
}

/// A chatbot that can be asked.
pub struct Session {
    pod: String,
    tunnel: Tunnel,
    http: Client,
    key: SecretString,
}

impl Session {
    /// Finds a ready app pod of the active colour, makes a key if need be, and opens the tunnel.
    ///
    /// # Errors
    /// When no pod is ready, or the user may not reach it.
    pub async fn open(
        target: &Target,
        environment: &ChatbotEnvironment,
        options: &KeyOptions,
    ) -> Result<Self, PluginError> {
        let pod = ready_pod(target, environment).await?;
        let key = match &options.api_key {
            Some(key) => key.clone(),
            None => key::make(target.api(), &pod, &options.user).await?,
        };
        let tunnel = Tunnel::open(target.api(), &pod, tunnel::APP, tunnel::ANY).await?;
        let http =
            Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).no_proxy().pool_max_idle_per_host(0);
        let http = http.build().map_err(|error| no_answer(&pod, &error))?;
        Ok(Self { pod, tunnel, http, key })
    }

    /// A request with the key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.tunnel.url(path)).bearer_auth(self.key.expose_secret())
    }

    /// A request with the key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.tunnel.url(path)).bearer_auth(self.key.expose_secret())
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// When there is none, or the chatbot refuses.
    pub async fn json<T: serde::de::DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, PluginError> {
        self.send(request).await?.json().await.map_err(|error| no_answer(&self.pod, &error))
    }

    /// The answer as server-sent events.
    ///
    /// # Errors
    /// As [`Session::json`].
    pub async fn events(&self, request: RequestBuilder) -> Result<Events<'_>, PluginError> {
        let response = self.send(request).await?;
        Ok(Events { session: self, response, parser: sse::Parser::default() })
    }

    /// The error of an answer that ends too early.
    #[must_use]
    pub fn broke_off(&self, cause: &str) -> PluginError {
        PluginError::NoAnswer { pod: self.pod.clone(), cause: cause.to_owned() }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, PluginError> {
        let response = request.send().await.map_err(|error| no_answer(&self.pod, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Err(PluginError::Refused(refusal(&body).unwrap_or_else(|| status.to_string())))
    }
}

/// An answer in the making.
pub struct Events<'a> {
    session: &'a Session,
    response: Response,
    parser: sse::Parser,
}

impl Events<'_> {
    /// The next event; nothing at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<sse::Event>, PluginError> {
        loop {
            if let Some(event) = self.parser.take() {
                return Ok(Some(event));
            }
            match self.response.chunk().await.map_err(|error| no_answer(&self.session.pod, &error))? {
                Some(chunk) => self.parser.push(&chunk).map_err(|cause| self.session.broke_off(cause))?,
                None => return Ok(None),
            }
        }
    }
}

fn no_answer(pod: &str, error: &reqwest::Error) -> PluginError {
    PluginError::NoAnswer { pod: pod.to_owned(), cause: with_causes(error) }
}

/// What a problem document says.
fn refusal(body: &str) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = |field: &str| problem.get(field)?.as_str().map(ToOwned::to_owned);
    match (text("title"), text("detail")) {
        (Some(title), Some(detail)) if title != detail => Some(format!("{title}: {detail}")),
        (title, detail) => title.or(detail),
    }
}

async fn ready_pod(target: &Target, environment: &ChatbotEnvironment) -> Result<String, PluginError> {
    let name = environment.name_any();
    let colour = target::active(environment)?;
    let pods = target.pods(&name, Component::App, Some(colour)).await?;
    let ready = pods.iter().find(|pod| target::is_ready(pod)).map(ResourceExt::name_any);
    ready.ok_or_else(|| PluginError::NoPod {
        name,
        namespace: target.namespace.clone(),
        wanted: format!("ready {} app", colour.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_chatbots_words() {
        let body = r#"{"type":"urn:x","title":"Unauthorized","status":401,"detail":"send a key"}"#;
        assert_eq!(refusal(body).unwrap(), "Unauthorized: send a key");
        assert_eq!(refusal("<html>"), None);
    }
}
