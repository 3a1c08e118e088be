//! What a person may set on the operator's command line or in its environment.

use std::net::SocketAddr;

use secrecy::SecretString;

use crate::notify;

/// Flags of `chatbot-operator run`; each can be given as an environment variable instead.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Namespaces to work in, separated by commas; empty means all of them
    #[arg(long, env = "WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// Namespace that holds the leader-election Lease
    #[arg(long, env = "POD_NAMESPACE", default_value = "chatbot-system")]
    pub pod_namespace: String,

    /// Name of that Lease: replicas of one installation share it, and nobody else
    #[arg(long, env = "LEASE_NAME", default_value = crate::lease::NAME)]
    pub lease_name: String,

    /// Name under which this process holds the Lease; default: the host's name and the process id
    #[arg(long, env = "POD_NAME")]
    pub pod_name: Option<String>,

    /// Which log lines to write: error, warn, info, debug, trace, or a filter such as `info,kube=debug`
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,

    /// Where /healthz, /readyz and /metrics are served
    #[arg(long, env = "HTTP_ADDR", default_value = "0.0.0.0:8080")]
    pub http_addr: SocketAddr,

    /// Webhook that is told of releases: that they serve, wait for a person, failed or were taken back. A secret
    #[arg(long, env = "NOTIFY_URL", hide_env_values = true, value_name = "URL")]
    pub notify_url: Option<SecretString>,

    /// Shape of what it is sent
    #[arg(long, env = "NOTIFY_FORMAT", value_enum, default_value_t)]
    pub notify_format: notify::Format,

    /// Collector that is sent a trace of each release, by OTLP over HTTP, such as http://otel:4318
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

impl Config {
    /// The namespaces to watch, in order and each once; `[None]` means the whole cluster.
    #[must_use]
    pub fn scopes(&self) -> Vec<Option<String>> {
        let mut names: Vec<String> = self.watch_namespaces.iter().map(|name| name.trim().to_owned()).collect();
        names.retain(|name| !name.is_empty());
        names.sort();
        names.dedup();
        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() }
    }

    /// The name that tells this process from every other replica.
    #[must_use]
    pub fn identity(&self) -> String {
        let host = || std::env::var("HOSTNAME").unwrap_or_else(|_| "chatbot-operator".to_owned());
        self.pod_name
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("{}-{}", host(), std::process::id()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: super::Config,
    }

    fn scopes(arguments: &[&str]) -> Vec<Option<String>> {
        Cli::parse_from([&["operator"], arguments].concat()).config.scopes()
    }

    #[test]
    fn an_empty_list_means_the_whole_cluster() {
        assert_eq!(scopes(&[]), vec![None]);
        assert_eq!(scopes(&["--watch-namespaces="]), vec![None]);
    }

    #[test]
    fn each_namespace_is_watched_once() {
        assert_eq!(scopes(&["--watch-namespaces=b, a,b,"]), vec![Some("a".to_owned()), Some("b".to_owned())]);
    }
}
