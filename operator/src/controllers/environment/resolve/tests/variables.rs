//! Which source of a variable wins.

use super::*;

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
