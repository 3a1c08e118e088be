use std::collections::BTreeMap;

use super::*;

fn minimal() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("ENVIRONMENT", "dev"),
        ("DATABASE_URL", "postgresql://chatbot:s3cr%20et@db:5432/dev_chatbot"),
        ("REDIS_URL", "redis://:hunter2@redis:6379/0"),
        ("QDRANT_URL", "http://qdrant:6333"),
        ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("OPENROUTER_API_KEY", "sk-or-secret"),
        ("EMBEDDING_PROVIDER", "none"),
    ])
}

fn read(changes: &[(&'static str, &'static str)]) -> Result<Config, ConfigErrors> {
    let mut variables = minimal();
    variables.extend(changes.iter().copied());
    Config::from_env(|name| variables.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn the_required_variables_suffice() {
    let config = read(&[]).unwrap();
    assert_eq!(config.environment.resource_prefix, "dev_");
    assert_eq!(config.server.address.port(), 8000);
    assert_eq!(config.server.threads, 1);
    assert_eq!(config.llm.base_url.as_str(), "https://openrouter.ai/api/v1");
    assert!(config.environment.debug);
}

#[test]
fn everything_missing_is_named_in_one_message() {
    let errors = Config::from_env(|_| None).unwrap_err();
    insta::assert_snapshot!(errors.to_string());
}

#[test]
fn each_wrong_value_is_refused_with_its_expected_form() {
    let cases: [(&str, &str); 40] = [
        ("ENVIRONMENT", "production"),
        ("RESOURCE_PREFIX", "Dev_"),
        ("RESOURCE_PREFIX", "dev"),
        ("DEBUG", "maybe"),
        ("DATABASE_URL", "mysql://a:b@c/d"),
        ("DATABASE_URL", "postgresql://a:b@c"),
        ("DATABASE_URL", "postgresql://db:5432/x"),
        ("DATABASE_URL", "postgresql://a:b@c/d?sslmode=always"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "many"),
        ("REDIS_URL", "http://redis"),
        ("QDRANT_URL", "qdrant:6333"),
        ("SECRET_KEY", "short"),
        ("LLM_BASE_URL", "model"),
        ("LLM_TIMEOUT", "0"),
        ("EMBEDDING_PROVIDER", "magic"),
        ("EMBEDDING_PROVIDER", "upstream"),
        ("EMBEDDING_BASE_URL", "ftp://x"),
        ("EMBEDDING_DIMENSIONS", "-1"),
        ("MINIO_URL", "s3"),
        ("MINIO_URL", "http://s3:7070"),
        ("OBJECTS_BUCKET", "No"),
        ("OBJECTS_REGION", "eu west"),
        ("HOST", "localhost"),
        ("PORT", "70000"),
        ("MONITOR_PORT", "0"),
        ("WORKERS", "0"),
        ("REQUEST_TIMEOUT", "1h"),
        ("MAX_CONCURRENT_REQUESTS", "-3"),
        ("MAX_UPLOAD_BYTES", "1"),
        ("DRAIN_DELAY", "-1"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("RATE_LIMIT_PER_IP", "none"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,everybody"),
        ("QUEUE_HIGH", "1001"),
        ("DEAD_LETTER_DAYS", "0"),
        ("DRAIN_TIMEOUT", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("SMTP_PORT", "0"),
    ];
    let messages: Vec<String> =
        cases.iter().map(|(name, value)| read(&[(name, value)]).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn proxies_are_networks_or_addresses_and_who_raises_one_limit_raises_both() {
    let server = |changes: &[(&'static str, &'static str)]| read(changes).unwrap().server;
    assert_eq!(server(&[]).trusted_proxies, []);
    let told = server(&[("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1")]).trusted_proxies;
    assert_eq!(told.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]);
    assert_eq!(server(&[]).rate_limit_per_ip, 6000);
    assert_eq!(server(&[("RATE_LIMIT_PER_MINUTE", "1000000")]).rate_limit_per_ip, 50_000_000);
    assert_eq!(server(&[("RATE_LIMIT_PER_IP", "7")]).rate_limit_per_ip, 7);
}

#[test]
fn half_a_pair_is_refused() {
    for (given, asked) in [
        ("SMTP_USER", "SMTP_PASSWORD"),
        ("SMTP_PASSWORD", "SMTP_USER"),
        ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"),
        ("LANGFUSE_SECRET_KEY", "LANGFUSE_PUBLIC_KEY"),
    ] {
        let errors = read(&[("SMTP_HOST", "mail"), (given, "x")]).unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors}");
        assert_eq!(errors.0[0].variable, asked);
    }
}

#[test]
fn no_message_and_no_debug_output_holds_a_value() {
    let secrets = ["s3cr", "hunter2", "sk-or-secret", "0123456789abcdef0123456789abcdef", "topsecret"];
    let wrong = read(&[
        ("DATABASE_URL", "topsecret"),
        ("REDIS_URL", "topsecret"),
        ("MINIO_URL", "topsecret"),
        ("SECRET_KEY", "topsecret"),
    ]);
    let texts = [wrong.unwrap_err().to_string(), format!("{:?}", read(&[]).unwrap())];
    for text in texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

#[test]
fn debugging_is_for_dev_only() {
    for tier in ["stage", "prod"] {
        let url = "postgresql://a:b@c/d?sslmode=require";
        let errors = read(&[("ENVIRONMENT", tier), ("DEBUG", "true"), ("DATABASE_URL", url)]).unwrap_err();
        assert_eq!(errors.0[0].variable, "DEBUG");
        let config = read(&[("ENVIRONMENT", tier), ("DEBUG", "false"), ("DATABASE_URL", url)]).unwrap();
        assert!(!config.environment.debug);
    }
}

#[test]
fn prod_asks_for_an_encrypted_database_connection() {
    let modes = [
        ("", false),
        ("?sslmode=disable", false),
        ("?sslmode=prefer", false),
        ("?sslmode=require", true),
        ("?sslmode=verify-full", true),
        ("?ssl=require", true),
    ];
    for (mode, accepted) in modes {
        let url: &'static str = format!("postgresql://a:b@c/d{mode}").leak();
        assert_eq!(read(&[("ENVIRONMENT", "prod"), ("DATABASE_URL", url)]).is_ok(), accepted, "{mode}");
    }
}

#[test]
fn a_driver_in_the_database_url_is_ignored() {
    for scheme in ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"] {
        let url: &'static str = format!("{scheme}://chatbot:p@db:5433/x").leak();
        let database = read(&[("DATABASE_URL", url)]).unwrap().database;
        assert_eq!((database.options.get_host(), database.options.get_port(), database.name()), ("db", 5433, "x"));
    }
}

#[test]
fn the_role_s_password_is_decoded() {
    use secrecy::ExposeSecret;
    let password = read(&[]).unwrap().database.password().unwrap();
    assert_eq!(password.expose_secret(), "s3cr et");
}

#[test]
fn python_s_level_names_are_understood() {
    use tracing::level_filters::LevelFilter;
    for (name, level) in [
        ("WARNING", LevelFilter::WARN),
        ("warning", LevelFilter::WARN),
        ("CRITICAL", LevelFilter::ERROR),
        ("DEBUG", LevelFilter::DEBUG),
    ] {
        assert_eq!(read(&[("LOG_LEVEL", name)]).unwrap().observability.log_level, level);
    }
}

#[test]
fn the_bucket_follows_the_prefix() {
    let s3 = [("MINIO_URL", "http://s3:7070"), ("MINIO_ROOT_USER", "u"), ("MINIO_ROOT_PASSWORD", "p")];
    for (prefix, bucket) in [("dev_", "dev-chatbot"), ("team_a_", "team-a-chatbot")] {
        let mut changes = s3.to_vec();
        changes.push(("RESOURCE_PREFIX", prefix));
        let objects::Objects::S3(s3) = read(&changes).unwrap().objects else { panic!("not S3") };
        assert_eq!((s3.bucket.as_str(), s3.region.as_str()), (bucket, "us-east-1"));
    }
}

#[test]
fn a_cluster_gets_time_to_drain_and_a_terminal_does_not() {
    let delay = |changes| read(changes).unwrap().server.drain_delay.as_secs();
    assert_eq!(delay(&[]), 0);
    assert_eq!(delay(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]), 5);
    assert_eq!(delay(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("DRAIN_DELAY", "0")]), 0);
}
