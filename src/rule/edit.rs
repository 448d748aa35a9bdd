//! What an edit of a rule does to what it was in the middle of.

use crate::reading::Timestamp;

use super::settings::Rule;
use super::state::{Phase, RuleState};
use super::transition::{Step, Transition};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It says what it said.
    Same,
    /// State stays: evaluate at once at the present rule time with the new values. A running delay keeps its start.
    Kept,
    /// Open alarms close (`RULE_CHANGED`), state starts at normal, and it is evaluated at once.
    Restarted,
}

/// What was evaluated decides; how it is judged and what is said about it may change under way.
pub fn compare(old: &Rule, new: &Rule) -> Edited {
    if old.meaning != new.meaning || std::mem::discriminant(&old.kind) != std::mem::discriminant(&new.kind) {
        Edited::Restarted
    } else if old.version != new.version {
        Edited::Kept
    } else {
        Edited::Same
    }
}

/// To be applied where state is kept: a delay that the edit made shorter ends now, not in the past.
pub fn keep(state: &RuleState, at: Timestamp) -> Vec<Transition> {
    let is_at_rest = state.phase == Phase::Normal && state.pattern.is_none();
    if is_at_rest { Vec::new() } else { vec![Transition { at: at.max(state.last), step: Step::Edited }] }
}
