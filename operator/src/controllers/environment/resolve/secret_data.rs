//! The data of a Secret as it was read, before anything is known to be text.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::SecretString;

use super::unresolved::Problem;

/// Environment variables by name. The values are secrets, all of them: who may see which is not this program's to judge.
pub type Variables = BTreeMap<String, SecretString>;

/// Keys and values of one Secret. Its `Debug` form shows the keys only.
#[derive(Clone, Default)]
pub struct SecretData {
    name: String,
    version: [String; 2],
    data: BTreeMap<String, ByteString>,
}

impl SecretData {
    /// Name of the Secret.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Uid and resourceVersion: another pair whenever somebody wrote the Secret, and no word of what is in it.
    #[must_use]
    pub fn version(&self) -> &[String; 2] {
        &self.version
    }

    /// The Secret as environment variables, and one [`Problem`] for each key that no variable can have and each value that is
    /// not text.
    #[must_use]
    pub fn variables(&self) -> (Variables, Vec<Problem>) {
        let mut variables = Variables::new();
        let mut problems = Vec::new();
        for (key, value) in &self.data {
            match self.variable(key, value) {
                Ok(text) => drop(variables.insert(key.clone(), text)),
                Err(problem) => problems.push(problem),
            }
        }
        (variables, problems)
    }

    fn variable(&self, key: &str, value: &ByteString) -> Result<SecretString, Problem> {
        let (secret, key) = (self.name.clone(), key.to_owned());
        if !is_variable_name(&key) {
            return Err(Problem::KeyIsNoVariable { secret, key });
        }
        match std::str::from_utf8(&value.0) {
            Ok(text) if !text.contains('\0') => Ok(SecretString::from(text)),
            Ok(_) | Err(_) => Err(Problem::ValueIsNoText { secret, key }),
        }
    }
}

impl From<&Secret> for SecretData {
    fn from(secret: &Secret) -> Self {
        let mut data = secret.data.clone().unwrap_or_default();
        let text = secret.string_data.clone().unwrap_or_default();
        data.extend(text.into_iter().map(|(key, value)| (key, ByteString(value.into_bytes()))));
        let ObjectMeta { name, uid, resource_version, .. } = secret.metadata.clone();
        let version = [uid, resource_version].map(Option::unwrap_or_default);
        Self { name: name.unwrap_or_default(), version, data }
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, data } = self;
        let mut shown = formatter.debug_struct("SecretData");
        shown.field("name", name).field("version", version).field("keys", &data.keys()).finish()
    }
}

/// Letters, digits and underscores, not starting with a digit: what every shell and runtime takes as a variable's name.
#[must_use]
pub fn is_variable_name(key: &str) -> bool {
    !key.starts_with(|first: char| first.is_ascii_digit())
        && !key.is_empty()
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
