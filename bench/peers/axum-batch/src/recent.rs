//! Which events were received in the last ten minutes, in 8 bytes each, to recognise one that is sent again.
//!
//! To add is to append; the table to search in is brought up to date when somebody asks, which is seldom. What is
//! found is only probable: 32 bits of the hash are kept, and whoever asks reads the row to be sure.

use std::time::{Duration, Instant};

use hashbrown::HashTable;

const GENERATION: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Generation {
    /// Fingerprint, and the row's id counted from `first_id`.
    events: Vec<(u32, u32)>,
    first_id: i64,
    /// Places in `events`.
    table: HashTable<u32>,
}

impl Generation {
    fn push(&mut self, fingerprint: u32, id: i64) {
        if self.events.is_empty() {
            self.first_id = id;
        }
        if self.events.len() == self.events.capacity() {
            self.events.reserve_exact(self.events.len() / 8 + 4096); // doubling would waste half of it
        }
        // Ids jump by more than 32 bits only by an administrator's hand.
        if let Ok(offset) = u32::try_from(id - self.first_id) {
            self.events.push((fingerprint, offset));
        }
    }

    fn find(&mut self, fingerprint: u32, found: &mut Vec<i64>) {
        let events = &self.events;
        let hash = |&place: &u32| spread(events[place as usize].0);
        for place in self.table.len()..events.len() {
            self.table.insert_unique(spread(events[place].0), place as u32, hash);
        }
        for &place in self.table.iter_hash(spread(fingerprint)) {
            let (other, offset) = events[place as usize];
            if other == fingerprint {
                found.push(self.first_id + i64::from(offset));
            }
        }
    }
}

/// The table takes places from the low bits and tags from the high ones.
fn spread(fingerprint: u32) -> u64 {
    u64::from(fingerprint).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Two generations, so that an event is remembered for 10 to 20 minutes.
pub struct Recent {
    current: Generation,
    previous: Generation,
    turn_at: Instant,
}

impl Recent {
    pub fn new() -> Recent {
        Recent { current: Generation::default(), previous: Generation::default(), turn_at: Instant::now() + GENERATION }
    }

    /// Forgets what is old.
    pub fn turn(&mut self, now: Instant) {
        if now >= self.turn_at {
            let idle = now >= self.turn_at + GENERATION;
            let ended = std::mem::take(&mut self.current);
            self.previous = if idle { Generation::default() } else { ended };
            self.turn_at = now + GENERATION;
        }
    }

    pub fn push(&mut self, hash: u64, id: i64) {
        self.current.push(hash as u32, id);
    }

    /// Ids of the events that may be the one with `hash`.
    pub fn find(&mut self, hash: u64) -> Vec<i64> {
        let mut found = Vec::new();
        self.current.find(hash as u32, &mut found);
        self.previous.find(hash as u32, &mut found);
        found
    }
}
