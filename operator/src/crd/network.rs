//! Who may talk to the environment's pods.

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// NetworkPolicies of the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkSpec {
    /// Whether NetworkPolicies are made: everything is denied except what the environment needs. Default: true.
    pub policies: bool,

    /// Who else may reach the app and the task monitor, each on its HTTP port, as in a NetworkPolicy's `from`; at most 32.
    /// The Gateway named in `routing` is let in to the app without being listed. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub allow_from: Vec<NetworkPolicyPeer>,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self { policies: true, allow_from: Vec::new() }
    }
}
