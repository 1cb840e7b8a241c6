//! Which session an event opens, closes or belongs to: asked of the database for every event.
//!
//! A logon closes an open session of its own calendar day only, as the older server did.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use md5::{Digest, Md5};
use sqlx::SqlitePool;

use crate::decode::Event;
use crate::store::{self, NewRow, OpenSession};

const UNKNOWN_HOST: &str = "unknown";

/// Stores an event and, before it, what follows from it; returns its id and identifier.
pub async fn process(pool: &SqlitePool, event: &Event, source_ip: &str) -> sqlx::Result<(i64, String)> {
    let received_at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, false);
    let host = event.hostname.as_deref().unwrap_or(UNKNOWN_HOST);
    let session_uuid = match event.action.as_str() {
        "C" => {
            if let Some(old) = store::open_today(pool, &event.username, host, &event.timestamp).await? {
                close(pool, event, &old, source_ip, &received_at).await?;
            }
            new_identifier(event, host)
        }
        "D" => match store::open_latest(pool, &event.username, host).await? {
            Some(session) => session.session_uuid,
            None => format!("orphan_{}", new_identifier(event, host)),
        },
        _ => format!("hardware_{}", new_identifier(event, host)),
    };
    let row = NewRow {
        event,
        action: &event.action,
        timestamp: &event.timestamp,
        hostname: event.hostname.as_deref(),
        hardware_info: event.hardware_info.as_deref(),
        source_ip,
        received_at: &received_at,
        session_uuid: &session_uuid,
    };
    let event_id = store::insert(pool, &row).await?;
    Ok((event_id, session_uuid))
}

/// Stores the logoff that was never sent, one second before the new logon.
async fn close(
    pool: &SqlitePool,
    event: &Event,
    old: &OpenSession,
    source_ip: &str,
    received_at: &str,
) -> sqlx::Result<()> {
    let mut end = event.instant - Duration::seconds(1);
    if let Ok(begin) = DateTime::parse_from_rfc3339(&old.timestamp) {
        end = end.max(begin.to_utc());
    }
    let row = NewRow {
        event,
        action: "D",
        timestamp: &end.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        hostname: old.hostname.as_deref(),
        hardware_info: None,
        source_ip,
        received_at,
        session_uuid: &old.session_uuid,
    };
    store::insert(pool, &row).await.map(drop)
}

/// `<username>@<hostname>@<6 hex digits>`, the digits from an MD5 over names, day and time.
fn new_identifier(event: &Event, host: &str) -> String {
    let now_ns = Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let sum = Md5::digest(format!("{}{}{}{}", event.username, host, &event.timestamp[..10], now_ns));
    format!("{}@{}@{:02x}{:02x}{:02x}", event.username, host, sum[0], sum[1], sum[2])
}
