//! What breaks is named, with what to do; what ran keeps running; once mended, the environment recovers by itself.

use e2e::cluster::rolled_out;
use e2e::environment::SECRET_KEY;
use e2e::shell::{apply, kubectl};
use e2e::{Cluster, Environment};
use serde_json::{Value, json};

/// Keys of the Secret that make an environment whole.
const WHOLE: [(&str, &str); 2] = [("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "unused-by-the-local-model")];

/// What goes wrong after the environment was Ready.
#[derive(Clone, Copy, Debug)]
enum Fault {
    SecretDeleted,
    KeyRemoved,
    DatabaseNowhere,
    NoRoom,
    NoImage,
    SettingRefused,
    NeverFits,
    NeverPasses,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::SecretDeleted,
        Self::KeyRemoved,
        Self::DatabaseNowhere,
        Self::NoRoom,
        Self::NoImage,
        Self::SettingRefused,
        Self::NeverFits,
        Self::NeverPasses,
    ];

    /// The reason that condition and event give, and what the message quotes.
    fn expected(self) -> (&'static str, &'static str) {
        match self {
            Self::SecretDeleted => ("SecretNotFound", "chatbot"),
            Self::KeyRemoved => ("SecretKeysMissing", "OPENROUTER_API_KEY"),
            Self::DatabaseNowhere => ("MigrationFailed", "the database cannot be reached"),
            Self::NoRoom => ("QuotaExceeded", "tight"),
            Self::NoImage => ("ImagePullFailed", "localhost/nobody-made-this:1"),
            Self::SettingRefused => ("CrashLoop", "REQUEST_TIMEOUT"),
            Self::NeverFits => ("Unschedulable", "spec.app.resources.requests"),
            Self::NeverPasses => ("ReleaseFailed", "llm is not healthy"),
        }
    }

    /// Breaks it. Whatever is not about the Secret comes with a new release.
    async fn strike(self, environment: &Environment) {
        match self {
            Self::SecretDeleted => delete(environment, "secret", "chatbot").await,
            Self::KeyRemoved => environment.write_secret(&WHOLE[..1]).await,
            Self::DatabaseNowhere => {
                let nowhere = "postgresql://broken:a-password-of-its-own@nowhere.chatbot-platform.svc:5432/broken";
                environment.write_secret(&[WHOLE[0], WHOLE[1], ("DATABASE_URL", nowhere)]).await;
            }
            Self::NoRoom => {
                apply(&no_pods(environment).to_string()).await;
                environment.apply(json!({"settings": {"LLM_MODEL": "no-room"}})).await;
            }
            Self::NoImage => environment.apply(json!({"image": "localhost/nobody-made-this:1"})).await,
            Self::SettingRefused => environment.apply(json!({"settings": {"REQUEST_TIMEOUT": "whenever"}})).await,
            Self::NeverFits => {
                let hundred = json!({"requests": {"cpu": "100"}, "limits": {"cpu": "100", "memory": "512Mi"}});
                let change = json!({"settings": {"LLM_MODEL": "never-fits"}, "app": {"resources": hundred}});
                environment.apply(change).await;
            }
            Self::NeverPasses => {
                let nowhere = json!({"LLM_BASE_URL": "http://nowhere.chatbot-platform.svc:8080/v1"});
                environment.apply(json!({"settings": nowhere, "release": {"checkTimeout": "20s"}})).await;
            }
        }
    }

    async fn mend(self, environment: &Environment) {
        match self {
            Self::SecretDeleted | Self::KeyRemoved | Self::DatabaseNowhere => environment.write_secret(&WHOLE).await,
            Self::NoRoom => delete(environment, "resourcequota", "tight").await,
            Self::NoImage | Self::SettingRefused | Self::NeverFits | Self::NeverPasses => {
                environment.apply(json!({})).await
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_keeps_running_whatever_breaks_and_mending_is_enough() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "broken").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    for fault in Fault::ALL {
        let (reason, words) = fault.expected();
        fault.strike(&environment).await;
        let message = environment.gives("Ready", "False", reason).await;
        assert!(message.contains(words), "{fault:?}: {words:?} is not quoted in {message:?}");
        environment.warns(reason).await;
        environment.keeps_its_secrets().await;
        if matches!(fault, Fault::NeverPasses) {
            // Its pods were ready, so they served: until those of the release before are back, answers lack the model.
            rolled_out(&environment.namespace).await;
        }
        let answer = environment.plugin(&["ask", "Are you there?"]).await;
        assert!(answer.contains("Are you there?"), "{fault:?}: what ran before answers: {answer}");
        fault.mend(&environment).await;
        environment.ready().await;
    }
    environment.remove().await;
}

async fn delete(environment: &Environment, kind: &str, name: &str) {
    kubectl(&["--namespace", &environment.namespace, "delete", kind, name]).await;
}

fn no_pods(environment: &Environment) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "namespace": environment.namespace},
        "spec": {"hard": {"pods": "0"}},
    })
}
