//! Connections to the operator's own HTTP server. Nobody can keep it busy: they are limited in number, and each in the time that
//! it may take for the head of a request. A connection carries one request at a time, so their limit is that of requests too.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};

/// After trouble such as too many open files, a pause is the only cure.
const PAUSE: Duration = Duration::from_secs(1);

/// What clients may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; more of them wait in the system's queue.
    connections: usize,
    /// Until the head of the next request is there. It ends idle connections too: a probe must find a free one soon.
    head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 128, head: Duration::from_secs(15) }
    }
}

/// Serves the routes to whoever connects, until it is dropped.
pub(crate) async fn accept(listener: TcpListener, router: Router, limits: Limits) -> Infallible {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, router.clone(), limits.head, slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, router: Router, head: Duration, _slot: Option<OwnedSemaphorePermit>) {
    let mut builder = http1::Builder::new();
    let connection = builder.timer(TokioTimer::new()).header_read_timeout(head);
    let service = TowerToHyperService::new(router);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

    async fn server(limits: Limits) -> (SocketAddr, JoinSet<Infallible>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Router::new().route("/", get(async || "here")), limits));
        (address, serving)
    }

    async fn answer(connection: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let read = timeout(LONG, connection.read(&mut bytes)).await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    #[tokio::test]
    async fn who_never_finishes_the_head_of_a_request_is_sent_away() {
        let (address, _serving) = server(Limits { head: Duration::from_millis(100), ..Limits::default() }).await;
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(&REQUEST[..10]).await.unwrap();
        let mut rest = Vec::new();
        timeout(LONG, connection.read_to_end(&mut rest)).await.expect("the connection is ended").unwrap();
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_another_to_end() {
        let (address, _serving) = server(Limits { connections: 1, head: LONG }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut first).await.ends_with("here"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        assert!(timeout(Duration::from_millis(200), second.readable()).await.is_err(), "it waits");
        drop(first);
        assert!(answer(&mut second).await.ends_with("here"));
    }
}
