//! Leader election by a Lease: two replicas run, one works.
//!
//! A candidate never trusts the holder's clock: it counts the Lease as abandoned once it has itself seen it unchanged for the whole
//! duration. Every write carries the resourceVersion that was read, so of two takers one gets a conflict and waits.
//! Whoever loses the Lease must end its process: work that is under way cannot be told from the new leader's. A process that
//! stood still (a frozen machine, a stopped container) may find out late: until it has, its [`Term`] keeps it from writing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease as Object, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::{
    clock::Clock,
    error::{Error, within},
};

/// Name of the Lease unless told otherwise.
pub const NAME: &str = "chatbot-operator";
/// Annotation of the Lease with the version of the operator that took it.
pub const VERSION: &str = "chatbot.platform/operator-version";
/// How long an unrenewed Lease keeps others away.
const DURATION: Duration = Duration::from_secs(15);
/// How long the holder may fail to renew before it must stop: shorter than [`DURATION`], so that it stops before another starts.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two renewals.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// Pause between two looks of a standby, and between two failed renewals.
const RETRY_EVERY: Duration = Duration::from_secs(2);
/// Deadline of one request.
const REQUEST: Duration = Duration::from_secs(4);

/// Why leadership ended.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Another process took the Lease.
    #[error("lost the Lease: {0} holds it now; this process ends, and its replacement will stand by")]
    Taken(String),
    /// The API server could not be reached in time.
    #[error("lost the Lease: it could not be renewed in time ({0}); this process ends")]
    NotRenewed(String),
}

/// Until when this process leads for certain. Nothing may be written later, whoever still believes to lead.
#[derive(Debug, Clone)]
pub struct Term(Arc<Mutex<Instant>>);

impl Term {
    /// The term of a process that asked for the Lease at this instant, and got it.
    #[must_use]
    pub fn since(asked: Instant) -> Self {
        Self(Arc::new(Mutex::new(asked + RENEW_DEADLINE)))
    }

    /// When it is over, unless it is renewed before.
    #[must_use]
    pub fn end(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an API call that writes as [`within`] does. It is not made, or not waited for, after the end of the term.
    ///
    /// # Errors
    /// As [`within`], and [`Error::Deposed`].
    pub async fn write<T>(
        &self,
        doing: impl Fn() -> String,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Error> {
        let end = self.end();
        if Instant::now() >= end {
            return Err(Error::Deposed { doing: doing() });
        }
        match timeout_at(end, within(&doing, call)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Error::Deposed { doing: doing() }),
        }
    }

    fn renew(&self, asked: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked + RENEW_DEADLINE;
    }
}

/// This process's part in the election.
#[derive(Debug, Clone)]
pub struct Election {
    api: Api<Object>,
    lease: String,
    identity: String,
    clock: Clock,
}

/// A Lease as it was first seen in its present form.
struct Sighting {
    version: Option<String>,
    at: Instant,
}

/// What came of a renewal.
enum Renewal {
    Renewed(Box<Object>),
    /// Another process holds it.
    Taken(String),
}

/// What to do about the Lease that was read.
#[derive(Debug, PartialEq)]
enum Claim {
    Create,
    Take,
    Wait,
}

impl Election {
    /// Takes part under `identity` in the election by the Lease `namespace/lease`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, lease: String, identity: String, clock: Clock) -> Self {
        Self { api: Api::namespaced(client, namespace), lease, identity, clock }
    }

    /// Waits until this process is the leader. Its term counts from the instant before it asked for the Lease.
    pub async fn acquire(&self) -> Term {
        let mut sighting = Sighting { version: None, at: Instant::now() };
        loop {
            let asked = Instant::now();
            match timeout(REQUEST, self.try_acquire(&mut sighting)).await {
                Ok(Ok(true)) => return Term::since(asked),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, lease = self.lease, "the Lease cannot be read or taken; trying again");
                }
                Err(_elapsed) => {
                    tracing::warn!(lease = self.lease, "the API server did not answer about the Lease; trying again");
                }
            }
            sleep(RETRY_EVERY).await;
        }
    }

    /// Renews until that fails, and says why it failed. `term` is what [`Self::acquire`] returned.
    ///
    /// A renewal counts from the instant before it was asked for: the API server may have written it at any time since, and
    /// from then on a standby waits. Neither a pause nor a request outlasts the deadline.
    pub async fn hold(&self, term: &Term) -> Lost {
        let (mut pause, mut known) = (RENEW_EVERY, None);
        let mut trouble = "no answer".to_owned();
        loop {
            let deadline = term.end();
            sleep_until(deadline.min(Instant::now() + pause)).await;
            let asked = Instant::now();
            if asked >= deadline {
                return Lost::NotRenewed(trouble);
            }
            match timeout_at(deadline.min(asked + REQUEST), self.renew(known.take())).await {
                Ok(Ok(Renewal::Renewed(lease))) => {
                    term.renew(asked);
                    (pause, known) = (RENEW_EVERY, Some(*lease));
                    continue;
                }
                Ok(Ok(Renewal::Taken(other))) => return Lost::Taken(other),
                Ok(Err(error)) => trouble = error.to_string(),
                Err(_elapsed) => "no answer".clone_into(&mut trouble),
            }
            tracing::warn!(error = trouble, lease = self.lease, "the Lease was not renewed; trying again");
            pause = RETRY_EVERY;
        }
    }

    /// Gives the Lease up, so that the standby need not wait for it to run out.
    pub async fn release(&self) {
        match timeout(REQUEST, self.try_release()).await {
            Ok(Ok(())) => tracing::info!(lease = self.lease, "released the Lease"),
            Ok(Err(error)) => {
                tracing::warn!(%error, lease = self.lease, "the Lease was not released; it runs out by itself");
            }
            Err(_elapsed) => {
                tracing::warn!(lease = self.lease, "the Lease was not released in time; it runs out by itself");
            }
        }
    }

    async fn try_acquire(&self, sighting: &mut Sighting) -> kube::Result<bool> {
        let seen = self.api.get_opt(&self.lease).await?;
        let version = seen.as_ref().and_then(ResourceExt::resource_version);
        if version != sighting.version {
            *sighting = Sighting { version, at: Instant::now() };
        }
        match claim(seen.as_ref(), &self.identity, sighting.at.elapsed()) {
            Claim::Wait => Ok(false),
            Claim::Create => won(self.api.create(&PostParams::default(), &self.fresh()).await),
            Claim::Take => {
                let lease = self.taken(seen.unwrap_or_default());
                won(self.api.replace(&self.lease, &PostParams::default(), &lease).await)
            }
        }
    }

    /// Renews on top of the Lease as it was last written; after a failure it is read anew.
    async fn renew(&self, known: Option<Object>) -> kube::Result<Renewal> {
        let mut lease = match known {
            Some(lease) => lease,
            None => self.api.get(&self.lease).await?,
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            return Ok(Renewal::Taken(spec.holder_identity.clone().unwrap_or_else(|| "nobody".to_owned())));
        }
        spec.renew_time = Some(MicroTime(self.clock.precise()));
        let written = self.api.replace(&self.lease, &PostParams::default(), &lease).await?;
        Ok(Renewal::Renewed(Box::new(written)))
    }

    async fn try_release(&self) -> kube::Result<()> {
        let mut lease = self.api.get(&self.lease).await?;
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
            spec.holder_identity = None;
            self.api.replace(&self.lease, &PostParams::default(), &lease).await?;
        }
        Ok(())
    }

    fn fresh(&self) -> Object {
        let metadata = ObjectMeta { name: Some(self.lease.clone()), ..ObjectMeta::default() };
        let lease = Object { metadata, spec: Some(spec(&self.identity, self.clock.precise(), 0)) };
        with_version(lease)
    }

    fn taken(&self, seen: Object) -> Object {
        let transitions = seen.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0).saturating_add(1);
        with_version(Object { spec: Some(spec(&self.identity, self.clock.precise(), transitions)), ..seen })
    }
}

/// An image's tag may say anything: who wants to know which version is at work reads it here.
fn with_version(mut lease: Object) -> Object {
    lease.annotations_mut().insert(VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    lease
}

fn spec(identity: &str, now: Timestamp, transitions: i32) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    }
}

fn claim(seen: Option<&Object>, identity: &str, unchanged_for: Duration) -> Claim {
    let Some(lease) = seen else { return Claim::Create };
    let spec = lease.spec.as_ref();
    let duration = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    match spec.and_then(|spec| spec.holder_identity.as_deref()) {
        None | Some("") => Claim::Take,
        Some(holder) if holder == identity => Claim::Take,
        Some(_) if unchanged_for >= duration.map_or(DURATION, Duration::from_secs) => Claim::Take,
        Some(_) => Claim::Wait,
    }
}

/// A conflict means that another candidate was quicker: no error, only no win.
fn won(written: kube::Result<Object>) -> kube::Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use kube::client::Body;

    use super::*;

    /// So long the process may take to end.
    const MARGIN: Duration = Duration::from_secs(5);

    fn held_by(identity: &str) -> Object {
        Object { spec: Some(spec(identity, Timestamp::UNIX_EPOCH, 0)), ..Object::default() }
    }

    #[test]
    fn a_lease_is_taken_only_when_nobody_else_can_be_using_it() {
        let released =
            Object { spec: Some(LeaseSpec { holder_identity: None, ..LeaseSpec::default() }), ..Object::default() };
        let cases = [
            ("no lease", None, 0, Claim::Create),
            ("released", Some(released), 0, Claim::Take),
            ("ours, from before a restart", Some(held_by("me")), 0, Claim::Take),
            ("another's, just renewed", Some(held_by("other")), 0, Claim::Wait),
            ("another's, nearly run out", Some(held_by("other")), 14, Claim::Wait),
            ("another's, run out", Some(held_by("other")), 15, Claim::Take),
        ];
        for (name, seen, seconds, expected) in cases {
            assert_eq!(claim(seen.as_ref(), "me", Duration::from_secs(seconds)), expected, "{name}");
        }
    }

    #[test]
    fn the_holder_stops_before_another_may_start() {
        assert!(RENEW_DEADLINE + MARGIN <= DURATION);
        assert!(RENEW_EVERY + REQUEST < RENEW_DEADLINE, "one lost request must not end the process");
    }

    /// An API server that takes requests and answers none.
    fn silent() -> (Election, tower_test::mock::Handle<http::Request<Body>, http::Response<Body>>) {
        let (service, handle) = tower_test::mock::pair();
        let client = Client::new(service, "default");
        (Election::new(client, "chatbot-system", NAME.to_owned(), "me".to_owned(), Clock::system()), handle)
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_that_gets_no_answer_stops_at_its_deadline_and_no_later() {
        let (election, _handle) = silent();
        let acquired = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(matches!(election.hold(&Term::since(acquired)).await, Lost::NotRenewed(_)));
        assert_eq!(acquired.elapsed().as_secs(), RENEW_DEADLINE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_after_the_end_of_a_term() {
        let term = Term::since(Instant::now());
        let writing = || "applying Service dev".to_owned();
        assert!(term.write(writing, async { Ok(()) }).await.is_ok());
        let hung = term.write(writing, std::future::pending::<kube::Result<()>>()).await;
        assert!(matches!(hung, Err(Error::Deposed { .. })), "an answer that comes later is not waited for");
        let mut is_called = false;
        let calling = async {
            is_called = true;
            Ok(())
        };
        let late = term.write(writing, calling).await;
        assert!(matches!(late, Err(Error::Deposed { .. })) && !is_called);
    }

    #[tokio::test]
    async fn whoever_takes_the_lease_writes_its_version_on_it() {
        let (election, _handle) = silent();
        let mut old = held_by("other");
        old.annotations_mut().insert(VERSION.to_owned(), "0.0.1".to_owned());
        for lease in [election.fresh(), election.taken(old)] {
            assert_eq!(lease.annotations()[VERSION], env!("CARGO_PKG_VERSION"));
            assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some("me"));
        }
    }

    #[test]
    fn a_conflict_is_no_win_and_no_error() {
        let conflict = kube::Error::Api(kube::core::Status::failure("changed", "Conflict").with_code(409).boxed());
        assert!(matches!(won(Err(conflict)), Ok(false)));
    }
}
