//! Draws session identifiers: `<username>@<hostname>@<6 hex digits>`, the digits from an MD5 over names, day and time.

use md5::{Digest, Md5};

const DIGITS: usize = 6;
const NUMBERS: usize = 1 << (4 * DIGITS);
const MAX_DRAWS: u64 = 16;

/// Which digits were used, so that a new session never gets those of one that has ended.
pub struct Identifiers {
    used: Vec<u64>,
    marked: usize,
}

impl Identifiers {
    pub fn new() -> Identifiers {
        Identifiers { used: vec![0; NUMBERS / 64], marked: 0 }
    }

    /// Whether more than half are used, and it is time to begin anew with those of the open sessions.
    pub fn is_worn(&self) -> bool {
        self.marked > NUMBERS / 2
    }

    /// A new identifier, after `prefix`.
    pub fn draw(&mut self, prefix: &str, username: &str, host: &str, date: &str, now_ns: u64) -> String {
        let mut number = 0;
        let mut digits = itoa::Buffer::new();
        for attempt in 0..MAX_DRAWS {
            let mut md5 = Md5::new_with_prefix(username);
            md5.update(host);
            md5.update(date);
            md5.update(digits.format(now_ns + attempt));
            let sum = md5.finalize();
            number = usize::from(sum[0]) << 16 | usize::from(sum[1]) << 8 | usize::from(sum[2]);
            if self.mark_number(number) {
                break;
            }
        }
        let mut text = String::with_capacity(prefix.len() + username.len() + host.len() + 2 + DIGITS);
        for part in [prefix, username, "@", host, "@"] {
            text.push_str(part);
        }
        for shift in (0..DIGITS).rev() {
            text.push(char::from(b"0123456789abcdef"[number >> (4 * shift) & 15]));
        }
        text
    }

    /// Marks the digits of an identifier that is in the database; other text is passed over.
    pub fn mark(&mut self, session_uuid: &str) {
        let digits = session_uuid.len().checked_sub(DIGITS).and_then(|at| session_uuid.get(at..));
        if let Some(number) = digits.and_then(|text| usize::from_str_radix(text, 16).ok()) {
            self.mark_number(number);
        }
    }

    /// Whether it was free.
    fn mark_number(&mut self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        let word = &mut self.used[number / 64];
        let free = *word & bit == 0;
        *word |= bit;
        self.marked += usize::from(free);
        free
    }
}
