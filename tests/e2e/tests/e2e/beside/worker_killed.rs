//! A worker that is killed in the middle of a document leaves nothing undone: another one takes it over.

use e2e::environment::PATIENCE;
use e2e::postgres::{Lock, sql};
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, until};
use serde_json::json;

const DATABASE: &str = "worker_chatbot";
/// The lock that stands between a document's passages and the word that it is ready.
const LAST_STEP: i64 = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_worker_is_killed_is_finished_by_another() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "worker").await;
    environment.apply(json!({"worker": {"replicas": 2}})).await;
    environment.ready().await;
    stop_before_ready().await;
    let lock = Lock::hold(DATABASE, LAST_STEP).await;
    let file = environment.document("killed").await;

    let path = file.display().to_string();
    let upload = ["upload", &path, "--wait", "300s"];
    let uploading = environment.plugin(&upload);
    let killing = async {
        kill_the_worker_that_waits(&environment).await;
        lock.release().await;
    };
    let (uploaded, ()) = futures::future::join(uploading, killing).await;

    assert!(uploaded.contains("can be found"), "{uploaded}");
    let workers = "select count(distinct worker) from river_job, unnest(attempted_by) worker where id = (select max(id) from river_job where kind = 'ingest_document')";
    assert_eq!(sql(DATABASE, workers).await, "2", "two workers have had the job");
    std::fs::remove_file(file).unwrap();
    environment.ready().await;
    environment.remove().await;
}

/// Whoever calls a document ready waits for the lock first.
async fn stop_before_ready() {
    let wait = format!(
        "create or replace function e2e_wait() returns trigger language plpgsql as \
         $$ begin perform pg_advisory_xact_lock({LAST_STEP}); return new; end $$; \
         create or replace trigger e2e_wait before update on documents \
         for each row when (new.status = 'ready') execute function e2e_wait()"
    );
    sql(DATABASE, &wait).await;
}

/// The server notices that a client is gone only when it next writes to it, so the session that still waits is ended once the
/// worker's other sessions are gone with it.
async fn kill_the_worker_that_waits(environment: &Environment) {
    let waiting = "select host(client_addr) from pg_stat_activity \
        where wait_event = 'advisory' and client_addr is not null and datname = current_database()";
    let address = until("a worker is at its last step", PATIENCE, || sql(DATABASE, waiting), |ip| !ip.is_empty()).await;
    let names = r#"jsonpath={range .items[*]}{.status.podIP} {.metadata.name}{"\n"}{end}"#;
    let workers = ["get", "pods", "-l", "app.kubernetes.io/component=worker", "-o", names];
    let namespace = ["--namespace", environment.namespace.as_str()];
    let workers = kubectl(&[&namespace[..], &workers].concat()).await;
    let victim = workers.lines().filter_map(|line| line.split_once(' ')).find(|(ip, _)| *ip == address);
    let (_, victim) = victim.unwrap_or_else(|| panic!("{address} is no worker of {workers}"));
    kubectl(&[&namespace[..], &["delete", "pod", victim, "--grace-period=0", "--force"]].concat()).await;

    let sessions = format!("from pg_stat_activity where client_addr = '{address}'");
    let others = format!("select count(*) {sessions} and wait_event is distinct from 'advisory'");
    until("the worker is dead", PATIENCE, || sql(DATABASE, &others), |count| count == "0").await;
    sql(DATABASE, &format!("select pg_terminate_backend(pid) {sessions}")).await;
}
