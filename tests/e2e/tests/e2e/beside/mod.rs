//! What has a namespace of its own and leaves everything else alone, so that several can run at a time: they mostly wait.

mod backups;
mod bad_releases;
pub(crate) mod blue_green;
mod broken_and_mended;
mod drift;
mod examples;
mod network;
mod next_version;
mod recorded;
mod side_by_side;
mod task_monitor;
mod thin_path;
mod validation;
mod worker_killed;
