//! What is remembered of writes and removals, so that none is made for nothing and none is repeated in haste.
//!
//! Only a cache: an operator that starts anew knows nothing of it, and makes at most one needless write per object.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::ResourceExt;
use serde_json::Value;
use tokio::time::Instant;

use super::stores::Target;
use crate::crd::ChatbotEnvironment;

/// A write that was refused is not repeated sooner.
pub const REFUSED_FOR: Duration = Duration::from_mins(1);
/// A write that was accepted shows in the caches by then.
pub const SETTLES_IN: Duration = Duration::from_secs(3);
/// What was written so often within [`REPEATED_WITHIN`] of one another, and does not show, is undone by somebody else.
pub const FEW: u32 = 3;
/// Then it is written no sooner than this.
pub const CONTESTED_FOR: Duration = Duration::from_mins(1);
/// So many writes of its status a cached environment may be behind; a watch that lives is behind by one or two.
const FURTHEST_BEHIND: usize = 8;
/// A later write of the same counts as the first.
const REPEATED_WITHIN: Duration = Duration::from_mins(3);

/// An owned object: kind, namespace, name.
pub type Key = (String, String, String);

/// The last write of an object.
#[derive(Debug, Clone)]
pub struct Write {
    /// Fingerprint of what was written.
    pub hash: String,
    /// When.
    pub at: Instant,
    /// What came of it.
    pub answer: Answer,
    /// How many times the same was written in a row, at short intervals.
    pub times: u32,
}

impl Write {
    /// A write at this moment, after `last`.
    fn after(last: Option<&Self>, hash: String, answer: Answer) -> Self {
        let at = Instant::now();
        let is_repeated = |last: &&Self| last.hash == hash && at.saturating_duration_since(last.at) < REPEATED_WITHIN;
        let times = last.filter(is_repeated).map_or(0, |last| last.times).saturating_add(1);
        Self { hash, at, answer, times }
    }
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is in the cluster.
    Accepted {
        /// The resourceVersion that it has there since.
        version: Option<String>,
        /// The written fields as the API server shows them: defaults and units may be spelt otherwise than they were written.
        shown: Value,
    },
    /// Why it was refused.
    Refused(String),
}

/// The last removal of an object.
#[derive(Debug, Clone)]
struct Removal {
    /// Which one of that name.
    uid: Option<String>,
    at: Instant,
    /// Whether the object is gone, or goes; else why it was refused.
    outcome: Result<(), String>,
}

impl Removal {
    fn is_recent(&self) -> bool {
        self.at.elapsed() < REFUSED_FOR
    }
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct Memory {
    writes: Mutex<HashMap<Key, Write>>,
    removals: Mutex<HashMap<Key, Removal>>,
    environments: Mutex<HashMap<Target, Environment>>,
}

/// What is remembered of an environment.
#[derive(Debug, Default)]
struct Environment {
    failures: u32,
    written: Option<Written>,
}

/// A status that was written, until the cache shows it.
#[derive(Debug)]
struct Written {
    /// Versions that the cache may still show, and that are no more.
    superseded: Vec<String>,
    /// The environment since.
    environment: Arc<ChatbotEnvironment>,
}

impl Written {
    fn is_older(&self, cached: &ChatbotEnvironment) -> bool {
        cached.resource_version().is_some_and(|version| self.superseded.contains(&version))
    }
}

impl Memory {
    /// The last write of an object.
    #[must_use]
    pub fn last_write(&self, key: &Key) -> Option<Write> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Remembers a write.
    pub fn wrote(&self, key: Key, hash: String, answer: Answer) {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let write = Write::after(writes.get(&key), hash, answer);
        writes.insert(key, write);
    }

    /// What came of a removal that is so recent that it is not repeated; the error is why it was refused.
    #[must_use]
    pub fn removal(&self, key: &Key, uid: Option<&str>) -> Option<Result<(), String>> {
        let removals = self.removals.lock().unwrap_or_else(PoisonError::into_inner);
        let last = removals.get(key).filter(|last| last.uid.as_deref() == uid && last.is_recent())?;
        Some(last.outcome.clone())
    }

    /// Remembers a removal. One that was not refused ends what is remembered of the object's writes.
    pub fn removed(&self, key: Key, uid: Option<String>, outcome: Result<(), String>) {
        if outcome.is_ok() {
            self.writes.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
        let mut removals = self.removals.lock().unwrap_or_else(PoisonError::into_inner);
        removals.retain(|_, removal| removal.is_recent());
        removals.insert(key, Removal { uid, at: Instant::now(), outcome });
    }

    /// Counts a failure, and says how many there were in a row.
    pub fn failed(&self, target: &Target) -> u32 {
        self.with(target, |environment| {
            environment.failures = environment.failures.saturating_add(1);
            environment.failures
        })
    }

    /// How many failures there were in a row.
    #[must_use]
    pub fn failures(&self, target: &Target) -> u32 {
        self.with(target, |environment| environment.failures)
    }

    /// Ends a row of failures.
    pub fn succeeded(&self, target: &Target) {
        self.with(target, |environment| environment.failures = 0);
    }

    /// Remembers the environment as it is since its status was written on top of `version`.
    pub fn wrote_status(&self, target: &Target, version: Option<String>, mut environment: ChatbotEnvironment) {
        environment.managed_fields_mut().clear();
        self.with(target, |known| {
            let mut superseded = known.written.take().map(|written| written.superseded).unwrap_or_default();
            superseded.extend(version);
            known.written = Some(Written { superseded, environment: Arc::new(environment) });
        });
    }

    /// The environment as the last write of its status left it, where the cache shows an older one; else as the cache shows it.
    /// None where the cache has fallen so far behind that it has to catch up first.
    #[must_use]
    pub fn newest(&self, target: &Target, cached: Arc<ChatbotEnvironment>) -> Option<Arc<ChatbotEnvironment>> {
        self.with(target, |known| match &known.written {
            Some(written) if written.superseded.len() > FURTHEST_BEHIND && written.is_older(&cached) => None,
            Some(written) if written.is_older(&cached) => Some(Arc::clone(&written.environment)),
            Some(_) | None => {
                known.written = None;
                Some(cached)
            }
        })
    }

    /// Forgets an environment that is no more.
    pub fn forget(&self, target: &Target) {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner).remove(target);
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let prefix = format!("{}-", target.name);
        let of_it = |key: &Key| key.1 == namespace && (key.2 == target.name || key.2.starts_with(&prefix));
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| !of_it(key));
    }

    fn with<T>(&self, target: &Target, act: impl FnOnce(&mut Environment) -> T) -> T {
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        act(environments.entry(target.clone()).or_default())
    }
}
