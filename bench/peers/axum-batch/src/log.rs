//! One line an occurrence on standard error, written by a thread of its own, so that nobody waits for it.
//!
//! Lines are gathered in one buffer for some milliseconds and leave with one write(2). When standard error stalls
//! the buffer fills, and further lines are dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

const CAPACITY_BYTES: usize = 8 << 20;
const GATHER: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Buffer {
    text: Vec<u8>,
    dropped: u64,
    stopping: bool,
}

pub struct Log {
    enabled: bool,
    buffer: Mutex<Buffer>,
    filled: Condvar,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Log {
    pub fn start(enabled: bool) -> Arc<Log> {
        let log = Arc::new(Log { enabled, buffer: Mutex::default(), filled: Condvar::new(), thread: Mutex::new(None) });
        if enabled {
            let writer = log.clone();
            *log.thread.lock().unwrap() = Some(thread::spawn(move || writer.run()));
        }
        log
    }

    /// Whether lines are wanted at all; callers need not make them otherwise.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// One line, without its end.
    pub fn line(&self, text: &str) {
        self.lines(&mut format!("{text}\n").into_bytes(), 1);
    }

    /// Takes over whole lines and leaves `text` empty.
    pub fn lines(&self, text: &mut Vec<u8>, count: u64) {
        if self.enabled && !text.is_empty() {
            let mut buffer = self.buffer.lock().unwrap();
            if buffer.text.is_empty() {
                self.filled.notify_one();
            }
            if buffer.text.len() + text.len() <= CAPACITY_BYTES {
                buffer.text.extend_from_slice(text);
            } else {
                buffer.dropped += count;
            }
        }
        text.clear();
    }

    /// Writes what is left and ends the thread.
    pub fn stop(&self) {
        self.buffer.lock().unwrap().stopping = true;
        self.filled.notify_one();
        if let Some(thread) = self.thread.lock().unwrap().take() {
            let _ = thread.join();
        }
    }

    fn run(&self) {
        let mut text = Vec::new();
        loop {
            let waits = |buffer: &mut Buffer| buffer.text.is_empty() && !buffer.stopping;
            let buffer = self.filled.wait_while(self.buffer.lock().unwrap(), waits).unwrap();
            let stopping = buffer.stopping;
            drop(buffer);
            if !stopping {
                thread::sleep(GATHER);
            }
            let mut buffer = self.buffer.lock().unwrap();
            std::mem::swap(&mut text, &mut buffer.text);
            let dropped = std::mem::take(&mut buffer.dropped);
            drop(buffer);
            if dropped > 0 {
                let _ = writeln!(text, "WARN lines were dropped count={dropped}");
            }
            let _ = std::io::stderr().write_all(&text); // nobody is left to tell
            text.clear();
            if stopping {
                return;
            }
        }
    }
}
