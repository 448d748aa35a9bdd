//! A twin of one member, as far as a rule needs one: its newest reading, its clock and its staleness, on which a rule is run as a twin would.

use std::fmt::Write;
use std::time::Duration;

use crate::reading::Timestamp;
use crate::rule::{LevelTruth, Phase, Rule, RuleState, Step, Timer, TimerKind, Transition, Truth, Truths, due, elapse, evaluate};

pub(super) const MINUTE: i64 = 60_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

pub(super) fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// `10:03` or `10:03:30` of one day.
pub(super) fn clock(text: &str) -> Timestamp {
    let parts: Vec<i64> = text.split(':').map(|part| part.parse().unwrap()).collect();
    Timestamp(parts[0] * HOUR + parts[1] * MINUTE + parts.get(2).copied().unwrap_or(0) * 1_000_000)
}

pub(super) fn hms(time: Timestamp) -> String {
    let seconds = time.0 / 1_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How a value becomes truths: a limit with its deadband, and levels above it.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) above: bool,
    pub(super) limit: f64,
    pub(super) deadband: f64,
    pub(super) levels: Vec<f64>,
}

impl Limits {
    pub(super) fn above(limit: f64, deadband: f64) -> Limits {
        Limits { above: true, limit, deadband, levels: Vec::new() }
    }

    pub(super) fn below(limit: f64) -> Limits {
        Limits { above: false, limit, deadband: 0.0, levels: Vec::new() }
    }

    fn truth(&self, limit: f64, value: Option<f64>) -> LevelTruth {
        let of = |limit: f64| value.map(|value| if self.above { value > limit } else { value < limit });
        let relaxed = if self.above { limit - self.deadband } else { limit + self.deadband };
        LevelTruth { when: of(limit), stay: of(relaxed) }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) rule: Rule,
    pub(super) limits: Limits,
    pub(super) state: RuleState,
    pub(super) all: Vec<Transition>,
    head: Option<(Timestamp, f64)>,
    stale_after: Option<i64>,
    is_stale: bool,
    /// Receipt less event time of the head: how far its clock is behind.
    behind: i64,
    rule_time: Timestamp,
}

impl Member {
    pub(super) fn new(rule: Rule, limits: Limits) -> Member {
        let start = Timestamp(i64::MIN);
        Member {
            rule,
            limits,
            state: RuleState::default(),
            all: Vec::new(),
            head: None,
            stale_after: None,
            is_stale: false,
            behind: 0,
            rule_time: start,
        }
    }

    pub(super) fn stale_after(mut self, micros: i64) -> Member {
        self.stale_after = Some(micros);
        self
    }

    /// A reading that arrives at `received`; what time alone brings until then comes first.
    pub(super) fn hear(&mut self, received: Timestamp, time: Timestamp, value: f64) {
        self.pass(received);
        self.take(received, time, value);
    }

    /// Several readings of one packet come one after the other, without time passing between them.
    pub(super) fn take(&mut self, received: Timestamp, time: Timestamp, value: f64) {
        if let Some((head, present)) = self.head
            && (time < head || (time == head && present == value))
        {
            return;
        }
        self.serve(Timestamp(time.0.saturating_sub(1)));
        self.head = Some((time, value));
        self.behind = received.micros_since(time);
        self.is_stale = false;
        self.rule_time = self.rule_time.max(time);
        self.judge(Some(value), self.rule_time);
    }

    pub(super) fn replay(&mut self, time: Timestamp, value: f64) {
        self.take(time, time, value);
    }

    /// Time passes in silence until `now` on the wall.
    pub(super) fn pass(&mut self, now: Timestamp) {
        if self.head.is_some() {
            self.serve(Timestamp(now.0.saturating_sub(self.behind)));
        }
    }

    pub(super) fn judge(&mut self, value: Option<f64>, at: Timestamp) {
        let base = self.limits.truth(self.limits.limit, value);
        let levels: Vec<LevelTruth> = self.limits.levels.iter().map(|limit| self.limits.truth(*limit, value)).collect();
        let moves = evaluate(&self.rule, &self.state, &Truths::with_stay(base.when, base.stay).levels(&levels), at);
        self.apply(moves);
    }

    fn serve(&mut self, until: Timestamp) {
        while let Some(timer) = self.next().filter(|timer| timer.due <= until) {
            self.rule_time = self.rule_time.max(timer.due);
            if timer.kind == TimerKind::RuleDelay {
                let moves = elapse(&self.rule, &self.state, timer.due);
                self.apply(moves);
            } else {
                self.is_stale = true;
                self.judge(None, timer.due);
            }
        }
    }

    fn next(&self) -> Option<Timer> {
        let delay = due(&self.rule, &self.state).map(|due| Timer { due, kind: TimerKind::RuleDelay, place: 0 });
        let stale = self.head.zip(self.stale_after).filter(|_| !self.is_stale);
        let stale = stale.map(|((head, _), after)| Timer { due: Timestamp(head.0 + after), kind: TimerKind::Silence, place: 0 });
        [delay, stale].into_iter().flatten().min()
    }

    pub(super) fn apply(&mut self, moves: Vec<Transition>) {
        for transition in &moves {
            self.state.apply(transition);
        }
        self.all.extend(moves);
    }

    pub(super) fn count(&self, wanted: impl Fn(&Step) -> bool) -> usize {
        self.all.iter().filter(|transition| wanted(&transition.step)).count()
    }

    pub(super) fn raises(&self) -> usize {
        self.count(|step| matches!(step, Step::Raised { .. }))
    }

    /// Raised and cleared, each occurrence.
    pub(super) fn occurrences(&self) -> Vec<(Timestamp, Option<Timestamp>)> {
        let mut occurrences: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
        for transition in &self.all {
            match (&transition.step, occurrences.last_mut()) {
                (Step::Raised { .. }, _) => occurrences.push((transition.at, None)),
                (Step::Cleared, Some(last)) => last.1 = Some(transition.at),
                (_, _) => {}
            }
        }
        occurrences
    }

    /// Active, also while recovering, until an instant.
    pub(super) fn active_micros(&self, until: Timestamp) -> i64 {
        self.occurrences().iter().map(|(raised, cleared)| cleared.unwrap_or(until).micros_since(*raised)).sum()
    }

    pub(super) fn shown(&self) -> String {
        let mut text = String::new();
        for transition in &self.all {
            writeln!(text, "{} {}", hms(transition.at), shown(&transition.step)).unwrap();
        }
        text
    }

    pub(super) fn phase(&self) -> Phase {
        self.state.phase
    }
}

pub(super) fn shown(step: &Step) -> String {
    if let Step::Raised { first_true_at, level } = step {
        let at_level = if *level > 0 { format!(" at level {level}") } else { String::new() };
        return format!("raised{at_level}, true since {}", hms(*first_true_at));
    }
    if let Step::Leveled { level } = step {
        return format!("level {level}");
    }
    format!("{step:?}").to_lowercase().replace("pending { level: 0 }", "pending")
}

/// Small and the same everywhere: xorshift64*.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }

    pub(super) fn truth(&mut self) -> Truth {
        match self.below(3) {
            0 => None,
            1 => Some(false),
            _ => Some(true),
        }
    }
}
