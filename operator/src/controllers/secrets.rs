//! Watches of the Secrets that environments name: one watch for each, of its metadata, and none of any other Secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{SinkExt, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::PartialObjectMeta,
    runtime::{WatchStreamExt, watcher},
};
use tokio::task::{AbortHandle, JoinSet};

use super::stores::{Queue, Target};

/// More Secrets than this are not watched; environments that name them notice a change at their next regular look.
const MOST: usize = 512;

/// Namespace and name of a Secret.
type Key = (String, String);

/// One watch.
struct Watch {
    task: AbortHandle,
    users: Vec<Target>,
}

/// All of them. They end with this value.
pub struct SecretWatches {
    client: Client,
    queue: Queue,
    watches: Arc<Mutex<BTreeMap<Key, Watch>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl SecretWatches {
    /// No watches yet; a change is told to `queue`.
    #[must_use]
    pub fn new(client: Client, queue: Queue) -> Self {
        Self { client, queue, watches: Arc::default(), tasks: Mutex::default() }
    }

    /// Watches exactly these Secrets on behalf of an environment, and no longer those that it named before.
    pub fn follow(&self, user: &Target, names: &BTreeSet<String>) {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let namespace = user.namespace.clone().unwrap_or_default();
        for (key, watch) in watches.iter_mut().filter(|(key, _)| key.0 == namespace && !names.contains(&key.1)) {
            watch.users.retain(|known| known != user);
            if watch.users.is_empty() {
                tracing::debug!(namespace = key.0, secret = key.1, "no longer watched");
                watch.task.abort();
            }
        }
        watches.retain(|_, watch| !watch.users.is_empty());
        for name in names {
            self.add(&mut watches, (namespace.clone(), name.clone()), user);
        }
    }

    fn add(&self, watches: &mut BTreeMap<Key, Watch>, key: Key, user: &Target) {
        if let Some(watch) = watches.get_mut(&key) {
            if !watch.users.contains(user) {
                watch.users.push(user.clone());
            }
        } else if watches.len() < MOST {
            let task = self.start(key.clone());
            watches.insert(key, Watch { task, users: vec![user.clone()] });
        } else {
            tracing::warn!(
                limit = MOST,
                secret = key.1,
                "too many Secrets are watched; a change of this one is noticed late"
            );
        }
    }

    fn start(&self, key: Key) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(watch(self.client.clone(), key, Arc::clone(&self.watches), self.queue.clone()))
    }
}

async fn watch(client: Client, key: Key, watches: Arc<Mutex<BTreeMap<Key, Watch>>>, mut queue: Queue) {
    let api: Api<PartialObjectMeta<Secret>> = Api::namespaced(client, &key.0);
    let only = watcher::Config::default().fields(&format!("metadata.name={}", key.1));
    let mut changes = std::pin::pin!(watcher(api, only).default_backoff().touched_objects());
    while let Some(change) = changes.next().await {
        if let Err(error) = change {
            tracing::warn!(%error, namespace = key.0, secret = key.1, "the watch of a Secret broke off and is started again");
            continue;
        }
        for user in users(&watches, &key) {
            if queue.send(user).await.is_err() {
                return;
            }
        }
    }
}

fn users(watches: &Mutex<BTreeMap<Key, Watch>>, key: &Key) -> Vec<Target> {
    let watches = watches.lock().unwrap_or_else(PoisonError::into_inner);
    watches.get(key).map(|watch| watch.users.clone()).unwrap_or_default()
}
