//! A scripted upstream that speaks the OpenAI API, for tests only; see the README beside it.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use test_upstream::{Settings, start};
use tokio::signal::unix::{SignalKind, signal};

/// Scripted upstream that speaks the OpenAI API, for tests only.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, env = "HOST", default_value = "0.0.0.0")]
    host: IpAddr,
    /// Port to listen on.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Length of embedding vectors.
    #[arg(long, env = "EMBEDDING_DIMENSIONS", default_value_t = 64)]
    embedding_dimensions: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let settings = Settings {
        address: SocketAddr::new(arguments.host, arguments.port),
        dimensions: arguments.embedding_dimensions.max(1),
    };
    match start(settings).await {
        Ok(running) => {
            tracing::info!(address = %running.address, "listening; a scripted upstream for tests");
            wait_for_stop().await;
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
