//! A backup that is cut off while it is made counts for nothing, takes nothing good away, and is made again; what was damaged afterwards
//! is found by a rehearsal.

use e2e::cluster::SERVICES_NAMESPACE;
use e2e::environment::PATIENCE;
use e2e::ledger::Ledger;
use e2e::node::Nodes;
use e2e::postgres::{Lock, sql};
use e2e::shell::{apply, kubectl};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

const DATABASE: &str = "disturbed_chatbot";
/// pg_dump, while it waits for a table that somebody else has locked.
const DUMPS: &str = "select count(*) from pg_stat_activity \
    where datname = 'disturbed_chatbot' and application_name like '%backup%' and wait_event_type = 'Lock'";
/// One byte of a pack is another one.
const FLIP: &str = "for pack in $(find /data/objects/disturbed-chatbot/disturbed_backups/data -type f); do \
    printf X | dd of=$pack bs=1 seek=64 conv=notrunc 2>/dev/null; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cut_off_is_made_again_and_one_that_is_damaged_is_found() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "disturbed").await;
    let nodes = Nodes::reach("disturbed").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let ledger = Ledger::open(&environment, DATABASE);
    ledger.write().await;
    environment.plugin(&["backup", "--wait"]).await;
    let good = backups(&environment).await;

    let (lock, pod) = dumping(&environment, "killed").await;
    let processes = nodes.freeze(&[pod]).await;
    nodes.kill(&processes).await;
    until("the backup is tried again", PATIENCE, || sql("postgres", DUMPS), |count| count != "0").await;
    assert_eq!(backups(&environment).await, good, "nothing half-made is listed, and nothing good is gone");
    lock.release().await;
    succeeded(&environment, "killed").await;

    let (_lock, _) = dumping(&environment, "cut").await;
    let postgresql =
        ["--namespace", SERVICES_NAMESPACE, "delete", "pod", "postgresql-0", "--grace-period=0", "--force"];
    kubectl(&postgresql).await;
    succeeded(&environment, "cut").await;
    environment.ready().await;
    let all = backups(&environment).await;
    assert!(good.iter().all(|id| all.contains(id)) && all.len() == good.len() + 2, "{good:?} {all:?}");

    ledger.write().await;
    environment.plugin(&["backup", "--wait"]).await;
    sql(DATABASE, "TRUNCATE documents CASCADE").await;
    environment.plugin(&["restore", "--yes"]).await;
    environment.ready().await;
    ledger.holds(0).await;

    nodes.act_in("s3-0", FLIP).await;
    let rehearse = ["create", "job", "rehearsed", "--from=cronjob/disturbed-backup-drill"];
    kubectl(&[&["--namespace", environment.namespace.as_str()][..], &rehearse].concat()).await;
    let message = environment.gives("Recoverable", "False", "DrillFailed").await;
    assert!(message.contains("nothing was restored"), "{message}");
    nodes.leave().await;
    environment.remove().await;
}

/// A backup of this name is in the middle of its dump, and waits for a table; the lock that it waits for, and its pod.
async fn dumping(environment: &Environment, name: &str) -> (Lock, String) {
    let lock = Lock::hold_table(DATABASE, "messages").await;
    let backup = json!({
        "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup",
        "metadata": {"name": name, "namespace": environment.namespace},
        "spec": {"environmentRef": {"name": environment.name}, "kind": "Full"},
    });
    apply(&backup.to_string()).await;
    until("the dump waits for a table", PATIENCE, || sql("postgres", DUMPS), |count| count != "0").await;
    let selector = format!("batch.kubernetes.io/job-name={name}");
    let args = ["get", "pods", "--selector", &selector, "-o", "jsonpath={.items[0].metadata.name}"];
    (lock, kubectl(&[&["--namespace", environment.namespace.as_str()][..], &args].concat()).await)
}

/// Waits until the backup was made after all.
async fn succeeded(environment: &Environment, name: &str) {
    let phase = ["get", "chatbotbackup", name, "-o", "jsonpath={.status.phase} {.status.message}"];
    let args = [&["--namespace", environment.namespace.as_str()][..], &phase].concat();
    until("the backup is made", PATIENCE, || kubectl(&args), |said| said.starts_with("Succeeded")).await;
}

/// The names of the backups in the repository, which is sound.
async fn backups(environment: &Environment) -> Vec<String> {
    let app = format!("deploy/{}-app-blue", environment.name);
    let chatbot = async |words: &[&str]| {
        let exec = ["--namespace", environment.namespace.as_str(), "exec", &app, "--", "chatbot"];
        kubectl(&[&exec[..], words].concat()).await
    };
    assert!(chatbot(&["backup", "check"]).await.contains("no damage was found"));
    let listed: Value = serde_json::from_str(&chatbot(&["backup", "list", "--json"]).await).expect("JSON");
    listed.as_array().into_iter().flatten().map(|line| line["id"].to_string()).collect()
}
