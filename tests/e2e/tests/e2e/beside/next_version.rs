//! A release that brings a schema of its own: the one before works on it, and gets its own back where that loses nothing.
//!
//! The image is that of this tree with further migrations (tests/fixtures/next).

use e2e::asker::Asker;
use e2e::environment::{PATIENCE, chatbot_image, next_image};
use e2e::postgres::sql;
use e2e::shell::run;
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

use super::blue_green::phase;

#[tokio::test(flavor = "multi_thread")]
async fn the_release_before_works_on_the_next_one_s_schema_and_gets_its_own_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "wider").await;
    want(&environment, &chatbot_image(), "Automatic").await;
    environment.ready().await;
    let before = environment.status().await["release"].clone();
    let asker = Asker::start(&environment).await;

    want(&environment, &next_image(), "Manual").await;
    phase(&environment, "Promote").await;
    assert_eq!(
        columns("wider_chatbot").await,
        ["conversations.pinned_at", "messages.note"],
        "the schema is the next one's"
    );
    assert_eq!(environment.status().await["release"]["id"], before["id"], "and the release before serves on it");
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty());
    let file = environment.document("wider").await;
    let uploaded = environment.plugin(&["upload", &file.display().to_string(), "--wait", "120s"]).await;
    assert!(uploaded.contains("can be found"), "its workers work on it too: {uploaded}");

    environment.plugin(&["promote"]).await;
    phase(&environment, "Bake").await;
    assert_eq!(environment.status().await["release"]["schema"], "20990101000200");
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty(), "the next one answers");
    environment.plugin(&["rollback"]).await;
    phase(&environment, "Stable").await;
    let status = environment.status().await;
    assert_eq!((&status["release"]["id"], &status["release"]["schema"]), (&before["id"], &before["schema"]));
    assert_eq!(said_of(&status, "Discard"), "reverted 2 migrations", "{status:#}");
    assert!(columns("wider_chatbot").await.is_empty(), "the schema is its own again");

    let (answered, refused) = asker.said().await;
    assert!(answered > 10 && refused.is_empty(), "users noticed ({answered} answered): {refused:#?}");
    let kept = sql("wider_chatbot", "select count(*) from messages where role = 'assistant'").await;
    assert!(kept.parse::<usize>().expect("a number") >= answered, "{answered} answers were given, and {kept} are kept");
    std::fs::remove_file(file).unwrap();
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_version_wrote_keeps_its_schema_and_its_contract_ends_the_way_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "written").await;
    want(&environment, &chatbot_image(), "Automatic").await;
    environment.ready().await;
    let before = environment.status().await["release"]["id"].clone();
    want(&environment, &next_image(), "Automatic").await;
    phase(&environment, "Bake").await;
    sql("written_chatbot", "insert into notes (text) values ('worth keeping')").await;

    environment.plugin(&["rollback"]).await;
    phase(&environment, "Stable").await;
    let status = environment.status().await;
    assert_eq!(status["release"]["id"], before);
    let said = said_of(&status, "Discard");
    assert!(
        said.starts_with("reverted 1 migration; the schema stays at 20990101000100: ") && said.contains("notes"),
        "{said}"
    );
    assert_eq!(sql("written_chatbot", "select text from notes").await, "worth keeping");
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty(), "the release before works on what stays");

    environment.plugin(&["retry"]).await;
    phase(&environment, "Bake").await;
    environment.plugin(&["promote"]).await;
    environment.ready().await;
    phase(&environment, "Stable").await;
    let status = environment.status().await;
    assert_eq!(status["history"][0]["contracted"], true, "{status:#}");
    let way_back = ["chatbot", "rollback", "--namespace", &environment.namespace, &environment.name];
    let refused = run("kubectl", &way_back, "").await;
    assert!(!refused.success && refused.stderr.contains("no earlier release"), "{refused:?}");
    environment.remove().await;
}

/// Two workers share the database while one takes over from the other, and neither knows every kind of job.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_only_one_of_two_releases_knows_are_done_by_that_one() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "kinds").await;
    let want = async |image: String| {
        let release = json!({"strategy": "BlueGreen", "bake": "10m", "analysis": {"interval": "1s"}});
        environment.apply(json!({"image": image, "release": release, "worker": {"queues": {"medium": 1}}})).await;
    };
    want(chatbot_image()).await;
    environment.ready().await;
    sql(DATABASE, SLOW).await;
    let file = environment.document("kinds").await;
    let path = file.display().to_string();
    let upload = ["upload", &path, "--wait", "300s"];
    let uploading = environment.plugin(&upload);
    let releasing = async {
        let in_hand = || sql(DATABASE, "select count(*) from river_job where state = 'running'");
        until("the worker has its one job in hand", PATIENCE, in_hand, |count| count == "1").await;
        sql(DATABASE, WAITING).await;
        want(next_image()).await;
        phase(&environment, "Bake").await;
    };
    let (uploaded, ()) = futures::future::join(uploading, releasing).await;
    assert!(uploaded.contains("can be found"), "{uploaded}");
    let done = "ingest_document completed blue, remove_document completed blue, forget_document completed green";
    until("each is done by who knows it", PATIENCE, || sql(DATABASE, WHO), |who| who == done).await;
    std::fs::remove_file(file).unwrap();
    environment.remove().await;
}

const DATABASE: &str = "kinds_chatbot";
/// A document takes as long as a release to its switch, but less than a statement may.
const SLOW: &str = "create or replace function e2e_slow() returns trigger language plpgsql as \
    $$ begin perform pg_sleep(25); return new; end $$; \
    create or replace trigger e2e_slow before update on documents \
    for each row when (new.status = 'ready') execute function e2e_slow()";
/// A job that this release knows, and one that only the next one does; both wait behind the document.
const WAITING: &str = "insert into river_job (kind, queue, args, max_attempts) \
    select kind, 'medium', jsonb_build_object('document_id', gen_random_uuid(), 'object_key', 'documents/gone'), 3 \
    from unnest(array['remove_document', 'forget_document']) kind";
/// Which colour's worker did what.
const WHO: &str = "select string_agg(kind || ' ' || state || ' ' || substring(attempted_by[1] from 'worker-([a-z]+)'), ', ' \
    order by id) from river_job where kind <> 'check_upload'";

async fn want(environment: &Environment, image: &str, promotion: &str) {
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}});
    environment
        .apply(json!({
            "image": image,
            "release": {"strategy": "BlueGreen", "bake": "10m", "promotion": promotion, "analysis": {"interval": "1s"}},
            "network": {"allowFrom": [{"namespaceSelector": own_namespace}]},
            "settings": {"REQUEST_TIMEOUT": "30", "RATE_LIMIT_PER_MINUTE": "1000000"},
        }))
        .await;
}

/// What the next version's migrations add to tables of this one.
async fn columns(database: &str) -> Vec<String> {
    let added = "select table_name || '.' || column_name from information_schema.columns \
        where (table_name, column_name) in (('messages', 'note'), ('conversations', 'pinned_at')) order by 1";
    sql(database, added).await.lines().map(str::to_owned).collect()
}

fn said_of(status: &Value, step: &str) -> String {
    let steps = status["release"]["steps"].as_array().cloned().unwrap_or_default();
    let step = steps.into_iter().find(|known| known["name"] == step).unwrap_or_default();
    step["message"].as_str().unwrap_or_default().to_owned()
}
