//! Schedules, what their Jobs become, and what is said of them.

use super::*;

const FULL: &str = "/apis/batch/v1/namespaces/chatbot-dev/cronjobs/dev-backup-full";
const SCHEDULED: &str =
    "  backups: {schedules: {incremental: '*/30 * * * *', full: '0 2 * * *', drill: '0 4 * * 0'}}\n";

/// A Job as the CronJob at `path` makes it.
fn run_by_schedule(cluster: &Cluster, path: &str, name: &str) -> String {
    let schedule = cluster.get(path).unwrap();
    let template = schedule["spec"]["jobTemplate"].clone();
    let mut job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": template["metadata"], "spec": template["spec"]});
    job["metadata"]["name"] = json!(name);
    job["metadata"]["namespace"] = json!("chatbot-dev");
    job["metadata"]["creationTimestamp"] = json!(cluster.now().to_string());
    job["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "x", "uid": schedule["metadata"]["uid"]}]);
    let path = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/{name}");
    cluster.put(&path, job);
    path
}

fn made(cluster: &Cluster, kept: &[&str], problems: &[&str]) -> String {
    json!({"schema": "2", "message": "5f0c61d2: 1 MiB", "backup": {
        "id": "5f0c61d2aaaa", "takenAt": cluster.now().to_string(), "bytes": 1_048_576, "newBytes": 2048, "rows": 7, "kept": kept,
        "offsite": true, "checked": "3/7", "problems": problems}})
    .to_string()
}

async fn scheduled() -> Cluster {
    let cluster = new_environment(SCHEDULED).await;
    release(&cluster).await;
    cluster
}

async fn look(cluster: &Cluster) {
    for _ in 0..3 {
        cluster.reconcile().await;
        cluster.reconcile_wishes().await;
    }
}

fn backup(cluster: &Cluster, name: &str) -> Option<Value> {
    cluster.get(&format!("/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotbackups/{name}"))
}

#[tokio::test]
async fn schedules_work_as_the_release_that_serves_and_rest_where_none_is_given() {
    let cluster = running_environment().await;
    let spec = cluster.get(FULL).unwrap()["spec"].clone();
    assert_eq!(
        (&spec["suspend"], &spec["concurrencyPolicy"]),
        (&json!(true), &json!("Forbid")),
        "a recipe for single runs"
    );

    let cluster = scheduled().await;
    let spec = cluster.get(FULL).unwrap()["spec"].clone();
    assert_eq!((&spec["suspend"], &spec["schedule"]), (&json!(false), &json!("0 2 * * *")));
    let image = |cluster: &Cluster| {
        let spec = cluster.get(FULL).unwrap()["spec"].clone();
        spec.pointer("/jobTemplate/spec/template/spec/containers/0/image").cloned().unwrap()
    };
    ask_for(&cluster, "chatbot:2");
    cluster.reconcile().await;
    assert_ne!(image(&cluster), "chatbot:2", "what is on its way backs nothing up");
    release(&cluster).await;
    assert_eq!(image(&cluster), "chatbot:2");
}

#[tokio::test]
async fn a_run_of_a_schedule_becomes_a_backup_and_is_told() {
    let cluster = scheduled().await;
    look(&cluster).await;
    let (status, reason, _) = condition(&cluster.environment(), conditions::BACKUPS_HEALTHY).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("Unknown", "NoBackupYet"));

    let path = run_by_schedule(&cluster, FULL, "dev-backup-full-1");
    look(&cluster).await;
    assert_eq!(backup(&cluster, "dev-backup-full-1").unwrap()["status"]["phase"], "Running");
    cluster.end_job(&path, "Complete", 0, &made(&cluster, &["5f0c61d2"], &[]));
    look(&cluster).await;
    let status = backup(&cluster, "dev-backup-full-1").unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["backup"], &status["rows"]),
        (&json!("Succeeded"), &json!("5f0c61d2aaaa"), &json!(7))
    );
    let said = cluster.environment().status.unwrap().backups.unwrap();
    assert_eq!(
        (said.last.clone(), said.last_full.clone(), said.last_offsite),
        (said.last_full, said.last.clone(), said.last)
    );
    assert!(said.next.is_some());
    assert_eq!(condition(&cluster.environment(), conditions::BACKUPS_HEALTHY).unwrap().1, "BackupRecent");

    cluster.later(2 * 3600);
    look(&cluster).await;
    let (status, reason, message) = condition(&cluster.environment(), conditions::BACKUPS_HEALTHY).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "BackupTooOld"), "{message}");
    assert!(message.contains("backups.rpo is 1h"), "{message}");
}

#[tokio::test]
async fn what_a_full_backup_finds_is_told_although_it_is_good() {
    let cluster = scheduled().await;
    let path = run_by_schedule(&cluster, FULL, "dev-backup-full-1");
    cluster.end_job(&path, "Complete", 0, &made(&cluster, &["5f0c61d2"], &["the second repository lacks this backup"]));
    look(&cluster).await;
    let (status, reason, message) = condition(&cluster.environment(), conditions::BACKUPS_HEALTHY).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "BackupDoubtful"));
    assert!(message.contains("second repository lacks"), "{message}");
}

#[tokio::test]
async fn a_backup_that_failed_says_why_and_is_no_backup() {
    let cluster = scheduled().await;
    let path = run_by_schedule(&cluster, FULL, "dev-backup-full-1");
    cluster.end_job(&path, "Failed", 1, "error: no backup was made: the bucket is full");
    look(&cluster).await;
    let status = backup(&cluster, "dev-backup-full-1").unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["message"]),
        (&json!("Failed"), &json!("no backup was made: the bucket is full"))
    );
    let (status, reason, message) = condition(&cluster.environment(), conditions::BACKUPS_HEALTHY).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "BackupFailed"));
    assert!(message.ends_with("the bucket is full"), "{message}");
    assert_eq!(cluster.environment().status.unwrap().backups.unwrap().last, None);
}

#[tokio::test]
async fn what_the_repository_does_not_hold_any_more_is_forgotten_and_what_a_person_created_is_not() {
    let cluster = scheduled().await;
    for (name, id) in [("dev-backup-full-1", "00000001"), ("dev-backup-full-2", "00000002")] {
        let path = run_by_schedule(&cluster, FULL, name);
        cluster.end_job(&path, "Complete", 0, &made(&cluster, &[], &[]).replace("5f0c61d2aaaa", id));
        look(&cluster).await;
        cluster.later(60);
    }
    let own = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotbackups/mine";
    cluster.put(
        own,
        json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup",
        "metadata": {"name": "mine", "namespace": "chatbot-dev", "creationTimestamp": cluster.now().to_string()},
        "spec": {"environmentRef": {"name": "dev"}}, "status": {"phase": "Succeeded", "backup": "00000003"}}),
    );
    cluster.later(3 * 3600);
    let path = run_by_schedule(&cluster, FULL, "dev-backup-full-3");
    cluster.end_job(&path, "Complete", 0, &made(&cluster, &["5f0c61d2", "00000002"], &[]));
    look(&cluster).await;
    caches_age(60).await;
    look(&cluster).await;
    let left: Vec<_> = ["dev-backup-full-1", "dev-backup-full-2", "mine", "dev-backup-full-3"]
        .into_iter()
        .filter(|name| backup(&cluster, name).is_some())
        .collect();
    assert_eq!(left, ["dev-backup-full-2", "mine", "dev-backup-full-3"]);
}

#[tokio::test]
async fn a_person_s_backup_is_made_once_from_the_recipe_of_its_kind() {
    let cluster = running_environment().await;
    let own = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotbackups/before-holiday";
    cluster.put(own, json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup",
        "metadata": {"name": "before-holiday", "namespace": "chatbot-dev", "generation": 1}, "spec": {"environmentRef": {"name": "dev"}}}));
    cluster.reconcile_wishes().await;
    let path = "/apis/batch/v1/namespaces/chatbot-dev/jobs/before-holiday";
    let job = cluster.get(path).unwrap();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["backup", "--unless-empty", "--full"]), "without the wait of a schedule");
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "ChatbotBackup");
    cluster.end_job(path, "Complete", 0, &made(&cluster, &[], &[]));
    cluster.reconcile_wishes().await;
    assert_eq!(cluster.get(own).unwrap()["status"]["phase"], "Succeeded");
    cluster.remove(path);
    cluster.calls();
    cluster.reconcile_wishes().await;
    assert_eq!(cluster.writes(), Vec::<String>::new(), "it is never made again");
}

#[tokio::test]
async fn the_backup_before_a_release_is_one_too_and_the_release_alone_makes_its_job() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    let name = format!("dev-backup-{}", candidate(&cluster));
    let path = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/{name}");
    cluster.end_job(&path, "Complete", 0, &made(&cluster, &[], &[]));
    cluster.reconcile().await;
    cluster.remove(&path);
    cluster.calls();
    cluster.reconcile_wishes().await;
    assert!(!cluster.writes().iter().any(|write| write.starts_with("POST jobs")));
    let record = backup(&cluster, &name).unwrap();
    assert_eq!(record["spec"]["kind"], "Release");
}

#[tokio::test]
async fn a_backup_waits_for_what_it_lacks_and_says_for_what() {
    let cluster = new_environment("").await;
    for (name, environment, expected) in [
        ("early", "dev", "no release of the environment serves yet"),
        ("lost", "nowhere", "there is no ChatbotEnvironment nowhere"),
    ] {
        let path = format!("/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotbackups/{name}");
        cluster.put(
            &path,
            json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup",
            "metadata": {"name": name, "namespace": "chatbot-dev"}, "spec": {"environmentRef": {"name": environment}}}),
        );
        cluster.reconcile_wishes().await;
        let status = cluster.get(&path).unwrap()["status"].clone();
        assert_eq!(status["phase"], "Pending");
        assert!(status["message"].as_str().unwrap().starts_with(expected), "{status:#}");
    }
}

#[tokio::test]
async fn a_drill_tells_whether_a_backup_would_come_back() {
    const DRILL: &str = "/apis/batch/v1/namespaces/chatbot-dev/cronjobs/dev-backup-drill";
    let cluster = scheduled().await;
    look(&cluster).await;
    assert_eq!(condition(&cluster.environment(), conditions::RECOVERABLE).unwrap().1, "NeverDrilled");
    let path = run_by_schedule(&cluster, DRILL, "dev-backup-drill-1");
    let words = r#"{"backup":"5f0c61d2","message":"it came back","drill":{"restoreSeconds":12.3,"rows":48211,"takenAt":"2026-01-01T00:00:00Z"}}"#;
    cluster.end_job(&path, "Complete", 0, words);
    let now = cluster.now().to_string();
    cluster.change(&path, |job| job["status"]["completionTime"] = json!(now));
    look(&cluster).await;
    let drill = cluster.environment().status.unwrap().backups.unwrap().last_drill.unwrap();
    assert_eq!((drill.restore_seconds, drill.rows), (13, 48211));
    assert_eq!(condition(&cluster.environment(), conditions::RECOVERABLE).unwrap().1, "DrillPassed");
    assert!(backup(&cluster, "dev-backup-drill-1").is_none(), "a drill is no backup");

    cluster.later(60);
    let path = run_by_schedule(&cluster, DRILL, "dev-backup-drill-2");
    cluster.end_job(&path, "Failed", 1, "error: nothing was restored: a pack is damaged");
    look(&cluster).await;
    let (status, reason, message) = condition(&cluster.environment(), conditions::RECOVERABLE).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "DrillFailed"));
    assert!(message.ends_with("a pack is damaged"), "{message}");
}
