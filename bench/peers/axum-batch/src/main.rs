//! The strongest rival in Rust that we can write, for the same contract as winlogd.
//!
//! It stands for the best a Rust programmer reaches with the usual crates: Axum on a current-thread tokio, serde with
//! borrowed strings, SQLite bundled, mimalloc, and winlogd's own design: one writer thread with group commit, open
//! sessions in memory, winlogd's table with its single partial index, one log line an event. It has no HTTP time
//! limits, no trusted proxies, no rotation and no upgrade of damaged databases, which only makes it faster.

mod database;
mod decode;
mod http;
mod identifiers;
mod log;
mod recent;
mod rows;
mod sessions;
mod timestamps;
mod writer;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::mpsc;

/// Rust's and, by the feature `override`, SQLite's memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let log = log::Log::start(env::var("PEER_LOG_LEVEL").map_or(true, |level| level != "error"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let status = match runtime.map_err(|e| e.to_string()).and_then(|runtime| runtime.block_on(serve(log.clone()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ERROR {error}");
            ExitCode::FAILURE
        }
    };
    log.stop();
    status
}

/// Serves until SIGTERM or SIGINT, then answers and commits what was received and closes the database.
async fn serve(log: Arc<log::Log>) -> Result<(), String> {
    let port: u16 = variable("PEER_PORT")?.parse().map_err(|e| format!("PEER_PORT: {e}"))?;
    let synchronous = env::var("PEER_SYNCHRONOUS").unwrap_or_else(|_| "FULL".to_owned());
    let connection = database::open(&variable("PEER_DATABASE")?, &synchronous).map_err(|e| format!("database: {e}"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;

    let (results, answered) = mpsc::unbounded_channel();
    let queue = Arc::new(writer::Queue::new());
    let thread = writer::start(connection, queue.clone(), results, log.clone());
    tokio::spawn(http::deliver(answered));

    let listener = http::listen(port).map_err(|e| format!("port {port}: {e}"))?;
    log.line(&format!("INFO listening port={port}"));
    let stop = async {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
    };
    http::serve(listener, queue.clone(), stop).await;
    queue.stop();
    let ended = tokio::task::spawn_blocking(move || thread.join());
    ended.await.map_err(|e| e.to_string())?.map_err(|_| "the writer died".to_owned())?;
    log.line("INFO stopped");
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set"))
}
