//! What the operator builds, the chatbot's command line and configuration understand, and mean the same by it.

use std::time::Duration;

use chatbot::cli::{Cli, Command, Migrate};
use chatbot::config::provision::ProvisionConfig;
use chatbot::config::{Config, DatabaseConfig};
use clap::Parser;
use contract::{Example, Process, examples, with_settings};

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
            Command::Serve | Command::Worker => drop(config(process)),
            Command::Migrate(Migrate::Up { .. }) => {
                DatabaseConfig::from_env(lookup).unwrap_or_else(|error| panic!("{title}: {error}"));
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
