//! Which environments mean the same database.

use super::*;

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

fn claim(namespace: &str, name: &str, since: &str) -> DatabaseClaim {
    let fingerprint = fixtures::resolved(Tier::Dev).database.fingerprint();
    let since = Some(since.parse().unwrap());
    DatabaseClaim { namespace: namespace.to_owned(), name: name.to_owned(), since, fingerprint }
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
fn an_environment_has_its_database_since_its_earliest_release_there() {
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    let elsewhere = DatabaseClaim { fingerprint: "0".repeat(16), ..claim("chatbot-dev", "dev", early) };
    let cases = [
        ("before its first release", vec![], None),
        (
            "of two releases the first",
            vec![claim("chatbot-dev", "dev", late), claim("chatbot-dev", "dev", early)],
            Some(early),
        ),
        ("not since another's", vec![claim("z", "other", late), claim("chatbot-dev", "dev", early)], Some(early)),
        ("not since another database's", vec![elsewhere, claim("chatbot-dev", "dev", late)], Some(late)),
    ];
    for (name, claims, expected) in cases {
        let resolved = resolve(&minimal(Tier::Dev), &with_claims(&claims)).unwrap();
        assert_eq!(resolved.database_since, expected.map(|since| since.parse().unwrap()), "{name}");
    }
}

#[test]
fn a_refused_environment_is_told_who_was_first_and_nothing_of_the_secret() {
    let error =
        resolve(&minimal(Tier::Dev), &with_claims(&[claim("chatbot", "old", "2026-01-01T00:00:00Z")])).unwrap_err();
    assert_eq!(error.reason(), "DatabaseShared");
    insta::assert_snapshot!(error, @"DATABASE_URL names the database that belongs to ChatbotEnvironment chatbot/old: give this environment a database of its own (with spec.provision: delete it, and apply it again with another spec.resourcePrefix)");
}

#[test]
fn other_databases_are_no_claim() {
    let other = DatabaseClaim { fingerprint: "0".repeat(16), ..claim("chatbot", "old", "2026-01-01T00:00:00Z") };
    resolve(&minimal(Tier::Dev), &with_claims(&[other])).unwrap();
}
