//! What can go wrong, each with what to do next.

use std::io;

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No cluster can be chosen.
    #[error("cannot read the kubeconfig: {0}; set KUBECONFIG, or give --kubeconfig or --context")]
    Kubeconfig(String),
    /// A request was refused or failed.
    #[error("cannot {doing}: {cause}")]
    Api {
        /// What was being done.
        doing: String,
        /// What the API server or the connection says.
        cause: String,
    },
    /// The custom resource does not exist in this cluster.
    #[error(
        "the cluster knows no ChatbotEnvironment: install the operator (helm install chatbot-operator), or choose another cluster with --context"
    )]
    NotInstalled,
    /// The namespace has no environment.
    #[error("no ChatbotEnvironment in namespace {namespace}: apply one, or choose another namespace with -n")]
    NoEnvironment {
        /// The namespace.
        namespace: String,
    },
    /// The environment that was named does not exist.
    #[error(
        "no ChatbotEnvironment {name} in namespace {namespace}: see kubectl get chatbotenvironments --all-namespaces"
    )]
    UnknownEnvironment {
        /// The name that was given.
        name: String,
        /// The namespace.
        namespace: String,
    },
    /// More than one environment could be meant.
    #[error("namespace {namespace} has several environments: write which one you mean ({names})")]
    Ambiguous {
        /// The namespace.
        namespace: String,
        /// Their names.
        names: String,
    },
    /// The command has other words than it takes.
    #[error("{0}")]
    Words(String),
    /// What would change cannot be told.
    #[error("cannot tell what would change: {0}")]
    Diff(String),
    /// Nothing serves yet.
    #[error("{name} has no active release yet: see kubectl chatbot status {name} -n {namespace}")]
    NoActiveRelease {
        /// The environment.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// There is no pod to talk to.
    #[error("{name} has no {wanted} pod: see kubectl chatbot doctor {name} -n {namespace}")]
    NoPod {
        /// The environment.
        name: String,
        /// Its namespace.
        namespace: String,
        /// What kind of pod was looked for.
        wanted: String,
    },
    /// There is no task monitor to open.
    #[error("{name} has no task monitor now: {why}")]
    NoMonitor {
        /// The environment.
        name: String,
        /// What the operator says.
        why: String,
    },
    /// A command inside a pod failed.
    #[error("cannot make an API key in pod {pod}: {cause}; give one with --api-key or CHATBOT_API_KEY")]
    Key {
        /// The pod.
        pod: String,
        /// What the command said.
        cause: String,
    },
    /// The chatbot could not be reached or broke off.
    #[error("the chatbot in pod {pod} does not answer: {cause}; see kubectl chatbot logs")]
    NoAnswer {
        /// The pod.
        pod: String,
        /// What happened.
        cause: String,
    },
    /// The chatbot refused.
    #[error("the chatbot refuses: {0}")]
    Refused(String),
    /// A document did not become findable.
    #[error("{0}")]
    Document(String),
    /// What is wanted makes no sense now.
    #[error("{0}; see kubectl chatbot status")]
    Wish(String),
    /// A backup was not made, or not all is well beside it.
    #[error("{0}")]
    Backup(String),
    /// A restore did not come to a good end, or was not begun.
    #[error("{0}")]
    Restore(String),
    /// A local file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A check of `doctor` failed; it has been printed.
    #[error("{0} of the checks failed: do what stands beside them, then run this again")]
    Unhealthy(usize),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl PluginError {
    /// Whether the reader of a pipe, such as `head`, has gone away: no failure.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Of a failed request.
    pub(super) fn api(doing: &str, error: &kube::Error) -> Self {
        let cause = if let kube::Error::Api(status) = error { refusal(status) } else { with_causes(error) };
        Self::Api { doing: doing.to_owned(), cause }
    }
}

/// What the API server says, where it does not say it better than we can.
fn refusal(status: &kube::core::Status) -> String {
    if status.code == 401 { "you are not logged in to the cluster".to_owned() } else { status.message.clone() }
}

/// An error with everything below it, which for connections is where the news is.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
