//! The pool of connections, the older schema, and the statements on it.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::time::Duration;

use crate::decode::Event;

const CONNECTIONS: u32 = 10; // SQLx's own default

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS events_today (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username VARCHAR(50) NOT NULL,
    action CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M')),
    timestamp DATETIME NOT NULL,
    hostname VARCHAR(100),
    source_ip VARCHAR(45),
    server_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
    os_name VARCHAR(50),
    os_version VARCHAR(100),
    kernel_version VARCHAR(50),
    hardware_info TEXT,
    session_uuid VARCHAR(100),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS events_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username VARCHAR(50) NOT NULL,
    action CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M')),
    timestamp DATETIME NOT NULL,
    hostname VARCHAR(100),
    source_ip VARCHAR(45),
    server_timestamp DATETIME,
    os_name VARCHAR(50),
    os_version VARCHAR(100),
    kernel_version VARCHAR(50),
    hardware_info TEXT,
    session_uuid VARCHAR(100),
    created_at DATETIME,
    archived_at DATETIME DEFAULT CURRENT_TIMESTAMP
);
DROP INDEX IF EXISTS idx_today_logoff;
CREATE INDEX IF NOT EXISTS idx_today_username_action ON events_today(username, action);
CREATE INDEX IF NOT EXISTS idx_today_timestamp ON events_today(timestamp);
CREATE INDEX IF NOT EXISTS idx_today_hostname ON events_today(hostname);
CREATE INDEX IF NOT EXISTS idx_today_session ON events_today(session_uuid);
CREATE INDEX IF NOT EXISTS idx_today_action_time ON events_today(action, timestamp);
CREATE INDEX IF NOT EXISTS idx_history_username ON events_history(username);
CREATE INDEX IF NOT EXISTS idx_history_timestamp ON events_history(timestamp);
CREATE INDEX IF NOT EXISTS idx_history_hostname ON events_history(hostname);
CREATE INDEX IF NOT EXISTS idx_history_session ON events_history(session_uuid);
CREATE INDEX IF NOT EXISTS idx_history_date ON events_history(DATE(timestamp));
";

/// The open session to be closed by a new logon of the same day.
///
/// Which index serves is left to SQLite, as the older server left it: without statistics it takes idx_today_action_time
/// for the sake of the order, and reads every logon of the day. That gives the 1 000 events a second that were seen of the
/// older server; with the index on (username, action) it would be three times as many.
const OPEN_TODAY: &str = "
SELECT c.session_uuid, c.timestamp, c.hostname FROM events_today c
WHERE c.username = ?1 AND c.action = 'C' AND ifnull(c.hostname, 'unknown') = ?2
    AND DATE(c.timestamp) = DATE(?3)
    AND NOT EXISTS (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
ORDER BY c.timestamp DESC LIMIT 1";

/// The open session that a logoff belongs to.
const OPEN: &str = "
SELECT c.session_uuid, c.timestamp, c.hostname FROM events_today c
WHERE c.username = ?1 AND c.action = 'C' AND ifnull(c.hostname, 'unknown') = ?2
    AND NOT EXISTS (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
ORDER BY c.timestamp DESC LIMIT 1";

const INSERT: &str = "
INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,
    kernel_version, hardware_info, session_uuid)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// A session whose logoff is not stored.
#[derive(sqlx::FromRow)]
pub struct OpenSession {
    pub session_uuid: String,
    pub timestamp: String,
    pub hostname: Option<String>,
}

/// What becomes of an event in the table.
pub struct NewRow<'a> {
    pub event: &'a Event,
    pub action: &'a str,
    pub timestamp: &'a str,
    pub hostname: Option<&'a str>,
    pub hardware_info: Option<&'a str>,
    pub source_ip: &'a str,
    pub received_at: &'a str,
    pub session_uuid: &'a str,
}

/// Opens the file with the older server's settings and gives it the older server's tables and indexes.
pub async fn open(path: &str, synchronous: SqliteSynchronous) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(30))
        .pragma("cache_size", "10000");
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    Ok(pool)
}

/// The pair's open session of the calendar day of `timestamp`.
pub async fn open_today(
    pool: &SqlitePool,
    username: &str,
    host: &str,
    timestamp: &str,
) -> sqlx::Result<Option<OpenSession>> {
    sqlx::query_as(OPEN_TODAY).bind(username).bind(host).bind(timestamp).fetch_optional(pool).await
}

/// The pair's open session with the latest timestamp.
pub async fn open_latest(pool: &SqlitePool, username: &str, host: &str) -> sqlx::Result<Option<OpenSession>> {
    sqlx::query_as(OPEN).bind(username).bind(host).fetch_optional(pool).await
}

/// Stores one row, in a transaction of its own, and tells its id.
pub async fn insert(pool: &SqlitePool, row: &NewRow<'_>) -> sqlx::Result<i64> {
    let stored = sqlx::query(INSERT)
        .bind(&row.event.username)
        .bind(row.action)
        .bind(row.timestamp)
        .bind(row.hostname)
        .bind(row.source_ip)
        .bind(row.received_at)
        .bind(&row.event.os_name)
        .bind(&row.event.os_version)
        .bind(&row.event.kernel_version)
        .bind(row.hardware_info)
        .bind(row.session_uuid)
        .execute(pool)
        .await?;
    Ok(stored.last_insert_rowid())
}
