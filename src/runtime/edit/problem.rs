//! What is wrong with a change, said of the place in what was asked for.

use crate::catalog::Refusal;

use super::{KEY_CHARS_MAX, OPS_MAX, Op, Options};

/// Problems of one change that are listed; further ones are left out.
const PROBLEMS_MAX: usize = 1000;

pub(super) const INVALID_VALUE: &str = "INVALID_VALUE";
pub(super) const OUT_OF_RANGE: &str = "OUT_OF_RANGE";
pub(super) const WRONG_UNIT: &str = "WRONG_UNIT";
pub(super) const REQUIRED: &str = "REQUIRED";
pub(super) const UNKNOWN_PROPERTY: &str = "UNKNOWN_PROPERTY";
pub(super) const UNKNOWN_TYPE: &str = "UNKNOWN_TYPE";
pub(super) const UNKNOWN_TWIN: &str = "UNKNOWN_TWIN";
pub(super) const ALREADY_EXISTS: &str = "ALREADY_EXISTS";
pub(super) const REVISION_CONFLICT: &str = "REVISION_CONFLICT";
pub(super) const CARDINALITY: &str = "CARDINALITY";
pub(super) const CYCLE: &str = "CYCLE";
pub(super) const WRONG_TARGET_TYPE: &str = "WRONG_TARGET_TYPE";
pub(super) const HAS_CHILDREN: &str = "HAS_CHILDREN";
pub(super) const IDEMPOTENCY_KEY_REUSED: &str = "IDEMPOTENCY_KEY_REUSED";
pub(super) const NOT_APPLICABLE: &str = "NOT_APPLICABLE";

/// A mistake of the caller. The codes are those of `userErrors` in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// Which operation, and what kind of one; `None`: the change as a whole.
    pub op: Option<(usize, &'static str)>,
    /// Into the input of the operation: `["set", "speed"]`.
    pub path: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    /// As of a list of operations: `["ops", "3", "relate", "target"]`.
    pub fn path_in_ops(&self) -> Vec<String> {
        let Some((index, kind)) = self.op else { return self.path.clone() };
        let op = ["ops".to_owned(), index.to_string(), kind.to_owned()];
        op.into_iter().chain(self.path.iter().cloned()).collect()
    }
}

pub(super) fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect::<Vec<_>>().join("\n")
}

/// Before anything is looked at.
pub(super) fn check_bounds(ops: &[Op], options: &Options) -> Result<(), Vec<Problem>> {
    let whole = |path: &str, message: String| Problem { code: INVALID_VALUE, op: None, path: vec![path.to_owned()], message, hint: None };
    let mut problems = Vec::new();
    if ops.len() > OPS_MAX {
        problems.push(whole("ops", format!("{} operations in one change; at most {OPS_MAX} are taken", ops.len())));
    }
    if let Some(key) = &options.key
        && (key.is_empty() || key.chars().count() > KEY_CHARS_MAX)
    {
        problems.push(whole("idempotencyKey", format!("an idempotency key has 1 to {KEY_CHARS_MAX} characters")));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Where in what was asked for something stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    op: usize,
    kind: &'static str,
    path: Vec<String>,
}

impl Place {
    pub(super) fn of(index: usize, op: &Op) -> Place {
        let kind = match op {
            Op::Create(_) => "create",
            Op::Update(_) => "update",
            Op::Move(_) => "move",
            Op::Delete(_) => "delete",
            Op::Relate(_) => "relate",
            Op::Unrelate(_) => "unrelate",
        };
        Place { op: index, kind, path: Vec::new() }
    }

    pub(super) fn is_same_op(&self, other: &Place) -> bool {
        self.op == other.op
    }

    pub(super) fn at(&self, step: impl ToString) -> Place {
        let mut place = self.clone();
        place.path.push(step.to_string());
        place
    }
}

/// All that was found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, code: &'static str, place: &Place, message: impl Into<String>) {
        self.add_with(code, place, message, None);
    }

    pub(super) fn add_with(&mut self, code: &'static str, place: &Place, message: impl Into<String>, hint: Option<String>) {
        if self.0.len() < PROBLEMS_MAX {
            let op = Some((place.op, place.kind));
            self.0.push(Problem { code, op, path: place.path.clone(), message: message.into(), hint });
        }
    }

    /// Nothing in particular of the change is to be pointed at.
    pub(super) fn add_to_whole(&mut self, code: &'static str, message: String) {
        self.0.push(Problem { code, op: None, path: Vec::new(), message, hint: None });
    }

    /// A value that does not fit.
    pub(super) fn refuse(&mut self, place: &Place, what: &str, refusal: &Refusal) {
        self.add(code_of(refusal.code), place, format!("{what} does not fit: {refusal}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the operations.
    pub(super) fn into_list(self) -> Vec<Problem> {
        let mut list = self.0;
        list.sort_by_key(|problem| problem.op.map(|(index, _)| index));
        list
    }
}

/// The check of values knows more kinds of misfits than the API has codes.
fn code_of(refusal: &str) -> &'static str {
    match refusal {
        "OUT_OF_RANGE" => OUT_OF_RANGE,
        "UNKNOWN_UNIT" | "WRONG_UNIT" => WRONG_UNIT,
        "MISSING_FIELD" => REQUIRED,
        "UNKNOWN_FIELD" => UNKNOWN_PROPERTY,
        _ => INVALID_VALUE,
    }
}

/// `did you mean …`
pub(super) fn meant(suggestion: Option<&str>) -> Option<String> {
    suggestion.map(|word| format!("did you mean `{word}`?"))
}
