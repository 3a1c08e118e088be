//! The product on a real cluster, as a user meets it. One binary, so that the charts are installed once;
//! run by `make test` with `--test-threads=1`, since the machine has two cores and the figures of one test would be another's noise.

mod bad_releases;
mod blue_green;
mod broken_and_mended;
mod chaos;
mod drift;
mod examples;
mod helm;
mod killed_under_load;
mod leader;
mod network;
mod next_version;
mod operator_killed;
mod outages;
mod recorded;
mod side_by_side;
mod thin_path;
mod validation;
mod worker_killed;
mod writes_while_broken;
