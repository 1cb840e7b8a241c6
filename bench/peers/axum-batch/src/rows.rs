//! The writer's statements: BEGIN, COMMIT, and INSERTs of many rows at once.
//!
//! AUTOINCREMENT reads and writes sqlite_sequence once a statement, not once a row, so 64 rows in one statement are
//! cheaper than 64 statements.

use rusqlite::{Connection, OptionalExtension, Result, Statement};

use crate::decode::Event;
use crate::sessions::UNKNOWN_HOST;
use crate::timestamps::UTC_BYTES;

const COLUMNS: &str = "id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, \
                       kernel_version, hardware_info, session_uuid, created_at, origin";
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

pub struct NewRow<'a> {
    pub id: i64,
    pub event: &'a Event,
    pub action: &'a str,
    pub timestamp: &'a str,
    pub hostname: Option<&'a str>,
    pub source_ip: &'a str,
    pub received_at: [u8; UTC_BYTES],
    pub hardware_info: Option<&'a str>,
    pub session_uuid: &'a str,
    pub created_at: &'a str,
    pub origin: &'a str,
}

pub struct Statements<'c> {
    begin: Statement<'c>,
    commit: Statement<'c>,
    data_version: Statement<'c>,
    read_stored: Statement<'c>,
    inserts: [Statement<'c>; SIZES.len()],
}

impl<'c> Statements<'c> {
    pub fn prepare(connection: &'c Connection) -> Result<Statements<'c>> {
        let inserts: Result<Vec<Statement<'c>>> =
            SIZES.iter().map(|&size| connection.prepare(&insert_sql(size))).collect();
        let Ok(inserts) = inserts?.try_into() else { unreachable!("one statement a size") };
        Ok(Statements {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            data_version: connection.prepare("PRAGMA data_version")?,
            read_stored: connection.prepare(&format!(
                "SELECT session_uuid FROM events_today WHERE id = ?1 AND username = ?2 AND action = ?3
                 AND timestamp = ?4 AND ifnull(nullif(hostname, ''), '{UNKNOWN_HOST}') = ?5 AND origin = 'client'"
            ))?,
            inserts,
        })
    }

    pub fn begin(&mut self) -> Result<()> {
        self.begin.execute([]).map(drop)
    }

    pub fn commit(&mut self) -> Result<()> {
        self.commit.execute([]).map(drop)
    }

    /// Changes when another connection has committed.
    pub fn data_version(&mut self) -> Result<i64> {
        self.data_version.query_row([], |row| row.get(0))
    }

    /// Under which identifier the row `id` is stored, if it is this event's.
    pub fn read_stored(&mut self, id: i64, event: &Event) -> Option<String> {
        let host = event.hostname().unwrap_or(UNKNOWN_HOST);
        let parameters = (id, event.username(), event.action(), event.timestamp(), host);
        self.read_stored.query_row(parameters, |row| row.get(0)).optional().ok()?
    }

    pub fn insert(&mut self, mut rows: &[NewRow<'_>]) -> Result<()> {
        for (&size, statement) in SIZES.iter().zip(&mut self.inserts) {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                for (at, row) in now.iter().enumerate() {
                    bind(statement, at * 14, row)?;
                }
                statement.raw_execute()?;
                rows = later;
            }
        }
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, before: usize, row: &NewRow<'_>) -> Result<()> {
    statement.raw_bind_parameter(before + 1, row.id)?;
    statement.raw_bind_parameter(before + 2, row.event.username())?;
    statement.raw_bind_parameter(before + 3, row.action)?;
    statement.raw_bind_parameter(before + 4, row.timestamp)?;
    statement.raw_bind_parameter(before + 5, row.hostname)?;
    statement.raw_bind_parameter(before + 6, row.source_ip)?;
    statement.raw_bind_parameter(before + 7, std::str::from_utf8(&row.received_at).unwrap_or_default())?;
    statement.raw_bind_parameter(before + 8, row.event.os_name())?;
    statement.raw_bind_parameter(before + 9, row.event.os_version())?;
    statement.raw_bind_parameter(before + 10, row.event.kernel_version())?;
    statement.raw_bind_parameter(before + 11, row.hardware_info)?;
    statement.raw_bind_parameter(before + 12, row.session_uuid)?;
    statement.raw_bind_parameter(before + 13, row.created_at)?;
    statement.raw_bind_parameter(before + 14, row.origin)
}

fn insert_sql(size: usize) -> String {
    let row = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    format!("INSERT INTO events_today ({COLUMNS}) VALUES {}", vec![row; size].join(","))
}
