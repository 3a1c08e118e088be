//! Tests that need a real PostgreSQL: one server for all of them, one database for each.
//!
//! The server is a throwaway cluster of the machine's own PostgreSQL programs (PG_BIN names their folder where they are
//! not in the usual place), or the one of TEST_DATABASE_URL, whose role must be allowed to create databases.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod api_keys;
mod archive;
mod backup;
mod clients;
mod command_line;
mod downgrade;
mod foreign_restore;
mod http;
mod ingestion;
mod job_hand_back;
mod migrations;
mod monitor;
mod provision;
mod restore;
mod serve;
mod store;
mod support;
