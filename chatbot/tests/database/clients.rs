//! Programs of others against `chatbot serve`: OpenAI's clients and a fuzzer. `tests/clients/run` fetches them and sets
//! CLIENTS_DIR.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::ExposeSecret;
use test_qdrant::Own;

use crate::support::{Database, Process, Redis, eventually, migrated, redis, start, user, variables};

/// Length of the scripted vectors.
const DIMENSIONS: usize = 64;

/// A server with a model, an index, and a key to it.
struct Served {
    process: Process,
    upstream: test_upstream::Running,
    key: String,
    _database: Database,
    _qdrant: Own,
    _redis: Redis,
}

fn clients() -> PathBuf {
    std::env::var_os("CLIENTS_DIR").map(PathBuf::from).expect("tests/clients/run sets CLIENTS_DIR")
}

async fn served() -> Served {
    let (database, qdrant, redis) = (migrated().await, Own::start(None).await, redis().await);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let upstream = test_upstream::start(test_upstream::Settings { address, dimensions: DIMENSIONS }).await.unwrap();
    let mut variables = variables(&database);
    let changes = [
        ("RESOURCE_PREFIX", qdrant.prefix().to_owned()),
        ("QDRANT_API_KEY", qdrant.api_key().unwrap_or_default().to_owned()),
        ("QDRANT_URL", qdrant.url()),
        ("REDIS_URL", redis.url.clone()),
        ("LLM_BASE_URL", upstream.base_url()),
        ("LLM_MODEL", "scripted".to_owned()),
        ("EMBEDDING_PROVIDER", "upstream".to_owned()),
        ("EMBEDDING_BASE_URL", upstream.base_url()),
        ("EMBEDDING_MODEL", "vectors".to_owned()),
        ("EMBEDDING_DIMENSIONS", DIMENSIONS.to_string()),
        ("RATE_LIMIT_PER_MINUTE", "1000000".to_owned()),
    ];
    variables.extend(changes.map(|(name, value)| (name.to_owned(), value)));
    let key = key(&database).await;
    let process = start("serve", &variables);
    eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;
    Served { process, upstream, key, _database: database, _qdrant: qdrant, _redis: redis }
}

async fn key(database: &Database) -> String {
    let owner = user(database).await;
    let key = chatbot::store::api_keys::from_random([9; 32]);
    chatbot::store::api_keys::create(&database.pool, owner.id, "clients", key.expose_secret(), None).await.unwrap();
    key.expose_secret().to_owned()
}

/// Runs a program to its end, which must be a good one; what it says is shown.
async fn run(mut command: Command) {
    let shown = format!("{command:?}");
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap();
    assert!(status.expect("the program starts").success(), "{shown}");
}

fn client(served: &Served, program: &Path, script: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(script).env("OPENAI_BASE_URL", format!("{}/v1", served.process.url));
    command.env("OPENAI_API_KEY", &served.key);
    command.env("UPSTREAM", format!("http://{}", served.upstream.address));
    command
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs programs that tests/clients/run fetches"]
async fn openai_s_client_for_python_works_unchanged() {
    let folder = clients();
    let served = served().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients/python/check.py");
    run(client(&served, &folder.join("python/bin/python"), &script)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs programs that tests/clients/run fetches"]
async fn openai_s_client_for_node_works_unchanged() {
    let folder = clients();
    let served = served().await;
    run(client(&served, Path::new("node"), &folder.join("node/check.mjs"))).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs programs that tests/clients/run fetches"]
async fn fuzz_of_the_openapi_document_finds_no_5xx_and_no_undeclared_answer() {
    let folder = clients();
    let served = served().await;
    let mut command = Command::new(folder.join("fuzz/bin/schemathesis"));
    command.arg("run").arg(format!("{}/openapi.json", served.process.url));
    command.args(["--header", &format!("Authorization: Bearer {}", served.key)]);
    // What the document says of answers must be true; it need not say everything about requests.
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    command.args(["--checks", checks, "--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--seed", "1"]);
    command.args(["--request-timeout", "30", "--warnings", "off", "--continue-on-failure"]);
    command.current_dir(std::env::temp_dir());
    run(command).await;
}
