//! A service that goes down is named, the chatbot answers with less and says so, and its return is noticed.

use std::time::Duration;

use e2e::cluster::{SERVICES_NAMESPACE, UPSTREAM};
use e2e::forward::Forward;
use e2e::shell::{apply, kubectl, run};
use e2e::{Cluster, Environment};
use serde_json::json;

const QUESTION: &str = "Who may read a backup?";
const DOCUMENT: &str = "tests/fixtures/documents/backups.md";

/// What is down at the same time, and what an answer says meanwhile, after docs/guide/documents-and-answers.md.
struct Outage {
    /// Service as the status names it, namespace, workload.
    down: &'static [(&'static str, &'static str, &'static str)],
    /// Words of the answer.
    said: &'static [&'static str],
    /// Words that the answer lacks.
    unsaid: &'static str,
    /// Whether a document can be uploaded.
    takes_documents: bool,
}

const NAMESPACE: &str = "e2e-outage";
const OUTAGES: [Outage; 4] = [
    Outage {
        down: &[("redis", SERVICES_NAMESPACE, "deployment/redis")],
        said: &["backups.md"],
        unsaid: "Answered without",
        takes_documents: true,
    },
    Outage {
        down: &[("qdrant", SERVICES_NAMESPACE, "statefulset/qdrant")],
        said: &["(The document search is not available at the moment", QUESTION, "Answered without: qdrant"],
        unsaid: "backups.md",
        takes_documents: true,
    },
    Outage {
        down: &[("embedding", NAMESPACE, "deployment/upstream"), ("objects", SERVICES_NAMESPACE, "statefulset/s3")],
        said: &[QUESTION, "backups.md", "Answered without: embedding"],
        unsaid: "(The document search",
        takes_documents: false,
    },
    Outage {
        down: &[("llm", SERVICES_NAMESPACE, "deployment/upstream")],
        said: &["the language model is not available", "[1] backups.md", "Answered without: llm"],
        unsaid: "You asked",
        takes_documents: true,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn while_a_service_is_down_the_chatbot_answers_with_less_and_says_so() {
    let cluster = Cluster::get().await;
    let environment = answering(&cluster).await;
    for outage in &OUTAGES {
        for (service, namespace, workload) in outage.down {
            scale(namespace, workload, 0).await;
            environment.says("ServicesHealthy", "False", service).await;
        }
        assert_answers(&environment, outage).await;
        let uploaded = upload(&environment, outage.down[0].0).await;
        assert_eq!(uploaded, outage.takes_documents, "a document is taken without {:?}", outage.down);
        for (_, namespace, workload) in outage.down {
            scale(namespace, workload, 1).await;
        }
        environment.gives("ServicesHealthy", "True", "AllServicesHealthy").await;
        environment.ready().await;
    }
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_chatbot_is_not_ready_and_says_so_and_comes_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "no-database").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    scale(SERVICES_NAMESPACE, "statefulset/postgresql", 0).await;
    environment.says("ServicesHealthy", "False", "postgresql").await;
    environment.gives("Ready", "False", "PodsNotReady").await;
    environment.warns("PodsNotReady").await;

    let pod = format!("deployment/{}-app-blue", environment.name);
    let forward = Forward::open(&environment.namespace, &pod, 8000).await;
    let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().unwrap();
    let ready = http.get(format!("{}/health/ready", forward.url)).send().await.unwrap();
    assert_eq!(ready.status(), 503, "/health/ready");
    let chat = http.post(format!("{}/api/v1/chat", forward.url)).bearer_auth("cbk_of-nobody");
    let refused = chat.json(&json!({"message": QUESTION})).send().await.unwrap();
    assert_eq!(refused.status(), 503, "a question");

    scale(SERVICES_NAMESPACE, "statefulset/postgresql", 1).await;
    environment.gives("ServicesHealthy", "True", "AllServicesHealthy").await;
    environment.ready().await;
    environment.remove().await;
}

/// An environment with one document and an embedding model of its own, which is another pod than the language model's.
async fn answering(cluster: &Cluster) -> Environment {
    let environment = Environment::prepare(cluster, "outage").await;
    apply(&UPSTREAM.replace(SERVICES_NAMESPACE, &environment.namespace)).await;
    let embedding = json!({
        "EMBEDDING_BASE_URL": format!("http://upstream.{}.svc:8080/v1", environment.namespace),
        "EMBEDDING_DIMENSIONS": "64",
    });
    environment.apply(json!({"settings": embedding})).await;
    environment.ready().await;
    environment.plugin(&["upload", DOCUMENT, "--wait", "120s"]).await;
    environment
}

async fn assert_answers(environment: &Environment, outage: &Outage) {
    let answer = environment.plugin(&["ask", QUESTION]).await;
    for words in outage.said {
        assert!(answer.contains(words), "without {:?}: {words:?} is not in {answer}", outage.down);
    }
    assert!(!answer.contains(outage.unsaid), "without {:?}: {:?} is in {answer}", outage.down, outage.unsaid);
}

/// Whether a new document is taken; nobody waits for a worker to make it findable.
async fn upload(environment: &Environment, about: &str) -> bool {
    let file = environment.document(about).await;
    let path = file.display().to_string();
    let args = ["chatbot", "upload", "--namespace", &environment.namespace, &environment.name, &path, "--wait", "0s"];
    let output = run("kubectl", &args, "").await;
    std::fs::remove_file(file).unwrap();
    // Without waiting, a document that is taken is told as one that no worker has finished.
    output.success || output.stderr.contains("is kept")
}

async fn scale(namespace: &str, workload: &str, replicas: u8) {
    kubectl(&["--namespace", namespace, "scale", workload, &format!("--replicas={replicas}")]).await;
    kubectl(&["--namespace", namespace, "rollout", "status", workload, "--timeout=120s"]).await;
}
