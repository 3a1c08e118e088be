//! The chatbot: HTTP API, background workers, schema migrations, in one binary.
//!
//! ```text
//! cli, commands   what a person or the operator calls; one subcommand per file
//! config          environment variables, read once, typed
//! app             pools, clients, clock and configuration, made once and shared
//! http            routes, layers, problems              may call chat and store, never jobs' workers
//! web             the pages for people, served by http
//! jobs            queue, workers, hand-back              may call chat and store, never http
//! chat            one answer; holds no axum and no sqlx
//! auth            logins, keys, roles and scopes; holds no axum
//! retrieval, llm, vectors, objects, cache, store         one outside service each
//! upstream        what their clients share: budgets, rests, remembered checks, bounded bodies
//! monitor         the task monitor: what workers do, and what a person can do about it; may call jobs and store
//! health          what /health says, for server and worker alike; check_token: who may have a question answered there
//! migrate         the schema, expand and contract        provision: database, bucket, collections
//! backup          the database into the object store, and back to see that it is all there
//! ```

pub mod app;
pub mod auth;
pub mod backup;
pub mod cache;
pub mod chat;
pub mod check_token;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod error;
pub mod health;
pub mod http;
pub mod jobs;
pub mod llm;
pub mod metrics;
pub mod migrate;
pub mod monitor;
pub mod objects;
pub mod provision;
pub mod repository;
pub mod restore;
pub mod retrieval;
pub mod store;
pub mod telemetry;
mod upstream;
pub mod vectors;
mod web;
