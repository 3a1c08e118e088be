//! What touches that which all environments share: the operator's pods and charts, the platform services, the cluster. Run with
//! `--test-threads=1`.

mod backups_disturbed;
mod chaos;
mod helm;
mod killed_under_load;
mod leader;
mod operator_killed;
mod outages;
mod writes_while_broken;
