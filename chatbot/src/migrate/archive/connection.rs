//! Tells PostgreSQL's programs where the database is.
//!
//! By environment variables: what stands in a program's arguments is seen by everyone on the machine.

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgSslMode;
use tokio::process::Command;
use url::Url;

use crate::config::database::Database;

/// Variables of the caller that would send the program elsewhere.
const MISLEADING: [&str; 3] = ["PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE"];

/// Parameters of the URL that name certificates, and the variable of each.
const CERTIFICATES: [(&str, &[&str]); 3] = [
    ("PGSSLROOTCERT", &["sslrootcert", "ssl-root-cert", "ssl-ca"]),
    ("PGSSLCERT", &["sslcert", "ssl-cert"]),
    ("PGSSLKEY", &["sslkey", "ssl-key"]),
];

/// Makes `command` connect to `database`, and never ask for a password.
pub(crate) fn set(command: &mut Command, database: &Database) {
    for name in MISLEADING {
        command.env_remove(name);
    }
    command.envs(variables(database)).arg("--no-password").arg(name_argument(database.name()));
    if let Some(password) = password(database) {
        command.env("PGPASSWORD", password.expose_secret());
    }
}

/// pg_restore takes the database by argument only; quoted, since it reads what has a `=` in it as a list of settings.
fn name_argument(name: &str) -> String {
    format!("--dbname=dbname='{}'", name.replace('\\', r"\\").replace('\'', r"\'"))
}

fn variables(database: &Database) -> Vec<(&'static str, String)> {
    let options = &database.options;
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().trim_matches(['[', ']']).to_owned(), |folder| folder.display().to_string());
    let mut variables = vec![
        ("PGHOST", host),
        ("PGPORT", options.get_port().to_string()),
        ("PGUSER", options.get_username().to_owned()),
        ("PGSSLMODE", ssl_mode(options.get_ssl_mode()).to_owned()),
        ("PGAPPNAME", "chatbot-migrate".to_owned()),
        ("PGCONNECT_TIMEOUT", "15".to_owned()),
    ];
    variables.extend(options.get_options().map(|options| ("PGOPTIONS", options.to_owned())));
    variables
        .extend(CERTIFICATES.iter().filter_map(|(variable, names)| Some((*variable, parameter(database, names)?))));
    variables
}

const fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// None leaves it to the password file of the user.
fn password(database: &Database) -> Option<SecretString> {
    parameter(database, &["password"]).map(SecretString::from).or_else(|| database.password())
}

fn parameter(database: &Database, names: &[&str]) -> Option<String> {
    let url = Url::parse(database.url.expose_secret()).ok()?;
    url.query_pairs().filter(|(key, _)| names.contains(&&**key)).last().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::DatabaseConfig;

    fn command(url: &str) -> (Vec<String>, BTreeMap<String, Option<String>>) {
        let config = DatabaseConfig::from_env(|name| match name {
            "ENVIRONMENT" => Some("dev".to_owned()),
            "DATABASE_URL" => Some(url.to_owned()),
            _ => None,
        });
        let mut command = Command::new("pg_dump");
        set(&mut command, &config.unwrap().database);
        let text = |value: &std::ffi::OsStr| value.to_str().unwrap().to_owned();
        let arguments = command.as_std().get_args().map(text).collect();
        (arguments, command.as_std().get_envs().map(|(name, value)| (text(name), value.map(text))).collect())
    }

    #[test]
    fn every_part_of_the_url_reaches_the_program_and_the_password_by_the_environment_only() {
        let (arguments, variables) = command(
            "postgresql+asyncpg://sa%40ra:s3cr%40t@db.example:6543/it%27s?ssl=verify-full&sslrootcert=/ca.pem&options=-c%20work_mem=1MB",
        );
        assert_eq!(arguments, ["--no-password", r"--dbname=dbname='it\'s'"]);
        let expected = [
            ("PGHOST", "db.example"),
            ("PGPORT", "6543"),
            ("PGUSER", "sa@ra"),
            ("PGPASSWORD", "s3cr@t"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
            ("PGOPTIONS", "-c work_mem=1MB"),
        ];
        for (name, value) in expected {
            assert_eq!(variables[name].as_deref(), Some(value), "{name}");
        }
        assert_eq!(variables["PGHOSTADDR"], None, "it is taken away");
    }

    #[test]
    fn a_password_among_the_parameters_stays_out_of_the_arguments_too() {
        let (arguments, variables) = command("postgresql://sara@localhost/chat?host=/run/postgresql&password=s3cret");
        assert!(!arguments.concat().contains("s3cret"));
        assert_eq!(variables["PGPASSWORD"].as_deref(), Some("s3cret"));
        assert_eq!(variables["PGHOST"].as_deref(), Some("/run/postgresql"));
    }

    #[test]
    fn without_a_password_the_password_file_decides() {
        let (_, variables) = command("postgresql://sara@[::1]/chat");
        assert!(!variables.contains_key("PGPASSWORD"));
        assert_eq!(variables["PGHOST"].as_deref(), Some("::1"));
    }
}
