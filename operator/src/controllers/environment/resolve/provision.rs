//! Credentials of an environment on shared services, and what provisions them.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::release_id::short_hash;
use super::{Endpoints, Identity, Problem, References, Unresolved, Variables, database, endpoints, variables};
use crate::crd::ChatbotEnvironment;
use crate::resources::names;

/// Keys that the administrator's Secret needs.
const ADMIN_REQUIRED: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "QDRANT_URL"];
/// Keys that are handed on to the environment as they are.
const HANDED_ON: [&str; 5] = ["REDIS_URL", "QDRANT_URL", "MINIO_URL", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"];
const DATABASE_URL: &str = "DATABASE_URL";

/// What the operator writes into the Secret `<env>-provisioned`.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The environment that they are for.
    pub identity: Identity,
    /// Variables by name.
    pub variables: Variables,
}

/// What the provisioning Job works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// Secret with the administrator's credentials.
    pub admin_secret: String,
    /// Changes with everything that the Job works with. Anybody may read it, for it is part of a name: nothing secret goes into it.
    pub hash: String,
    /// Where the administrator's services are.
    pub endpoints: Endpoints,
}

/// The credentials that have to be written, where the environment asks for provisioning and they are missing or out of date.
///
/// `new_password` becomes the database role's password only if there is none yet; it must come from a cryptographic source,
/// and consist of letters and digits.
///
/// # Errors
/// Where the administrator's Secret is missing, lacks keys, or holds a `DATABASE_URL` that cannot be read.
pub fn provisioning(
    environment: &ChatbotEnvironment,
    references: &References,
    new_password: &SecretString,
) -> Result<Option<Credentials>, Unresolved> {
    let Some(admin) = admin(environment, references)? else { return Ok(None) };
    let present = references.provisioned.as_ref().map(|secret| secret.variables().0).unwrap_or_default();
    let password = present.get(DATABASE_URL).and_then(password_of).unwrap_or_else(|| new_password.clone());
    let role = format!("{}chatbot", super::prefix(environment));
    let variables = credentials(&admin, &role, &password)?;
    let current = variables.iter().all(|(name, value)| has(&present, name, value));
    Ok((!current).then(|| Credentials { identity: Identity::of(environment), variables }))
}

/// The administrator's variables, where the environment asks for provisioning.
fn admin(environment: &ChatbotEnvironment, references: &References) -> Result<Option<Variables>, Unresolved> {
    let Some(provision) = &environment.spec.provision else { return Ok(None) };
    let secret = provision.admin_secret_ref.name.clone();
    Unresolved::unless_empty(own_secrets(environment, &secret))?;
    let Some(data) = &references.admin else {
        let namespace = environment.metadata.namespace.clone().unwrap_or_default();
        return Err(Problem::AdminSecretNotFound { secret, namespace, keys: ADMIN_REQUIRED.to_vec() }.into());
    };
    let (admin, mut problems) = data.variables();
    let keys = variables::missing(&admin, &ADMIN_REQUIRED);
    if !keys.is_empty() {
        problems.push(Problem::AdminKeysMissing { secret, keys });
    }
    Unresolved::unless_empty(problems)?;
    Ok(Some(admin))
}

/// References to the Secret that the operator writes: it would be read as if a person had written it.
fn own_secrets(environment: &ChatbotEnvironment, admin: &str) -> Vec<Problem> {
    let own = names::provisioned_secret(environment.metadata.name.as_deref().unwrap_or_default());
    let references = [("secretRef", environment.spec.secret_ref.name.as_str()), ("provision.adminSecretRef", admin)];
    let wrong = references.into_iter().filter(|(_, name)| *name == own);
    wrong.map(|(field, _)| Problem::OwnSecret { field, secret: own.clone() }).collect()
}

fn credentials(admin: &Variables, role: &str, password: &SecretString) -> Result<Variables, Unresolved> {
    let mut variables = Variables::new();
    for key in HANDED_ON {
        variables.extend(admin.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    if let Some(url) = admin.get(DATABASE_URL) {
        variables.insert(DATABASE_URL.to_owned(), database_url(url, role, password)?);
    }
    Ok(variables)
}

/// The administrator's URL with another role, password and database; its parameters (TLS among them) stay.
fn database_url(admin: &SecretString, role: &str, password: &SecretString) -> Result<SecretString, Problem> {
    let unusable = |why| Problem::DatabaseUrl { variable: "DATABASE_URL of spec.provision.adminSecretRef", why };
    let mut url = database::address(admin).map_err(unusable)?;
    url.set_username(role).map_err(|()| unusable("it names no host"))?;
    url.set_password(Some(password.expose_secret())).map_err(|()| unusable("it names no host"))?;
    url.set_path(role);
    Ok(SecretString::from(String::from(url)))
}

fn password_of(url: &SecretString) -> Option<SecretString> {
    Url::parse(url.expose_secret()).ok()?.password().map(SecretString::from)
}

/// What somebody else added to the Secret is no reason to write it again, and again.
fn has(present: &Variables, name: &str, value: &SecretString) -> bool {
    present.get(name).is_some_and(|found| found.expose_secret() == value.expose_secret())
}

/// What the provisioning Job works with. Every release provisions anew: it takes seconds, makes nothing twice, and a mended
/// image, another embedding model or another bucket needs it.
pub(super) fn job(
    environment: &ChatbotEnvironment,
    references: &References,
    release_id: &str,
) -> Result<Option<Provision>, Unresolved> {
    let Some(admin) = admin(environment, references)? else { return Ok(None) };
    let secret = references.admin.clone().unwrap_or_default();
    let admin_secret = secret.name().to_owned();
    let version = secret.version().iter().map(String::as_str);
    let hash = short_hash(version.chain([admin_secret.as_str(), release_id]));
    let endpoints = endpoints::endpoints(&admin, environment.metadata.namespace.as_deref().unwrap_or_default());
    Ok(Some(Provision { admin_secret, hash, endpoints }))
}
