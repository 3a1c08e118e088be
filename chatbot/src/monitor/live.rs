//! One look at the database for all who watch.
//!
//! A page that is opened waits for a look that is at most a second old; while anybody watches, there is a look every two
//! seconds, or more seldom when looking takes long. However many watch, the database is asked once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::overview::Overview;
use super::pages::sections;
use super::past::{self, Past, Span};
use super::refusal::Refusal;
use crate::{app::App, store::jobs::facts};

/// A look is shown to everyone who asks within this time.
const FRESH: Duration = Duration::from_secs(1);
/// The history is written once a minute.
const PAST_FRESH: Duration = Duration::from_secs(30);
/// Between two looks while somebody watches.
const INTERVAL: Duration = Duration::from_secs(2);
/// Looking takes at most this part of the database's time.
const SHARE: u32 = 10;
/// How many may watch at once.
const MOST_VIEWERS: usize = 200;

/// The last look.
#[derive(Clone)]
pub(super) struct Live(Arc<Inner>);

struct Inner {
    app: App,
    /// Held while looking: who comes meanwhile waits for the same look.
    last: Mutex<Option<(Instant, Found)>>,
    /// What is sent to those who watch: made once for all of them.
    sent: watch::Sender<Arc<str>>,
    seats: Arc<Semaphore>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

/// What a look found. What went wrong is shown as long as what went well: a database that hangs is not asked once for everybody.
type Found = Result<Arc<Look>, Refusal>;

/// What there is now, and what became of jobs in the last hour.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) overview: Overview,
    pub(super) past: Arc<Past>,
    /// When the past was looked at.
    past_at: Instant,
}

/// A seat among those who watch.
pub(super) struct Seat {
    pub(super) news: watch::Receiver<Arc<str>>,
    _permit: OwnedSemaphorePermit,
}

impl Live {
    pub(super) fn new(app: &App) -> Self {
        let (sent, _) = watch::channel(Arc::from(""));
        let seats = Arc::new(Semaphore::new(MOST_VIEWERS));
        Self(Arc::new(Inner { app: app.clone(), last: Mutex::default(), sent, seats }))
    }

    /// What there is now, at most a second old.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn now(&self) -> Found {
        let mut last = self.0.last.lock().await;
        if let Some((at, look)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return look.clone();
        }
        let before = last.as_ref().and_then(|(_, look)| look.clone().ok());
        let look = self.look(before.as_deref()).await;
        *last = Some((Instant::now(), look.clone()));
        look
    }

    async fn look(&self, before: Option<&Look>) -> Found {
        let app = &self.0.app;
        let overview = Overview::new(&facts::look(&app.db).await?, app.clock.now());
        let kept = before.filter(|look| look.past_at.elapsed() < PAST_FRESH);
        let (past, past_at) = match kept {
            Some(look) => (Arc::clone(&look.past), look.past_at),
            None => (Arc::new(past::look(app, Span::Hour).await?), Instant::now()),
        };
        Ok(Arc::new(Look { overview, past, past_at }))
    }

    /// A seat among those who watch.
    ///
    /// # Errors
    /// `Busy` when all are taken.
    pub(super) fn watch(&self) -> Result<Seat, Refusal> {
        let permit = Arc::clone(&self.0.seats).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::Busy("too many watch the monitor"))?;
        Ok(Seat { news: self.0.sent.subscribe(), _permit: permit })
    }

    /// Looks for ever, while anybody watches.
    pub(super) async fn keep_looking(self) {
        loop {
            let took = if self.0.sent.receiver_count() > 0 { self.send().await } else { Duration::ZERO };
            sleep(INTERVAL.max(took * SHARE)).await;
        }
    }

    /// Looks, and tells those who watch; how long that took.
    async fn send(&self) -> Duration {
        let begun = Instant::now();
        // What went wrong is in the log; those who watch notice that nothing comes.
        if let Ok(look) = self.now().await {
            self.0.sent.send_replace(sections::event(&look).into());
        }
        begun.elapsed()
    }
}
