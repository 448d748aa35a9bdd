//! Windows over the last so many readings, with a result at every so-manieth.

use serde::{Deserialize, Serialize};

use super::Taken;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::run::Run;
use super::sample::Reading;
use super::spec::{RETAINED_MAX, Shape, Spec};
use super::timeline::Timeline;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    run: Run,
    carried_in: Option<Reading>,
    /// Readings since the last result.
    waiting: u32,
}

impl Count {
    pub(super) fn new(spec: &Spec) -> Count {
        Count { run: Run::new(spec.measures()), carried_in: None, waiting: 0 }
    }

    pub(super) fn take(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        published: &mut Vec<Published>,
    ) -> Taken {
        let (size, every) = sizes(spec);
        let Some(at) = new.or(old).map(|reading| reading.at) else { return Taken::Outside };
        if self.carried_in.is_some_and(|carried| at <= carried.at) {
            return Taken::Outside;
        }
        let mut was_counted = false;
        if let Some(old) = old
            && self.run.remove(spec.measures(), old)
        {
            was_counted = old.sample.is_known();
            let (before, after) = self.run.neighbours(at);
            line.remove(old, Some((before.or(self.carried_in), after)), spec.hold);
        }
        let Some(new) = new else { return Taken::Counted };
        let (before, after) = self.run.neighbours(at);
        line.insert(new, Some((before.or(self.carried_in), after)), spec.hold);
        self.run.insert(spec.measures(), new);
        // Unknown readings take no place, but they are not kept without end.
        while self.run.partial().known > u64::from(size) || self.run.kept().len() > RETAINED_MAX {
            self.carried_in = self.run.evict_oldest(spec.measures());
        }
        line.cover.forget_before(self.run.first().map_or(at, |first| first.at));
        self.waiting = self.waiting.saturating_add(u32::from(new.sample.is_known() && !was_counted));
        if self.waiting >= every {
            self.waiting = 0;
            let newest = self.run.last().map_or(at, |last| last.at);
            published.extend(self.outcome(spec, line, false).map(|outcome| Published { at: newest, cause: Cause::Moved, outcome }));
        }
        Taken::Counted
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline) -> Option<Outcome> {
        self.outcome(spec, line, self.waiting > 0)
    }

    fn outcome(&self, spec: &Spec, line: &Timeline, provisional: bool) -> Option<Outcome> {
        let known = self.run.partial().known_ends?;
        let (start, end, runs) = (known.first.at, known.last.at, [&self.run]);
        let stretch =
            Stretch { partial: self.run.partial(), measures: spec.measures(), carried_in: self.carried_in, start, end, runs: &runs };
        Some(stretch.outcome(spec, &line.cover, provisional))
    }
}

fn sizes(spec: &Spec) -> (u32, u32) {
    if let Shape::Count { size, every } = spec.shape { (size, every) } else { (1, 1) }
}
