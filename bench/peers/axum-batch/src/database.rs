//! The database file: settings, winlogd's tables and index, and what a Book learns from the rows at the start.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use rusqlite::types::ValueRef;
use rusqlite::{ffi, Connection, Result, Row};

use crate::sessions::{Book, OpenSession, UNKNOWN_HOST};
use crate::timestamps::UtcText;

/// A look at a locked database lasts this long; the writer repeats it until the events' deadline.
const BUSY: Duration = Duration::from_millis(250);
const REMEMBERED: Duration = Duration::from_secs(600);

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
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    origin TEXT NOT NULL DEFAULT 'client'
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
    archived_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    origin TEXT NOT NULL DEFAULT 'client'
);
DROP INDEX IF EXISTS idx_today_username_action;
DROP INDEX IF EXISTS idx_today_timestamp;
DROP INDEX IF EXISTS idx_today_hostname;
DROP INDEX IF EXISTS idx_today_session;
DROP INDEX IF EXISTS idx_today_action_time;
CREATE INDEX IF NOT EXISTS idx_today_logoff ON events_today(session_uuid) WHERE action = 'D';
CREATE INDEX IF NOT EXISTS idx_history_username ON events_history(username);
CREATE INDEX IF NOT EXISTS idx_history_timestamp ON events_history(timestamp);
CREATE INDEX IF NOT EXISTS idx_history_hostname ON events_history(hostname);
CREATE INDEX IF NOT EXISTS idx_history_session ON events_history(session_uuid);
CREATE INDEX IF NOT EXISTS idx_history_date ON events_history(DATE(timestamp));
";

/// Opens the file, creating or converting the tables. `synchronous` is FULL or NORMAL.
pub fn open(path: &str, synchronous: &str) -> Result<Connection> {
    // SAFETY: sqlite3_config is called before any other function of SQLite, and no other thread uses it yet.
    // Its count of allocations takes a lock for each of them (malloc.html).
    unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0) };
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", 10_000)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute_batch(SCHEMA)?;
    for table in ["events_today", "events_history"] {
        if !connection.column_exists(None, table, "origin")? {
            let sql = format!("ALTER TABLE {table} ADD COLUMN origin TEXT NOT NULL DEFAULT 'client'");
            connection.execute_batch(&sql)?;
        }
    }
    connection.execute_batch("COMMIT")?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Reads the whole of today's table once: open sessions, the latest events, those of the last minutes.
pub fn load(connection: &Connection) -> Result<Book> {
    let mut book = Book::new();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() - REMEMBERED;
    let since = UtcText::new().format(since.as_micros() as u64);
    let since = String::from_utf8_lossy(&since[..19]).into_owned();
    let mut statement = connection.prepare(
        "SELECT id, username, hostname, action, timestamp, session_uuid, origin, server_timestamp
         FROM events_today ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        observe(&mut book, row, &since)?;
    }
    book.sort();
    let sql = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'events_today'";
    book.last_id = book.last_id.max(connection.query_row(sql, [], |row| row.get(0))?);
    Ok(book)
}

fn observe(book: &mut Book, row: &Row<'_>, since: &str) -> Result<()> {
    let id = row.get(0)?;
    let (username, hostname, action) = (text(row, 1)?, text(row, 2)?, text(row, 3)?);
    let (timestamp, session_uuid) = (text(row, 4)?, text(row, 5)?);
    let host = if hostname.is_empty() { UNKNOWN_HOST } else { &hostname };
    book.last_id = id;
    book.identifiers.mark(&session_uuid);
    let pair = book.pair(&username, host);
    match &*action {
        "C" if !session_uuid.is_empty() => pair.open.push(OpenSession {
            session_uuid: session_uuid.clone().into_owned(),
            connected_at: timestamp.clone().into_owned(),
            names_host: !hostname.is_empty(),
        }),
        "D" => pair.open.retain(|session| session.session_uuid != session_uuid),
        _ => (),
    }
    if text(row, 6)? == "client" {
        pair.remember(&action, &timestamp, id, &session_uuid);
        let received = text(row, 7)?;
        // A row that an administrator wrote has CURRENT_TIMESTAMP's form, with a space.
        if received.is_empty() || *received.replacen(' ', "T", 1) >= *since {
            let fingerprint = book.fingerprint(&username, host, &action, &timestamp);
            book.recent.push(fingerprint, id);
        }
    }
    Ok(())
}

/// A column as text, whatever bytes another program has left there; empty for NULL.
fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Cow<'a, str>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes),
        ValueRef::Integer(number) => number.to_string().into(),
        ValueRef::Real(number) => number.to_string().into(),
        ValueRef::Null => Cow::Borrowed(""),
    })
}
