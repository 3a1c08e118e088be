//! A Qdrant for one test: a stand-in of its own, or the server of QDRANT_TEST_URL.
//!
//! A server that is shared is kept apart by names, a prefix for each test, and reached through a gate of the test's own,
//! so that a test can have an outage which the others do not notice.

use std::io::Write;
use std::net::{SocketAddr, TcpListener as Listener, TcpStream as Stream};
use std::path::PathBuf;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::server::{Running, Settings, start};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A Qdrant for one test. What the test made in it goes when this is dropped.
#[derive(Debug)]
pub struct Own {
    address: SocketAddr,
    prefix: String,
    api_key: Option<String>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    StandIn { running: Running, storage: PathBuf },
    Shared { server: String, gate: JoinSet<()> },
}

impl Own {
    /// The server of QDRANT_TEST_URL (`http://HOST:PORT`), whose key is QDRANT_TEST_API_KEY, or else a stand-in that
    /// asks for `api_key`.
    ///
    /// # Panics
    /// When there is none to be had: a test cannot go on.
    #[expect(clippy::panic, reason = "for tests only: they fail here")]
    pub async fn start(api_key: Option<&str>) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let started = match set("QDRANT_TEST_URL") {
            Some(url) => Self::shared(&url, set("QDRANT_TEST_API_KEY")).await,
            None => Self::stand_in(api_key.map(str::to_owned)).await,
        };
        started.unwrap_or_else(|reason| panic!("no Qdrant for this test: {reason}"))
    }

    async fn stand_in(api_key: Option<String>) -> Result<Self, String> {
        let prefix = prefix();
        let storage = std::env::temp_dir().join(format!("test-qdrant-{prefix}"));
        let settings = Settings { address: LOCAL, storage: storage.clone(), api_key: api_key.clone() };
        let running = start(settings).await.map_err(|error| error.to_string())?;
        Ok(Self { address: running.address, prefix, api_key, place: Place::StandIn { running, storage } })
    }

    async fn shared(url: &str, api_key: Option<String>) -> Result<Self, String> {
        let server = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
        let server = server.ok_or("QDRANT_TEST_URL is no http://HOST:PORT")?;
        TcpStream::connect(&server).await.map_err(|error| format!("QDRANT_TEST_URL: {error}"))?;
        let listener = Listener::bind(LOCAL).map_err(|error| error.to_string())?;
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let listener = TcpListener::from_std(listener).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let mut gate = JoinSet::new();
        gate.spawn(pass(listener, server.clone()));
        Ok(Self { address, prefix: prefix(), api_key, place: Place::Shared { server, gate } })
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How every name begins that the test makes in it: lower-case letters and digits, and `_` at the end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key that it asks for.
    #[must_use]
    pub fn api_key(&self) -> Option<&str> {
        self.api_key.as_deref()
    }

    /// From now on nobody answers at the URL.
    pub async fn stop(mut self) {
        match &mut self.place {
            Place::StandIn { running, .. } => running.end().await,
            Place::Shared { gate, .. } => gate.shutdown().await,
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        match &mut self.place {
            Place::StandIn { running, storage } => {
                running.close();
                drop(std::fs::remove_dir_all(storage));
            }
            Place::Shared { server, gate } => {
                gate.abort_all();
                drop(remove(server, &self.prefix, self.api_key.as_deref()));
            }
        }
    }
}

/// Connections end with the gate.
async fn pass(listener: TcpListener, server: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let server = server.clone();
        connections.spawn(async move {
            if let Ok(mut upstream) = TcpStream::connect(server).await {
                drop(copy_bidirectional(&mut client, &mut upstream).await);
            }
        });
    }
}

/// Nothing asynchronous can be waited for when a test ends; the answer is of no interest.
fn remove(server: &str, prefix: &str, api_key: Option<&str>) -> std::io::Result<()> {
    let key = api_key.map(|key| format!("api-key: {key}\r\n")).unwrap_or_default();
    let request =
        format!("DELETE /collections/{prefix}chunks HTTP/1.1\r\nhost: {server}\r\n{key}connection: close\r\n\r\n");
    let mut connection = Stream::connect(server)?;
    connection.write_all(request.as_bytes())?;
    std::io::copy(&mut connection, &mut std::io::sink()).map(drop)
}

fn prefix() -> String {
    format!("t{}_", uuid::Uuid::new_v4().simple())
}
