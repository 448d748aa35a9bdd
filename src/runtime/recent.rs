//! What happened lately, the newest first: read out of the journal from its end on, as far as that reaches.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::feed::{Happening, Occurrences, Position};
use crate::reading::Seq;

use super::Runtime;
use super::changes::{Error, Past, blocking};

/// Entries that are read at once; where nothing is found the next stretch is longer.
const STRETCH: u64 = 4_096;
const STRETCH_MAX: u64 = 131_072;
/// Entries that one request looks at. What lies before is for the next page.
const ENTRIES_MAX: u64 = 1_000_000;

/// What was found, the newest first.
#[derive(Debug, Default)]
pub struct Recent {
    pub found: Vec<Happening>,
    /// Everything from here on was looked at; before it there may be more. `None`: the journal keeps nothing before.
    pub next: Option<Position>,
}

pub type Wants = Arc<dyn Fn(&Happening) -> bool + Send + Sync>;

impl Runtime {
    /// The newest `count` before a position that are wanted.
    pub async fn recent(self: &Arc<Runtime>, before: Option<Position>, count: usize, wants: Wants) -> Result<Recent, Error> {
        let turn = self.reading_turn().await?;
        let runtime = self.clone();
        blocking(move || {
            let _turn = turn;
            runtime.look_back(before, count, &*wants)
        })
        .await?
    }

    /// What stands at a position; nothing if the journal does not keep it any more.
    pub async fn event_at(self: &Arc<Runtime>, position: Position) -> Result<Option<Happening>, Error> {
        if position.seq > self.view.seq() || position.seq.0 == 0 {
            return Ok(None);
        }
        let turn = self.reading_turn().await?;
        let runtime = self.clone();
        blocking(move || {
            let _turn = turn;
            match runtime.stretch(position.seq, position.seq, 1, &|happening| happening.position == position) {
                Ok(mut found) => Ok(found.pop_front()),
                Err(Error::Forgotten { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await?
    }

    fn look_back(&self, before: Option<Position>, count: usize, wants: &dyn Fn(&Happening) -> bool) -> Result<Recent, Error> {
        let released = Position::behind(self.view.seq());
        let mut until = before.map_or(released, |before| before.min(released));
        let (mut recent, mut length, mut looked) = (Recent::default(), STRETCH, 0);
        loop {
            // The last entry that may hold something before `until`.
            let last = if until.index > 0 { until.seq.0 } else { until.seq.0.saturating_sub(1) };
            let mut from = Seq(last.saturating_sub(length - 1).max(1));
            let wanted = |happening: &Happening| happening.position < until && wants(happening);
            let stretch = match self.stretch(from, Seq(last), count, &wanted) {
                Err(Error::Forgotten { first }) if first.0 <= last => {
                    from = first;
                    self.stretch(first, Seq(last), count, &wanted)
                }
                other => other,
            };
            let stretch = match stretch {
                // Also where it was deleted just now: what is left of it has been told.
                Err(Error::Forgotten { .. }) => return Ok(recent),
                other => other?,
            };
            for happening in stretch.into_iter().rev() {
                let position = happening.position;
                recent.found.push(happening);
                if recent.found.len() >= count {
                    recent.next = Some(position);
                    return Ok(recent);
                }
            }
            if from.0 <= 1 {
                return Ok(recent);
            }
            looked += last.saturating_sub(from.0) + 1;
            until = Position::at(from);
            if looked >= ENTRIES_MAX {
                recent.next = Some(until);
                return Ok(recent);
            }
            length = (length * 2).min(STRETCH_MAX);
        }
    }

    /// The latest `count` of some entries, in order.
    fn stretch(&self, from: Seq, last: Seq, count: usize, wants: &dyn Fn(&Happening) -> bool) -> Result<VecDeque<Happening>, Error> {
        let mut past: Past = self.reader(Position::at(from));
        let (mut found, mut memory) = (VecDeque::new(), Occurrences::default());
        while past.next().seq <= last {
            let before = past.next();
            let part = past.read::<Happening>(last, &|fingerprint| self.layouts.get(fingerprint), self, &mut memory)?;
            found.extend(part.changes.into_iter().filter(wants));
            found.drain(..found.len().saturating_sub(count));
            if part.next == before {
                break;
            }
        }
        Ok(found)
    }
}
