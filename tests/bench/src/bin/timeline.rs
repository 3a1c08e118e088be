//! From a command that asks for a release to the write that moves the traffic, and where the time went: one line of JSON.
//!
//! `timeline NAMESPACE SERVICE COMMAND…` runs the command, whose own time counts, and watches until the Service selects other pods than before. Time in which
//! only a Job ran, or in which a new pod was not ready yet, is not the controller's: what is left is.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Nothing that is measured takes longer.
const LIMIT: Duration = Duration::from_secs(180);
/// Until every watch has told what was there before.
const SETTLE: Duration = Duration::from_secs(2);

/// Something that was seen of an object.
enum Seen {
    Service(Box<Service>),
    Pod { name: String, ready: bool },
    Job { name: String, ended: bool },
}

/// From when until when something kept the release from going on.
struct Span {
    from: Instant,
    to: Option<Instant>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [namespace, service, program, rest @ ..] = arguments.as_slice() else {
        return Err("usage: timeline NAMESPACE SERVICE COMMAND…".into());
    };
    let client = Client::try_default().await?;
    let (tell, mut seen) = mpsc::channel(1024);
    let mut watches = JoinSet::new();
    watch(&mut watches, &client, namespace, &tell, |service: Service| Seen::Service(Box::new(service)));
    watch(&mut watches, &client, namespace, &tell, |pod: Pod| Seen::Pod {
        name: pod.name_any(),
        ready: is_ready(&pod),
    });
    watch(&mut watches, &client, namespace, &tell, |job: Job| Seen::Job {
        name: job.name_any(),
        ended: has_ended(&job),
    });

    let mut known = BTreeMap::new();
    let mut selected = None;
    let settled = Instant::now();
    while let Ok(Some(it)) = tokio::time::timeout(SETTLE.saturating_sub(settled.elapsed()), seen.recv()).await {
        match it {
            Seen::Service(it) if it.name_any() == *service => selected = it.spec.and_then(|spec| spec.selector),
            Seen::Service(_) => {}
            Seen::Pod { name, .. } | Seen::Job { name, .. } => {
                known.insert(name, ());
            }
        }
    }
    let before = selected.ok_or("the Service selects nothing: nothing was released before")?;

    let began = Instant::now();
    let mut running = Box::pin(Command::new(program).args(rest).output());
    let mut is_running = true;
    let mut spans: BTreeMap<String, Span> = BTreeMap::new();
    loop {
        let it = tokio::select! {
            done = &mut running, if is_running => {
                let done = done?;
                is_running = false;
                if !done.status.success() {
                    return Err(String::from_utf8_lossy(&done.stderr).into());
                }
                continue;
            }
            it = tokio::time::timeout(LIMIT, seen.recv()) => it?.ok_or("the watches ended")?,
        };
        let now = Instant::now();
        match it {
            Seen::Service(it) if it.name_any() == *service => {
                if it.spec.and_then(|spec| spec.selector).is_some_and(|selector| selector != before) {
                    println!("{}", told(&spans, began, now));
                    return Ok(());
                }
            }
            Seen::Service(_) => {}
            Seen::Pod { name, ready: over } | Seen::Job { name, ended: over } if !known.contains_key(&name) => {
                let span = spans.entry(name).or_insert(Span { from: now, to: None });
                if over && span.to.is_none() {
                    span.to = Some(now);
                }
            }
            Seen::Pod { .. } | Seen::Job { .. } => {}
        }
    }
}

fn watch<K>(
    tasks: &mut JoinSet<()>,
    client: &Client,
    namespace: &str,
    tell: &mpsc::Sender<Seen>,
    read: impl Fn(K) -> Seen + Send + 'static,
) where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Send
        + serde::de::DeserializeOwned
        + 'static,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let tell = tell.clone();
    tasks.spawn(async move {
        let mut objects = watcher(api, watcher::Config::default()).default_backoff().applied_objects().boxed();
        while let Ok(Some(object)) = objects.try_next().await {
            if tell.send(read(object)).await.is_err() {
                return;
            }
        }
    });
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|it| it.type_ == "Ready" && it.status == "True"))
}

fn has_ended(job: &Job) -> bool {
    job.status.as_ref().is_some_and(|status| status.completion_time.is_some())
}

/// Seconds in all, those in which something was waited for that no controller can hurry, and the rest.
fn told(spans: &BTreeMap<String, Span>, began: Instant, switched: Instant) -> serde_json::Value {
    let mut waits: Vec<(Instant, Instant)> = spans.values().filter_map(|span| Some((span.from, span.to?))).collect();
    waits.sort();
    let mut waited = Duration::ZERO;
    let mut covered = began;
    for (from, to) in waits {
        let (from, to) = (from.max(covered), to.min(switched));
        if to > from {
            waited += to - from;
            covered = to;
        }
    }
    let total = switched - began;
    json!({"total": total.as_secs_f64(), "waited": waited.as_secs_f64(), "own": (total - waited).as_secs_f64()})
}
