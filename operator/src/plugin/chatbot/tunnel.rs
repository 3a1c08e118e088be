//! A tunnel through the API server to one pod: a local address whose connections end in a port of the pod. It works
//! from anywhere the API server is reached, and past NetworkPolicies.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::plugin::{PluginError, target::within};

/// Port of app and worker in their pods.
pub const APP: u16 = 8000;
/// Port of the task monitor in its pod.
pub const MONITOR: u16 = 5555;
/// As the local port: whichever is free.
pub const ANY: u16 = 0;

/// An open tunnel; closed when dropped.
pub struct Tunnel {
    address: SocketAddr,
    pod: watch::Sender<String>,
    #[expect(dead_code, reason = "held so that dropping the tunnel ends its task")]
    task: JoinSet<()>,
}

impl Tunnel {
    /// Opens a local port that leads to `port` of the pod.
    ///
    /// # Errors
    /// When the user may not forward ports, the pod is gone, or the local port is taken.
    pub async fn open(pods: Api<Pod>, pod: &str, port: u16, local: u16) -> Result<Self, PluginError> {
        // Once to begin with: a missing right is told here in the API server's words, and not as a broken connection later.
        drop(
            within(
                &format!("forward a port to pod {pod} (needs create on pods/portforward)"),
                pods.portforward(pod, &[port]),
            )
            .await?,
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, local)).await.map_err(|error| taken(local, &error))?;
        let address = listener.local_addr().map_err(|error| taken(local, &error))?;
        let (pod, leads_to) = watch::channel(pod.to_owned());
        let mut task = JoinSet::new();
        task.spawn(accept(listener, pods, leads_to, port));
        Ok(Self { address, pod, task })
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections that come from now on end in this pod.
    pub fn lead_to(&self, pod: &str) {
        self.pod.send_if_modified(|current| {
            let is_another = current != pod;
            pod.clone_into(current);
            is_another
        });
    }
}

fn taken(local: u16, error: &std::io::Error) -> PluginError {
    let which = if local == ANY { "a local port".to_owned() } else { format!("local port {local}") };
    PluginError::Api { doing: format!("open {which} for the tunnel"), cause: error.to_string() }
}

/// Ends with the listener, and with it every connection.
async fn accept(listener: TcpListener, pods: Api<Pod>, pod: watch::Receiver<String>, port: u16) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let pod = pod.borrow().clone();
        connections.spawn(carry(connection, pods.clone(), pod, port));
        while connections.try_join_next().is_some() {}
    }
}

/// Whatever fails here closes the connection, which is what the HTTP client then reports.
async fn carry(mut connection: TcpStream, pods: Api<Pod>, pod: String, port: u16) {
    let Ok(mut forwarder) = pods.portforward(&pod, &[port]).await else { return };
    if let Some(mut stream) = forwarder.take_stream(port) {
        let _ended = copy_bidirectional(&mut connection, &mut stream).await;
    }
}
