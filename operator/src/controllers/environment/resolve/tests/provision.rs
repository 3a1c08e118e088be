//! Credentials for shared services.

use super::*;

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
    let admin = |name: &str, version: &str, password: &str| {
        let url = format!("postgresql://postgres:{password}@postgresql.platform.svc/postgres");
        let pairs = [("DATABASE_URL", url.as_str()), ("REDIS_URL", "redis://redis"), ("QDRANT_URL", "http://qdrant")];
        let admin = Some(fixtures::secret_at(version, name, &pairs));
        hash(&environment, &References { admin, ..fixtures::provisioned() })
    };
    assert_ne!(admin("platform-admin", "2", "x"), admin("platform-admin", "1", "x"), "it was written anew");
    assert_ne!(admin("renamed", "1", "x"), admin("platform-admin", "1", "x"));
    let (one, other) = (admin("platform-admin", "1", "x"), admin("platform-admin", "1", "y"));
    assert_eq!(one, other, "a name tells nothing of a password");
}
