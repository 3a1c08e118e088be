//! The task monitor, and the part of the job contract that stands beside River's tables.

mod actions;
mod alarms;
mod history;
mod login;
mod looks;
mod pages;
mod process;
mod schedules;
mod troubles;
mod world;
