//! A tunnel through the API server to one pod: a local address whose connections end in the pod's HTTP port. It works
//! from anywhere the API server is reached, and past NetworkPolicies.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::plugin::{PluginError, target::within};

/// Port of the chatbot in its pods.
const PORT: u16 = 8000;

/// An open tunnel; closed when dropped.
pub(super) struct Tunnel {
    address: SocketAddr,
    #[expect(dead_code, reason = "held so that dropping the tunnel ends its task")]
    task: JoinSet<()>,
}

impl Tunnel {
    pub(super) async fn open(pods: Api<Pod>, pod: &str) -> Result<Self, PluginError> {
        // Once to begin with: a missing right is told here in the API server's words, and not as a broken connection later.
        drop(
            within(
                &format!("forward a port to pod {pod} (needs create on pods/portforward)"),
                pods.portforward(pod, &[PORT]),
            )
            .await?,
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| local(&error))?;
        let address = listener.local_addr().map_err(|error| local(&error))?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener, pods, pod.to_owned()));
        Ok(Self { address, task })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn local(error: &std::io::Error) -> PluginError {
    PluginError::Api { doing: "open a local port for the tunnel".to_owned(), cause: error.to_string() }
}

/// Ends with the listener, and with it every connection.
async fn accept(listener: TcpListener, pods: Api<Pod>, pod: String) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(carry(connection, pods.clone(), pod.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Whatever fails here closes the connection, which is what the HTTP client then reports.
async fn carry(mut connection: TcpStream, pods: Api<Pod>, pod: String) {
    let Ok(mut forwarder) = pods.portforward(&pod, &[PORT]).await else { return };
    if let Some(mut stream) = forwarder.take_stream(PORT) {
        let _ended = copy_bidirectional(&mut connection, &mut stream).await;
    }
}
