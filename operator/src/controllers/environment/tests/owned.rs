//! What is the operator's, and what only looks like it.

use super::*;

#[tokio::test]
async fn an_object_of_the_same_name_that_somebody_else_made_is_not_taken_over() {
    let cluster = new_environment("").await;
    let shop = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dev", "namespace": "chatbot-dev", "labels": {"app": "shop"}}, "spec": {}});
    cluster.put(SERVICE, shop);
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "ApplyRefused"));
    assert!(
        message(&cluster).contains("Service dev: ") && message(&cluster).contains("exists already"),
        "{}",
        message(&cluster)
    );
    assert_eq!(cluster.get(SERVICE).unwrap()["metadata"]["labels"], json!({"app": "shop"}));
}

#[tokio::test]
async fn what_a_prometheus_is_not_to_scrape_any_more_is_removed() {
    let cluster = running_environment().await;
    let environment = cluster.environment();
    for (kind, plural, name) in
        [("ServiceMonitor", "servicemonitors", "dev"), ("PodMonitor", "podmonitors", "dev-worker")]
    {
        let path = format!("/apis/monitoring.coreos.com/v1/namespaces/chatbot-dev/{plural}/{name}");
        let owner = json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "name": "dev", "uid": environment.metadata.uid});
        let labels = cluster.get(SERVICE).unwrap()["metadata"]["labels"].clone();
        let metadata = json!({"name": name, "namespace": "chatbot-dev", "labels": labels, "ownerReferences": [owner]});
        cluster.put(&path, json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata}));
        cluster.reconcile().await;
        assert_eq!(cluster.get(&path), None, "{kind}");
    }
}
