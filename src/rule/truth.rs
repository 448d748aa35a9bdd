//! What is known of a rule's conditions at one instant.

/// `None`: it is not known.
pub type Truth = Option<bool>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelTruth {
    pub when: Truth,
    /// The same with its limit relaxed by the deadband; without a deadband, `when` itself.
    pub stay: Truth,
}

/// Everything a rule reads, evaluated against one state of the twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truths<'a> {
    pub when: Truth,
    /// Whether an active alarm stays: `when` relaxed by the deadband, or not `clearWhen`, or `when` itself.
    pub stay: Truth,
    /// Of the levels above the base, in rising order.
    pub levels: &'a [LevelTruth],
    /// Of the steps of a pattern. Of a condition, whether it holds; of an event, whether it happened in this evaluation.
    pub steps: &'a [Truth],
    /// Only of rules that are [`super::Rule::suppressible`].
    pub suppressed_by: Truth,
    /// Whether the schedule of the rule lets it speak.
    pub in_schedule: bool,
}

impl Default for Truths<'_> {
    fn default() -> Self {
        Truths { when: None, stay: None, levels: &[], steps: &[], suppressed_by: None, in_schedule: true }
    }
}

impl<'a> Truths<'a> {
    /// A rule without deadband and `clearWhen`.
    pub fn plain(when: Truth) -> Truths<'a> {
        Truths { when, stay: when, ..Truths::default() }
    }

    pub fn with_stay(when: Truth, stay: Truth) -> Truths<'a> {
        Truths { when, stay, ..Truths::default() }
    }

    pub fn with_clear(when: Truth, clear: Truth) -> Truths<'a> {
        Truths { when, stay: clear.map(|clear| !clear), ..Truths::default() }
    }

    pub fn of_pattern(steps: &'a [Truth], clear: Truth) -> Truths<'a> {
        Truths { steps, stay: clear.map(|clear| !clear), ..Truths::default() }
    }

    pub fn levels(self, levels: &'a [LevelTruth]) -> Truths<'a> {
        Truths { levels, ..self }
    }
}
