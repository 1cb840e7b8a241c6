//! The older Rust server, written anew from what is known of it: what winlogd takes over from.
//!
//! It stands for the usual way to write such a service in Rust: Axum 0.7 on tokio's default runtime, a pool of SQLx
//! connections, the older schema with its five indexes on today's table, sessions found by two queries, and every
//! statement a transaction of its own. It knows no retries: an event that is sent again is stored again.

mod decode;
mod http;
mod sessions;
mod store;

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::signal::unix::{signal, SignalKind};
use tracing::info;
use tracing::level_filters::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let level = if env::var("PEER_LOG_LEVEL").is_ok_and(|level| level == "error") {
        LevelFilter::ERROR
    } else {
        LevelFilter::INFO
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).compact().init();
    let port: u16 = env::var("PEER_PORT")?.parse()?;
    let synchronous = env::var("PEER_SYNCHRONOUS").unwrap_or_else(|_| "NORMAL".to_owned());
    let pool = store::open(&env::var("PEER_DATABASE")?, synchronous.parse()?).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    info!(port, "listening");
    axum::serve(listener, http::service(pool.clone())).tcp_nodelay(true).with_graceful_shutdown(stop()).await?;
    pool.close().await;
    info!("stopped");
    Ok(())
}

async fn stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be caught");
    tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
}
