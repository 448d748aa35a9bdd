//! How far a backtest is, for the person who waits for it; and how fast it was.

use std::io::Write;

use crate::reading::Timestamp;

/// Readings between two looks.
const EVERY: u64 = 100_000;

#[derive(Debug)]
pub(super) struct Progress {
    /// Somebody is looking at a terminal.
    is_seen: bool,
    next: u64,
}

impl Progress {
    pub(super) fn new(is_seen: bool) -> Progress {
        Progress { is_seen, next: EVERY }
    }

    pub(super) fn tell(&mut self, readings: u64, now: Option<Timestamp>, to: &mut dyn Write) {
        if !self.is_seen || readings < self.next {
            return;
        }
        self.next = readings + EVERY;
        let now = now.map(|now| now.to_string()).unwrap_or_default();
        // A terminal that cannot be written to is no reason to stop.
        write!(to, "\r{readings} readings, {now} ").and_then(|()| to.flush()).ok();
    }

    pub(super) fn end(&self, readings: u64, micros: i64, to: &mut dyn Write) {
        let seconds = micros.max(1) as f64 / 1e6;
        let line = if self.is_seen && self.next > EVERY { "\r" } else { "" };
        writeln!(to, "{line}{readings} readings in {seconds:.2} s, {:.0} per second", readings as f64 / seconds).ok();
    }
}
