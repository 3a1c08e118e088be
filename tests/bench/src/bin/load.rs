//! Users without end: requests at a steady rate through a Service, by new connections and by kept ones, streamed answers among them.
//!
//! `load URL HOST KEY RATE` sends until standard input ends, then prints one line of JSON: for each kind how many, how many of them failed,
//! and the median and 99th percentile in milliseconds. What failed is told on standard error, the first twenty times.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

/// A user who waits longer has gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many requests may be under way; more means that the environment does not keep up, and they count as failed.
const UNDER_WAY: usize = 2000;
/// Failures that are told.
const TOLD: usize = 20;
/// One in so many requests is a question with a streamed answer.
const STREAM: u64 = 40;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    New,
    Kept,
    Stream,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "new connections",
            Self::Kept => "kept connections",
            Self::Stream => "streams",
        }
    }
}

#[derive(Default)]
struct Count {
    /// Of those that were answered as they should.
    took: Vec<Duration>,
    failed: usize,
}

type Counts = Arc<Mutex<BTreeMap<Kind, Count>>>;

struct User {
    new: Client,
    kept: Client,
    url: String,
    host: String,
    key: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, host, key, rate] = arguments.as_slice() else { return Err("usage: load URL HOST KEY RATE".into()) };
    let rate: u32 = rate.parse()?;
    let client = |idle| Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(idle).build();
    let user =
        Arc::new(User { new: client(0)?, kept: client(64)?, url: url.clone(), host: host.clone(), key: key.clone() });
    let counts = Counts::default();
    let mut requests = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut end = Box::pin(async { tokio::io::stdin().read_to_end(&mut Vec::new()).await });
    let mut number: u64 = 0;
    loop {
        tokio::select! {
            ended = &mut end => { ended?; break; }
            _ = pace.tick() => {}
        }
        while requests.try_join_next().is_some() {}
        number += 1;
        let kind = kind_of(number);
        if requests.len() >= UNDER_WAY {
            note(&counts, kind, Instant::now(), Err("too many requests are under way".to_owned()));
            continue;
        }
        let (user, counts) = (Arc::clone(&user), Arc::clone(&counts));
        requests.spawn(async move {
            let began = Instant::now();
            let outcome = ask(&user, kind).await;
            note(&counts, kind, began, outcome);
        });
    }
    requests.join_all().await;
    println!("{}", told(&mut counts.lock().expect("no thread panicked")));
    Ok(())
}

const fn kind_of(number: u64) -> Kind {
    match number {
        n if n % STREAM == 0 => Kind::Stream,
        n if n % 2 == 0 => Kind::New,
        _ => Kind::Kept,
    }
}

async fn ask(user: &User, kind: Kind) -> Result<(), String> {
    let client = if kind == Kind::New { &user.new } else { &user.kept };
    let request = match kind {
        Kind::New | Kind::Kept => client.get(format!("{}/api/v1/conversations?limit=1", user.url)),
        Kind::Stream => client
            .post(format!("{}/api/v1/chat", user.url))
            .header("accept", "text/event-stream")
            .json(&json!({"message": "Are you there?", "stream": true})),
    };
    let request = request.header("host", &user.host).bearer_auth(&user.key);
    let answer = request.send().await.map_err(|error| deepest(&error))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| deepest(&error))?;
    let is_whole = kind != Kind::Stream || body.contains("event: done") || body.contains("event:done");
    if status.is_success() && is_whole { Ok(()) } else { Err(format!("{status} {body:.200}")) }
}

fn deepest(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn note(counts: &Counts, kind: Kind, began: Instant, outcome: Result<(), String>) {
    let mut counts = counts.lock().expect("no thread panicked");
    let told: usize = counts.values().map(|count| count.failed).sum();
    let count = counts.entry(kind).or_default();
    match outcome {
        Ok(()) => count.took.push(began.elapsed()),
        Err(why) => {
            if told < TOLD {
                eprintln!("{}: {why}", kind.name());
            }
            count.failed += 1;
        }
    }
}

fn told(counts: &mut BTreeMap<Kind, Count>) -> serde_json::Value {
    let one = |count: &mut Count| {
        count.took.sort();
        let at = |share: usize| {
            let index = (count.took.len() * share / 100).min(count.took.len().saturating_sub(1));
            count.took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
        };
        json!({"requests": count.took.len() + count.failed, "failed": count.failed, "p50": at(50), "p99": at(99)})
    };
    counts
        .iter_mut()
        .map(|(kind, count)| (kind.name().to_owned(), one(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
