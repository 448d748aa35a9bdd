//! A rule of a type, compiled.

use std::sync::Arc;
use std::time::Duration;

use crate::alarm::Severity;
use crate::catalog::detector::DetectorSpec;
use crate::expr::{Checked, Template};
use crate::reading::SlotNo;
use crate::rule::{Kind, Rule};

use super::Said;

/// A rule with its expressions.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    pub rule: Rule,
    pub when: Option<Checked>,
    /// Whether an active alarm stays: `when` with its limit relaxed, where there is a deadband.
    pub stay: Option<Checked>,
    pub clear_when: Option<Checked>,
    /// In rising order; the severities stand in `rule`.
    pub levels: Box<[LevelSpec]>,
    /// Of a pattern.
    pub steps: Box<[Checked]>,
    /// Of missing data: the members that are listened for.
    pub silent: Box<[SlotNo]>,
    /// Of a detector.
    pub detector: Option<DetectorSpec>,
    pub suppressed_by: Option<Checked>,
    /// The slots that its conditions read, and those it listens for.
    pub reads: Box<[SlotNo]>,
    /// The members that those come from in the end: the newest of their clocks is the clock of the rule.
    pub clocks: Box<[SlotNo]>,
    /// Only values whose quality is GOOD are known to it.
    pub accepts_good_only: bool,
    /// How long it waits for older readings, where it says so itself.
    pub reorder: Option<Duration>,
    /// Where it waits: what it sees instead of the newest values.
    pub view: Option<u16>,
    pub title: Option<Box<str>>,
    pub text: Option<Template>,
    /// What its actions say, by the number of the expression.
    pub said: Box<[Said]>,
    /// As the file says it.
    pub source: Arc<str>,
    /// The type that declares it.
    pub declared_by: Arc<str>,
}

#[derive(Debug, Clone)]
pub struct LevelSpec {
    pub when: Checked,
    pub stay: Checked,
    pub text: Option<Template>,
}

impl RuleSpec {
    /// Of a rule of which only the id is left.
    pub fn unknown(id: &str) -> RuleSpec {
        RuleSpec {
            rule: Rule::new(id, Kind::Condition),
            when: None,
            stay: None,
            clear_when: None,
            levels: Box::default(),
            steps: Box::default(),
            silent: Box::default(),
            detector: None,
            suppressed_by: None,
            reads: Box::default(),
            clocks: Box::default(),
            accepts_good_only: false,
            reorder: None,
            view: None,
            title: None,
            text: None,
            said: Box::default(),
            source: Arc::from(""),
            declared_by: Arc::from(""),
        }
    }

    /// Of an alarm that no rule of the type raises.
    pub fn outside(id: &str, severity: Severity, text: &str) -> RuleSpec {
        let mut spec = RuleSpec { rule: Rule::new(id, Kind::Outside), title: Some(text.into()), ..RuleSpec::unknown(id) };
        spec.rule.severity = severity;
        spec
    }

    /// Where it is not raised but dealt with.
    pub fn outside_as_it_is(id: &str) -> RuleSpec {
        RuleSpec { rule: Rule::new(id, Kind::Outside), ..RuleSpec::unknown(id) }
    }

    /// The ids of rules have no colon.
    pub fn is_outside(id: &str) -> bool {
        id.contains(':')
    }

    /// Time alone may bring it about, though nothing of it has begun.
    pub fn minds_time(&self) -> bool {
        matches!(self.rule.kind, Kind::NoData(_)) || self.rule.active.is_some() || self.rule.at.is_some()
    }

    /// All that decides whether it is on.
    pub fn conditions(&self) -> impl Iterator<Item = &Checked> {
        let levels = self.levels.iter().flat_map(|level| [&level.when, &level.stay]);
        let single = [&self.when, &self.stay, &self.clear_when, &self.suppressed_by].into_iter().flatten();
        let looks = self.detector.iter().flat_map(|detector| detector.looks(&self.said));
        single.chain(levels).chain(&self.steps).chain(looks)
    }

    /// Members whose readings make it look, whatever its conditions read.
    pub(super) fn listens_to(&self) -> Vec<SlotNo> {
        self.silent.iter().copied().chain(self.detector.iter().flat_map(DetectorSpec::inputs)).collect()
    }
}
