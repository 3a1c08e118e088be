use sqlx::{
    SqlSafeStr,
    migrate::{Migration as Sql, MigrationType},
};

use super::*;

fn migration(version: i64, kind: Kind) -> Migration {
    let sql = |migration_type| Sql::new(version, "extra".into(), migration_type, "".into_sql_str(), false);
    let (up, down) = (sql(MigrationType::ReversibleUp), sql(MigrationType::ReversibleDown));
    Migration { version, name: "extra".to_owned(), kind, up, down }
}

/// Versions, newest first, and the release that applied each.
type Rows = &'static [(i64, Option<&'static str>)];

fn applied(rows: &[(i64, Option<&str>)]) -> Vec<Applied> {
    let one = |&(version, release): &(i64, Option<&str>)| Applied {
        version,
        release: release.map(str::to_owned),
        is_contract: false,
    };
    rows.iter().map(one).collect()
}

fn ours() -> Undo<'static> {
    Undo { release: "ours", above: None, lossless: false }
}

#[test]
fn only_the_newest_migrations_are_reverted_that_are_the_release_s_own() {
    const OURS: Option<&str> = Some("ours");
    const OTHER: Option<&str> = Some("other");
    let cases: [(Rows, &[i64], Option<&str>); 8] = [
        (&[], &[], None),
        (&[(3, OTHER), (2, None)], &[], None),
        (&[(3, OURS), (2, OURS), (1, OTHER)], &[3, 2], None),
        (&[(3, OURS), (2, None), (1, None)], &[3], None),
        (&[(3, OTHER), (2, OURS), (1, None)], &[], Some("3_extra is newer, and release other applied it")),
        (&[(3, OURS), (2, OTHER), (1, OURS)], &[3], Some("2_extra is newer, and release other applied it")),
        (&[(9, None), (1, OURS)], &[], Some("9 is newer, and no release of a known name applied it")),
        (&[(4, OURS), (3, OURS)], &[], Some("4_extra is a contract, and what it took away does not come back")),
    ];
    let mut migrations: Vec<_> = (1..=3).map(|version| migration(version, Kind::Expand)).collect();
    migrations.push(migration(4, Kind::Contract));
    for (rows, reverted, stop) in cases {
        let plan = plan(&migrations, &applied(rows), ours()).unwrap();
        let versions: Vec<i64> = plan.revert.iter().map(|migration| migration.version).collect();
        assert_eq!((versions.as_slice(), plan.stop.as_deref()), (reverted, stop), "{rows:?}");
    }
}

#[test]
fn a_contract_is_known_by_its_mark_too() {
    let rows = [Applied { version: 1, release: Some("ours".to_owned()), is_contract: true }];
    assert!(plan(&[migration(1, Kind::Expand)], &rows, ours()).unwrap().stop.is_some());
}

#[test]
fn what_this_image_does_not_know_is_refused_before_anything_is_touched() {
    let rows = applied(&[(3, Some("ours")), (2, Some("ours"))]);
    let error = plan(&[migration(3, Kind::Expand)], &rows, ours()).unwrap_err();
    assert!(matches!(error, MigrateError::Unknown(2)), "{error}");
}

#[test]
fn the_message_says_what_was_done_and_why_not_more() {
    let cases = [
        (message(0, Some(1), None), "nothing to revert"),
        (message(1, None, None), "reverted 1 migration"),
        (message(2, Some(1), None), "reverted 2 migrations"),
        (message(0, Some(7), Some("it holds rows")), "the schema stays at 7: it holds rows"),
        (message(1, Some(7), Some("it holds rows")), "reverted 1 migration; the schema stays at 7: it holds rows"),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}
