//! What a rule, a detector or a device tells its alarm, and what that means for the occurrence (`rules.md`, 8.1).

use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::When;
use super::change::{Change, CloseReason, What};
use super::draft::Draft;
use super::occurrence::Condition;
use super::policy::Policy;
use super::severity::Severity;
use super::state::AlarmState;
use super::suppression::{OutOfService, Suppression};

/// The most an explanation takes; what is more has to be referred to.
pub const EXPLAIN_BYTES_MAX: usize = 16 * 1024;
/// The longest text of an alarm or of a comment; what is more is cut off.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// In place of an explanation that is too large.
const TOO_LARGE: SmolStr = SmolStr::new_static(r#"{"tooLarge":true}"#);

/// What is said of a raise or a new level: fixed at that moment, because the values behind it move on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    pub severity: Severity,
    pub text: SmolStr,
    /// JSON (`rules.md`, 11).
    pub explain: Option<SmolStr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    Raised {
        first_true_at: Timestamp,
        level: u8,
        evidence: Evidence,
    },
    Leveled {
        level: u8,
        evidence: Evidence,
    },
    Recovering,
    Resumed,
    /// Once more while it is active.
    Repeated,
    Unknown,
    Known,
    Cleared {
        explain: Option<SmolStr>,
    },
    /// The rule is not there (or not allowed to speak) any more.
    Ended(CloseReason),
    /// `suppressedBy` is true, with its cause, or false.
    Suppressed(Option<SmolStr>),
    /// Data behind it were corrected late.
    Corrected,
    /// It came in a flood, perhaps as its first.
    Flooded {
        first_out: bool,
    },
}

impl AlarmState {
    /// What a signal means. What does not apply means nothing.
    pub fn heed(&self, policy: &Policy, signal: &Signal, when: When, twin: Option<&OutOfService>) -> Vec<Change> {
        let mut draft = Draft::new(self, policy, twin, when);
        draft.heed(signal);
        draft.changes
    }

    /// The twin is out of service: the open alarm notes it.
    pub fn twin_taken_out(&self, policy: &Policy, out: &OutOfService, when: When) -> Vec<Change> {
        let mut draft = Draft::new(self, policy, None, when).by(&out.by, None);
        if draft.open().is_some() {
            draft.push(What::TwinTakenOut { reason: out.reason.clone() });
        }
        draft.changes
    }

    /// The twin is back in service: what is active is announced again, unless something else still suppresses it.
    pub fn twin_back_in_service(&self, policy: &Policy, by: &str, when: When) -> Vec<Change> {
        let mut draft = Draft::new(self, policy, None, when).by(by, None);
        let own = self.suppressions.as_ref().is_some_and(|suppressions| suppressions.out_of_service.is_some());
        if draft.open().is_some() && !own {
            draft.release(Suppression::None);
        }
        draft.changes
    }
}

impl Draft<'_> {
    fn heed(&mut self, signal: &Signal) {
        let condition = self.state.condition();
        match signal {
            Signal::Raised { .. } if condition.is_active() => self.push(What::Repeated),
            Signal::Raised { first_true_at, level, evidence } => self.raise(*first_true_at, *level, evidence),
            Signal::Leveled { level, evidence } if condition.is_active() => self.level(*level, evidence),
            Signal::Recovering if condition == Condition::Active => self.push(What::Recovering),
            Signal::Resumed if condition == Condition::Recovering => self.push(What::Resumed),
            Signal::Repeated if condition.is_active() => self.push(What::Repeated),
            Signal::Unknown if condition.is_active() => self.push(What::Unknown),
            Signal::Known if self.open().is_some_and(|open| open.unknown_since.is_some()) => self.push(What::Known),
            Signal::Cleared { explain } if condition.is_active() => self.clear(bounded(explain.as_ref())),
            Signal::Ended(reason) if self.open().is_some() => self.close(*reason),
            Signal::Suppressed(cause) => self.suppress_by_design(cause.as_ref()),
            Signal::Corrected if self.open().is_some() => self.push(What::Corrected),
            Signal::Flooded { first_out } if self.open().is_some() => self.push(What::Flooded { first_out: *first_out }),
            Signal::Leveled { .. }
            | Signal::Recovering
            | Signal::Resumed
            | Signal::Repeated
            | Signal::Unknown
            | Signal::Known
            | Signal::Cleared { .. }
            | Signal::Ended(_)
            | Signal::Corrected
            | Signal::Flooded { .. } => {}
        }
    }

    /// A returned occurrence that still waits for somebody gives way.
    fn raise(&mut self, first_true_at: Timestamp, level: u8, evidence: &Evidence) {
        if self.open().is_some() {
            self.close(CloseReason::Superseded);
        }
        self.push(What::Raised {
            first_true_at,
            level,
            severity: evidence.severity,
            text: cut(&evidence.text),
            acknowledged: self.policy.begins_acknowledged(),
            latched: self.policy.begins_latched(),
            shown: self.policy.shown,
            explain: bounded(evidence.explain.as_ref()),
        });
    }

    fn level(&mut self, level: u8, evidence: &Evidence) {
        let Some(open) = self.open() else { return };
        let up = (level, evidence.severity) > (open.level, open.severity);
        let acknowledged = if up { self.policy.begins_acknowledged() } else { open.acknowledged };
        let (severity, text, explain) = (evidence.severity, cut(&evidence.text), bounded(evidence.explain.as_ref()));
        self.push(What::Leveled { level, severity, text, acknowledged, up, explain });
    }

    fn suppress_by_design(&mut self, cause: Option<&SmolStr>) {
        let present = self.state.suppressions.as_ref().and_then(|suppressions| suppressions.by_design.as_ref());
        match (cause, present) {
            (Some(cause), present) if present != Some(cause) => self.push(What::Suppressed { cause: cause.clone() }),
            (None, Some(_)) => self.release(Suppression::ByDesign),
            (Some(_), _) | (None, None) => {}
        }
    }
}

fn bounded(explain: Option<&SmolStr>) -> Option<SmolStr> {
    explain.map(|explain| if explain.len() > EXPLAIN_BYTES_MAX { TOO_LARGE } else { explain.clone() })
}

/// At the last character that fits.
pub(super) fn cut(text: &SmolStr) -> SmolStr {
    if text.len() <= TEXT_BYTES_MAX { text.clone() } else { SmolStr::new(&text[..text.floor_char_boundary(TEXT_BYTES_MAX)]) }
}
