//! The API server of a cluster whose processes are this machine's own (tests/cluster), and the way to it.

use std::time::Duration;

use crate::operator;
use crate::shell::must;

/// Where it listens on its node.
const PORT: &str = "6443";

/// Cuts the operator off from it for as long: what its pods send there goes nowhere, as on a broken network. Everybody else goes on:
/// a node that cannot report for a minute loses its pods from every Service, and then users notice, whatever an operator does.
///
/// # Panics
/// When there is none of the cluster `CHAOS_CLUSTER`.
pub async fn cut_off(time: Duration) {
    let number = std::env::var("CHAOS_CLUSTER").expect("CHAOS_CLUSTER is the number of a cluster of tests/cluster");
    let node = format!("chatbot-{number}");
    let addresses = operator::addresses().await;
    assert!(!addresses.is_empty(), "the operator has no pod with an address");
    for address in &addresses {
        rule(&node, "-I", address).await;
    }
    tokio::time::sleep(time).await;
    for address in &addresses {
        rule(&node, "-D", address).await;
    }
}

async fn rule(node: &str, action: &str, address: &str) {
    let packets = ["INPUT", "-s", address, "-p", "tcp", "--dport", PORT, "-j", "DROP"];
    must("ip", &[&["netns", "exec", node, "iptables", action][..], &packets].concat(), "").await;
}
