//! What a database has beside its content, so that the one that takes its place is like it: encoding, locale, limits, settings.
//!
//! A dump holds none of it. Rights of other roles are left out: who may read the data is decided anew.

use serde_json::Value;
use sqlx::PgConnection;

use super::database::run;

/// Settings whose value is a list that is quoted already, as PostgreSQL keeps it.
const LISTS: [&str; 4] = ["local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"];

/// What `CREATE DATABASE` is told: clauses with places for texts, and the texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) template: String,
    pub(super) arguments: Vec<String>,
}

impl Likeness {
    /// Of the database `live`; nothing where it is gone.
    pub(super) async fn of(connection: &mut PgConnection, live: &str) -> Result<Self, sqlx::Error> {
        // Columns have come and gone with the versions of PostgreSQL: as JSON those are read that are there.
        let query = "SELECT (to_jsonb(d) || jsonb_build_object('encoding', pg_encoding_to_char(encoding)))::text \
            FROM pg_database d WHERE datname = $1";
        let row: Option<String> = sqlx::query_scalar(query).bind(live).fetch_optional(connection).await?;
        let row = row.and_then(|row| serde_json::from_str(&row).ok());
        Ok(row.map(|row| Self::read(&row)).unwrap_or_default())
    }

    fn read(row: &Value) -> Self {
        let text = |name: &str| row[name].as_str();
        // PostgreSQL 17 has one column for the locale of every provider, those before it one for ICU's.
        let locale = text("datlocale").or_else(|| text("daticulocale"));
        let provider = match (text("datlocprovider"), locale) {
            (Some("i"), Some(locale)) => Some((" LOCALE_PROVIDER icu ICU_LOCALE %L", locale)),
            (Some("b"), Some(locale)) => Some((" LOCALE_PROVIDER builtin BUILTIN_LOCALE %L", locale)),
            _ => None,
        };
        let clauses = [
            text("encoding").map(|it| (" ENCODING %L", it)),
            text("datcollate").map(|it| (" LC_COLLATE %L", it)),
            text("datctype").map(|it| (" LC_CTYPE %L", it)),
            provider,
        ];
        let mut likeness = Self::default();
        for (clause, argument) in clauses.into_iter().flatten() {
            likeness.template.push_str(clause);
            likeness.arguments.push(argument.to_owned());
        }
        if let Some(limit) = row["datconnlimit"].as_i64().filter(|limit| *limit >= 0) {
            likeness.template += " CONNECTION LIMIT ";
            likeness.template += &limit.to_string();
        }
        likeness
    }
}

/// Gives `name` what `ALTER DATABASE … SET` says of `live`. What our role may not set is logged, and left to a person.
pub(super) async fn settings(connection: &mut PgConnection, live: &str, name: &str) -> Result<(), sqlx::Error> {
    let query = "SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase \
        WHERE setrole = 0 AND datname = $1";
    let settings: Vec<String> = sqlx::query_scalar(query).bind(live).fetch_all(&mut *connection).await?;
    for (setting, value) in settings.iter().filter_map(|setting| setting.split_once('=')) {
        let is_list = LISTS.contains(&setting);
        let place = if is_list { "%s" } else { "%L" };
        let template = format!("ALTER DATABASE %I SET %s TO {place}");
        if let Err(error) = run(connection, &template, &[name, setting, value]).await {
            tracing::warn!(%error, setting, name, "the restored database lacks this setting: ALTER DATABASE by hand");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn locales_are_read_as_each_version_of_postgresql_keeps_them() {
        let fifteen = json!({"encoding": "UTF8", "datcollate": "C", "datctype": "C", "datlocprovider": "i", "daticulocale": "fa", "datconnlimit": -1});
        let seventeen = json!({"encoding": "UTF8", "datcollate": "C", "datctype": "C", "datlocprovider": "b", "datlocale": "C.UTF-8", "datconnlimit": 20});
        let plain = json!({"encoding": "UTF8", "datcollate": "C.UTF-8", "datctype": "C.UTF-8", "datlocprovider": "c", "daticulocale": null, "datconnlimit": -1});
        let all = " ENCODING %L LC_COLLATE %L LC_CTYPE %L";
        for (row, template, last) in [
            (fifteen, format!("{all} LOCALE_PROVIDER icu ICU_LOCALE %L"), "fa"),
            (seventeen, format!("{all} LOCALE_PROVIDER builtin BUILTIN_LOCALE %L CONNECTION LIMIT 20"), "C.UTF-8"),
            (plain, all.to_owned(), "C.UTF-8"),
        ] {
            let found = Likeness::read(&row);
            assert_eq!((found.template, found.arguments.last().map(String::as_str)), (template, Some(last)), "{row}");
        }
    }
}
