//! A stand-in for the Qdrant server, for tests only; see the README beside it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use test_qdrant::{Settings, start};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-in for the Qdrant server, for tests only, on Qdrant's own engine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, env = "QDRANT__SERVICE__HOST", default_value = "0.0.0.0")]
    host: IpAddr,
    /// Port of the REST API.
    #[arg(long, env = "QDRANT__SERVICE__HTTP_PORT", default_value_t = 6333)]
    port: u16,
    /// Key that requests must bring in the header `api-key`.
    #[arg(long, env = "QDRANT__SERVICE__API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Folder of the collections.
    #[arg(long, env = "QDRANT__STORAGE__STORAGE_PATH", default_value = "/qdrant/storage")]
    storage: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let settings = Settings {
        address: SocketAddr::new(arguments.host, arguments.port),
        storage: arguments.storage,
        api_key: arguments.api_key.filter(|key| !key.is_empty()),
    };
    match start(settings).await {
        Ok(running) => {
            tracing::info!(address = %running.address, "listening; a stand-in for tests, not the Qdrant server");
            wait_for_stop().await;
            running.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn wait_for_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
