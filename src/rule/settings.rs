//! A rule as it is compiled: settings, without its expressions.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::alarm::{Policy, Severity};

use super::action::{Action, On};
use super::detector::Definition;
use super::no_data::NoData;
use super::pattern::Pattern;
use super::schedule::{Instants, Schedule};

/// Per type.
pub const RULES_MAX: usize = 256;
/// Above the base condition, per rule.
pub const LEVELS_MAX: usize = 8;
/// Per rule, all occasions together.
pub const ACTIONS_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: SmolStr,
    pub kind: Kind,
    /// Of the base condition: level 0.
    pub severity: Severity,
    /// In rising order; the first is level 1.
    pub levels: Box<[Level]>,
    pub on_delay: Duration,
    pub off_delay: Duration,
    /// It has a `clearWhen` of its own.
    pub clears: bool,
    /// Something may suppress it by design: its `suppressedBy`, or what is known of the device and its gateway where data are missing.
    pub suppressible: bool,
    /// Of patterns and of alarms from outside: it clears so long after it last happened.
    pub clear_after: Option<Duration>,
    pub on_unknown: OnUnknown,
    pub policy: Policy,
    /// When it is evaluated; without one, always.
    pub active: Option<Schedule>,
    /// The only instants at which it is evaluated; without them, on every change.
    pub at: Option<Instants>,
    pub actions: Box<[Action]>,
    pub enabled: bool,
    /// A hash of `when`, `clearWhen`, `pattern`, `noData.of` and `states`: of what cannot change without starting anew.
    pub meaning: u64,
    /// A hash of all it says.
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Condition,
    NoData(NoData),
    Pattern(Pattern),
    Detector(Arc<Definition>),
    /// It is told from outside when it happens and when it is over.
    Outside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub severity: Severity,
}

/// What an unknown condition counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// The state stays, and delays stand still.
    #[default]
    Keep,
    /// As if it were true.
    Alarm,
    /// As if it were false.
    Ok,
}

impl OnUnknown {
    pub fn read(self, truth: super::Truth) -> super::Truth {
        match self {
            OnUnknown::Keep => truth,
            OnUnknown::Alarm => Some(truth.unwrap_or(true)),
            OnUnknown::Ok => Some(truth.unwrap_or(false)),
        }
    }
}

impl Rule {
    /// As a file says it that says only its id and kind.
    pub fn new(id: &str, kind: Kind) -> Rule {
        let mut rule = Rule {
            id: SmolStr::new(id),
            kind,
            severity: Severity::default(),
            levels: Box::default(),
            on_delay: Duration::ZERO,
            off_delay: Duration::ZERO,
            clears: false,
            suppressible: false,
            clear_after: None,
            on_unknown: OnUnknown::Keep,
            policy: Policy::default(),
            active: None,
            at: None,
            actions: Box::default(),
            enabled: true,
            meaning: 0,
            version: 0,
        };
        rule.settle();
        rule
    }

    /// To be called once all settings are in: what follows from them.
    pub fn settle(&mut self) {
        self.policy.ends_when_acknowledged = matches!(self.kind, Kind::Pattern(_)) && !self.clears && self.clear_after.is_none();
    }

    /// A pattern that nothing holds up: nobody has to see it and nothing clears it, so it is over as soon as it has happened.
    pub(super) fn is_momentary(&self) -> bool {
        self.policy.ends_when_acknowledged && (!self.policy.acknowledge || !self.policy.shown)
    }

    /// It looks at certain instants only and nobody sees it: where nothing is to be done when it clears, it acts at each of them at which it
    /// holds. So what runs every night runs every night.
    pub fn is_pulse(&self) -> bool {
        let lasts = matches!(self.kind, Kind::Condition | Kind::NoData(_));
        self.at.is_some() && lasts && !self.policy.shown && self.actions.iter().all(|action| action.on != On::Clear)
    }

    pub fn severity_at(&self, level: u8) -> Severity {
        match usize::from(level).checked_sub(1).and_then(|index| self.levels.get(index)) {
            Some(level) => level.severity,
            None => self.severity,
        }
    }

    pub(super) fn level_max(&self) -> u8 {
        u8::try_from(self.levels.len().min(LEVELS_MAX)).unwrap_or(0)
    }
}
