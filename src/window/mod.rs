//! Windows over a member of a twin: aggregates that follow every reading, early, late, repeated or replaced, at a cost that does not grow
//! with the window.
//!
//! A [`Spec`] is a window of a type, checked and compiled; a [`Window`] is what one twin keeps of it. The result is a function of the set of
//! readings and not of their arrival (`rules.md`, 5): sums are exact, readings are kept in the order of their times as long as a correction
//! may need them, and time is only ever that of the data.
//!
//! It knows nothing of twins, slots and types. Who calls it does so in this order, for one input: [`Window::fire`] for what fell due before the
//! event time of the reading, [`Window::condition`] or [`Window::reset`] where the shape asks for it, [`Window::take`], and
//! [`Window::fire`] again for what is due at that very instant.

mod best;
mod bounds;
mod count;
mod cover;
#[cfg(test)]
pub(crate) mod dice;
mod episode;
mod grid;
mod outcome;
mod panes;
mod part;
mod partial;
mod recent;
mod run;
mod sample;
mod session;
mod since;
mod sketch;
mod sliding;
mod spec;
pub mod sum;
#[cfg(test)]
pub(crate) mod tests;
mod timeline;
pub mod total;

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

pub use grid::zone;
pub use outcome::{Cause, Outcome, Published, variance};
pub use part::{Between, RANKS};
pub use recent::{Keep, RECENT_READINGS_MAX, RecentReadings, Recognised};
pub use sample::{Figure, Reading, Sample, Why};
pub use spec::{AGGS_MAX, Agg, Closed, EMPTY_WINDOWS_MAX, Error, Outline, PANES_MAX, RETAINED_MAX, Shape, Spec};

use timeline::Timeline;

/// What happened to the readings of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    New(Reading),
    /// Of the same instant.
    Replaced {
        old: Reading,
        new: Reading,
    },
    Removed(Reading),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in a window, or was taken out of one.
    Counted,
    /// No window is where it lies: it is before the readings a sliding window is over, or outside all sessions and states.
    Outside,
    /// It came after the lateness of its window: history only.
    Late,
}

/// One window of one twin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    timeline: Timeline,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Body {
    Panes(panes::Panes),
    Sliding(Box<sliding::Sliding>),
    Count(Box<count::Count>),
    Sessions(session::Sessions),
    Episodes(episode::Episodes),
    Since(Box<since::Since>),
}

impl Window {
    pub fn new(spec: &Spec) -> Window {
        let body = match spec.shape() {
            Shape::Tumbling { .. } => Body::Panes(panes::Panes::default()),
            Shape::Sliding { .. } => Body::Sliding(Box::new(sliding::Sliding::new(spec))),
            Shape::Count { .. } => Body::Count(Box::new(count::Count::new(spec))),
            Shape::Session { .. } => Body::Sessions(session::Sessions::default()),
            Shape::State => Body::Episodes(episode::Episodes::default()),
            Shape::Since => Body::Since(Box::new(since::Since::new(spec))),
        };
        Window { timeline: Timeline::default(), body }
    }

    /// Takes a reading in, or a correction of one. `clock` is the window's clock after it: it says what is too late. What was due before the
    /// reading's time is published first.
    pub fn take(&mut self, spec: &Spec, change: Change, clock: Timestamp, published: &mut Vec<Published>) -> Taken {
        let (old, new) = match change {
            Change::New(reading) => (None, Some(reading)),
            Change::Replaced { old, new } if old == new => return Taken::Counted,
            Change::Replaced { old, new } => (Some(old), (old.at == new.at).then_some(new)),
            Change::Removed(reading) => (Some(reading), None),
        };
        let (line, clock) = (&mut self.timeline, clock.0);
        match &mut self.body {
            Body::Panes(panes) => panes.take(spec, line, (old, new), clock, published),
            Body::Sliding(sliding) => sliding.take(spec, line, (old, new), published),
            Body::Count(count) => count.take(spec, line, (old, new), published),
            Body::Sessions(sessions) => sessions.take(spec, line, (old, new), clock, published),
            Body::Episodes(episodes) => episodes.take(spec, line, (old, new), clock, published),
            Body::Since(since) => since.take(spec, line, (old, new), published),
        }
    }

    /// The instant, on the window's clock, at which it wants `fire` next.
    pub fn due(&self, spec: &Spec) -> Option<Timestamp> {
        let due = match &self.body {
            Body::Panes(panes) => panes.due(spec, &self.timeline),
            Body::Sliding(sliding) => sliding.due(spec),
            Body::Count(_) => None,
            Body::Sessions(sessions) => sessions.due(spec),
            Body::Episodes(episodes) => episodes.due(spec, &self.timeline),
            Body::Since(since) => since.due(spec, &self.timeline),
        };
        due.map(Timestamp)
    }

    /// Publishes all that is due up to and including an instant, in order, each result with the instant it was due at.
    pub fn fire(&mut self, spec: &Spec, until: Timestamp, published: &mut Vec<Published>) {
        let (line, until) = (&mut self.timeline, until.0);
        match &mut self.body {
            Body::Panes(panes) => panes.fire(spec, line, until, published),
            Body::Sliding(sliding) => sliding.fire(spec, line, until, published),
            Body::Count(_) => {}
            Body::Sessions(sessions) => sessions.fire(spec, line, until, published),
            Body::Episodes(episodes) => episodes.fire(spec, line, until, published),
            Body::Since(since) => since.fire(spec, line, until, published),
        }
    }

    /// The condition of a state window at an instant. Unknown keeps it as it is. Other shapes take no notice.
    pub fn condition(&mut self, spec: &Spec, at: Timestamp, holds: Option<bool>, published: &mut Vec<Published>) {
        if let (Body::Episodes(episodes), Some(holds)) = (&mut self.body, holds) {
            episodes.condition(spec, &mut self.timeline, at.0, holds, published);
        }
    }

    /// The event of a `since` window happened. Other shapes take no notice.
    pub fn reset(&mut self, spec: &Spec, at: Timestamp, published: &mut Vec<Published>) {
        if let Body::Since(since) = &mut self.body {
            since.reset(spec, &mut self.timeline, at.0, published);
        }
    }

    /// What the window that is open would say at an instant. `None` while no window is open.
    pub fn current(&self, spec: &Spec, clock: Timestamp) -> Option<Outcome> {
        let (line, clock) = (&self.timeline, clock.0);
        match &self.body {
            Body::Panes(panes) => panes.current(spec, line, clock),
            Body::Sliding(sliding) => Some(sliding.current(spec, line, clock)),
            Body::Count(count) => count.current(spec, line),
            Body::Sessions(sessions) => sessions.current(spec, line),
            Body::Episodes(episodes) => episodes.current(spec, line, clock),
            Body::Since(since) => since.current(spec, line, clock),
        }
    }
}
