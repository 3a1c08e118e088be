//! Releases under load while the operator is killed at any moment, and while it cannot reach the API server. Run by `make chaos`, on a
//! cluster whose processes are this machine's own.

use std::time::Duration;

use e2e::asker::Asker;
use e2e::ledger::Ledger;
use e2e::node::Nodes;
use e2e::{Cluster, Environment, apiserver, operator, until};
use serde_json::Value;

use super::killed_under_load::{REQUEST_TIMEOUT, is_over, phase_of, seen};
use crate::beside::blue_green::want_within;

const KILLS: usize = 30;
/// So long a new operator has at least: it leads when the Lease of the one before is over, after 15 seconds.
const SHORTEST_PEACE: Duration = Duration::from_secs(10);
/// And so much longer at most.
const LONGEST_PEACE: Duration = Duration::from_secs(40);
/// Without its Lease an operator ends itself within ten seconds.
const CUT: Duration = Duration::from_secs(60);
/// An operator that was cut off has to become the leader again.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fifteen minutes: make chaos"]
async fn nobody_notices_an_operator_that_is_killed_at_any_moment() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "chaos").await;
    want_within(&environment, "scripted", "5s", "Automatic", REQUEST_TIMEOUT).await;
    environment.ready().await;
    let nodes = Nodes::reach("chaos").await;
    let asker = Asker::start(&environment).await;
    let ledger = Ledger::open(&environment, "chaos_chatbot");
    let mut moments = Moments::new();
    let (mut killed, mut release) = (0, 0);
    while killed < KILLS {
        release += 1;
        let is_taken_back = release % 3 == 0;
        let before = environment.status().await["release"]["id"].clone();
        let bake = if is_taken_back { "10m" } else { "5s" };
        want_within(&environment, &format!("chaos-{release}"), bake, "Automatic", REQUEST_TIMEOUT).await;
        ledger.write().await;
        let mut asked_back = false;
        loop {
            tokio::time::sleep(moments.next()).await;
            let status = seen(&environment).await;
            if is_over(&status) {
                break;
            }
            if is_taken_back && !asked_back && phase_of(&status) == "Bake" {
                environment.plugin(&["rollback"]).await;
                asked_back = true;
            }
            operator::kill(&nodes, &operator::pods().await).await;
            killed += 1;
            println!("kill {killed} in {:?} of release {release}", phase_of(&status));
            tokio::time::sleep(SHORTEST_PEACE).await;
        }
        let status = until("the release is over", LONG_PATIENCE, || seen(&environment), is_over).await;
        let (outcome, serves) = (&status["history"][0]["outcome"], &status["release"]["id"]);
        if is_taken_back {
            assert_eq!((outcome, serves), (&Value::from("RolledBack"), &before), "{status:#}");
        } else {
            assert_eq!((outcome, serves), (&Value::from("Succeeded"), &status["history"][0]["id"]), "{status:#}");
        }
    }
    println!("{release} releases, {killed} kills");
    nobody_noticed(&asker, &ledger).await;
    nodes.leave().await;
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "twenty minutes: make chaos"]
async fn nobody_notices_an_api_server_that_is_out_of_reach_for_a_minute_in_phase_after_phase() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "cut").await;
    want_within(&environment, "scripted", "5s", "Automatic", REQUEST_TIMEOUT).await;
    environment.ready().await;
    let asker = Asker::start(&environment).await;
    let ledger = Ledger::open(&environment, "cut_chatbot");
    let mut cut = Vec::new();
    for (model, bake) in [("cut-2", "5s"), ("cut-3", "10m")] {
        want_within(&environment, model, bake, "Automatic", REQUEST_TIMEOUT).await;
        ledger.write().await;
        loop {
            let news = |status: &Value| {
                let phase = phase_of(status);
                is_over(status) || (!phase.is_empty() && !cut.contains(&(model, phase.to_owned())))
            };
            let status = until("the release goes on", LONG_PATIENCE, || seen(&environment), news).await;
            if is_over(&status) {
                break;
            }
            let phase = phase_of(&status).to_owned();
            println!("the API server is out of reach in {phase} of {model}");
            apiserver::cut_off(CUT).await;
            if phase == "Bake" && bake == "10m" {
                environment.plugin(&["rollback"]).await;
            }
            cut.push((model, phase));
        }
    }
    let status = environment.status().await;
    for phase in ["Backup", "Migrate", "Start", "Bake"] {
        assert!(cut.contains(&("cut-2", phase.to_owned())), "it was not out of reach in {phase}: {cut:?}");
    }
    let outcomes: Vec<_> = (0..2).map(|index| status["history"][index]["outcome"].as_str()).collect();
    assert_eq!(outcomes, [Some("RolledBack"), Some("Succeeded")], "{status:#}");
    assert_eq!(status["release"]["id"], status["history"][1]["id"], "{status:#}");
    nobody_noticed(&asker, &ledger).await;
    environment.remove().await;
}

async fn nobody_noticed(asker: &Asker<'_>, ledger: &Ledger<'_>) {
    let (answered, refused) = asker.said().await;
    println!("{answered} questions answered, {} refused", refused.len());
    assert!(answered > 100 && refused.is_empty(), "users noticed ({answered} answered): {refused:#?}");
    ledger.holds(answered).await;
}

/// Moments that nobody can foresee, and that SEED brings back.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Self(seed)
    }

    /// By Knuth's linear congruential generator (MMIX).
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = f64::from(u32::try_from(self.0 >> 33).unwrap_or(0)) / f64::from(u32::MAX >> 1);
        LONGEST_PEACE.mul_f64(part)
    }
}
