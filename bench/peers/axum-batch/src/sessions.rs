//! The pairing rules: which session an event opens, closes or belongs to, and which events are retries.
//!
//! Knows no SQL and no clock. What is decided here holds only when it is committed: after a failure the Book is
//! read from the database again.

use std::hash::{BuildHasher, Hash, Hasher};

use ahash::RandomState;
use hashbrown::HashMap;

use crate::decode::Event;
use crate::identifiers::Identifiers;
use crate::recent::Recent;
use crate::timestamps;

/// Stands for the host where the client does not tell one.
pub const UNKNOWN_HOST: &str = "unknown";

pub struct OpenSession {
    pub session_uuid: String,
    pub connected_at: String,
    pub names_host: bool,
}

/// An event as its client was told of it.
#[derive(Default)]
pub struct Stored {
    pub timestamp: String,
    pub event_id: i64,
    pub session_uuid: String,
}

/// One user on one host.
#[derive(Default)]
pub struct Pair {
    /// The one with the latest timestamp last.
    pub open: Vec<OpenSession>,
    /// The latest C, D and M in order of arrival.
    pub latest: [Stored; 3],
    /// No remembered event has a greater timestamp as text: what has one is no retry.
    pub highest: String,
}

/// A session that a new logon closes: the row to be stored before it.
pub struct Closed {
    pub event_id: i64,
    pub session: OpenSession,
    pub timestamp: String,
}

pub struct Decision {
    pub event_id: i64,
    pub session_uuid: String,
    pub is_retry: bool,
    pub closed: Vec<Closed>,
}

/// Open sessions and what is remembered to recognise retries.
pub struct Book {
    pairs: HashMap<Box<str>, Pair, RandomState>,
    pub recent: Recent,
    pub identifiers: Identifiers,
    pub last_id: i64,
    /// Reused for every look-up.
    key: String,
}

impl Book {
    pub fn new() -> Book {
        Book {
            pairs: HashMap::default(),
            recent: Recent::new(),
            identifiers: Identifiers::new(),
            last_id: 0,
            key: String::new(),
        }
    }

    /// What is known of a pair.
    pub fn pair(&mut self, username: &str, host: &str) -> &mut Pair {
        self.key.clear();
        self.key.push_str(username);
        self.key.push('\0'); // no name holds one
        self.key.push_str(host);
        self.pairs.entry_ref(self.key.as_str()).or_default()
    }

    pub fn fingerprint(&self, username: &str, host: &str, action: &str, timestamp: &str) -> u64 {
        let mut hasher = self.pairs.hasher().build_hasher();
        (username, host, action, timestamp).hash(&mut hasher);
        hasher.finish()
    }

    /// The decision on the next event in order of arrival.
    ///
    /// `read_stored` says under which identifier the row with that id is stored, if it is this event's.
    pub fn decide(&mut self, event: &Event, now_ns: u64, read_stored: impl Fn(i64) -> Option<String>) -> Decision {
        let (username, action, timestamp) = (event.username(), event.action(), event.timestamp());
        let host = event.hostname().unwrap_or(UNKNOWN_HOST);
        let fingerprint = self.fingerprint(username, host, action, timestamp);
        let slot = slot(action);
        let pair = self.pair(username, host);
        if timestamp <= pair.highest.as_str() {
            let latest = &pair.latest[slot];
            if latest.timestamp == timestamp {
                return retry(latest.event_id, latest.session_uuid.clone());
            }
            for event_id in self.recent.find(fingerprint) {
                if let Some(session_uuid) = read_stored(event_id) {
                    return retry(event_id, session_uuid);
                }
            }
        }

        let open = &mut self.pair(username, host).open;
        let mut sessions = Vec::new();
        let mut session_uuid = String::new();
        match action {
            "C" => sessions = std::mem::take(open),
            "D" => session_uuid = open.pop().map(|session| session.session_uuid).unwrap_or_default(),
            _ => (),
        }
        let mut closed = Vec::new();
        for session in sessions {
            self.last_id += 1;
            let timestamp = timestamps::one_second_before(timestamp, &session.connected_at);
            closed.push(Closed { event_id: self.last_id, session, timestamp });
        }
        if session_uuid.is_empty() {
            let prefix = ["", "orphan_", "hardware_"][slot];
            session_uuid = self.identifiers.draw(prefix, username, host, &timestamp[..10], now_ns);
        }
        self.last_id += 1;
        let event_id = self.last_id;
        self.recent.push(fingerprint, event_id);
        self.note(event, event_id, &session_uuid);
        Decision { event_id, session_uuid, is_retry: false, closed }
    }

    /// Remembers a decided event.
    fn note(&mut self, event: &Event, event_id: i64, session_uuid: &str) {
        let pair = self.pair(event.username(), event.hostname().unwrap_or(UNKNOWN_HOST));
        pair.remember(event.action(), event.timestamp(), event_id, session_uuid);
        if event.action() == "C" {
            pair.open.push(OpenSession {
                session_uuid: session_uuid.to_owned(),
                connected_at: event.timestamp().to_owned(),
                names_host: event.hostname().is_some(),
            });
        }
    }

    /// Begins a new map of used identifiers when the old one is worn.
    pub fn renew_identifiers(&mut self) {
        if self.identifiers.is_worn() {
            self.identifiers = Identifiers::new();
            for session in self.pairs.values().flat_map(|pair| &pair.open) {
                self.identifiers.mark(&session.session_uuid);
            }
        }
    }

    /// Puts the open sessions of every pair in order of their timestamps, after loading.
    pub fn sort(&mut self) {
        for pair in self.pairs.values_mut().filter(|pair| pair.open.len() > 1) {
            pair.open.sort_by_cached_key(|session| timestamps::instant(&session.connected_at));
        }
    }
}

impl Pair {
    pub fn remember(&mut self, action: &str, timestamp: &str, event_id: i64, session_uuid: &str) {
        let latest = &mut self.latest[slot(action)];
        latest.timestamp.clear(); // in place: what was allocated serves again
        latest.timestamp.push_str(timestamp);
        latest.session_uuid.clear();
        latest.session_uuid.push_str(session_uuid);
        latest.event_id = event_id;
        if timestamp > self.highest.as_str() {
            self.highest.clear();
            self.highest.push_str(timestamp);
        }
    }
}

fn slot(action: &str) -> usize {
    match action {
        "C" => 0,
        "D" => 1,
        _ => 2,
    }
}

fn retry(event_id: i64, session_uuid: String) -> Decision {
    Decision { event_id, session_uuid, is_retry: true, closed: Vec::new() }
}
