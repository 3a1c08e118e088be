//! Which environment this is.
//!
//! | variable | form | default |
//! |---|---|---|
//! | ENVIRONMENT | dev, stage or prod | required |
//! | SECRET_KEY | at least 32 characters of random text | required |
//! | RESOURCE_PREFIX | lower-case letters, digits, `_`; ends with `_` | `<ENVIRONMENT>_` |
//! | RELEASE_ID | the release's id, set by the operator | `local` |
//! | DEBUG | true or false; refused in stage and prod. Checked; nothing depends on it yet | true in dev, else false |

use std::fmt;

use secrecy::SecretString;

use super::reader::{Reader, parse};

/// The form of a RESOURCE_PREFIX.
pub(super) const PREFIX: &str =
    "lower-case letters, digits and `_`, starting with a letter and ending with `_`, at most 41 characters";

/// One of the three tiers; it decides defaults and what is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A developer's own environment.
    Dev,
    /// The rehearsal.
    Stage,
    /// What users see.
    Prod,
}

impl Tier {
    /// The tier's name as ENVIRONMENT spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Stage => "stage",
            Self::Prod => "prod",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Dev, Self::Stage, Self::Prod].into_iter().find(|tier| tier.as_str() == text)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Tier and the names derived from it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The tier.
    pub tier: Tier,
    /// Prefix of Redis keys, Qdrant collections and object keys, with its trailing `_`.
    pub resource_prefix: String,
    /// The release that this process belongs to.
    pub release_id: String,
    /// The same where RELEASE_ID names one: for what is kept under its name.
    pub release: Option<String>,
    /// Whether this is for debugging (dev only); nothing depends on it yet.
    pub debug: bool,
}

impl Environment {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let tier = reader.required("ENVIRONMENT", "dev, stage or prod", Tier::parse);
        let prefix = reader.optional("RESOURCE_PREFIX", PREFIX, prefix);
        let release = reader.text("RELEASE_ID");
        let debug = reader.optional("DEBUG", "true or false", parse::boolean);
        let tier = tier?;
        if debug == Some(true) && tier != Tier::Dev {
            reader.reject("DEBUG", format!("false in {tier} (debugging shows internals; use a dev environment)"));
        }
        Some(Self {
            tier,
            resource_prefix: prefix.unwrap_or_else(|| format!("{tier}_")),
            release_id: release.clone().unwrap_or_else(|| "local".to_owned()),
            release,
            debug: debug.unwrap_or(tier == Tier::Dev),
        })
    }
}

pub(super) fn secret_key(reader: &mut Reader<'_>) -> Option<SecretString> {
    reader.required("SECRET_KEY", "at least 32 characters of random text (openssl rand -hex 32)", |text| {
        (text.chars().count() >= 32).then(|| SecretString::from(text))
    })
}

pub(super) fn prefix(text: &str) -> Option<String> {
    let characters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    (characters && starts && text.ends_with('_') && text.len() <= 41).then(|| text.to_owned())
}
