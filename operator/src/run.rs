//! Puts the process together: logs, metrics, election, watches, reconciliation, and an orderly end.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::{StreamExt, channel::mpsc, future};
use kube::{
    Client, Resource, ResourceExt,
    runtime::{
        applier,
        controller::{self, Action},
        reflector::{ObjectRef, Store},
    },
};
use secrecy::SecretString;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::Instant,
};

use crate::{
    clock::Clock,
    config::Config,
    controllers::{
        apis, backup,
        context::Context,
        environment::{self, trouble::short},
        memory::Memory,
        restore,
        secrets::SecretWatches,
        stores::{self, Queues, Target},
    },
    crd::{ChatbotBackup, ChatbotEnvironment, ChatbotRestore},
    error::Error,
    health::{self, Readiness},
    lease::{Election, Lost, Term},
    metrics::{self, Metrics},
    notify::{LAST_WORDS, Notifier, NotifyError},
    probe::Prober,
    traces::Traces,
};

/// Environments that may wait for a look; more hold their watches up for a moment.
const QUEUE: usize = 1024;
/// Environments that are looked at at the same time. A look waits for pods that do not answer, up to half a minute: so many that are
/// ill must keep nobody from a look at the one that is about to be taken back. It holds a few answers meanwhile, and caches are shared.
const ENVIRONMENTS: u16 = 16;
/// Backups, or restores, that are looked at at the same time: no pod is asked.
const WISHES: u16 = 4;
/// Several changes within this time cause one look. Each phase of a release waits for it once.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// Why the process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// No way to the API server.
    #[error("cannot set up the Kubernetes client: {0}; check the service account or KUBECONFIG")]
    Client(String),
    /// Nobody can be notified as configured.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// No HTTP client.
    #[error("cannot set up the HTTP client: {0}")]
    Prober(#[from] reqwest::Error),
    /// The address of the operator's own server is taken, or not this machine's.
    #[error("cannot serve health and metrics on {address}: {source}; choose another HTTP_ADDR")]
    Serve {
        /// The address.
        address: std::net::SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Signals cannot be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    /// Another process leads now.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The first look at the cluster failed.
    #[error(transparent)]
    Start(#[from] Error),
    /// Caches are not filled: the process must not go on leading.
    #[error("cannot look after {}: {missing}", place(.namespace.as_deref()))]
    Missing {
        /// Where; the whole cluster when unset.
        namespace: Option<String>,
        /// What did not arrive.
        missing: stores::Missing,
    },
    /// A task ended that should run as long as the process.
    #[error("{0} ended unexpectedly; the process is restarted")]
    Ended(&'static str),
}

fn place(namespace: Option<&str>) -> String {
    namespace.map_or_else(|| "the cluster".to_owned(), |name| format!("namespace {name}"))
}

/// Runs until a signal ends it.
///
/// # Errors
/// When it cannot start, or may not go on.
pub async fn run(config: Config, traces: Traces) -> Result<(), Fatal> {
    let client = Client::try_default().await.map_err(|error| Fatal::Client(error.to_string()))?;
    let (metrics, readiness, clock) = (Arc::new(Metrics::default()), Readiness::default(), Clock::system());
    let server = health::serve(config.http_addr, Arc::clone(&metrics), readiness.clone());
    let lease = config.lease_name.clone();
    let election = Election::new(client.clone(), &config.pod_namespace, lease, config.identity(), clock.clone());
    let (notifier, delivery) = Notifier::start(config.notify_url.as_ref(), config.notify_format, Arc::clone(&metrics))?;
    let seen = Seen { metrics, readiness, notifier, traces, clock };
    let ended = tokio::select! {
        Err(source) = server => Err(Fatal::Serve { address: config.http_addr, source }),
        ended = lead(&config, client, &election, seen) => ended,
        heard = end_signal() => heard.map(|name| tracing::info!(signal = name, "ending")),
    };
    // Whatever could hand a message in is gone by now. What is left is sent while the next leader begins.
    let release = async {
        if ended.is_ok() {
            election.release().await;
        }
    };
    future::join(release, delivery.finish(LAST_WORDS)).await;
    ended
}

/// How the process is seen from outside, and its clock.
struct Seen {
    metrics: Arc<Metrics>,
    readiness: Readiness,
    notifier: Notifier,
    traces: Traces,
    clock: Clock,
}

/// Waits for the Lease, then works until it is lost.
async fn lead(config: &Config, client: Client, election: &Election, seen: Seen) -> Result<(), Fatal> {
    seen.readiness.set(true);
    tracing::info!(identity = config.identity(), "standing by for the Lease");
    let term = election.acquire().await;
    tracing::info!(identity = config.identity(), "leading");
    seen.metrics.set_leader(true);
    seen.readiness.set(false);
    tokio::select! {
        lost = election.hold(&term) => Err(lost.into()),
        ended = work(config, client, term.clone(), seen) => ended,
    }
}

async fn work(config: &Config, client: Client, term: Term, seen: Seen) -> Result<(), Fatal> {
    let Seen { metrics, readiness, notifier, traces, clock } = seen;
    let (tell, apis) = watch::channel(apis::discover(&client).await?);
    let mut tasks = JoinSet::new();
    tasks.spawn(apis::follow(client.clone(), tell));
    let scopes: Vec<(Queues, Looks, stores::Stores)> = config
        .scopes()
        .iter()
        .map(|scope| {
            let (queues, looks) = queues();
            let stores = stores::start(&client, scope.as_deref(), &apis, &queues, &mut tasks);
            (queues, looks, stores)
        })
        .collect();
    let everywhere: Arc<Vec<_>> = Arc::new(scopes.iter().map(|(_, _, stores)| stores.clone()).collect());
    for (namespace, stores) in config.scopes().into_iter().zip(everywhere.iter()) {
        stores.ready().await.map_err(|missing| Fatal::Missing { namespace, missing })?;
    }
    readiness.set(true);
    tracing::info!(namespaces = ?config.scopes(), "caches are filled");
    let (prober, memory) = (Prober::new()?, Arc::new(Memory::default()));
    for (queues, looks, stores) in scopes {
        let ctx = Context {
            client: client.clone(),
            term: term.clone(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            identity: config.identity(),
            notifier: notifier.clone(),
            traces: traces.clone(),
            prober: prober.clone(),
            memory: Arc::clone(&memory),
            secrets: Arc::new(SecretWatches::new(client.clone(), queues.environments)),
            apis: apis.clone(),
            stores,
            everywhere: Arc::clone(&everywhere),
            operator_namespace: config.pod_namespace.clone(),
            new_password,
        };
        let ctx = Arc::new(ctx);
        tasks.spawn(look_again_and_again(Arc::clone(&ctx), looks.environments));
        let (backups, restores) = (ctx.stores.backups.clone(), ctx.stores.restores.clone());
        tasks.spawn(follow(Arc::clone(&ctx), backups, looks.backups, |backup, ctx| {
            Box::pin(backup::reconcile(backup, ctx))
        }));
        tasks.spawn(follow(ctx, restores, looks.restores, |restore, ctx| Box::pin(restore::reconcile(restore, ctx))));
    }
    tasks.join_next().await;
    Err(Fatal::Ended("a watch or controller"))
}

/// What is to be looked at, as it comes out of the [`Queues`].
struct Looks {
    environments: mpsc::Receiver<Target>,
    backups: mpsc::Receiver<ObjectRef<ChatbotBackup>>,
    restores: mpsc::Receiver<ObjectRef<ChatbotRestore>>,
}

fn queues() -> (Queues, Looks) {
    let ((environments, look_at_environments), (backups, look_at_backups), (restores, look_at_restores)) =
        (mpsc::channel(QUEUE), mpsc::channel(QUEUE), mpsc::channel(QUEUE));
    let queues = Queues { environments, backups, restores };
    (queues, Looks { environments: look_at_environments, backups: look_at_backups, restores: look_at_restores })
}

/// One reconciliation that is under way.
type Look = Pin<Box<dyn Future<Output = Result<Action, Error>> + Send>>;

/// Looks after backups, or after restores.
async fn follow<K>(
    ctx: Arc<Context>,
    store: Store<K>,
    looks: mpsc::Receiver<ObjectRef<K>>,
    reconcile: fn(Arc<K>, Arc<Context>) -> Look,
) where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let configuration = controller::Config::default().concurrency(WISHES).debounce(DEBOUNCE);
    let queue = looks.map(Ok::<_, std::convert::Infallible>);
    let again = |object: Arc<K>, error: &Error, ctx: Arc<Context>| {
        let (kind, name) = (K::kind(&()), object.name_any());
        match error {
            Error::Conflict { .. } | Error::Deposed { .. } => tracing::debug!(%error, %kind, name, "looking again"),
            Error::Api { .. } | Error::Timeout { .. } | Error::Json { .. } | Error::Random => {
                tracing::warn!(error = short(&error.to_string()), %kind, name, "reconciliation failed");
            }
        }
        ctx.metrics.failed(error.handling().0);
        Action::requeue(error.pause(1))
    };
    applier(reconcile, again, ctx, store, queue, configuration).for_each(|_| std::future::ready(())).await;
}

async fn look_again_and_again(ctx: Arc<Context>, looks: mpsc::Receiver<Target>) {
    let configuration = controller::Config::default().concurrency(ENVIRONMENTS).debounce(DEBOUNCE);
    let queue = looks.map(Ok::<_, std::convert::Infallible>);
    let store = ctx.stores.environments.clone();
    let reconcile = |environment, ctx| Box::pin(timed(environment, ctx));
    let looked = applier(reconcile, after_error, Arc::clone(&ctx), store, queue, configuration);
    looked
        .for_each(|outcome| {
            if let Err(controller::Error::ObjectNotFound(gone)) = &outcome {
                forget(&ctx, &ObjectRef::new(&gone.name).within(gone.namespace.as_deref().unwrap_or_default()));
            }
            std::future::ready(())
        })
        .await;
}

async fn timed(environment: Arc<ChatbotEnvironment>, ctx: Arc<Context>) -> Result<Action, Error> {
    let started = Instant::now();
    let outcome = environment::reconcile(environment, Arc::clone(&ctx)).await;
    ctx.metrics.reconciled(started.elapsed(), outcome.as_ref().err().map(|error| error.handling().0));
    outcome
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
fn after_error(environment: Arc<ChatbotEnvironment>, error: &Error, ctx: Arc<Context>) -> Action {
    let failures = ctx.memory.failed(&ObjectRef::from_obj(environment.as_ref()));
    let pause = error.pause(failures);
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    match error {
        Error::Conflict { .. } | Error::Deposed { .. } => tracing::debug!(%error, namespace, name, "looking again"),
        Error::Api { .. } | Error::Timeout { .. } | Error::Json { .. } | Error::Random => {
            let error = short(&error.to_string());
            tracing::warn!(error, namespace, name, failures, retry_in = ?pause, "reconciliation failed");
        }
    }
    Action::requeue(pause)
}

/// An environment that is gone is not shown, watched for or remembered any more.
fn forget(ctx: &Context, target: &Target) {
    let environment =
        metrics::Environment { namespace: target.namespace.clone().unwrap_or_default(), name: target.name.clone() };
    ctx.metrics.show(&environment, None);
    ctx.secrets.follow(target, &std::collections::BTreeSet::new());
    ctx.memory.forget(target);
}

/// 192 random bits as hexadecimal digits.
fn new_password() -> Result<SecretString, Error> {
    let mut bytes = [0_u8; 24];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(SecretString::from(hex::encode(bytes)))
}

async fn end_signal() -> Result<&'static str, Fatal> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Fatal::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fatal::Signals)?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
