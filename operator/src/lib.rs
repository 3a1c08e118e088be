//! The operator of chatbot environments.
//!
//! | module | what it is | holds a client |
//! |---|---|---|
//! | [`crd`] | the custom resources: types, validation, the tiers' defaults | no |
//! | [`release`] | the state machine of a release | no |
//! | [`resources`] | the Kubernetes objects of an environment | no |
//! | [`controllers`] | reads the cluster, decides, writes, reports | of an environment's files only `observe`, `apply` and `report`; beside them `stores` and `secrets` watch, and `apis` discovers |
//! | [`probe`] | asks a pod of the chatbot how it is, and how its users fared | of HTTP |
//! | [`traffic`], [`check_token`] | what a pod's metrics tell; who may have a question answered | no |
//! | [`lease`] | leader election | yes |
//! | [`run`] | puts the process together | makes it |
//! | [`plugin`] | the commands of `kubectl chatbot` | yes |
//! | [`health`], `connections`, [`metrics`], [`telemetry`] | how the operator itself is watched | no |
//! | [`notify`], [`traces`] | tell of releases outside of the cluster: a webhook, a collector of traces | of HTTP |
//! | [`config`], [`clock`], [`error`] | flags, time, errors | no |

pub mod check_token;
pub mod clock;
pub mod config;
mod connections;
pub mod controllers;
pub mod crd;
pub mod error;
pub mod health;
pub mod lease;
pub mod metrics;
pub mod notify;
pub mod plugin;
pub mod probe;
pub mod release;
pub mod resources;
pub mod run;
pub mod telemetry;
pub mod traces;
pub mod traffic;
