//! The API server refuses what the CRD's rules refuse: the same table as the operator's unit test, on the real thing.

use std::collections::BTreeMap;

use e2e::Cluster;
use e2e::environment::merge;
use e2e::shell::{Output, apply, kubectl, root, run};
use serde::Deserialize;
use serde_json::{Value, json};

/// One line of the table; tests/fixtures/validation/README.md says what the fields mean.
#[derive(Deserialize)]
struct Case {
    name: String,
    base: String,
    old: Option<Value>,
    patch: Value,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_refuses_what_the_rules_refuse_and_says_what_to_write() {
    let namespace = prepare("e2e-refused").await;
    let (bases, cases) = (bases(namespace), cases("refused.yaml"));
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = send(&bases, case).await;
        let expected = !answer.success && answer.stderr.contains(&case.field) && answer.stderr.contains(&case.message);
        if !expected {
            wrong.push(format!("{}: {} {}", case.name, answer.stdout.trim(), answer.stderr.trim()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    kubectl(&["delete", "namespace", namespace, "--wait=false"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_accepts_what_the_rules_accept() {
    let namespace = prepare("e2e-accepted").await;
    let bases = bases(namespace);
    for case in cases("accepted.yaml") {
        let answer = send(&bases, &case).await;
        assert!(answer.success, "{}: {}", case.name, answer.stderr);
    }
    kubectl(&["delete", "namespace", namespace, "--wait=false"]).await;
}

/// Makes the namespace in which a table's objects are tried.
async fn prepare(namespace: &'static str) -> &'static str {
    Cluster::get().await;
    let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    run("kubectl", &["wait", "--for=delete", "namespace", namespace, "--timeout=60s"], "").await;
    apply(&manifest.to_string()).await;
    namespace
}

/// Sends the case's object; where it is an update, the old object is put in place first.
async fn send(bases: &BTreeMap<String, Value>, case: &Case) -> Output {
    let base = &bases[&case.base];
    let Some(old) = &case.old else { return create(&patched(base, &case.patch)).await };
    let before = patched(base, old);
    apply(&before.to_string()).await;
    let after = patched(&before, &case.patch);
    let answer = replace(&after).await;
    let text = |field: &str| before["metadata"][field].as_str().unwrap();
    kubectl(&["--namespace", text("namespace"), "delete", "chatbotenvironment", text("name")]).await;
    answer
}

/// The operator may write the status between kubectl's read and its write.
async fn replace(object: &Value) -> Output {
    let mut answer = run("kubectl", &["replace", "--dry-run=server", "-f", "-"], &object.to_string()).await;
    for _ in 0..10 {
        if !answer.stderr.contains("the object has been modified") {
            break;
        }
        answer = run("kubectl", &["replace", "--dry-run=server", "-f", "-"], &object.to_string()).await;
    }
    answer
}

async fn create(object: &Value) -> Output {
    run("kubectl", &["create", "--dry-run=server", "-f", "-"], &object.to_string()).await
}

fn patched(base: &Value, patch: &Value) -> Value {
    let mut object = base.clone();
    merge(&mut object, patch.clone());
    object
}

/// The objects that the cases change, in this namespace.
fn bases(namespace: &str) -> BTreeMap<String, Value> {
    let mut bases: BTreeMap<String, Value> = read("bases.yaml");
    for base in bases.values_mut() {
        merge(base, json!({"metadata": {"namespace": namespace}}));
    }
    bases
}

fn cases(file: &str) -> Vec<Case> {
    read(file)
}

fn read<T: for<'a> Deserialize<'a>>(file: &str) -> T {
    let path = root().join("tests/fixtures/validation").join(file);
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
