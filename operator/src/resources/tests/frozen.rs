//! An upgrade of the operator restarts nothing: what every released version made of the tiers' examples, this one makes too.
//!
//! In `frozen/VERSION` stand the examples as they were (`TIER.yaml`, with what their Secrets held), and release id and pod
//! templates as that version made them (`TIER.json`).

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::controllers::environment::resolve::{
    References, SecretData,
    backups::{OF_A_BUCKET, secrets},
};

const FROZEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/resources/frozen");

/// What a difference would mean, and what to do instead.
const WHY: &str = "Pods with another template are started anew, so an upgrade of the operator would restart every environment; \
    under another id it would be released once more. What a released version made may never change: leave the file as it is. \
    Let a new field of the spec bring the difference about, or a release that begins after the upgrade, whose Secret says so \
    in an annotation, as chatbot.platform/app-grace-seconds does. Only of a version that nobody runs yet the file may be removed, \
    and written anew with FREEZE=1";

type Keys = BTreeMap<String, String>;

/// An environment, and what the Secrets hold that it refers to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    environment: ChatbotEnvironment,
    secret: Keys,
    admin: Option<Keys>,
    provisioned: Option<Keys>,
}

fn secret(name: &str, keys: &Keys) -> SecretData {
    let pairs: Vec<_> = keys.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    fixtures::secret(name, &pairs)
}

/// Release id and pod templates as this version makes them.
fn made(given: &Given) -> Value {
    let bucket: Keys = OF_A_BUCKET.iter().map(|key| ((*key).to_owned(), "https://s3.example.org".to_owned())).collect();
    let named = secrets(&given.environment.spec.backups).into_iter();
    let references = References {
        repositories: named.map(|name| (name.to_owned(), secret(name, &bucket))).collect(),
        secret: Some(secret("chatbot", &given.secret)),
        admin: given.admin.as_ref().map(|keys| secret("platform-admin", keys)),
        provisioned: given.provisioned.as_ref().map(|keys| secret("provisioned", keys)),
        ..References::default()
    };
    let resolved = resolve(&given.environment, &references).unwrap();
    let slot = slot(&resolved, Colour::Blue);
    let template = |deployment| object(deployment)["spec"]["template"].clone();
    json!({
        "release": resolved.release_id,
        "app": template(deployment::app(&resolved, &slot, None)),
        "worker": template(deployment::worker(&resolved, &slot, None)),
        "monitor": template(deployment::monitor(&resolved, &slot).unwrap()),
    })
}

/// The frozen file; where there is none yet, `FREEZE=1` writes it. One that is there is never written again.
fn frozen(file: &Path, made: &Value) -> Value {
    if !file.exists() && std::env::var_os("FREEZE").is_some() {
        fs::write(file, serde_json::to_string_pretty(made).unwrap() + "\n").unwrap();
    }
    let text = fs::read_to_string(file).unwrap_or_else(|error| {
        panic!("{}: {error}. For a version that is about to be released, FREEZE=1 writes it", file.display())
    });
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_a_released_version_made_never_changes() {
    for version in fs::read_dir(FROZEN).unwrap() {
        let version = version.unwrap().path();
        for tier in Tier::ALL {
            let text = fs::read_to_string(version.join(format!("{tier}.yaml"))).unwrap();
            let made = made(&serde_saphyr::from_str(&text).unwrap());
            let file = version.join(format!("{tier}.json"));
            let frozen = frozen(&file, &made);
            for part in ["release", "app", "worker", "monitor"] {
                assert_eq!(made[part], frozen[part], "{part} is not what {} says. {WHY}", file.display());
            }
        }
    }
}

#[test]
fn this_version_is_frozen_too() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        Path::new(FROZEN).join(version).is_dir(),
        "copy the examples of the three tiers to {FROZEN}/{version} as TIER.yaml, in the form of the version before, \
         and run this with FREEZE=1"
    );
}
