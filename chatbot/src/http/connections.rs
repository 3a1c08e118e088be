//! Accepts connections, and ends them well: with a limit to their number, and one to the time that a client may take for
//! the head of a request.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Who is at the other end of a request's connection: a client, or the last proxy before us.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// After trouble such as too many open files, a pause is the only cure.
const PAUSE: Duration = Duration::from_secs(1);

/// What clients may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; more of them wait in the system's queue.
    connections: usize,
    /// Until the head of the next request is there. It ends idle connections too, and is longer than the minute for
    /// which proxies keep theirs: else a proxy would send a request into a connection that is just being ended.
    head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, head: Duration::from_secs(75) }
    }
}

/// Serves until `stop` is cancelled, then finishes the requests in work. The listener is kept through all trouble.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, limits: Limits) {
    let (slots, connections) = (Arc::new(Semaphore::new(limits.connections)), TaskTracker::new());
    while let Some((stream, slot)) = stop.run_until_cancelled(next(&listener, &slots)).await {
        connections.spawn(converse(stream, router.clone(), stop.clone(), limits.head, slot));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            // The client was faster in going away.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn converse(
    stream: TcpStream,
    router: Router,
    stop: CancellationToken,
    head: Duration,
    _slot: Option<OwnedSemaphorePermit>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays slow");
    }
    let Ok(peer) = stream.peer_addr().map(|address| Peer(address.ip())) else { return };
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    }));
    let mut builder = http1::Builder::new();
    let connection = builder.timer(TokioTimer::new()).header_read_timeout(head);
    let connection = connection.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

    async fn server(limits: Limits) -> (SocketAddr, CancellationToken, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route("/", get(async || "here"));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, router, stop.clone(), limits));
        (address, stop, serving)
    }

    async fn answer(connection: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let read = timeout(LONG, connection.read(&mut bytes)).await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    #[tokio::test]
    async fn who_never_finishes_the_head_of_a_request_is_sent_away() {
        let (address, _stop, _serving) = server(Limits { head: Duration::from_millis(100), ..Limits::default() }).await;
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(&REQUEST[..10]).await.unwrap();
        let mut rest = Vec::new();
        timeout(LONG, connection.read_to_end(&mut rest)).await.expect("the connection is ended").unwrap();
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_another_to_end() {
        let (address, _stop, _serving) = server(Limits { connections: 1, head: LONG }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut first).await.ends_with("here"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        assert!(timeout(Duration::from_millis(200), second.readable()).await.is_err(), "it waits");
        drop(first);
        assert!(answer(&mut second).await.ends_with("here"));
    }

    #[tokio::test]
    async fn an_idle_connection_is_ended_when_the_server_stops() {
        let (address, stop, mut serving) = server(Limits::default()).await;
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut connection).await.ends_with("here"));
        stop.cancel();
        assert_eq!(answer(&mut connection).await, "");
        serving.join_next().await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
