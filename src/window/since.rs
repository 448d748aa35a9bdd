//! A window since an event last happened, or since the first reading: a result at every reading, and at the event.

use serde::{Deserialize, Serialize};

use super::Taken;
use super::bounds::next_multiple;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::run::Run;
use super::sample::Reading;
use super::spec::{EMPTY_WINDOWS_MAX, RETAINED_UNORDERED, Spec};
use super::timeline::Timeline;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Since {
    run: Run,
    /// The newest reading before the event.
    carried_in: Option<Reading>,
    event: Option<i64>,
    /// When a result was last published because of `early`.
    early: i64,
    quiet: u16,
}

impl Since {
    pub(super) fn new(spec: &Spec) -> Since {
        Since { run: Run::new(spec.measures()), carried_in: None, event: None, early: i64::MIN, quiet: 0 }
    }

    pub(super) fn take(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        published: &mut Vec<Published>,
    ) -> Taken {
        let Some(at) = new.or(old).map(|reading| reading.at) else { return Taken::Outside };
        self.fire(spec, line, at.saturating_sub(1), published);
        self.quiet = 0;
        let is_before = self.event.is_some_and(|event| at < event);
        if is_before {
            let is_newest = self.carried_in.is_none_or(|carried| carried.at < at) || (old.is_some() && old == self.carried_in);
            let Some(new) = new.filter(|_| is_newest) else { return Taken::Outside };
            line.insert(new, Some((self.carried_in, self.run.first())), spec.hold);
            self.carried_in = Some(new);
        } else {
            self.correct(spec, line, old, new);
        }
        if !is_before || spec.carries_in {
            let now = line.newest.map_or(at, |newest| newest.at.max(at)).max(self.event.unwrap_or(at));
            published.extend(self.outcome(spec, line, now).map(|outcome| Published { at: now, cause: Cause::Moved, outcome }));
        }
        if is_before { Taken::Outside } else { Taken::Counted }
    }

    /// What was counted is done with, and counting begins anew. An event that is older than the one before it changes nothing.
    pub(super) fn reset(&mut self, spec: &Spec, line: &mut Timeline, at: i64, published: &mut Vec<Published>) {
        if self.event.is_some_and(|event| at <= event) {
            return;
        }
        self.fire(spec, line, at.saturating_sub(1), published);
        // Readings of the event's own instant and after it stay, if they are still known one by one.
        let stay: Vec<Reading> = self.run.kept().iter().filter(|kept| kept.at >= at).copied().collect();
        let before = self.run.neighbours(at.saturating_sub(1)).0;
        self.carried_in = before.or(self.carried_in);
        self.run = Run::new(spec.measures());
        stay.into_iter().for_each(|reading| self.run.insert(spec.measures(), reading));
        self.event = Some(at);
        self.quiet = 0;
        line.cover.forget_before(at);
        let now = line.newest.map_or(at, |newest| newest.at.max(at));
        published.extend(self.outcome(spec, line, now).map(|outcome| Published { at: now, cause: Cause::Moved, outcome }));
    }

    pub(super) fn due(&self, spec: &Spec, line: &Timeline) -> Option<i64> {
        let (early, newest, start) = (spec.early?, line.newest?.at, self.start()?);
        let is_asked = spec.moves_with_time && self.quiet < EMPTY_WINDOWS_MAX;
        is_asked.then(|| next_multiple(start, early, newest.max(self.early.saturating_add(1)).max(start.saturating_add(1))))
    }

    pub(super) fn fire(&mut self, spec: &Spec, line: &mut Timeline, until: i64, published: &mut Vec<Published>) {
        while let Some(due) = self.due(spec, line).filter(|due| *due <= until) {
            self.early = due;
            self.quiet = self.quiet.saturating_add(1);
            published.extend(self.outcome(spec, line, due).map(|outcome| Published { at: due, cause: Cause::Early, outcome }));
        }
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline, clock: i64) -> Option<Outcome> {
        let now = line.newest.map_or(clock, |newest| newest.at.max(clock));
        self.outcome(spec, line, now)
    }

    fn start(&self) -> Option<i64> {
        self.event.or(self.run.first().map(|first| first.at))
    }

    fn correct(&mut self, spec: &Spec, line: &mut Timeline, old: Option<Reading>, new: Option<Reading>) {
        if let Some(old) = old
            && self.run.remove(spec.measures(), old)
        {
            let (before, after) = self.run.neighbours(old.at);
            line.remove(old, Some((before.or(self.carried_in), after)), spec.hold);
        }
        let Some(new) = new else { return };
        let is_kept = !self.run.is_settled_at(new.at);
        let (before, after) = self.run.neighbours(new.at);
        line.insert(new, is_kept.then_some((before.or(self.carried_in), after)), spec.hold);
        self.run.insert(spec.measures(), new);
        // The window never closes, so the lateness says what need not be put in its place any more.
        let settled_before = line.newest.map_or(i64::MIN, |newest| newest.at).saturating_sub(spec.lateness);
        let is_old = |kept: Option<&Reading>| kept.is_some_and(|kept| kept.at < settled_before);
        while self.run.kept().len() > RETAINED_UNORDERED && (self.run.kept().len() > spec.retained_max || is_old(self.run.kept().front())) {
            self.run.settle_oldest();
        }
    }

    fn outcome(&self, spec: &Spec, line: &Timeline, now: i64) -> Option<Outcome> {
        let (start, runs) = (self.start()?, [&self.run]);
        let (partial, carried_in, end) = (self.run.partial(), self.carried_in, now.max(start));
        let stretch = Stretch { partial, measures: spec.measures(), carried_in, start, end, runs: &runs };
        Some(stretch.outcome(spec, &line.cover, false))
    }
}
