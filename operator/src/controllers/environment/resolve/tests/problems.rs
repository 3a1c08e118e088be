//! What is missing or wrong, and how it is said.

use super::*;

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
