//! What watches the environment: the task monitor, and the objects for Prometheus.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The task monitor: a page that shows jobs, queues and workers. It follows the release that serves; that it is ill keeps nobody
/// from being served. Reached by `kubectl chatbot monitor`, or the Service `<name>-monitor` on port 5555.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorSpec {
    /// Whether the task monitor runs. Default: true.
    pub enabled: bool,
}

impl Default for MonitorSpec {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Objects of the Prometheus operator, made where its CRDs are installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringSpec {
    /// None: nothing. Basic: ServiceMonitors for app and task monitor, and a PodMonitor for the workers. Full: these and alerts
    /// (PrometheusRule). Default: None in dev, Basic in stage, Full in prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<MonitoringLevel>,

    /// Labels that these objects get, at most 16; a Prometheus chooses its objects by labels. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 16,
        "x-kubernetes-validations" = [{
            "rule": "self.all(key, self[key].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))",
            "message": "write label values of at most 63 letters, digits, '-', '_' and '.', such as release: prometheus",
        }],
        "additionalProperties" = { "type": "string", "maxLength": 63 }
    ))]
    pub labels: BTreeMap<String, String>,
}

/// How much monitoring is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum MonitoringLevel {
    /// Nothing.
    None,
    /// What finds the metrics.
    Basic,
    /// That, and alerts.
    Full,
}
