//! Writes a status: as a merge patch, and only on top of the version that was read.

use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{context::Context, environment::plan::MANAGER};
use crate::error::Error;

/// Writes `after` over the status `before` of `object`, and answers the object as it is since.
///
/// # Errors
/// `Conflict` where somebody else wrote meanwhile: a decision from old facts must not overwrite newer ones.
pub async fn write<K, S>(ctx: &Context, object: &K, before: Option<&S>, after: &S) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    S: Serialize,
{
    let (kind, name, namespace) = (K::kind(&()), object.name_any(), object.namespace().unwrap_or_default());
    let doing = || format!("writing the status of {kind} {namespace}/{name}");
    let status = merged(before, after).map_err(|error| Error::json(doing(), error))?;
    let patch = json!({ "metadata": { "resourceVersion": object.resource_version() }, "status": status });
    ctx.metrics.wrote(&kind, "status");
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let api: Api<K> = Api::namespaced(ctx.client.clone(), &namespace);
    ctx.term.write(doing, api.patch_status(&name, &parameters, &Patch::Merge(patch))).await
}

/// A merge patch keeps what it does not name; what is gone from the status is named as null.
fn merged<S: Serialize>(before: Option<&S>, after: &S) -> serde_json::Result<Value> {
    let mut new = serde_json::to_value(after)?;
    if let Some(before) = before {
        nullify(&mut new, &serde_json::to_value(before)?);
    }
    Ok(new)
}

fn nullify(new: &mut Value, old: &Value) {
    let (Some(new), Some(old)) = (new.as_object_mut(), old.as_object()) else { return };
    for (key, value) in old {
        nullify(new.entry(key.clone()).or_insert(Value::Null), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_named_as_null() {
        let (before, after) = (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"c": 4}}));
        assert_eq!(merged(Some(&before), &after).unwrap(), json!({"a": null, "b": {"c": 4, "d": null}}));
        assert_eq!(merged(None, &after).unwrap(), after);
    }
}
