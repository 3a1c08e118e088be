//! A Redis server of a test's own.

use std::process::{Child, Command, Stdio};

use super::eventually;

pub(crate) struct Redis {
    child: Child,
    pub(crate) url: String,
}

/// Starts Debian's redis-server on a free port, without a file; it is killed when dropped.
pub(crate) async fn redis() -> Redis {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed: apt-get install redis-server");
    let server = Redis { child, url: format!("redis://{address}/0") };
    eventually("Redis to listen", async || std::net::TcpStream::connect(address).ok()).await;
    server
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
