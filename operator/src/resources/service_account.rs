//! The account of an environment's pods. They call no Kubernetes API, so it has no token.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::{labels, metadata::metadata, names};
use crate::controllers::environment::resolve::Resolved;

/// The account that every pod of the environment runs under.
#[must_use]
pub fn build(resolved: &Resolved) -> ServiceAccount {
    let identity = &resolved.identity;
    ServiceAccount {
        metadata: metadata(identity, names::environment(&identity.name), labels::common(identity)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
