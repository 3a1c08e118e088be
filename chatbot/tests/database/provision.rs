use std::collections::BTreeMap;

use chatbot::{config::provision::ProvisionConfig, provision};
use sqlx::{Connection, PgConnection};

use crate::support::{forgiving, server_url};

fn config(name: &str, qdrant: &str) -> ProvisionConfig {
    drop(rustls::crypto::ring::default_provider().install_default());
    let own = server_url()
        .replace("chatbot:chatbot@", &format!("{name}:it's%20secret@"))
        .replace("/postgres?", &format!("/{name}?"));
    let variables = BTreeMap::from([
        ("ENVIRONMENT", "dev".to_owned()),
        ("RESOURCE_PREFIX", "dev_".to_owned()),
        ("DATABASE_URL", own),
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
