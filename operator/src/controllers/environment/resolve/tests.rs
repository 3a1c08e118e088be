//! From a spec and what it refers to, to the one type that everything later reads.

mod database;
mod endpoints;
mod image;
mod not_acted_on;
mod problems;
mod provision;
mod release_id;
mod routing;
mod variables;
mod workloads;

use k8s_openapi::api::apps::v1::Deployment;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::fixtures::{self, SECRET, changed, complete, environment, minimal, user_variables, with_variables};
use super::variables::REQUIRED;
use super::*;
use crate::crd::Tier;
use crate::resources::provisioned_secret;

fn problem(environment: &ChatbotEnvironment, references: &References) -> Problem {
    resolve(environment, references).unwrap_err().problems()[0].clone()
}

fn value<'a>(resolved: &'a Resolved, name: &str) -> &'a str {
    resolved.variables[name].expose_secret()
}

fn variables(pairs: &[(String, String)]) -> Variables {
    pairs.iter().map(|(name, value)| (name.clone(), SecretString::from(value.as_str()))).collect()
}
