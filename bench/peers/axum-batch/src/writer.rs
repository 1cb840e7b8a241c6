//! The writer thread: takes all events that wait, commits them in one transaction, hands the answers back.
//!
//! There is no timer: one event alone is committed at once, a thousand that wait share one transaction and one fsync.

use std::io::Write;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use crate::database;
use crate::decode::Event;
use crate::log::Log;
use crate::rows::{NewRow, Statements};
use crate::sessions::{Book, Decision, UNKNOWN_HOST};
use crate::timestamps::{UtcText, UTC_BYTES};

/// How long an event may wait for a locked or full database; the clients give up after 30 s.
const EVENT_TIMEOUT: Duration = Duration::from_secs(25);

pub enum Answer {
    Stored(Bytes),
    Unavailable,
    Failed,
}

/// An event on its way into the database.
pub struct Job {
    pub event: Event,
    pub source_ip: IpAddr,
    pub received: SystemTime,
    pub answer: oneshot::Sender<Answer>,
}

pub type Results = Vec<(oneshot::Sender<Answer>, Answer)>;

#[derive(Default)]
struct Inbox {
    jobs: Vec<Job>,
    stopping: bool,
}

/// What leads from the event loop to the writer: cheaper than a channel, because all is taken at once.
#[derive(Default)]
pub struct Queue {
    inbox: Mutex<Inbox>,
    filled: Condvar,
}

impl Queue {
    pub fn new() -> Queue {
        Queue::default()
    }

    /// Adds an event without waking the writer; whether it is the first that waits.
    pub fn push(&self, job: Job) -> bool {
        let jobs = &mut self.inbox.lock().unwrap().jobs;
        jobs.push(job);
        jobs.len() == 1
    }

    pub fn wake(&self) {
        self.filled.notify_one();
    }

    /// Lets the writer finish what waits, close the database and end.
    pub fn stop(&self) {
        self.inbox.lock().unwrap().stopping = true;
        self.wake();
    }

    /// Waits until there is an event; false when there is none and none will come.
    fn wait(&self) -> bool {
        let empty = |inbox: &mut Inbox| inbox.jobs.is_empty() && !inbox.stopping;
        let inbox = self.filled.wait_while(self.inbox.lock().unwrap(), empty).unwrap();
        !inbox.jobs.is_empty()
    }

    /// Moves all that waits to the end of `jobs`.
    fn take(&self, jobs: &mut Vec<Job>) {
        let mut inbox = self.inbox.lock().unwrap();
        if jobs.is_empty() {
            std::mem::swap(jobs, &mut inbox.jobs);
        } else {
            jobs.append(&mut inbox.jobs);
        }
    }
}

pub fn start(
    connection: Connection,
    queue: Arc<Queue>,
    results: mpsc::UnboundedSender<Results>,
    log: Arc<Log>,
) -> thread::JoinHandle<()> {
    let run = move || {
        let mut writer = Writer {
            statements: Statements::prepare(&connection).expect("the tables are there"),
            book: database::load(&connection).expect("the tables are readable"),
            connection: &connection,
            queue: &queue,
            results,
            log: &log,
            clock: UtcText::new(),
            lines: Vec::new(),
            data_version: None,
        };
        writer.run();
        drop(writer);
        if let Err((_, error)) = connection.close() {
            log.line(&format!("ERROR closing the database: {error}"));
        }
    };
    thread::Builder::new().name("writer".into()).spawn(run).expect("a thread can be made")
}

struct Writer<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    book: Book,
    queue: &'c Queue,
    results: mpsc::UnboundedSender<Results>,
    log: &'c Log,
    clock: UtcText,
    lines: Vec<u8>,
    data_version: Option<i64>,
}

impl Writer<'_> {
    fn run(&mut self) {
        let mut jobs = Vec::new();
        while self.queue.wait() {
            let stored = match self.begin(&mut jobs) {
                Ok(()) => self.store(&jobs),
                Err(error) => Err(error),
            };
            let answers = match stored {
                Ok(decisions) => jobs.iter().zip(&decisions).map(|(job, decision)| answer(job, decision)).collect(),
                Err(error) => self.give_up(jobs.len(), &error),
            };
            self.deliver(jobs.drain(..).map(|job| job.answer).zip(answers).collect());
        }
    }

    /// Takes up all that waits, once the write lock is held.
    fn begin(&mut self, jobs: &mut Vec<Job>) -> rusqlite::Result<()> {
        let deadline = Instant::now() + EVENT_TIMEOUT;
        loop {
            match self.statements.begin() {
                Err(error) if is_passing(&error) && Instant::now() < deadline => (),
                begun => {
                    self.queue.take(jobs);
                    begun?;
                    break;
                }
            }
        }
        let data_version = Some(self.statements.data_version()?);
        if self.data_version.is_some() && self.data_version != data_version {
            self.book = database::load(self.connection)?; // another program has written
        }
        self.data_version = data_version;
        Ok(())
    }

    /// Decides, inserts and commits.
    fn store(&mut self, jobs: &[Job]) -> rusqlite::Result<Vec<Decision>> {
        let now = micros(SystemTime::now());
        let now_text = self.clock.format(now);
        self.book.recent.turn(Instant::now());
        self.book.renew_identifiers();
        let decisions = self.decide(jobs, now * 1000);
        let created_at = String::from_utf8_lossy(&now_text[..19]).replacen('T', " ", 1);
        let source_ips: Vec<String> = source_ips(jobs);
        let mut rows = Vec::with_capacity(jobs.len());
        for ((job, decision), source_ip) in jobs.iter().zip(&decisions).zip(same_or_each(&source_ips)) {
            if !decision.is_retry {
                let received_at = self.clock.format(micros(job.received));
                add_rows(&mut rows, job, decision, source_ip, received_at, &created_at);
            }
        }
        self.statements.insert(&rows)?;
        self.statements.commit()?;
        if self.log.enabled() {
            for ((job, decision), source_ip) in jobs.iter().zip(&decisions).zip(same_or_each(&source_ips)) {
                log_line(&mut self.lines, &now_text, &job.event, decision, source_ip);
            }
            self.log.lines(&mut self.lines, jobs.len() as u64);
        }
        Ok(decisions)
    }

    fn decide(&mut self, jobs: &[Job], now_ns: u64) -> Vec<Decision> {
        let mut decisions: Vec<Decision> = Vec::with_capacity(jobs.len());
        let committed_id = self.book.last_id;
        let statements = std::cell::RefCell::new(&mut self.statements);
        for (at, Job { event, .. }) in jobs.iter().enumerate() {
            let read_stored = |id| {
                if id <= committed_id {
                    return statements.borrow_mut().read_stored(id, event);
                }
                // An event of this very batch, whose row is still to be written.
                let earlier = decisions.iter().position(|decision| decision.event_id == id)?;
                is_same(&jobs[earlier].event, event).then(|| decisions[earlier].session_uuid.clone())
            };
            let decision = self.book.decide(event, now_ns + at as u64, read_stored);
            decisions.push(decision);
        }
        decisions
    }

    /// Undoes a transaction that failed and says so to all who wait for it.
    fn give_up(&mut self, count: usize, error: &rusqlite::Error) -> Vec<Answer> {
        self.log.line(&format!("ERROR database: {error} events={count}"));
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK"); // SQLite may have done it already
        }
        match database::load(self.connection) {
            Ok(book) => self.book = book,
            Err(_) => self.data_version = Some(-1), // read it with the next batch
        }
        let passing = is_passing(error);
        (0..count).map(|_| if passing { Answer::Unavailable } else { Answer::Failed }).collect()
    }

    fn deliver(&mut self, results: Results) {
        let _ = self.results.send(results); // fails when the event loop is gone, and with it all who wait
    }
}

fn is_same(one: &Event, other: &Event) -> bool {
    let key = |event: &Event| (event.username().to_owned(), event.hostname().unwrap_or(UNKNOWN_HOST).to_owned());
    key(one) == key(other) && one.action() == other.action() && one.timestamp() == other.timestamp()
}

fn is_passing(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
    let passing = [CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure];
    error.sqlite_error_code().is_some_and(|code| passing.contains(&code))
}

/// The addresses of all jobs as text, or only one when it is the same for all.
fn source_ips(jobs: &[Job]) -> Vec<String> {
    let same = jobs.windows(2).all(|pair| pair[0].source_ip == pair[1].source_ip);
    let different = if same { &jobs[..jobs.len().min(1)] } else { jobs };
    different.iter().map(|job| job.source_ip.to_canonical().to_string()).collect()
}

fn same_or_each(texts: &[String]) -> impl Iterator<Item = &str> {
    texts.iter().cycle().map(String::as_str)
}

fn micros(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// The rows of one event: first the automatic logoffs, then its own.
fn add_rows<'a>(
    rows: &mut Vec<NewRow<'a>>,
    job: &'a Job,
    decision: &'a Decision,
    source_ip: &'a str,
    received_at: [u8; UTC_BYTES],
    created_at: &'a str,
) {
    let event = &job.event;
    for closed in &decision.closed {
        let hostname = closed.session.names_host.then(|| event.hostname().unwrap_or(UNKNOWN_HOST));
        rows.push(NewRow {
            id: closed.event_id,
            event,
            action: "D",
            timestamp: &closed.timestamp,
            hostname,
            source_ip,
            received_at,
            hardware_info: None,
            session_uuid: &closed.session.session_uuid,
            created_at,
            origin: "auto",
        });
    }
    rows.push(NewRow {
        id: decision.event_id,
        event,
        action: event.action(),
        timestamp: event.timestamp(),
        hostname: event.hostname(),
        source_ip,
        received_at,
        hardware_info: event.hardware_info(),
        session_uuid: &decision.session_uuid,
        created_at,
        origin: "client",
    });
}

fn answer(job: &Job, decision: &Decision) -> Answer {
    let mut text = Vec::with_capacity(192);
    text.extend_from_slice(br#"{"status":"success","message":"Data stored in database","event_id":"#);
    text.extend_from_slice(itoa::Buffer::new().format(decision.event_id).as_bytes());
    text.extend_from_slice(br#","session_uuid":"#);
    json_string(&mut text, &decision.session_uuid);
    text.extend_from_slice(br#","action":""#);
    text.extend_from_slice(job.event.action().as_bytes());
    text.extend_from_slice(br#"","username":"#);
    json_string(&mut text, job.event.username());
    text.push(b'}');
    Answer::Stored(Bytes::from(text))
}

fn json_string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text); // a Vec takes everything
}

/// Text from outside is quoted as JSON, so that it cannot look like fields; control characters were refused before.
fn log_line(lines: &mut Vec<u8>, now: &[u8], event: &Event, decision: &Decision, source_ip: &str) {
    lines.extend_from_slice(now);
    lines.extend_from_slice(if decision.is_retry { b" INFO event repeated" } else { b" INFO event stored" });
    lines.extend_from_slice(b" action=");
    lines.extend_from_slice(event.action().as_bytes());
    lines.extend_from_slice(b" username=");
    json_string(lines, event.username());
    lines.extend_from_slice(b" hostname=");
    json_string(lines, event.hostname().unwrap_or_default());
    lines.extend_from_slice(b" source_ip=");
    lines.extend_from_slice(source_ip.as_bytes());
    let _ = write!(lines, " event_id={}", decision.event_id);
    lines.extend_from_slice(b" session_uuid=");
    json_string(lines, &decision.session_uuid);
    lines.push(b'\n');
}
