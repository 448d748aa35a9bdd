//! State windows: from the instant at which a condition becomes true until it becomes false. The condition is told from outside and goes by
//! the order in which it was evaluated; readings that come late are put where they belong.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Taken;
use super::bounds::next_multiple;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::run::Run;
use super::sample::Reading;
use super::spec::{EMPTY_WINDOWS_MAX, PANES_MAX, Spec};
use super::timeline::{Neighbours, Timeline};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Episodes {
    /// By time. Only the last one may be open; closed ones are kept for the lateness.
    episodes: VecDeque<Episode>,
    early: Option<i64>,
    quiet: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Episode {
    start: i64,
    end: Option<i64>,
    carried_in: Option<Reading>,
    run: Run,
    revision: u32,
}

impl Episodes {
    pub(super) fn condition(&mut self, spec: &Spec, line: &mut Timeline, at: i64, holds: bool, published: &mut Vec<Published>) {
        self.fire(spec, line, at.saturating_sub(1), published);
        let last = self.episodes.back();
        let is_open = last.is_some_and(|last| last.end.is_none());
        let newest = last.map_or(i64::MIN, |last| last.end.unwrap_or(last.start));
        if is_open == holds || at < newest {
            return;
        }
        if holds {
            let carried_in = line.newest.filter(|newest| newest.at < at);
            let mut run = Run::new(spec.measures());
            line.newest.filter(|newest| newest.at >= at).into_iter().for_each(|newest| run.insert(spec.measures(), newest));
            self.episodes.push_back(Episode { start: at, end: None, carried_in, run, revision: 0 });
        } else if let Some(last) = self.episodes.back_mut() {
            last.end = Some(at);
            // A reading of the very instant may have been taken before the condition was known.
            while let Some(newest) = last.run.last().filter(|newest| newest.at >= at) {
                if !last.run.remove(spec.measures(), newest) {
                    break;
                }
            }
            let outcome = last.outcome(spec, line, at);
            published.push(Published { at, cause: Cause::Ended, outcome });
        }
        self.early = None;
        self.quiet = 0;
        self.forget(spec, line, at);
    }

    pub(super) fn take(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        clock: i64,
        published: &mut Vec<Published>,
    ) -> Taken {
        let Some(at) = new.or(old).map(|reading| reading.at) else { return Taken::Outside };
        self.fire(spec, line, at.saturating_sub(1), published);
        self.quiet = 0;
        let place = self.episodes.partition_point(|episode| episode.start <= at);
        let found = place.checked_sub(1).filter(|place| self.episodes[*place].end.is_none_or(|end| at < end));
        let Some(found) = found else {
            if let Some(new) = new {
                line.insert(new, None, spec.hold);
                self.carry(place, new);
            }
            return Taken::Outside;
        };
        let episode = &mut self.episodes[found];
        if episode.end.is_some_and(|end| clock >= end.saturating_add(spec.lateness)) {
            return Taken::Late;
        }
        let former = episode.end.map(|end| episode.outcome(spec, line, end));
        episode.correct(spec, line, old, new);
        if let (Some(former), Some(end)) = (former, episode.end) {
            let mut outcome = episode.outcome(spec, line, end);
            if outcome != former {
                episode.revision = episode.revision.saturating_add(1);
                outcome.revision = episode.revision;
                published.push(Published { at: end, cause: Cause::Corrected { former: Box::new(former) }, outcome });
            }
        }
        self.settle(spec, found);
        Taken::Counted
    }

    pub(super) fn due(&self, spec: &Spec, line: &Timeline) -> Option<i64> {
        let (step, newest) = (spec.early?, line.newest?.at);
        let open = self.episodes.back().filter(|last| last.end.is_none())?;
        let is_new = self.early.is_none_or(|early| early < newest) || spec.moves_with_time;
        let after = self.early.unwrap_or(open.start).saturating_add(1);
        (is_new && self.quiet < EMPTY_WINDOWS_MAX).then(|| next_multiple(open.start, step, newest.max(after)))
    }

    pub(super) fn fire(&mut self, spec: &Spec, line: &mut Timeline, until: i64, published: &mut Vec<Published>) {
        while let Some(due) = self.due(spec, line).filter(|due| *due <= until) {
            self.early = Some(due);
            self.quiet = self.quiet.saturating_add(1);
            let Some(open) = self.episodes.back() else { return };
            published.push(Published { at: due, cause: Cause::Early, outcome: open.outcome(spec, line, due) });
        }
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline, clock: i64) -> Option<Outcome> {
        let open = self.episodes.back().filter(|last| last.end.is_none())?;
        Some(open.outcome(spec, line, clock.max(line.newest.map_or(clock, |newest| newest.at))))
    }

    /// A reading between two episodes may be the one in force when the next one begins.
    fn carry(&mut self, next: usize, reading: Reading) {
        let Some(next) = self.episodes.get_mut(next) else { return };
        if next.carried_in.is_none_or(|carried| carried.at < reading.at) {
            next.carried_in = Some(reading);
        }
    }

    fn settle(&mut self, spec: &Spec, place: usize) {
        let others: usize = self.episodes.iter().map(|episode| episode.run.kept().len()).sum();
        let mut over = others.saturating_sub(spec.retained_max);
        for episode in self.episodes.range_mut(..=place) {
            while over > 0 && !episode.run.kept().is_empty() {
                episode.run.settle_oldest();
                over -= 1;
            }
        }
    }

    fn forget(&mut self, spec: &Spec, line: &mut Timeline, clock: i64) {
        let is_over = |episode: &Episode| episode.end.is_some_and(|end| clock >= end.saturating_add(spec.lateness));
        while self.episodes.front().is_some_and(is_over) || self.episodes.len() > PANES_MAX {
            self.episodes.pop_front();
        }
        line.cover.forget_before(self.episodes.front().map_or(clock, |first| first.start));
    }
}

impl Episode {
    fn correct(&mut self, spec: &Spec, line: &mut Timeline, old: Option<Reading>, new: Option<Reading>) {
        if let Some(old) = old
            && self.run.remove(spec.measures(), old)
        {
            line.remove(old, self.neighbours(old.at), spec.hold);
        }
        if let Some(new) = new {
            line.insert(new, self.neighbours(new.at), spec.hold);
            self.run.insert(spec.measures(), new);
        }
    }

    /// Known only where the episode has the next one: behind it readings are not kept.
    fn neighbours(&self, at: i64) -> Neighbours {
        let (before, after) = self.run.neighbours(at);
        let is_known = !self.run.is_settled_at(at) && (after.is_some() || self.end.is_none());
        is_known.then_some((before.or(self.carried_in), after))
    }

    fn outcome(&self, spec: &Spec, line: &Timeline, end: i64) -> Outcome {
        let (start, runs) = (self.start, [&self.run]);
        let (partial, carried_in) = (self.run.partial(), self.carried_in);
        let stretch = Stretch { partial, measures: spec.measures(), carried_in, start, end: end.max(start), runs: &runs };
        let outcome = stretch.outcome(spec, &line.cover, self.end.is_none());
        Outcome { revision: self.revision, ..outcome }
    }
}
