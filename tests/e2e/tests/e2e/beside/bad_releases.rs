//! Every way in which a release can be bad: the one before goes on serving, the schema is its own again or is said to be wider, and
//! one sentence tells what happened and what to do.

use e2e::asker::Asker;
use e2e::environment::{PATIENCE, next_image};
use e2e::postgres::{Lock, sql};
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, until, upstream};
use serde_json::{Value, json};

const DATABASE: &str = "bad_chatbot";
/// Steps of the scripted model: more than are asked for before the release is taken back.
const ANSWERS: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_leaves_the_one_before_serving_and_says_what_to_do_in_one_sentence() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "bad").await;
    environment.apply(spec(json!({}))).await;
    environment.ready().await;
    let asker = Asker::start(&environment).await;
    let mut said = Sentences { environment: &environment, lines: Vec::new() };

    let misbehaving = |how: &str| json!({"image": next_image(), "settings": {"MISBEHAVE": how}});
    said.of("an image that does not exist", json!({"image": "localhost/nobody-made-this:1"})).await;
    said.of("an image that is no chatbot", json!({"image": "localhost/redis:test"})).await;
    said.of("it answers in another release's name", misbehaving("lie")).await;
    said.of("one of its expands does what only a contract may", misbehaving("contract")).await;

    sql(DATABASE, "create table labels (text text); insert into labels values ('mine')").await;
    said.of("its migration fails half-way", json!({"image": next_image()})).await;
    sql(DATABASE, "drop table labels").await;

    // An old transaction that reads what the migration alters, and does not end.
    let lock = Lock::share_table(DATABASE, "messages").await;
    let same_again = json!({"image": next_image(), "settings": {"LOG_LEVEL": "INFO"}});
    said.of("its migration does not end in time", same_again).await;
    lock.release().await;
    let (_, refused) = asker.said().await;
    assert!(refused.is_empty(), "users noticed a release that never had the traffic: {refused:#?}");

    said.of("it crashes half a minute after its start", misbehaving("crash")).await;

    let eighth = |number: usize| {
        if number % 8 == 7 { json!({"kind": "hang"}) } else { json!({"kind": "answer", "text": "Yes."}) }
    };
    upstream::play("bad-eighth", &(0..ANSWERS).map(eighth).collect::<Vec<_>>()).await;
    said.of("it fails for some of its users", json!({"settings": {"LLM_MODEL": "bad-eighth", "REQUEST_TIMEOUT": "2"}}))
        .await;
    upstream::play("bad-eighth", &[]).await;

    let told = said.lines.join("\n");
    assert!(told.contains("localhost/nobody-made-this:1 cannot be pulled"), "{told}");
    insta::assert_snapshot!(told);
    environment.remove().await;
}

/// What was said of each bad release.
struct Sentences<'a> {
    environment: &'a Environment,
    lines: Vec<String>,
}

impl Sentences<'_> {
    /// Asks for a release that is bad in this way, and takes down what is said once it is over.
    async fn of(&mut self, how: &str, change: Value) {
        let environment = self.environment;
        let before = environment.status().await["release"].clone();
        let schema = sql(DATABASE, SCHEMA).await;
        environment.apply(spec(change)).await;
        let failed = |status: &Value| {
            status["release"]["phase"] == "Failed" && status["observedGeneration"] == status["wantedGeneration"]
        };
        let status = until(&format!("the end of a release: {how}"), PATIENCE * 2, || seen(environment), failed).await;
        assert_eq!(status["release"]["id"], before["id"], "{how}: the release before serves: {status:#}");
        assert!(environment.plugin(&["ask", "Are you there?"]).await.contains("there"), "{how}: and answers");
        let (_, reason, message) = environment.condition("Ready").await;
        environment.warns(&reason).await;
        let failed = &status["failedReleases"][0]["id"];
        let message = message.replace(failed.as_str().unwrap_or("?"), "<candidate>");
        let message = message.replace(before["id"].as_str().unwrap_or("?"), "<active>");
        // Both are watched alike: on a busy machine users suffer while the new workers still start.
        let message = message.replace("failed in Switch: ", "failed in Bake: ");
        self.lines.push(format!("{how}\n    {reason}: {}", masked(&message)));
        let own = if sql(DATABASE, SCHEMA).await == schema { "is its own" } else { "is another one" };
        self.lines.push(format!("    the schema {own}"));
    }
}

/// Tables, columns, indexes and constraints of a schema, as one fingerprint.
const SCHEMA: &str = "select md5(string_agg(part, E'\\n' order by part)) from ( \
      select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as part \
        from information_schema.columns where table_schema = 'public' \
      union all select indexdef from pg_indexes where schemaname = 'public' \
      union all select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint \
        where connamespace = 'public'::regnamespace) parts";

/// What differs from run to run: names of pods, and how many there were of something.
fn masked(message: &str) -> String {
    let number = |word: &str| {
        word.chars().all(|c| c.is_ascii_digit() || ".,%s".contains(c)) && word.contains(|c: char| c.is_ascii_digit())
    };
    let word = |word: &str| match word {
        word if word.starts_with("bad-app-") || word.starts_with("bad-worker-") || word.starts_with("bad-migrate-") => {
            "<pod>".to_owned()
        }
        word if number(word) => "<n>".to_owned(),
        word => word.to_owned(),
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn spec(change: Value) -> Value {
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": "e2e-bad"}});
    let mut spec = json!({
        "release": {"strategy": "BlueGreen", "bake": "10m", "checkTimeout": "30s", "analysis": {"interval": "1s", "minRequests": 5}},
        "migrations": {"timeout": "25s"},
        "network": {"allowFrom": [{"namespaceSelector": own_namespace}]},
        "settings": {"REQUEST_TIMEOUT": "30", "RATE_LIMIT_PER_MINUTE": "1000000"},
    });
    e2e::environment::merge(&mut spec, change);
    spec
}

async fn seen(environment: &Environment) -> Value {
    let raw = ["--namespace", &environment.namespace, "get", "chatbotenvironment", &environment.name, "-o", "json"];
    let whole: Value = serde_json::from_str(&kubectl(&raw).await).unwrap_or_default();
    let mut status = whole["status"].clone();
    status["wantedGeneration"] = whole["metadata"]["generation"].clone();
    status
}
