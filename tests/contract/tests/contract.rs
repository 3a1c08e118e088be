//! What the operator builds, the chatbot's command line and configuration understand, and mean the same by it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chatbot::cli::{Cli, Command, Migrate, Restore};
use chatbot::config::backup::BackupConfig;
use chatbot::config::provision::ProvisionConfig;
use chatbot::config::{Config, DatabaseConfig};
use chatbot_operator::controllers::environment::resolve::Database;
use chatbot_operator::controllers::restore::{self, Where, Which, next::Task};
use chatbot_operator::crd::BackupKind;
use clap::Parser;
use contract::{Example, Process, examples, with_settings};
use secrecy::SecretString;

fn command(process: &Process) -> Command {
    let words = std::iter::once("chatbot".to_owned()).chain(process.args.iter().cloned());
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{}: {error}", process.title)).command
}

fn config(process: &Process) -> Config {
    Config::from_env(|name| process.environment.get(name).cloned())
        .unwrap_or_else(|error| panic!("{}: {error}", process.title))
}

fn process<'a>(processes: &'a [Process], first_arg: &str) -> &'a Process {
    processes.iter().find(|process| process.args[0] == first_arg).unwrap()
}

/// Every example with its processes.
fn cases() -> Vec<(Example, Vec<Process>)> {
    let with_processes = |example: Example| {
        let processes = example.processes();
        (example, processes)
    };
    let cases: Vec<_> = examples().into_iter().map(with_processes).collect();
    assert!(cases.len() >= 3, "no example was found");
    cases
}

#[test]
fn every_container_has_arguments_and_variables_that_its_command_accepts() {
    for process in cases().iter().flat_map(|(_, processes)| processes) {
        let lookup = |name: &str| process.environment.get(name).cloned();
        let title = &process.title;
        match command(process) {
            Command::Serve | Command::Worker | Command::Monitor => drop(config(process)),
            Command::Migrate(Migrate::Up { .. } | Migrate::Down { of_release: Some(_), .. }) => {
                DatabaseConfig::from_env(lookup).unwrap_or_else(|error| panic!("{title}: {error}"));
            }
            Command::Backup { command: None, .. } | Command::Restore(Restore::Drill(_)) => {
                BackupConfig::from_env(lookup).unwrap_or_else(|error| panic!("{title}: {error}"));
            }
            Command::Provision => {
                ProvisionConfig::from_env(lookup).unwrap_or_else(|error| panic!("{title}: {error}"));
            }
            other => panic!("{title}: the operator never runs {other:?}"),
        }
    }
}

#[test]
fn both_sides_agree_on_tier_prefix_and_release() {
    for (example, processes) in cases() {
        let environment = config(process(&processes, "serve")).environment;
        assert_eq!(environment.tier.as_str(), example.resolved.identity.tier.as_str(), "{}", example.title);
        assert_eq!(environment.resource_prefix, example.resolved.prefix, "{}", example.title);
        assert_eq!(environment.release_id, example.resolved.release_id, "{}", example.title);
    }
}

/// A Job of a release runs with the release's variables, and with these words.
#[test]
fn a_release_s_variables_are_enough_for_its_backup_and_its_way_back() {
    for (example, processes) in cases() {
        let (title, release) = (&example.title, example.resolved.release_id.as_str());
        let migrate = process(&processes, "migrate");
        let lookup = |name: &str| migrate.environment.get(name).cloned();
        let config = DatabaseConfig::from_env(lookup).unwrap();
        assert_eq!(config.environment.release.as_deref(), Some(release), "{title}: what it applies carries its name");
        BackupConfig::from_env(lookup).unwrap_or_else(|error| panic!("{title}: {error}"));
        let down: &[&str] = &["migrate", "down", "--of-release", release];
        for words in [down, &[down, &["--lossless"]].concat(), &["backup"]] {
            let parsed = Cli::try_parse_from(std::iter::once(&"chatbot").chain(words));
            assert!(parsed.is_ok(), "{title}: {words:?}");
        }
    }
}

/// What single runs are told, in place of the words of the schedule that they are made from.
#[test]
fn the_words_of_single_backups_and_of_every_step_of_a_restore_are_commands() {
    let backups = [BackupKind::Incremental, BackupKind::Full].map(chatbot_operator::controllers::backup::args);
    let which = |place| Which {
        name: "0a1b2c3d".to_owned(),
        from: "5f0c61d2".to_owned(),
        place,
        replaced: place != Where::First,
    };
    let steps = [Where::First, Where::Offsite, Where::Source].map(which);
    let steps = steps.into_iter().flat_map(|which| Task::ALL.map(|task| restore::args(task, &which)));
    for words in backups.into_iter().chain(steps) {
        let parsed = Cli::try_parse_from(std::iter::once("chatbot".to_owned()).chain(words.iter().cloned()));
        assert!(parsed.is_ok(), "{words:?}: {:?}", parsed.err().map(|error| error.to_string()));
    }
}

#[test]
fn backups_go_where_the_spec_says_and_are_kept_for_as_long() {
    let cases = cases();
    let (_, processes) = cases.iter().find(|(example, _)| example.title.starts_with("backups.yaml")).unwrap();
    let backup = processes.iter().find(|process| process.args.contains(&"--full".to_owned())).unwrap();
    let config = BackupConfig::from_env(|name| backup.environment.get(name).cloned()).unwrap();
    assert_eq!((config.retention.hourly, config.retention.daily), (Some(24), Some(14)));
    assert!(config.repository.to_string().ends_with("/backups-chatbot/teams/support"), "{}", config.repository);
    assert_eq!(config.offsite.unwrap().to_string(), "https://s3.example.org/off-site/chatbot-backups/backups");
}

#[test]
fn both_sides_agree_on_the_database() {
    for (example, processes) in cases() {
        let database = config(process(&processes, "serve")).database;
        assert_eq!(database.name(), example.resolved.database.name, "{}", example.title);
        assert_eq!(database.options.get_host(), example.resolved.database.host, "{}", example.title);
        assert_eq!(database.options.get_port(), example.resolved.database.port, "{}", example.title);
    }
}

#[test]
fn a_server_listens_where_its_container_says_with_the_threads_of_the_spec() {
    for (example, processes) in cases() {
        let serve = process(&processes, "serve");
        let server = config(serve).server;
        assert_eq!(serve.ports, [i32::from(server.address.port())], "{}", example.title);
        assert!(server.address.ip().is_unspecified(), "{}", example.title);
        assert_eq!(u32::try_from(server.threads).unwrap(), example.resolved.app.workers, "{}", example.title);
    }
}

#[test]
fn the_task_monitor_listens_where_its_container_says() {
    let cases = cases();
    let monitors: Vec<_> =
        cases.iter().flat_map(|(_, all)| all).filter(|process| process.args[0] == "monitor").collect();
    assert!(monitors.len() > 3, "only {} task monitors", monitors.len());
    for monitor in monitors {
        let address = config(monitor).server.monitor_address;
        assert_eq!(monitor.ports, [i32::from(address.port())], "{}", monitor.title);
        assert!(address.ip().is_unspecified(), "{}", monitor.title);
    }
}

#[test]
fn a_worker_has_the_queues_of_the_spec_and_drains_before_it_is_killed() {
    for (example, processes) in cases() {
        let process = process(&processes, "worker");
        let (config, spec) = (config(process), &example.resolved.worker);
        let wanted = [spec.queues.high, spec.queues.medium, spec.queues.low].map(|jobs| jobs as usize);
        assert_eq!([config.worker.high, config.worker.medium, config.worker.low], wanted, "{}", example.title);
        assert_eq!(
            config.worker.drain_timeout.as_secs(),
            u64::try_from(spec.drain_seconds()).unwrap(),
            "{}",
            example.title
        );
        assert_eq!(process.ports, [i32::from(config.server.address.port())], "{}", example.title);
        assert!(process.grace > config.worker.drain_timeout + config.server.drain_delay, "{}", example.title);
    }
}

/// What the chatbot allows for an answer beside the model, and for requests beyond their own deadline (commands/serve.rs).
const AROUND_THE_MODEL: Duration = Duration::from_secs(15);
const BEYOND_THE_DEADLINE: Duration = Duration::from_secs(5);

#[test]
fn a_server_may_finish_its_longest_request_before_it_is_killed() {
    let settings: [&[(&str, &str)]; 7] = [
        &[],
        &[("REQUEST_TIMEOUT", "3600")],
        &[("REQUEST_TIMEOUT", "200.5s")],
        &[("LLM_TIMEOUT", "600")],
        &[("DRAIN_DELAY", "300")],
        &[("DRAIN_DELAY", "0"), ("REQUEST_TIMEOUT", "1"), ("LLM_TIMEOUT", "1")],
        &[("DRAIN_DELAY", "300"), ("REQUEST_TIMEOUT", "3600"), ("LLM_TIMEOUT", "600")],
    ];
    let own = settings.iter().flat_map(|settings| ["dev", "prod"].map(|tier| with_settings(tier, settings)));
    for example in own.chain(examples()) {
        let processes = example.processes();
        let serve = process(&processes, "serve");
        let config = config(serve);
        let longest = config.server.request_timeout.max(config.llm.timeout + AROUND_THE_MODEL);
        let needed = config.server.drain_delay + longest + BEYOND_THE_DEADLINE;
        // The process itself takes a moment to end.
        assert!(serve.grace > needed + Duration::from_secs(10), "{}: {:?} for {needed:?}", example.title, serve.grace);
    }
}

/// The words that a rule of the CRD lists for LOG_LEVEL.
fn levels_of(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            let rule =
                fields.get("rule").and_then(serde_json::Value::as_str).filter(|rule| rule.contains("'LOG_LEVEL'"));
            let lists = rule.into_iter().flat_map(|rule| rule.split(" in [").skip(1));
            let words = lists.flat_map(|list| list.split(']').next().unwrap_or_default().split(", "));
            found.extend(words.map(|word| word.trim_matches('\'').to_owned()));
            fields.values().for_each(|value| levels_of(value, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| levels_of(item, found)),
        _ => {}
    }
}

#[test]
fn every_log_level_that_the_crd_lists_is_one_for_operator_and_chatbot() {
    let mut levels = BTreeSet::new();
    levels_of(&serde_json::to_value(chatbot_operator::crd::generate::environment().unwrap()).unwrap(), &mut levels);
    assert!(["DEBUG", "INFO", "CRITICAL"].into_iter().all(|level| levels.contains(level)), "{levels:?}");
    for level in levels {
        let processes = with_settings("dev", &[("LOG_LEVEL", &level)]).processes();
        config(process(&processes, "serve"));
    }
}

#[test]
fn a_database_url_that_the_operator_takes_the_chatbot_takes_and_means_the_same() {
    let cases = [
        ("postgresql://chatbot:pw@db:5432/chatbot", true),
        ("postgres://chatbot@db/chatbot", true),
        ("POSTGRESQL+asyncpg://chatbot:pw@db/chatbot?ssl=Require", true),
        ("postgresql://chatbot:pw@db/%63hat", true),
        ("postgresql://chatbot:pw@db/chatbot?sslmode=disable&sslmode=verify-full", true),
        ("postgresql://chatbot:pw@ignored:1/ignored?host=db&port=6432&dbname=chat", true),
        ("postgresql://chatbot:pw@db/chatbot?hostaddr=10.0.0.1", true),
        ("postgresql://chatbot:pw@db", false),
        ("postgresql://chatbot:pw@db/", false),
        ("postgresql://db/chatbot", false),
        ("postgresql:///chatbot?host=db&user=chatbot", false),
        ("postgresql://chatbot:pw@db/chatbot?sslmode=always", false),
        ("postgresql://chatbot:pw@db/chatbot?ssl=true", false),
        ("postgresql://chatbot:pw@db/chatbot?hostaddr=db", false),
        ("postgresql://chatbot:pw@db/chatbot?port=many", false),
        ("postgresql://chatbot:%ff@db/chatbot", false),
        ("postgresql://chatbot:pw@db:99999/chatbot", false),
        ("mysql://chatbot:pw@db/chatbot", false),
        ("postgresql:chatbot", false),
    ];
    for (url, is_taken) in cases {
        let operator = Database::parse(&SecretString::from(url), "chatbot");
        let variables = BTreeMap::from([("ENVIRONMENT", "dev"), ("DATABASE_URL", url)]);
        let chatbot = DatabaseConfig::from_env(|name| variables.get(name).map(|value| (*value).to_owned()));
        assert_eq!((operator.is_ok(), chatbot.is_ok()), (is_taken, is_taken), "{url}");
        let (Ok(operator), Ok(DatabaseConfig { database: chatbot, .. })) = (operator, chatbot) else { continue };
        let options = &chatbot.options;
        let seen = (chatbot.name(), options.get_host(), options.get_port());
        assert_eq!(seen, (operator.name.as_str(), operator.host.as_str(), operator.port), "{url}");
    }
}
