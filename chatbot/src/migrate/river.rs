//! River's own migrations, taken from its crate and run as part of ours.
//!
//! River's bookkeeping table is kept as River would keep it, so that its tools and user interface find what they expect.

use std::{fmt::Write, ops::RangeInclusive};

use riverqueue::migrate::{MIGRATION_VERSION_LATEST, Migration, PostgresMigrator};

/// What stands for River's migrations in a file of ours, before their versions.
const LINE: &str = "-- river: ";

/// Where River puts a schema's name; ours are found by the search path.
const SCHEMA_PLACE: &str = "/* TEMPLATE: schema */";

/// From this version on the bookkeeping has a `line` column.
const LINES_SINCE: i64 = 5;

/// There or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Apply.
    Up,
    /// Revert.
    Down,
}

/// The versions (`A-B`) of River's migrations that a text stands for, or was put together from.
pub(super) fn range(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix(LINE))
}

/// SQL of the versions in `range` (`A-B`), for one transaction; its first line says them still.
pub(super) fn sql(range: &str, direction: Direction) -> Result<String, String> {
    let mut text = format!("{LINE}{range}\n");
    let range = parse(range)?;
    let chosen = PostgresMigrator::all_versions().iter().filter(|migration| range.contains(&migration.version));
    let written = match direction {
        Direction::Up => chosen.map(|migration| up(&mut text, migration)).collect::<Result<Vec<()>, _>>(),
        Direction::Down => chosen.rev().map(|migration| down(&mut text, migration)).collect(),
    };
    written.map(|_| text).map_err(|std::fmt::Error| "River's SQL cannot be put together".to_owned())
}

fn parse(range: &str) -> Result<RangeInclusive<i64>, String> {
    let wrong = || format!("write `-- river: A-B` with versions from 1 to {MIGRATION_VERSION_LATEST}");
    let (first, last) = range.trim().split_once('-').ok_or_else(wrong)?;
    let (first, last): (i64, i64) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
    (1 <= first && first <= last && last <= MIGRATION_VERSION_LATEST).then_some(first..=last).ok_or_else(wrong)
}

fn up(text: &mut String, migration: &Migration) -> std::fmt::Result {
    writeln!(text, "{};", statements(migration.up_sql))?;
    let version = migration.version;
    if version >= LINES_SINCE {
        writeln!(text, "INSERT INTO river_migration (line, version) VALUES ('main', {version});")
    } else {
        writeln!(text, "INSERT INTO river_migration (version) VALUES ({version});")
    }
}

fn statements(sql: &str) -> String {
    sql.replace(SCHEMA_PLACE, "").trim_end().trim_end_matches(';').to_owned()
}

fn down(text: &mut String, migration: &Migration) -> std::fmt::Result {
    writeln!(text, "{};", statements(migration.down_sql))?;
    if migration.version == 1 {
        return Ok(());
    }
    writeln!(text, "DELETE FROM river_migration WHERE version = {};", migration.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_migrations_cover_every_version_of_river() {
        let files = ["1-5", "6-8"].map(|range| parse(range).unwrap());
        let covered: Vec<i64> = files.into_iter().flatten().collect();
        let all: Vec<i64> = PostgresMigrator::all_versions().iter().map(|migration| migration.version).collect();
        assert_eq!(covered, all, "River has new migrations: add a file with `-- river:` for them");
    }

    #[test]
    fn what_is_put_together_says_that_it_is_river_s() {
        assert_eq!(range(&sql("6-8", Direction::Down).unwrap()), Some("6-8"));
        assert_eq!(range("-- expand\n-- River's tables: -- river: 1-5\n"), None, "a comment about it is none");
    }

    #[test]
    fn a_wrong_range_is_refused() {
        for range in ["", "5", "0-1", "2-1", "1-99", "a-b"] {
            assert!(sql(range, Direction::Up).is_err(), "{range}");
        }
    }
}
