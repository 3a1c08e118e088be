//! The HTTP server and its limits.
//!
//! | variable | form | default |
//! |---|---|---|
//! | HOST | an IP address to listen on | 0.0.0.0 |
//! | PORT | 1 to 65535 | 8000 |
//! | MONITOR_PORT | port of `chatbot monitor`, 1 to 65535 | 5555 |
//! | WORKERS | server threads, 1 to 256 | 1 in dev, 2 in stage, 4 in prod |
//! | REQUEST_TIMEOUT | seconds until a request (not a stream) must be answered, 1 to 3600 | 150 |
//! | MAX_CONCURRENT_REQUESTS | requests in work at once, 1 to 100000 | 512 |
//! | MAX_UPLOAD_BYTES | largest document, 1024 to 1073741824 | 20971520 |
//! | DRAIN_DELAY | seconds that a stopping server goes on accepting, while it reports unready, 0 to 300 | 5 inside Kubernetes, else 0 |
//! | RATE_LIMIT_PER_MINUTE | requests per API key or person and minute, 1 to 1000000 | 120 |
//! | RATE_LIMIT_PER_IP | requests per client address and minute, 1 to 100000000 | 50 times RATE_LIMIT_PER_MINUTE |
//! | TRUSTED_PROXIES | networks (CIDR) of proxies whose `X-Forwarded-For` is believed, separated by commas | none |

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;

use super::{
    environment::Tier,
    reader::{Reader, parse},
};

/// Behind one address there may be a whole office, or a proxy that is not told of.
const KEYS_PER_ADDRESS: u32 = 50;

/// Address and limits.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to listen.
    pub address: SocketAddr,
    /// Where the task monitor listens.
    pub monitor_address: SocketAddr,
    /// Threads of the runtime.
    pub threads: usize,
    /// Deadline of a request that is no stream.
    pub request_timeout: Duration,
    /// Requests in work at once.
    pub max_concurrent_requests: usize,
    /// Largest accepted document, in bytes.
    pub max_upload_bytes: usize,
    /// How long a stopping server goes on accepting connections while it reports unready.
    pub drain_delay: Duration,
    /// Requests per API key or person and minute.
    pub rate_limit_per_minute: u32,
    /// Requests per client address and minute.
    pub rate_limit_per_ip: u32,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
}

impl Server {
    pub(super) fn read(reader: &mut Reader<'_>, tier: Option<Tier>) -> Self {
        let host = reader
            .or("HOST", "an IP address such as 0.0.0.0", IpAddr::V4(Ipv4Addr::UNSPECIFIED), |text| text.parse().ok());
        let port = reader.or("PORT", "a port from 1 to 65535", 8000, parse::number(1..=65535));
        let monitor_port = reader.or("MONITOR_PORT", "a port from 1 to 65535", 5555, parse::number(1..=65535));
        let in_cluster = reader.text("KUBERNETES_SERVICE_HOST").is_some();
        let drain_delay = Duration::from_secs(if in_cluster { 5 } else { 0 });
        let rate_limit =
            reader.or("RATE_LIMIT_PER_MINUTE", "a whole number from 1 to 1000000", 120, parse::number(1..=1_000_000));
        Self {
            address: SocketAddr::new(host, port),
            monitor_address: SocketAddr::new(host, monitor_port),
            threads: reader.or(
                "WORKERS",
                "a whole number from 1 to 256",
                default_threads(tier),
                parse::number(1..=256),
            ),
            request_timeout: reader.or(
                "REQUEST_TIMEOUT",
                "seconds from 1 to 3600",
                Duration::from_secs(150),
                parse::seconds(1.0..=3600.0),
            ),
            max_concurrent_requests: reader.or(
                "MAX_CONCURRENT_REQUESTS",
                "a whole number from 1 to 100000",
                512,
                parse::number(1..=100_000),
            ),
            max_upload_bytes: reader.or(
                "MAX_UPLOAD_BYTES",
                "bytes from 1024 to 1073741824",
                20 << 20,
                parse::number(1024..=(1 << 30)),
            ),
            drain_delay: reader.or("DRAIN_DELAY", "seconds from 0 to 300", drain_delay, parse::seconds(0.0..=300.0)),
            rate_limit_per_minute: rate_limit,
            rate_limit_per_ip: reader.or(
                "RATE_LIMIT_PER_IP",
                "a whole number from 1 to 100000000",
                rate_limit * KEYS_PER_ADDRESS,
                parse::number(1..=100_000_000),
            ),
            trusted_proxies: reader.or("TRUSTED_PROXIES", "networks such as 10.0.0.0/8,fd00::/8", Vec::new(), networks),
        }
    }
}

/// A single address is a network too.
fn networks(text: &str) -> Option<Vec<IpNet>> {
    let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(network).collect()
}

const fn default_threads(tier: Option<Tier>) -> usize {
    match tier {
        Some(Tier::Prod) => 4,
        Some(Tier::Stage) => 2,
        Some(Tier::Dev) | None => 1,
    }
}
