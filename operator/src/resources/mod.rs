//! The Kubernetes objects of an environment: one object per file, each a pure function of what was resolved.
//!
//! Nothing here holds a client, reads the raw spec, or puts anything of the operator's own version into a pod template:
//! upgrading the operator must not restart a workload.
//!
//! | file | object |
//! |---|---|
//! | [`release_secret`], [`provisioned_secret`] | variables of one release; credentials made on shared services |
//! | [`service_account`] | the account of every pod, without a token |
//! | [`network_policy`] | who may reach the pods, and what they may reach |
//! | [`provision_job`], [`release_job`] | the work before a release |
//! | [`backup_cron_job`], [`run_job`] | scheduled backups and drills; single ones, and the steps of restores |
//! | [`deployment`] | app and worker of one colour, and the task monitor, on the pod of `pod` |
//! | [`horizontal_pod_autoscaler`], [`pod_disruption_budget`] | size of the active colour; protection of each that stands |
//! | [`service`], [`http_route`], [`ingress`] | the way to the app, and to the task monitor |
//! | [`service_monitor`], [`pod_monitor`] | how Prometheus finds app, task monitor and workers, on what `monitor` has for all |
//! | [`prometheus_rule`] | when a person has to be called |
//! | [`names`], [`labels`] | what they are called and selected by |

pub mod backup_cron_job;
pub mod deployment;
pub mod horizontal_pod_autoscaler;
pub mod http_route;
pub mod ingress;
pub mod labels;
mod metadata;
mod monitor;
pub mod names;
pub mod network_policy;
mod pod;
pub mod pod_disruption_budget;
pub mod pod_monitor;
pub mod prometheus_rule;
pub mod provision_job;
pub mod provisioned_secret;
pub mod release_job;
pub mod release_secret;
pub mod run_job;
pub mod service;
pub mod service_account;
pub mod service_monitor;
#[cfg(test)]
mod tests;

use crate::crd::Colour;

/// One colour filled with one release. The active slot keeps its own image and id while a candidate fills the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which of the two slots.
    pub colour: Colour,
    /// Release id.
    pub release: String,
    /// Reference of the release's image.
    pub image: String,
}
