use std::collections::BTreeMap;

use chatbot::{config::provision::ProvisionConfig, provision};
use sqlx::{Connection, PgConnection};

use crate::support::{forgiving, server_url};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn config(name: &str, qdrant: &str) -> ProvisionConfig {
    config_of(name, qdrant, "it's%20secret", KEY)
}

fn config_of(name: &str, qdrant: &str, password: &str, key: &str) -> ProvisionConfig {
    drop(rustls::crypto::ring::default_provider().install_default());
    let own = server_url()
        .replace("chatbot:chatbot@", &format!("{name}:{password}@"))
        .replace("/postgres?", &format!("/{name}?"));
    let variables = BTreeMap::from([
        ("ENVIRONMENT", "dev".to_owned()),
        ("RESOURCE_PREFIX", "dev_".to_owned()),
        ("DATABASE_URL", own),
        ("SECRET_KEY", key.to_owned()),
        ("ADMIN_DATABASE_URL", server_url().to_owned()),
        ("ADMIN_QDRANT_URL", qdrant.to_owned()),
        ("EMBEDDING_PROVIDER", "none".to_owned()),
        ("OBJECTS_DIR", "/tmp".to_owned()),
    ]);
    ProvisionConfig::from_env(|name| variables.get(name).cloned()).unwrap()
}

#[tokio::test]
async fn provisioning_twice_makes_everything_once() {
    let qdrant = forgiving().await;
    let name = format!("twice_{}", std::process::id());
    let config = config(&name, &qdrant.uri());
    let first = provision::run(&config).await.unwrap();
    assert_eq!(first, [format!("role {name}"), format!("database {name}")]);
    assert_eq!(provision::run(&config).await.unwrap(), Vec::<String>::new());
    PgConnection::connect_with(&config.database.options).await.expect("the environment can connect to what was made");
}

#[tokio::test]
async fn every_run_closes_the_database_to_others() {
    let qdrant = forgiving().await;
    let name = format!("closed_{}", std::process::id());
    let config = config(&name, &qdrant.uri());
    provision::run(&config).await.unwrap();
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    let open = format!("GRANT CONNECT ON DATABASE {name} TO PUBLIC");
    sqlx::raw_sql(sqlx::AssertSqlSafe(open)).execute(&mut admin).await.unwrap();
    provision::run(&config).await.unwrap();
    let granted = "SELECT EXISTS (SELECT FROM pg_database, aclexplode(datacl) acl \
        WHERE datname = $1 AND acl.grantee = 0 AND acl.privilege_type = 'CONNECT')";
    let granted: bool = sqlx::query_scalar(granted).bind(&name).fetch_one(&mut admin).await.unwrap();
    assert!(!granted);
}

#[tokio::test]
async fn two_provisioners_at_once_do_not_trip_over_each_other() {
    let qdrant = forgiving().await;
    let config = config(&format!("race_{}", std::process::id()), &qdrant.uri());
    let (one, two) = tokio::join!(provision::run(&config), provision::run(&config));
    assert_eq!(one.unwrap().len() + two.unwrap().len(), 2);
}

#[tokio::test]
async fn a_database_of_another_owner_is_refused() {
    let qdrant = forgiving().await;
    let name = format!("foreign_{}", std::process::id());
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let error = provision::run(&config(&name, &qdrant.uri())).await.unwrap_err();
    assert!(error.to_string().contains("give this environment another spec.resourcePrefix"), "{error}");
}

async fn admin() -> PgConnection {
    PgConnection::connect(server_url()).await.unwrap()
}

async fn execute(statement: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin().await).await.unwrap();
}

/// From now on the server lets the role in with its own password only.
async fn ask_for_password(role: &str) {
    let group =
        "DO $$ BEGIN CREATE ROLE needs_password; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
    execute(format!("{group}; GRANT needs_password TO {role}")).await;
}

async fn connects(config: &ProvisionConfig) -> bool {
    PgConnection::connect_with(&config.database.options).await.is_ok()
}

#[tokio::test]
async fn a_role_of_its_own_gets_the_new_password() {
    let qdrant = forgiving().await;
    let name = format!("renewed_{}", std::process::id());
    let (old, new) = (config(&name, &qdrant.uri()), config_of(&name, &qdrant.uri(), "another", KEY));
    provision::run(&old).await.unwrap();
    ask_for_password(&name).await;
    assert_eq!((connects(&old).await, connects(&new).await), (true, false));
    assert_eq!(provision::run(&new).await.unwrap(), Vec::<String>::new());
    assert_eq!((connects(&old).await, connects(&new).await), (false, true));
}

#[tokio::test]
async fn another_environment_s_role_keeps_its_password_and_the_next_step_is_said() {
    let qdrant = forgiving().await;
    let name = format!("theirs_{}", std::process::id());
    let theirs = config(&name, &qdrant.uri());
    provision::run(&theirs).await.unwrap();
    ask_for_password(&name).await;
    let other_key = "another key of thirty-two characters";
    let error = provision::run(&config_of(&name, &qdrant.uri(), "another", other_key)).await.unwrap_err();
    assert!(error.to_string().contains("give this environment another spec.resourcePrefix"), "{error}");
    assert!(connects(&theirs).await);
    assert_eq!(provision::run(&theirs).await.unwrap(), Vec::<String>::new(), "its own environment goes on");
}

#[tokio::test]
async fn a_stranger_s_role_keeps_its_password_when_its_database_is_refused() {
    let qdrant = forgiving().await;
    let name = format!("stranger_{}", std::process::id());
    execute(format!("CREATE ROLE {name} LOGIN PASSWORD 'theirs'")).await;
    execute(format!("CREATE DATABASE {name}")).await;
    ask_for_password(&name).await;
    for database in ["with", "without"] {
        provision::run(&config(&name, &qdrant.uri())).await.unwrap_err();
        assert!(connects(&config_of(&name, &qdrant.uri(), "theirs", KEY)).await, "{database} a database");
        execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(format!("CREATE DATABASE {name} OWNER {name}")).await;
    }
}
