//! What is lost comes back: a backup in the real object store, rows gone, and one command.

use e2e::environment::{PATIENCE, SECRET_KEY, copy_services_secret};
use e2e::postgres::sql;
use e2e::shell::{apply, kubectl};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

const DATABASE: &str = "restored_chatbot";

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_lost_are_back_with_one_command_and_what_was_live_can_be_had_again() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "restored").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    environment.plugin(&["upload", "tests/fixtures/documents/backups.md", "--wait", "120s"]).await;
    assert!(sources(&environment).await.contains("backups.md"));

    let said = environment.plugin(&["backup", "--wait"]).await;
    assert!(said.contains("Succeeded") && said.contains("1 document, read back"), "{said}");
    let listed = environment.plugin(&["backups"]).await;
    let kinds: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(kinds.contains(&"Full") && kinds.contains(&"Release"), "{listed}");
    let known = |status: &Value| status["backups"]["lastFull"].is_string();
    until("status knows of the backup", PATIENCE, || environment.status(), known).await;

    let rehearse = ["create", "job", "rehearsed", "--from=cronjob/restored-backup-drill"];
    kubectl(&[&["--namespace", environment.namespace.as_str()][..], &rehearse].concat()).await;
    environment.gives("Recoverable", "True", "DrillPassed").await;

    sql(DATABASE, "TRUNCATE documents CASCADE").await;
    assert_eq!(count("documents").await, "0");
    let plan = environment.plugin(&["restore", "--plan"]).await;
    assert!(
        plan.contains("what was written in the last") && plan.contains("the last rehearsed restore took"),
        "{plan}"
    );
    assert_eq!(count("documents").await, "0", "a plan changes nothing");

    let said = environment.plugin(&["restore", "--yes"]).await;
    assert!(said.contains("Swap") && said.lines().last().is_some_and(|line| line.starts_with("Succeeded")), "{said}");
    assert_eq!(count("documents").await, "1");
    environment.ready().await;
    let cites = |text: &String| text.contains("backups.md");
    until("the restored document is cited", PATIENCE, || sources(&environment), cites).await;

    let said = environment.plugin(&["restore", "--undo", "--yes"]).await;
    assert!(said.lines().last().is_some_and(|line| line.starts_with("Undone")), "{said}");
    assert_eq!(count("documents").await, "0", "what was live before the restore is live again");
    environment.ready().await;
    environment.remove().await;
}

async fn count(table: &str) -> String {
    sql(DATABASE, &format!("SELECT count(*) FROM {table}")).await
}

async fn sources(environment: &Environment) -> String {
    environment.plugin(&["ask", "How long are backups kept in production?"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_asked_about_and_comes_back_when_a_person_says_so() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "reborn").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    environment.plugin(&["upload", "tests/fixtures/documents/backups.md", "--wait", "120s"]).await;
    environment.plugin(&["backup", "--wait"]).await;

    // New infrastructure: the same Secret and bucket, and a server that has never seen the database.
    kubectl(&["--namespace", &environment.namespace, "delete", "chatbotenvironment", &environment.name]).await;
    let serving = "app.kubernetes.io/component in (app, worker)";
    let pods = ["--namespace", &environment.namespace, "get", "pods", "--selector", serving, "-o", "name"];
    until("its pods are gone", PATIENCE, || kubectl(&pods), String::is_empty).await;
    sql("postgres", "DROP DATABASE reborn_chatbot WITH (FORCE)").await;
    environment.apply(json!({})).await;
    let message = environment.gives("Ready", "False", "RestoreOrStartEmpty").await;
    assert!(
        message.contains("kubectl chatbot restore") && message.contains("chatbot.platform/start-empty="),
        "{message}"
    );

    let said = environment.plugin(&["restore", "--yes"]).await;
    assert!(said.lines().last().is_some_and(|line| line.starts_with("Succeeded")), "{said}");
    environment.ready().await;
    assert_eq!(sql("reborn_chatbot", "SELECT count(*) FROM documents").await, "1");
    environment.remove().await;
}

const SCRUB: &str = "UPDATE conversations SET title = 'scrubbed'; UPDATE messages SET content = '';";

#[tokio::test(flavor = "multi_thread")]
async fn another_environments_backup_comes_here_without_what_is_personal_or_not_at_all() {
    let cluster = Cluster::get().await;
    let (lender, borrower) =
        tokio::join!(Environment::prepare(&cluster, "lender"), Environment::prepare(&cluster, "borrower"));
    tokio::join!(lender.apply(json!({})), borrower.apply(json!({})));
    tokio::join!(lender.ready(), borrower.ready());
    lender.plugin(&["upload", "tests/fixtures/documents/backups.md", "--wait", "120s"]).await;
    assert!(sources(&lender).await.contains("backups.md"));
    lender.plugin(&["backup", "--wait"]).await;

    lend(&borrower, "UPDATE nobody SET name = ''").await;
    let refused = borrower.refused(&borrow()).await;
    assert!(refused.contains("SCRUB_SQL failed") && refused.contains("nobody"), "{refused}");
    let beside = "SELECT count(*) FROM pg_database WHERE starts_with(datname, 'borrower_chatbot_')";
    assert_eq!(sql("postgres", beside).await, "0", "nothing of the lender's stands beside the live database");

    lend(&borrower, SCRUB).await;
    let said = borrower.plugin(&borrow()).await;
    assert!(said.lines().last().is_some_and(|line| line.starts_with("Succeeded")), "{said}");
    borrower.ready().await;
    let personal = "SELECT count(*) FROM messages JOIN conversations c ON c.id = conversation_id \
        WHERE content <> '' OR title <> 'scrubbed'";
    assert_eq!(sql("borrower_chatbot", personal).await, "0");
    let cites = |text: &String| text.contains("backups.md");
    until("the lender's document is cited", PATIENCE, || sources(&borrower), cites).await;
    lender.remove().await;
    borrower.remove().await;
}

/// Access to the lender's bucket, and the script.
async fn lend(borrower: &Environment, script: &str) {
    copy_services_secret(&borrower.namespace, "lent", &[("BACKUP_KEY", SECRET_KEY)]).await;
    let metadata = json!({"name": "scrub", "namespace": borrower.namespace});
    let scrub = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"scrub.sql": script}});
    apply(&scrub.to_string()).await;
}

const fn borrow() -> [&'static str; 12] {
    [
        "restore",
        "--yes",
        "--source-prefix",
        "lender_",
        "--source-bucket",
        "lender-chatbot",
        "--source-folder",
        "lender_backups",
        "--source-secret",
        "lent",
        "--scrub",
        "scrub",
    ]
}
