//! Sessions: readings that follow one another within a gap, for at most `max`.
//!
//! A session is over when the clock has passed the gap behind its last reading. A late reading may prolong a session, join two or be one of
//! its own, so the readings from there on are cut into sessions anew; those that had ended and are no longer the same are published again.
//! Unknown readings are in no session; they show in the coverage.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Taken;
use super::bounds::next_multiple;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::run::Run;
use super::sample::Reading;
use super::spec::{PANES_MAX, Shape, Spec};
use super::timeline::{Neighbours, Timeline};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Sessions {
    /// By time. Only the last may be open; the others are kept for the lateness.
    sessions: VecDeque<Session>,
    carried_in: Option<Reading>,
    /// Up to where sessions that are over have been published.
    now: Option<i64>,
    early: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Session {
    run: Run,
    is_open: bool,
    revision: u32,
}

impl Sessions {
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
        self.now = self.now.max(Some(at.saturating_sub(1)));
        // An unknown reading begins no session and prolongs none.
        let (lost, gained) = (old.filter(|old| old.sample.is_known()), new.filter(|new| new.sample.is_known()));
        let follows = |last: &Session| last.last_at() <= at && (last.is_open || !last.goes_on_at(spec, at));
        let is_newest = lost.is_none() && self.sessions.back().is_none_or(follows);
        let taken = match gained.or(lost) {
            None => Taken::Outside,
            Some(gained) if is_newest => {
                self.append(spec, line, gained, published);
                Taken::Counted
            }
            Some(reading) => {
                if self.is_late(spec, reading.at, clock) {
                    return Taken::Late;
                }
                return self.correct(spec, line, (old, new), (lost, gained), published);
            }
        };
        self.tell(spec, line, old, new);
        taken
    }

    pub(super) fn due(&self, spec: &Spec) -> Option<i64> {
        let open = self.sessions.back().filter(|last| last.is_open)?;
        let (ends, first) = (open.over_at(spec), open.first_at());
        let early = spec.early.filter(|_| self.early.is_none_or(|early| early < open.last_at()));
        let early = early.map(|step| next_multiple(first, step, open.last_at().max(self.early.unwrap_or(first).saturating_add(1))));
        Some(early.map_or(ends, |early| early.min(ends)))
    }

    pub(super) fn fire(&mut self, spec: &Spec, line: &mut Timeline, until: i64, published: &mut Vec<Published>) {
        // At most one early result follows a reading, and then the end.
        while let Some(due) = self.due(spec).filter(|due| *due <= until) {
            let carried_in = self.carried_into(self.sessions.len().saturating_sub(1));
            let Some(open) = self.sessions.back_mut() else { return };
            if due < open.over_at(spec) {
                self.early = Some(due);
                published.push(Published { at: due, cause: Cause::Early, outcome: open.outcome(spec, line, carried_in) });
                continue;
            }
            open.is_open = false;
            self.now = self.now.max(Some(due));
            published.push(Published { at: due, cause: Cause::Ended, outcome: open.outcome(spec, line, carried_in) });
            self.forget(spec, line, due);
        }
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline) -> Option<Outcome> {
        let open = self.sessions.back().filter(|last| last.is_open)?;
        Some(open.outcome(spec, line, self.carried_into(self.sessions.len() - 1)))
    }

    fn append(&mut self, spec: &Spec, line: &Timeline, reading: Reading, published: &mut Vec<Published>) {
        let belongs = self.sessions.back().is_some_and(|last| last.is_open && last.goes_on_at(spec, reading.at));
        if !belongs {
            let carried_in = self.carried_into(self.sessions.len().saturating_sub(1));
            if let Some(last) = self.sessions.back_mut().filter(|last| last.is_open) {
                // Its last instant is this one: `max` after its beginning.
                last.is_open = false;
                published.push(Published { at: reading.at, cause: Cause::Ended, outcome: last.outcome(spec, line, carried_in) });
            }
            self.sessions.push_back(Session { run: Run::new(spec.measures()), is_open: true, revision: 0 });
            self.early = None;
            if self.sessions.len() > PANES_MAX {
                self.drop_oldest();
            }
        }
        if let Some(last) = self.sessions.back_mut() {
            last.run.insert(spec.measures(), reading);
        }
        self.settle(spec);
    }

    /// Cuts anew from the session before the change on.
    fn correct(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        (lost, gained): (Option<Reading>, Option<Reading>),
        published: &mut Vec<Published>,
    ) -> Taken {
        let Some(at) = gained.or(lost).map(|reading| reading.at) else { return Taken::Outside };
        let from = self.sessions.partition_point(|session| session.first_at() <= at).saturating_sub(1);
        let former: Vec<(Session, Outcome)> = (from..self.sessions.len())
            .map(|place| (self.sessions[place].clone(), self.sessions[place].outcome(spec, line, self.carried_into(place))))
            .collect();
        let is_inside = self.sessions.get(from).is_some_and(|session| session.first_at() <= at && at <= session.last_at());
        let keeps_cuts = is_inside && (lost.is_none() || gained.is_some());
        if keeps_cuts || !self.sessions.range(from..).all(|session| session.run.has_all()) {
            // Within a session nothing else moves; and what is not kept cannot be cut anew, so the nearest session takes it.
            if let Some(session) = self.sessions.get_mut(from) {
                lost.into_iter().for_each(|lost| {
                    session.run.remove(spec.measures(), lost);
                });
                gained.into_iter().for_each(|gained| session.run.insert(spec.measures(), gained));
                if !keeps_cuts {
                    session.run.mark_approximate();
                }
            }
        } else {
            let mut readings: Vec<Reading> = self.sessions.range(from..).flat_map(|session| session.run.kept()).copied().collect();
            if let Some(place) = lost.and_then(|lost| readings.iter().position(|reading| *reading == lost)) {
                readings.remove(place);
            }
            if let Some(gained) = gained {
                let place = readings.partition_point(|reading| reading.at <= gained.at);
                readings.insert(place, gained);
            }
            self.sessions.truncate(from);
            readings.into_iter().for_each(|reading| self.cut(spec, reading));
        }
        self.tell(spec, line, old, new);
        self.settle(spec);
        self.publish_again(spec, line, from, former, published);
        Taken::Counted
    }

    /// Puts a reading into the last session or begins one with it.
    fn cut(&mut self, spec: &Spec, reading: Reading) {
        if !self.sessions.back().is_some_and(|last| last.goes_on_at(spec, reading.at)) {
            self.sessions.push_back(Session { run: Run::new(spec.measures()), is_open: true, revision: 0 });
        }
        if let Some(last) = self.sessions.back_mut() {
            last.run.insert(spec.measures(), reading);
        }
    }

    /// Compares the sessions with what they were, by their start.
    fn publish_again(
        &mut self,
        spec: &Spec,
        line: &Timeline,
        from: usize,
        mut former: Vec<(Session, Outcome)>,
        published: &mut Vec<Published>,
    ) {
        let (now, count) = (self.now.unwrap_or(i64::MIN), self.sessions.len());
        for place in from..count {
            let carried_in = self.carried_into(place);
            let session = &mut self.sessions[place];
            let start = session.first_at();
            let known = former.iter().position(|(_, outcome)| outcome.start == start).map(|place| former.remove(place));
            let over_at = session.over_at(spec);
            session.is_open = place + 1 == count && over_at > now;
            session.revision = known.as_ref().map_or(0, |(former, _)| former.revision);
            let mut outcome = session.outcome(spec, line, carried_in);
            match known {
                Some((before, former)) if !before.is_open => {
                    let is_same = (outcome.count, outcome.end, &outcome.figures) == (former.count, former.end, &former.figures);
                    if is_same && !session.is_open {
                        continue;
                    }
                    session.revision = session.revision.saturating_add(1);
                    outcome.revision = session.revision;
                    let former = Box::new(former);
                    let cause = if session.is_open { Cause::Withdrawn { former } } else { Cause::Corrected { former } };
                    published.push(Published { at: over_at.min(now), cause, outcome });
                }
                _ if !session.is_open => published.push(Published { at: over_at.min(now), cause: Cause::Ended, outcome }),
                _ => {}
            }
        }
        for (session, former) in former.into_iter().filter(|(session, _)| !session.is_open) {
            let outcome = Outcome { count: 0, coverage: 0.0, revision: session.revision.saturating_add(1), ..former.clone() };
            published.push(Published { at: now, cause: Cause::Withdrawn { former: Box::new(former) }, outcome });
        }
        while self.sessions.len() > PANES_MAX {
            self.drop_oldest();
        }
    }

    /// Whether the session it would belong to, or be, can no longer be corrected.
    fn is_late(&self, spec: &Spec, at: i64, clock: i64) -> bool {
        let place = self.sessions.partition_point(|session| session.first_at() <= at);
        let before = place.checked_sub(1).and_then(|place| self.sessions.get(place)).filter(|session| session.goes_on_at(spec, at));
        let after = self.sessions.get(place).filter(|session| session.first_at().saturating_sub(at) <= gap(spec));
        let over_at = after.or(before).map_or(at.saturating_add(gap(spec)), |session| session.over_at(spec));
        let is_forgotten = self.carried_in.is_some_and(|carried| at <= carried.at);
        is_forgotten || (place == 0 && self.sessions.len() >= PANES_MAX) || clock >= over_at.saturating_add(spec.lateness)
    }

    fn tell(&self, spec: &Spec, line: &mut Timeline, old: Option<Reading>, new: Option<Reading>) {
        if let Some(old) = old {
            line.remove(old, self.neighbours(old.at, old), spec.hold);
        }
        if let Some(new) = new {
            line.insert(new, self.neighbours(new.at, new), spec.hold);
        }
    }

    /// The readings around one that may be here already.
    fn neighbours(&self, at: i64, own: Reading) -> Neighbours {
        let place = self.sessions.partition_point(|session| session.first_at() <= at);
        let session = place.checked_sub(1).and_then(|place| self.sessions.get(place));
        if session.is_some_and(|session| session.run.is_settled_at(at)) {
            return None;
        }
        let (mut before, mut after) = session.map_or((None, None), |session| session.run.neighbours(at));
        if before == Some(own) {
            before = session.and_then(|session| session.run.neighbours(at.saturating_sub(1)).0);
        }
        before = before.or_else(|| self.carried_into(place.saturating_sub(1)));
        after = after.or_else(|| self.sessions.get(place)?.run.first());
        Some((before, after))
    }

    fn carried_into(&self, place: usize) -> Option<Reading> {
        place.checked_sub(1).and_then(|place| self.sessions.get(place)?.run.last()).or(self.carried_in)
    }

    fn settle(&mut self, spec: &Spec) {
        let kept: usize = self.sessions.iter().map(|session| session.run.kept().len()).sum();
        let mut over = kept.saturating_sub(spec.retained_max);
        for session in &mut self.sessions {
            while over > 0 && !session.run.kept().is_empty() {
                session.run.settle_oldest();
                over -= 1;
            }
        }
    }

    fn forget(&mut self, spec: &Spec, line: &mut Timeline, clock: i64) {
        let is_over = |session: &Session| !session.is_open && clock >= session.over_at(spec).saturating_add(spec.lateness);
        while self.sessions.front().is_some_and(is_over) {
            self.drop_oldest();
        }
        line.cover.forget_before(self.sessions.front().map_or(clock, Session::first_at).min(clock.saturating_sub(spec.lateness)));
    }

    fn drop_oldest(&mut self) {
        self.carried_in = self.sessions.pop_front().and_then(|session| session.run.last()).or(self.carried_in);
    }
}

impl Session {
    fn first_at(&self) -> i64 {
        self.run.first().map_or(i64::MIN, |first| first.at)
    }

    fn last_at(&self) -> i64 {
        self.run.last().map_or(i64::MIN, |last| last.at)
    }

    /// When the clock ends it.
    fn over_at(&self, spec: &Spec) -> i64 {
        let silence = self.last_at().saturating_add(gap(spec));
        longest(spec).map_or(silence, |max| silence.min(self.first_at().saturating_add(max)))
    }

    fn goes_on_at(&self, spec: &Spec, at: i64) -> bool {
        let is_near = at.saturating_sub(self.last_at()) <= gap(spec);
        is_near && longest(spec).is_none_or(|max| at.saturating_sub(self.first_at()) < max)
    }

    fn outcome(&self, spec: &Spec, line: &Timeline, carried_in: Option<Reading>) -> Outcome {
        let runs = [&self.run];
        let (start, end) = (self.first_at(), self.last_at());
        let stretch = Stretch { partial: self.run.partial(), measures: spec.measures(), carried_in, start, end, runs: &runs };
        Outcome { revision: self.revision, ..stretch.outcome(spec, &line.cover, self.is_open) }
    }
}

fn gap(spec: &Spec) -> i64 {
    if let Shape::Session { gap, .. } = spec.shape { gap } else { 1 }
}

fn longest(spec: &Spec) -> Option<i64> {
    if let Shape::Session { max, .. } = spec.shape { max } else { None }
}
