use k8s_openapi::api::apps::v1::Deployment;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::fixtures::{self, SECRET, changed, complete, environment, minimal, user_variables, with_variables};
use super::variables::REQUIRED;
use super::*;
use crate::crd::Tier;
use crate::resources::provisioned_secret;

fn problem(environment: &ChatbotEnvironment, references: &References) -> Problem {
    resolve(environment, references).unwrap_err().problems()[0].clone()
}

fn value<'a>(resolved: &'a Resolved, name: &str) -> &'a str {
    resolved.variables[name].expose_secret()
}

// What is missing or wrong

#[test]
fn a_missing_secret_is_named_with_the_keys_it_needs() {
    let error = resolve(&minimal(Tier::Dev), &References::default()).unwrap_err();
    assert_eq!(error.reason(), "SecretNotFound");
    insta::assert_snapshot!(error, @"Secret chatbot does not exist in namespace chatbot-dev: create it with the keys DATABASE_URL, REDIS_URL, QDRANT_URL, SECRET_KEY, OPENROUTER_API_KEY");
}

#[test]
fn every_missing_key_is_named() {
    for key in REQUIRED {
        let mut variables = user_variables();
        variables.remove(key);
        let error = resolve(&minimal(Tier::Dev), &with_variables(&variables)).unwrap_err();
        assert_eq!(error.reason(), "SecretKeysMissing", "{key}");
        assert_eq!(error.to_string(), format!("Secret chatbot lacks {key}: add the missing keys"));
    }
}

#[test]
fn a_blank_value_counts_as_missing() {
    let expected = Problem::KeysMissing { secret: "chatbot".to_owned(), keys: vec!["SECRET_KEY"] };
    assert_eq!(problem(&minimal(Tier::Dev), &changed("SECRET_KEY", " \n")), expected);
}

#[test]
fn a_key_may_come_from_the_settings() {
    let mut variables = user_variables();
    variables.remove("QDRANT_URL");
    let environment = environment(Tier::Dev, "  settings: {QDRANT_URL: 'http://qdrant:6333'}\n");
    let resolved = resolve(&environment, &with_variables(&variables)).unwrap();
    assert_eq!(value(&resolved, "QDRANT_URL"), "http://qdrant:6333");
}

#[test]
fn a_key_that_is_no_variable_is_named() {
    for key in ["tls.crt", "1ST", "a-b"] {
        let expected = Problem::KeyIsNoVariable { secret: "chatbot".to_owned(), key: key.to_owned() };
        assert_eq!(problem(&minimal(Tier::Dev), &changed(key, "x")), expected);
    }
}

#[test]
fn a_value_that_is_no_text_is_named() {
    let expected = Problem::ValueIsNoText { secret: "chatbot".to_owned(), key: "SECRET_KEY".to_owned() };
    assert!(resolve(&minimal(Tier::Dev), &changed("SECRET_KEY", "a\0b")).unwrap_err().problems().contains(&expected));
}

#[test]
fn a_secret_of_another_environment_is_refused() {
    for (key, value) in [("ENVIRONMENT", "prod"), ("RESOURCE_PREFIX", "prod_")] {
        let error = resolve(&minimal(Tier::Dev), &changed(key, value)).unwrap_err();
        assert_eq!(error.reason(), "SecretValueInvalid", "{key}");
        assert!(error.to_string().starts_with(&format!("{key} must be \"dev")), "{error}");
    }
}

#[test]
fn debugging_is_refused_outside_dev() {
    for tier in [Tier::Stage, Tier::Prod] {
        assert_eq!(problem(&minimal(tier), &changed("DEBUG", "True")), Problem::DebugRefused { tier });
        resolve(&minimal(tier), &changed("DEBUG", "false")).unwrap();
    }
    resolve(&minimal(Tier::Dev), &changed("DEBUG", "True")).unwrap();
}

#[test]
fn a_log_with_users_words_is_refused_outside_dev() {
    for tier in [Tier::Stage, Tier::Prod] {
        for level in ["DEBUG", "trace"] {
            assert_eq!(
                problem(&minimal(tier), &changed("LOG_LEVEL", level)),
                Problem::LogLevelRefused { tier },
                "{level}"
            );
        }
        resolve(&minimal(tier), &changed("LOG_LEVEL", "Warning")).unwrap();
    }
    resolve(&minimal(Tier::Dev), &changed("LOG_LEVEL", "trace")).unwrap();
}

#[test]
fn a_log_level_that_the_chatbot_does_not_know_is_refused() {
    for tier in Tier::ALL {
        for level in ["OFF", "loud", "info,chatbot=debug"] {
            assert_eq!(problem(&minimal(tier), &changed("LOG_LEVEL", level)), Problem::LogLevelUnknown, "{level}");
        }
        resolve(&minimal(tier), &changed("LOG_LEVEL", "critical")).unwrap();
    }
}

#[test]
fn prod_refuses_a_database_without_tls() {
    for parameters in ["", "?sslmode=disable", "?sslmode=prefer", "?application_name=require"] {
        let url = format!("postgresql://chatbot:{SECRET}@db.example.org/chatbot{parameters}");
        let error = resolve(&minimal(Tier::Prod), &changed("DATABASE_URL", &url)).unwrap_err();
        assert_eq!(error.reason(), "DatabaseTlsRequired", "{parameters}");
        resolve(&minimal(Tier::Stage), &changed("DATABASE_URL", &url)).unwrap();
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("postgresql://chatbot@db.example.org/chatbot?sslmode={mode}");
        resolve(&minimal(Tier::Prod), &changed("DATABASE_URL", &url)).unwrap();
    }
}

#[test]
fn a_database_url_that_cannot_be_read_is_refused_without_showing_it() {
    for url in [
        SECRET,
        "mysql://hunter2@db/chatbot",
        "postgresql://hunter2@db:99999/chatbot",
        "postgresql:///hunter2",
        "postgresql://db",
        "postgresql://:hunter2@db/",
        "postgresql://hunter2@db",
        "postgresql://db/hunter2",
        "postgresql://:hunter2@db/chatbot",
        "postgresql:///hunter2?host=db&user=chatbot",
        "postgresql://hunter2@db/chatbot?sslmode=always",
        "postgresql://hunter2@db/chatbot?hostaddr=db",
        "postgresql://hunter2@db/chatbot?dbname=",
        "postgresql://hunter2:%ff@db/chatbot",
    ] {
        let error = resolve(&minimal(Tier::Dev), &changed("DATABASE_URL", url)).unwrap_err();
        assert_eq!(error.reason(), "SecretValueInvalid", "{url}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}

#[test]
fn no_form_of_anything_shows_a_secret() {
    let references = fixtures::provisioned();
    let environment = fixtures::full(Tier::Prod);
    let resolved = resolve(&environment, &references).unwrap();
    let password = SecretString::from("new");
    let credentials =
        provisioning(&environment, &References { provisioned: None, ..references.clone() }, &password).unwrap();
    for text in
        [format!("{references:?}"), format!("{resolved:#?}"), format!("{credentials:?}"), resolved.database.to_string()]
    {
        assert!(!text.contains(SECRET), "{text}");
    }
}

// Which source wins

#[test]
fn settings_lie_over_the_secret_and_the_secret_over_the_tier() {
    let references = changed("LOG_LEVEL", "ERROR");
    assert_eq!(value(&fixtures::resolved(Tier::Prod), "LOG_LEVEL"), "WARNING");
    assert_eq!(value(&resolve(&minimal(Tier::Prod), &references).unwrap(), "LOG_LEVEL"), "ERROR");
    let environment = environment(Tier::Prod, "  settings: {LOG_LEVEL: INFO}\n");
    assert_eq!(value(&resolve(&environment, &references).unwrap(), "LOG_LEVEL"), "INFO");
}

#[test]
fn the_users_secret_lies_over_provisioned_credentials() {
    let resolved = resolve(&fixtures::full(Tier::Prod), &fixtures::provisioned()).unwrap();
    assert_eq!(resolved.database.name, "chatbot");
    assert_eq!(value(&resolved, "MINIO_URL"), "http://s3.platform.svc:7070");
}

#[test]
fn the_operator_says_which_environment_it_is() {
    let resolved = resolve(&environment(Tier::Stage, "  resourcePrefix: team_\n"), &complete()).unwrap();
    assert_eq!(value(&resolved, "ENVIRONMENT"), "stage");
    assert_eq!(value(&resolved, "RESOURCE_PREFIX"), "team_");
    assert_eq!(value(&resolved, "RELEASE_ID"), resolved.release_id);
}

#[test]
fn a_variable_that_a_field_decides_is_left_out_and_said() {
    for key in ["WORKERS", "QUEUE_HIGH", "DRAIN_TIMEOUT", "PORT", "RELEASE_ID"] {
        let resolved = resolve(&minimal(Tier::Dev), &changed(key, "17")).unwrap();
        assert_eq!(resolved.release_id, fixtures::resolved(Tier::Dev).release_id, "{key}");
        assert!(resolved.not_acted_on.iter().any(|it| it.field == format!("variable {key}")), "{key}");
    }
}

// The release id

#[test]
fn a_release_id_is_ten_hexadecimal_digits() {
    let id = fixtures::resolved(Tier::Dev).release_id;
    assert_eq!(id.len(), 10);
    assert!(id.chars().all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase()), "{id}");
}

#[test]
fn image_settings_and_secret_make_a_new_release() {
    let old = fixtures::resolved(Tier::Dev).release_id;
    let mut other_image = minimal(Tier::Dev);
    other_image.spec.image = "registry.example/acme/chatbot:1.4.1".to_owned();
    let other_settings = environment(Tier::Dev, "  settings: {LLM_MODEL: other}\n");
    for (what, environment, references) in [
        ("image", other_image, complete()),
        ("settings", other_settings, complete()),
        ("secret", minimal(Tier::Dev), changed("SECRET_KEY", "another-key")),
    ] {
        assert_ne!(resolve(&environment, &references).unwrap().release_id, old, "{what}");
    }
}

fn variables(pairs: &[(String, String)]) -> Variables {
    pairs.iter().map(|(name, value)| (name.clone(), SecretString::from(value.as_str()))).collect()
}

proptest! {
    #[test]
    fn size_is_no_release(replicas in 0..100, workers in 1..64_u32, high in 0..100_u32, drain in 1..86_400_u32, cpu in 1..64) {
        let more = format!(
            "  app: {{replicas: {replicas}, workers: {workers}, resources: {{limits: {{cpu: {cpu}}}}}}}\n  \
             worker: {{replicas: {replicas}, drainTimeout: {drain}s, queues: {{high: {high}}}}}\n"
        );
        let resolved = resolve(&environment(Tier::Dev, &more), &complete()).unwrap();
        prop_assert_eq!(resolved.release_id, fixtures::resolved(Tier::Dev).release_id);
    }

    #[test]
    fn different_variables_have_different_ids(left in prop::collection::vec(("[A-C]{1,3}", "[A-C]{0,3}"), 0..4), right in prop::collection::vec(("[A-C]{1,3}", "[A-C]{0,3}"), 0..4)) {
        let same = left.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() == right.iter().cloned().collect();
        let ids = (release_id::release_id("image", &variables(&left)), release_id::release_id("image", &variables(&right)));
        prop_assert_eq!(ids.0 == ids.1, same);
    }
}

// The database

fn database(url: &str) -> Database {
    Database::parse(&SecretString::from(url), "chatbot-dev").unwrap()
}

#[test]
fn every_way_to_write_one_database_has_one_fingerprint() {
    let fingerprint = database("postgresql://a:b@db.platform.svc:5432/chatbot").fingerprint();
    for url in [
        "postgres://other:pw@db.platform.svc/chatbot",
        "postgresql://a@db.platform/chatbot",
        "postgresql://a@DB.Platform.svc.cluster.local./chatbot?sslmode=require",
        "postgresql://a@ignored/chatbot?host=db.platform.svc&port=5432",
        "postgresql://a@ignored/chatbot?host=ignored&host=db.platform.svc",
        "postgresql://a@db.platform.svc/%63hatbot",
        "postgresql://a@db.platform.svc/ignored?dbname=chatbot",
        "postgresql+asyncpg://a@db.platform.svc/chatbot?ssl=require",
        " postgresql://a@db.platform.svc/chatbot\n",
    ] {
        assert_eq!(database(url).fingerprint(), fingerprint, "{url}");
    }
}

#[test]
fn different_databases_have_different_fingerprints() {
    let fingerprint = database("postgresql://a@db/chatbot").fingerprint();
    for url in [
        "postgresql://a@db:5433/chatbot",
        "postgresql://a@db/chatbot2",
        "postgresql://a@db2/chatbot",
        "postgresql://a@db.platform.svc/chatbot",
        "postgresql://a@db/chatbot?hostaddr=10.0.0.1",
    ] {
        assert_ne!(database(url).fingerprint(), fingerprint, "{url}");
    }
}

fn claim(namespace: &str, name: &str, created: &str) -> DatabaseClaim {
    let fingerprint = fixtures::resolved(Tier::Dev).database.fingerprint();
    let created = Some(created.parse().unwrap());
    DatabaseClaim { namespace: namespace.to_owned(), name: name.to_owned(), created, fingerprint }
}

fn with_claims(claims: &[DatabaseClaim]) -> References {
    References { claims: claims.to_vec(), ..complete() }
}

#[test]
fn who_claimed_a_database_first_keeps_it_however_old_the_environments_are() {
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    let own = |created| claim("chatbot-dev", "dev", created);
    let cases = [
        ("nobody else", vec![own(late)], true),
        ("the other came later", vec![claim("chatbot", "other", late), own(early)], true),
        ("the other was first", vec![claim("chatbot", "other", early), own(late)], false),
        ("an environment of any age without a claim", vec![claim("chatbot", "other", late)], false),
        ("the same second, and a name before the other's", vec![claim("z", "other", early), own(early)], true),
        ("the same second, and a name after the other's", vec![claim("a", "other", early), own(early)], false),
    ];
    for (name, claims, expected) in cases {
        assert_eq!(resolve(&minimal(Tier::Dev), &with_claims(&claims)).is_ok(), expected, "{name}");
    }
}

#[test]
fn a_refused_environment_is_told_who_was_first_and_nothing_of_the_secret() {
    let error =
        resolve(&minimal(Tier::Dev), &with_claims(&[claim("chatbot", "old", "2026-01-01T00:00:00Z")])).unwrap_err();
    assert_eq!(error.reason(), "DatabaseShared");
    insta::assert_snapshot!(error, @"DATABASE_URL names the database that belongs to ChatbotEnvironment chatbot/old: give this environment a database of its own");
}

#[test]
fn other_databases_are_no_claim() {
    let other = DatabaseClaim { fingerprint: "0".repeat(16), ..claim("chatbot", "old", "2026-01-01T00:00:00Z") };
    resolve(&minimal(Tier::Dev), &with_claims(&[other])).unwrap();
}

// Shared services

fn unprovisioned() -> References {
    References { provisioned: None, ..fixtures::provisioned() }
}

fn new_password() -> SecretString {
    SecretString::from("f00d")
}

#[test]
fn provisioning_needs_the_administrators_secret() {
    let references = References { admin: None, ..unprovisioned() };
    let error = provisioning(&fixtures::full(Tier::Prod), &references, &new_password()).unwrap_err();
    assert_eq!(error.reason(), "AdminSecretNotReady");
    let references =
        References { admin: Some(fixtures::secret("platform-admin", &[("REDIS_URL", "redis://redis")])), ..references };
    let error = provisioning(&fixtures::full(Tier::Prod), &references, &new_password()).unwrap_err();
    insta::assert_snapshot!(error, @"Secret platform-admin of spec.provision.adminSecretRef lacks DATABASE_URL, QDRANT_URL: add the missing keys");
}

#[test]
fn provisioned_credentials_have_a_role_and_a_database_of_their_own() {
    let credentials = provisioning(&fixtures::full(Tier::Prod), &unprovisioned(), &new_password()).unwrap().unwrap();
    let url = credentials.variables["DATABASE_URL"].expose_secret();
    assert_eq!(url, "postgresql://prod_chatbot:f00d@postgresql.platform.svc:5432/prod_chatbot?sslmode=require");
    assert_eq!(credentials.variables["MINIO_ROOT_PASSWORD"].expose_secret(), SECRET);
}

fn provisioned_once() -> References {
    let credentials = provisioning(&fixtures::full(Tier::Prod), &unprovisioned(), &new_password()).unwrap().unwrap();
    References { provisioned: Some(SecretData::from(&provisioned_secret::build(&credentials))), ..unprovisioned() }
}

#[test]
fn credentials_are_made_once() {
    let again = provisioning(&fixtures::full(Tier::Prod), &provisioned_once(), &SecretString::from("other")).unwrap();
    assert!(again.is_none(), "{again:?}");
}

#[test]
fn what_somebody_adds_to_the_credentials_does_not_make_them_anew() {
    let credentials = provisioning(&fixtures::full(Tier::Prod), &unprovisioned(), &new_password()).unwrap().unwrap();
    let mut secret = provisioned_secret::build(&credentials);
    secret.data.get_or_insert_default().insert("EXTRA".to_owned(), k8s_openapi::ByteString(b"x".to_vec()));
    let references = References { provisioned: Some(SecretData::from(&secret)), ..unprovisioned() };
    let again = provisioning(&fixtures::full(Tier::Prod), &references, &new_password()).unwrap();
    assert!(again.is_none(), "{again:?}");
}

#[test]
fn the_operators_own_secret_is_no_secret_of_the_users() {
    let mut environment = fixtures::full(Tier::Prod);
    environment.spec.secret_ref.name = "prod-provisioned".to_owned();
    let error = provisioning(&environment, &unprovisioned(), &new_password()).unwrap_err();
    assert_eq!(error.reason(), "SecretValueInvalid");
    insta::assert_snapshot!(error, @"spec.secretRef names Secret prod-provisioned, which the operator itself writes: name a Secret of your own there");
}

#[test]
fn services_that_move_keep_the_roles_password() {
    let admin = [
        ("DATABASE_URL", "postgresql://postgres@new/postgres"),
        ("REDIS_URL", "redis://new"),
        ("QDRANT_URL", "http://new"),
    ];
    let references = References { admin: Some(fixtures::secret("platform-admin", &admin)), ..provisioned_once() };
    let credentials =
        provisioning(&fixtures::full(Tier::Prod), &references, &SecretString::from("other")).unwrap().unwrap();
    assert_eq!(
        credentials.variables["DATABASE_URL"].expose_secret(),
        "postgresql://prod_chatbot:f00d@new/prod_chatbot"
    );
}

#[test]
fn with_provisioning_the_user_supplies_only_two_keys() {
    let mut variables = user_variables();
    variables.retain(|key, _| matches!(*key, "SECRET_KEY" | "OPENROUTER_API_KEY"));
    let secret = with_variables(&variables).secret;
    let resolved =
        resolve(&fixtures::full(Tier::Prod), &References { secret: secret.clone(), ..provisioned_once() }).unwrap();
    assert_eq!(resolved.database.name, "prod_chatbot");
    let error = resolve(&fixtures::full(Tier::Prod), &References { secret, ..unprovisioned() }).unwrap_err();
    assert_eq!(error.reason(), "Provisioning");
}

#[test]
fn a_mended_image_or_administrator_is_tried_anew() {
    let hash = |environment: &ChatbotEnvironment, references: &References| {
        resolve(environment, references).unwrap().provision.unwrap().hash
    };
    let environment = fixtures::full(Tier::Prod);
    let first = hash(&environment, &fixtures::provisioned());
    assert_eq!(hash(&environment, &fixtures::provisioned()), first);
    let mut mended = environment.clone();
    mended.spec.image = "registry.example/acme/chatbot:1.4.1".to_owned();
    assert_ne!(hash(&mended, &fixtures::provisioned()), first);
    let data = fixtures::provisioned().admin.unwrap().variables().0;
    let pairs: Vec<_> = data.iter().map(|(key, value)| (key.as_str(), value.expose_secret())).collect();
    let renamed = References { admin: Some(fixtures::secret("renamed", &pairs)), ..fixtures::provisioned() };
    assert_ne!(hash(&environment, &renamed), first);
}

// Size

fn live(replicas: i32, owner: &str) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"managedFields": [{"manager": owner, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
    }))
    .unwrap()
}

#[test]
fn the_operator_lets_go_of_replicas_only_when_the_autoscaler_holds_them() {
    let automatic = Scale::Automatic { min: 2, max: 6, target_cpu: 70 };
    for (what, scale, live, expected) in [
        ("a fixed number is written", Scale::Fixed(3), Some(live(5, "autoscaler")), Some(3)),
        ("a new Deployment starts with the fewest", automatic, None, Some(2)),
        ("a number that the operator holds stays", automatic, Some(live(5, "operator")), Some(5)),
        ("a number outside the bounds is brought inside", automatic, Some(live(9, "operator")), Some(6)),
        ("a suspended Deployment starts with the fewest", automatic, Some(live(0, "operator")), Some(2)),
        ("a number that the autoscaler holds is left to it", automatic, Some(live(5, "autoscaler")), None),
    ] {
        assert_eq!(scale.replicas(live.as_ref(), "operator"), expected, "{what}");
    }
}

#[test]
fn an_amount_that_is_given_lies_over_the_tiers_and_the_rest_stays() {
    let resolved =
        resolve(&environment(Tier::Dev, "  app: {resources: {limits: {memory: 2Gi}}}\n"), &complete()).unwrap();
    let limits = resolved.app.resources.limits.unwrap();
    assert_eq!((limits["memory"].0.as_str(), limits["cpu"].0.as_str()), ("2Gi", "1"));
}

// The way to the users

const HOST: &str = "  host: chat.example.org\n  tls: {issuerRef: {name: letsencrypt, kind: ClusterIssuer}}\n";

#[test]
fn an_issuer_becomes_an_annotation() {
    let references = References { apis: Apis { cert_manager: true, ..Apis::default() }, ..complete() };
    let routing = resolve(&environment(Tier::Stage, HOST), &references).unwrap().routing.unwrap();
    assert_eq!(routing.url(), "https://chat.example.org");
    let expected = Certificate::Issuer { annotation: "cert-manager.io/cluster-issuer", name: "letsencrypt".to_owned() };
    assert_eq!(routing.certificate, Some(expected));
}

#[test]
fn there_is_no_way_without_tls_where_the_tier_wants_it_and_no_address_that_claims_it() {
    let gateway = |section: &str| format!("{HOST}  routing: {{gateway: {{name: public{section}}}}}\n");
    let (open, secure) = (gateway(""), gateway(", sectionName: https"));
    let nothing = Apis::default();
    let with_gateway = Apis { gateway: true, ..nothing };
    let plain = Some("http://chat.example.org".to_owned());
    let encrypted = Some("https://chat.example.org".to_owned());
    let cases = [
        (Tier::Stage, HOST, nothing, "tls.issuerRef", None),
        (Tier::Dev, HOST, nothing, "tls.issuerRef", plain.clone()),
        (Tier::Stage, "  host: chat.example.org\n", nothing, "host", None),
        (Tier::Stage, secure.as_str(), nothing, "routing.gateway", None),
        (Tier::Stage, open.as_str(), with_gateway, "routing.gateway.sectionName", None),
        (Tier::Dev, open.as_str(), with_gateway, "routing.gateway.sectionName", plain),
        (Tier::Stage, secure.as_str(), with_gateway, "tls", encrypted),
    ];
    for (tier, more, apis, field, url) in cases {
        let resolved = resolve(&environment(tier, more), &References { apis, ..complete() }).unwrap();
        assert!(resolved.not_acted_on.iter().any(|it| it.field == field), "{tier} {field}");
        assert_eq!(resolved.routing.map(|routing| routing.url()), url, "{tier} {field}");
    }
}

#[test]
fn what_another_field_deprives_of_its_effect_is_named() {
    for (more, field) in [
        ("  backups: {suspend: true}\n", "backups.suspend"),
        ("  backups: {retention: {daily: 3}}\n", "backups.retention"),
        ("  backups: {rpo: 2h}\n", "backups.rpo"),
        ("  backups: {rto: 2h}\n", "backups.rto"),
        ("  monitoring: {labels: {release: prometheus}}\n", "monitoring.labels"),
        ("  network: {policies: false, allowFrom: [{podSelector: {}}]}\n", "network.allowFrom"),
        ("  app: {replicas: 3, autoscaling: {max: 4}}\n", "app.replicas"),
        ("  worker: {replicas: 3, autoscaling: {max: 4}}\n", "worker.replicas"),
    ] {
        let resolved = resolve(&environment(Tier::Dev, more), &complete()).unwrap();
        assert!(resolved.not_acted_on.iter().any(|it| it.field == field), "{field}: {:?}", resolved.not_acted_on);
    }
}

#[test]
fn only_a_schema_that_is_to_be_taken_back_at_any_price_is_named() {
    for (value, is_named) in [("WhenLossless", false), ("Never", false), ("Always", true)] {
        let more = format!("  migrations: {{onRollback: {value}}}\n");
        let resolved = resolve(&environment(Tier::Dev, &more), &complete()).unwrap();
        let named = resolved.not_acted_on.iter().any(|it| it.field == "migrations.onRollback");
        assert_eq!(named, is_named, "{value}");
    }
}

#[test]
fn monitoring_that_lacks_a_kind_of_the_prometheus_operator_is_named() {
    let none = Apis::default();
    for (apis, is_named) in [
        (none, true),
        (Apis { service_monitor: true, ..none }, true),
        (Apis { pod_monitor: true, ..none }, true),
        (Apis { service_monitor: true, pod_monitor: true, ..none }, false),
    ] {
        let resolved = resolve(&minimal(Tier::Stage), &References { apis, ..complete() }).unwrap();
        let named = resolved.not_acted_on.iter().any(|it| it.field == "monitoring.level");
        assert_eq!(named, is_named, "{apis:?}");
    }
}

#[test]
fn annotations_without_machinery_are_named() {
    for name in ["chatbot.platform/promote", "chatbot.platform/rollback"] {
        let mut environment = minimal(Tier::Dev);
        environment.metadata.annotations.get_or_insert_default().insert(name.to_owned(), "x".to_owned());
        let resolved = resolve(&environment, &complete()).unwrap();
        assert!(resolved.not_acted_on.iter().any(|it| it.field == format!("annotation {name}")), "{name}");
    }
}

#[test]
fn what_this_version_does_not_do_is_named() {
    let fields = |tier| fixtures::resolved(tier).not_acted_on.iter().map(|it| it.field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(Tier::Dev), ["migrations.backupFirst", "monitor"]);
    assert_eq!(
        fields(Tier::Prod),
        ["backups", "migrations.backupFirst", "monitor", "release.strategy", "release.bake", "monitoring.level"]
    );
}

// What the pods must reach

#[test]
fn the_ports_of_every_server_that_a_variable_names_are_opened() {
    for (name, value, ports, namespaces) in [
        ("DATABASE_URL", "postgresql://db/chatbot", &[443, 5432][..], &[][..]),
        ("DATABASE_URL", "postgresql:///chatbot?host=db&port=6432", &[443, 6432], &[]),
        ("DATABASE_URL", "postgresql://db:1/chatbot?port=6432", &[443, 6432], &[]),
        ("LLM_BASE_URL", "http://model.platform/v1", &[80, 443], &["platform"]),
        ("REDIS_URL", "rediss://redis", &[443, 6379], &[]),
        ("QDRANT_URL", "http://qdrant.platform.svc:6333", &[443, 6333], &[]),
        ("LLM_BASE_URL", "http://model.platform.svc/v1", &[80, 443], &["platform"]),
        ("LLM_BASE_URL", "http://model/v1", &[80, 443], &["own"]),
        ("LLM_BASE_URL", "https://llm.example.org/v1", &[443], &[]),
        ("SMTP_HOST", "smtp.platform.svc", &[443, 587], &[]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318", &[443, 4318], &[]),
        ("NO_SERVER", "http://elsewhere:1234", &[443], &[]),
        ("BROKEN_URL", "no url", &[443], &[]),
    ] {
        let variables = variables(&[(name.to_owned(), value.to_owned())]);
        let found = endpoints::endpoints(&variables, "own");
        assert_eq!(found.ports.into_iter().collect::<Vec<_>>(), ports, "{name}={value}");
        assert_eq!(found.namespaces.into_iter().collect::<Vec<_>>(), namespaces, "{name}={value}");
    }
}

#[test]
fn a_version_is_a_label() {
    let long = format!("chatbot:{}_", "1".repeat(70));
    for (image, expected) in [
        ("chatbot:1.4.0", "1.4.0".to_owned()),
        ("chatbot", "latest".to_owned()),
        (&long, "1".repeat(63)),
        ("chatbot:1.4.", "1.4".to_owned()),
    ] {
        assert_eq!(image::version(image), expected, "{image}");
    }
}
