//! Every file of examples/ is accepted by the API server, so that a reader can copy it.

use e2e::Cluster;
use e2e::shell::{root, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_accepted_by_the_api_server() {
    Cluster::get().await;
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        seen += 1;
        accepted(&std::fs::read_to_string(&path).unwrap(), &path.display().to_string()).await;
    }
    assert!(seen >= 8, "only {seen} examples");
}

/// A server-side dry run needs the namespaces: they are made, and go again.
async fn accepted(manifest: &str, path: &str) {
    let namespaces: Vec<&str> =
        manifest.split("\n---").filter(|document| document.contains("kind: Namespace")).collect();
    for namespace in &namespaces {
        let made = run("kubectl", &["apply", "-f", "-"], namespace).await;
        assert!(made.success, "{path}: {}", made.stderr);
    }
    let output = run("kubectl", &["apply", "--dry-run=server", "-f", "-"], manifest).await;
    for namespace in &namespaces {
        drop(run("kubectl", &["delete", "--wait=false", "--ignore-not-found", "-f", "-"], namespace).await);
    }
    assert!(output.success, "{path} is refused: {}", output.stderr);
}
