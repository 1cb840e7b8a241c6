//! The HTTP side: routes, the checks in their order, the answers.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use sqlx::SqlitePool;
use tracing::{error, info};

use crate::decode::decode;
use crate::sessions;

const EXPECTED_USER_AGENT: &str = "Winlog/0.1.0";
const MAX_BODY_BYTES: usize = 1 << 20;

/// The answer to a stored event, keys in this order.
#[derive(Serialize)]
struct Stored {
    status: &'static str,
    message: &'static str,
    event_id: i64,
    session_uuid: String,
    action: String,
    username: String,
}

pub fn service(pool: SqlitePool) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    Router::new()
        .route("/api/v1/events", post(take_event).fallback(|| async { method_not_allowed("POST") }))
        .route("/health", get(health).fallback(|| async { method_not_allowed("GET") }))
        .fallback(|| async { (StatusCode::NOT_FOUND, Json(json!({"error": "Not found"}))) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(pool)
        .into_make_service_with_connect_info()
}

async fn health() -> impl IntoResponse {
    Json(json!({"status": "ok", "service": "winlog-server", "version": env!("CARGO_PKG_VERSION")}))
}

async fn take_event(
    State(pool): State<SqlitePool>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if !header(&headers, USER_AGENT.as_str()).starts_with(EXPECTED_USER_AGENT) {
        return refuse(StatusCode::FORBIDDEN, json!({"error": "Invalid User-Agent"}));
    }
    let media_type = header(&headers, CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let text = json!({"error": "Invalid Content-Type", "expected": "application/json"});
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(rejection.status(), json!({"error": rejection.body_text()})),
    };
    let event = match decode(&body) {
        Ok(event) => event,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    let source_ip = peer.ip().to_canonical().to_string();
    match sessions::process(&pool, &event, &source_ip).await {
        Ok((event_id, session_uuid)) => {
            let hostname = event.hostname.as_deref().unwrap_or_default();
            let (username, session) = (&event.username, &session_uuid);
            info!(
                action = event.action, ?username, ?hostname, source_ip, event_id, session_uuid = ?session,
                "event stored"
            );
            let (action, username) = (event.action, event.username);
            let (status, message) = ("success", "Data stored in database");
            Json(Stored { status, message, event_id, session_uuid, action, username }).into_response()
        }
        Err(fault) => database_error(&fault),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn refuse(status: StatusCode, text: serde_json::Value) -> Response {
    (status, Json(text)).into_response()
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let text = json!({"error": "Method not allowed", "expected": allowed});
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, allowed)], Json(text)).into_response()
}

/// 503 when the database was locked, full, or no connection came free in time; 500 for any other fault.
fn database_error(fault: &sqlx::Error) -> Response {
    error!(%fault, "database");
    let text = Json(json!({"error": "Database error"}));
    let code = fault.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    let primary = code.parse::<u32>().unwrap_or_default() & 0xff; // extended codes carry it in their low byte
    let (busy, locked, full) = (5, 6, 13);
    if matches!(fault, sqlx::Error::PoolTimedOut) || [busy, locked, full].contains(&primary) {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response();
    }
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
