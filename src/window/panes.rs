//! Tumbling and hopping windows. A reading is added once, to its pane; a window is the merge of its panes.
//!
//! Panes are kept for the lateness behind the last window that closed. A late reading, or a correction, is followed by a new revision of
//! every closed window that now says something else.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Taken;
use super::bounds::next_multiple;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::partial::Partial;
use super::run::Run;
use super::sample::Reading;
use super::spec::{EMPTY_WINDOWS_MAX, PANES_MAX, Spec};
use super::timeline::{Neighbours, Timeline};

/// Closed windows that one correction revises: the oldest first.
pub(super) const REVISED_WINDOWS_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Panes {
    /// By time; only those that have had a reading.
    panes: VecDeque<Pane>,
    /// The newest reading before the panes.
    carried_in: Option<Reading>,
    progress: Option<Progress>,
    /// Readings kept in all panes.
    retained: u32,
    /// Results published since the last reading came.
    quiet: u16,
    /// Windows, by their start, that have a revision above 0.
    revised: Vec<(i64, u32)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pane {
    start: i64,
    end: i64,
    run: Run,
}

/// How far windows have been closed. Begins with the first reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Start of the first window that was published; no earlier one ever was.
    begun: i64,
    /// Start and end of the next window to close.
    start: i64,
    end: i64,
    /// End of the window before that one.
    closed_to: i64,
    /// When a provisional result was last published.
    early: i64,
}

impl Panes {
    pub(super) fn take(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        clock: i64,
        published: &mut Vec<Published>,
    ) -> Taken {
        let Some(reading) = new.or(old) else { return Taken::Outside };
        self.fire(spec, line, reading.at.saturating_sub(1), published);
        let key = spec.key(reading.at);
        let progress = *self.progress.get_or_insert_with(|| begin(spec, key));
        if self.is_late(spec, progress, reading.at, key, clock) {
            return Taken::Late;
        }
        let open = self.wake(spec, key);
        let corrected = if key < open.closed_to { self.correctable(spec, open, reading.at, key, clock) } else { Vec::new() };
        let was_published = |start: i64| start >= progress.begun || self.revised.iter().any(|(revised, _)| *revised == start);
        let before: Vec<Option<Outcome>> =
            corrected.iter().map(|start| was_published(*start).then(|| self.closed(spec, line, *start))).collect();
        if let Some(old) = old {
            self.remove(spec, line, old);
        }
        if let Some(new) = new {
            self.insert(spec, line, new, key);
        }
        for (start, before) in corrected.into_iter().zip(before) {
            let contains = start <= key && key < spec.end_of(start);
            self.revise(spec, line, start, before, contains, published);
        }
        Taken::Counted
    }

    pub(super) fn due(&self, spec: &Spec, line: &Timeline) -> Option<i64> {
        let progress = self.progress?;
        let is_resting = self.quiet >= EMPTY_WINDOWS_MAX && !self.has_open_pane(spec, progress);
        match self.early_due(spec, line, progress) {
            _ if is_resting => None,
            Some(early) => Some(early),
            None => Some(progress.end),
        }
    }

    pub(super) fn fire(&mut self, spec: &Spec, line: &mut Timeline, until: i64, published: &mut Vec<Published>) {
        // Every turn publishes, and without readings no more than `EMPTY_WINDOWS_MAX` of them do.
        while let Some(due) = self.due(spec, line).filter(|due| *due <= until) {
            let Some(progress) = self.progress.as_mut() else { return };
            self.quiet = self.quiet.saturating_add(1);
            if due < progress.end {
                progress.early = due;
                let (start, end) = (progress.start, due);
                let outcome = self.outcome(spec, line, start, end, end, true);
                published.push(Published { at: due, cause: Cause::Early, outcome });
                continue;
            }
            let closing = progress.start;
            progress.closed_to = progress.end;
            progress.start = spec.starts.next(closing);
            progress.end = spec.end_of(progress.start);
            let outcome = self.closed(spec, line, closing);
            published.push(Published { at: due, cause: Cause::Ended, outcome });
            self.forget(spec, line, due);
        }
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline, clock: i64) -> Option<Outcome> {
        let progress = self.progress?;
        let at = clock.max(line.newest.map_or(clock, |newest| newest.at));
        let start = spec.first_window_over(spec.key(at)).max(progress.start);
        Some(self.outcome(spec, line, start, spec.end_of(start).min(at).max(start), spec.end_of(start), true))
    }

    /// A provisional result of the next window to close: not before the newest reading, which it would lack.
    fn early_due(&self, spec: &Spec, line: &Timeline, progress: Progress) -> Option<i64> {
        let newest = line.newest?.at;
        let from = newest.max(progress.early.saturating_add(1)).max(progress.start.saturating_add(1));
        if self.quiet >= EMPTY_WINDOWS_MAX || (progress.early >= newest && !spec.moves_with_time) {
            return None;
        }
        let due = next_multiple(progress.start, spec.early?, from);
        (due < progress.end).then_some(due)
    }

    fn has_open_pane(&self, spec: &Spec, progress: Progress) -> bool {
        self.panes.back().is_some_and(|pane| spec.starts.floor(pane.end.saturating_sub(1)) >= progress.start)
    }

    /// Whether no window that may still be corrected would take it.
    fn is_late(&self, spec: &Spec, progress: Progress, at: i64, key: i64, clock: i64) -> bool {
        if key >= progress.closed_to {
            return false;
        }
        let newest = spec.starts.floor(key);
        let is_final = newest < progress.start && clock >= spec.end_of(newest).saturating_add(spec.lateness);
        let is_full = self.panes.len() >= PANES_MAX && self.panes.front().is_some_and(|oldest| key < oldest.start);
        is_final || is_full || self.carried_in.is_some_and(|carried| at <= carried.at)
    }

    /// A reading after a long silence, in which windows ceased to be published: the next one is the first that has it.
    fn wake(&mut self, spec: &Spec, key: i64) -> Progress {
        let is_resting = self.quiet >= EMPTY_WINDOWS_MAX;
        self.quiet = 0;
        let mut progress = self.progress.unwrap_or_else(|| begin(spec, key));
        if is_resting && key >= progress.end && !self.has_open_pane(spec, progress) {
            progress.start = spec.first_window_over(key).max(progress.start);
            progress.end = spec.end_of(progress.start);
            progress.closed_to = progress.closed_to.max(spec.end_before(progress.start));
        }
        self.progress = Some(progress);
        progress
    }

    /// Closed windows, by their start, in which a change at `at` may show: those over it, and those after it up to the next reading.
    fn correctable(&self, spec: &Spec, progress: Progress, at: i64, key: i64, clock: i64) -> Vec<i64> {
        let until = self.neighbours(at).and_then(|(_, after)| after).map_or(i64::MAX, |after| after.at);
        let mut starts = Vec::new();
        let mut start = spec.first_window_over(key);
        while start < progress.start && (start <= key || start <= until) && starts.len() < REVISED_WINDOWS_MAX {
            if spec.end_of(start).saturating_add(spec.lateness) > clock {
                starts.push(start);
            }
            start = spec.starts.next(start);
        }
        starts
    }

    fn revise(
        &mut self,
        spec: &Spec,
        line: &Timeline,
        start: i64,
        before: Option<Outcome>,
        contains: bool,
        published: &mut Vec<Published>,
    ) {
        let mut outcome = self.closed(spec, line, start);
        let (cause, revision) = match before {
            Some(former) if former == outcome => return,
            Some(former) => (Cause::Corrected { former: Box::new(former) }, outcome.revision.saturating_add(1)),
            // It ended before the first reading there was, so nothing was said of it.
            None if contains => (Cause::Ended, 0),
            None => return,
        };
        match self.revised.iter_mut().find(|(revised, _)| *revised == start) {
            Some((_, known)) => *known = revision,
            None => self.revised.push((start, revision)),
        }
        outcome.revision = revision;
        published.push(Published { at: outcome.end, cause, outcome });
    }

    fn insert(&mut self, spec: &Spec, line: &mut Timeline, reading: Reading, key: i64) {
        line.insert(reading, self.neighbours(reading.at), spec.hold);
        let place = match self.panes.back() {
            Some(pane) if pane.start <= key && key < pane.end => self.panes.len() - 1,
            _ => self.pane_for(spec, key),
        };
        self.panes[place].run.insert(spec.measures(), reading);
        self.recount(spec);
    }

    /// The pane over a key, made if there is none.
    fn pane_for(&mut self, spec: &Spec, key: i64) -> usize {
        let place = self.panes.partition_point(|pane| pane.end <= key);
        if self.panes.get(place).is_none_or(|pane| pane.start > key) {
            let start = spec.panes.floor(key);
            let pane = Pane { start, end: spec.panes.next(start), run: Run::new(spec.measures()) };
            self.panes.insert(place, pane);
            if self.panes.len() > PANES_MAX {
                self.drop_oldest();
                return place.saturating_sub(1);
            }
        }
        place
    }

    fn remove(&mut self, spec: &Spec, line: &mut Timeline, reading: Reading) {
        let key = spec.key(reading.at);
        let place = self.panes.partition_point(|pane| pane.end <= key);
        let Some(pane) = self.panes.get_mut(place).filter(|pane| pane.start <= key) else { return };
        if pane.run.remove(spec.measures(), reading) {
            if pane.run.is_empty() {
                self.panes.remove(place);
            }
            line.remove(reading, self.neighbours(reading.at), spec.hold);
        }
        self.retained = self.panes.iter().map(|pane| pane.run.kept().len() as u32).sum();
    }

    /// One more reading is kept; if it is one too many, the oldest is let go of.
    fn recount(&mut self, spec: &Spec) {
        self.retained = self.retained.saturating_add(1);
        while self.retained as usize > spec.retained_max {
            let has_none = |pane: &Pane| pane.run.kept().is_empty();
            let mut place = self.panes.partition_point(has_none);
            if self.panes.get(place).is_none_or(has_none) {
                let Some(found) = self.panes.iter().position(|pane| !has_none(pane)) else { break };
                place = found;
            }
            self.panes[place].run.settle_oldest();
            self.retained -= 1;
        }
    }

    /// The readings around an instant; `None` if they are not kept any more.
    fn neighbours(&self, at: i64) -> Neighbours {
        let place = self.panes.partition_point(|pane| pane.run.first().is_some_and(|first| first.at <= at));
        let (before, within) = match place.checked_sub(1).and_then(|place| self.panes.get(place)) {
            None => (self.carried_in.filter(|carried| carried.at <= at), None),
            Some(pane) if pane.run.is_settled_at(at) => return None,
            Some(pane) => pane.run.neighbours(at),
        };
        Some((before, within.or_else(|| self.panes.get(place)?.run.first())))
    }

    fn closed(&self, spec: &Spec, line: &Timeline, start: i64) -> Outcome {
        let end = spec.end_of(start);
        self.outcome(spec, line, start, end, end, false)
    }

    /// Of the window that begins at `start`, as far as `to`; `end` is where it is over.
    fn outcome(&self, spec: &Spec, line: &Timeline, start: i64, to: i64, end: i64, provisional: bool) -> Outcome {
        let first = self.panes.partition_point(|pane| pane.start < start);
        let last = first + self.panes.range(first..).take_while(|pane| pane.start < end).count();
        let runs: Vec<&Run> = self.panes.range(first..last).map(|pane| &pane.run).collect();
        let merged;
        let partial = match runs.as_slice() {
            [run] => run.partial(),
            runs => {
                let mut sum = Partial::empty(spec.measures().kinds);
                runs.iter().for_each(|run| sum.merge(spec.measures(), run.partial()));
                merged = sum;
                &merged
            }
        };
        let before = self.panes.range(..first).rev().find_map(|pane| pane.run.last());
        let carried_in = before.or(self.carried_in);
        let stretch = Stretch { partial, measures: spec.measures(), carried_in, start, end: to, runs: &runs };
        let mut outcome = stretch.outcome(spec, &line.cover, provisional);
        outcome.revision = self.revised.iter().find(|(revised, _)| *revised == start).map_or(0, |(_, revision)| *revision);
        outcome
    }

    /// Lets go of the panes that no window needs any more.
    fn forget(&mut self, spec: &Spec, line: &mut Timeline, clock: i64) {
        let Some(progress) = self.progress else { return };
        while let Some(pane) = self.panes.front() {
            let newest = spec.starts.floor(pane.end.saturating_sub(1));
            if newest >= progress.start || clock < spec.end_of(newest).saturating_add(spec.lateness) {
                break;
            }
            self.drop_oldest();
        }
        let needed = self.panes.front().map_or(progress.start, |pane| pane.start.min(progress.start));
        let kept = spec.first_window_over(needed).min(progress.start);
        self.revised.retain(|(start, _)| *start >= kept);
        line.cover.forget_before(kept.min(clock.saturating_sub(spec.lateness).saturating_sub(spec.size())));
    }

    fn drop_oldest(&mut self) {
        let Some(pane) = self.panes.pop_front() else { return };
        self.retained = self.retained.saturating_sub(pane.run.kept().len() as u32);
        self.carried_in = pane.run.last().or(self.carried_in);
    }
}

fn begin(spec: &Spec, key: i64) -> Progress {
    let start = spec.first_window_over(key);
    Progress { begun: start, start, end: spec.end_of(start), closed_to: spec.end_before(start), early: i64::MIN }
}
