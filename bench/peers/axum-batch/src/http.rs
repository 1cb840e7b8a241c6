//! The HTTP side: Axum's router on hyper's HTTP/1 connections, the checks in their order, the answers.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{to_bytes, Body};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot, Notify};

use crate::decode::decode;
use crate::writer::{Answer, Job, Queue, Results};

const BACKLOG: u32 = 4096;
const MAX_BODY_BYTES: usize = 1 << 20;
const SHUTDOWN: Duration = Duration::from_secs(10);
const EXPECTED_USER_AGENT: &[u8] = b"Winlog/0.1.0";
const JSON: &[u8] = b"application/json";
const HEALTH: &str =
    concat!(r#"{"status":"ok","service":"winlog-server","version":""#, env!("CARGO_PKG_VERSION"), "\"}");

pub fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

struct App {
    queue: Arc<Queue>,
    /// Told when the first of some events waits.
    arrived: Notify,
}

/// The peer's address, set for every request of its connection.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// Serves until `stop`, then answers what was received in full.
pub async fn serve(listener: TcpListener, queue: Arc<Queue>, stop: impl Future<Output = ()>) {
    let app = Arc::new(App { queue, arrived: Notify::new() });
    tokio::spawn(wake_writer(app.clone()));
    let router = Router::new()
        .route("/api/v1/events", post(take_event).fallback(|| async { method_not_allowed("POST") }))
        .route(
            "/health",
            get(|| async { json(StatusCode::OK, HEALTH) }).fallback(|| async { method_not_allowed("GET, HEAD") }),
        )
        .fallback(|| async { json(StatusCode::NOT_FOUND, r#"{"error":"Not found"}"#) })
        .with_state(app);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connect(stream, peer, router.clone(), &connections),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await, // out of files: others will close
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(SHUTDOWN, connections.shutdown()).await; // what has not ended by then is cut
}

fn connect(stream: tokio::net::TcpStream, peer: SocketAddr, router: Router, connections: &GracefulShutdown) {
    let _ = stream.set_nodelay(true); // fails only on a socket that is closed already
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        service.call(request)
    });
    // Head and body are small: one copy into one buffer is cheaper than a vectored write.
    let connection = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let _ = connection.await; // a client that went away costs its own connection only
    });
}

/// Wakes the writer after all events that came in the same round of the event loop: one switch of threads for all.
async fn wake_writer(app: Arc<App>) {
    loop {
        app.arrived.notified().await;
        app.queue.wake();
    }
}

/// Hands the results of whole batches to the handlers that wait: from this side that costs no system call each.
pub async fn deliver(mut batches: mpsc::UnboundedReceiver<Results>) {
    while let Some(results) = batches.recv().await {
        for (waiting, answer) in results {
            let _ = waiting.send(answer); // its client may have gone
        }
    }
}

async fn take_event(State(app): State<Arc<App>>, request: Request) -> Response {
    let received = SystemTime::now();
    let headers = request.headers();
    if !headers.get(USER_AGENT).is_some_and(|value| value.as_bytes().starts_with(EXPECTED_USER_AGENT)) {
        return json(StatusCode::FORBIDDEN, r#"{"error":"Invalid User-Agent"}"#);
    }
    if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        let text = r#"{"error":"Invalid Content-Type","expected":"application/json"}"#;
        return json(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    let source_ip = request.extensions().get::<Peer>().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0);
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
        return json(StatusCode::PAYLOAD_TOO_LARGE, r#"{"error":"Request body too large"}"#);
    };
    let event = match decode(&body) {
        Ok(event) => event,
        Err(refusal) => return json(StatusCode::BAD_REQUEST, refusal.to_string()),
    };
    let (answer, answered) = oneshot::channel();
    if app.queue.push(Job { event, source_ip, received, answer }) {
        app.arrived.notify_one();
    }
    match answered.await {
        Ok(Answer::Stored(text)) => json(StatusCode::OK, text),
        Ok(Answer::Unavailable) => {
            let mut response = json(StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"Database error"}"#);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Ok(Answer::Failed) | Err(_) => json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"Database error"}"#),
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    let media_type = value.split(|&byte| byte == b';').next().unwrap_or_default();
    value == JSON || media_type.trim_ascii().eq_ignore_ascii_case(JSON)
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let expected = allowed.split(',').next().unwrap_or_default();
    let text = format!(r#"{{"error":"Method not allowed","expected":"{expected}"}}"#);
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, text);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn json(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
