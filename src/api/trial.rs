//! Rules that a query tries on what was recorded: the API asks whoever keeps the files of the workspace, and is told what would have come of them.

use tokio::time::Instant;

use crate::backtest::Report;
use crate::catalog::RuleName;
use crate::reading::Timestamp;

use super::types::issue::Issue;

/// Readings of one trial; what comes after them is not looked at.
pub const READINGS_MAX: u64 = 10_000_000;
/// Occurrences that are told, each with the evidence of its raise.
pub const OCCURRENCES_MAX: usize = 1_000;

/// What is to be tried, and on what.
#[derive(Debug, Clone)]
pub struct Trial {
    /// New and changed rules, as a file of a type or of some rules has them.
    pub source: Option<String>,
    /// A rule that stands in the workspace.
    pub rule: Option<RuleName>,
    /// Parameters and settings of the rule with their values, as YAML.
    pub set: Vec<(String, String)>,
    /// Of whom is told; without any, and without `under`, of all.
    pub twins: Vec<String>,
    pub under: Option<String>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Compare with the rules as they stand.
    pub against: bool,
    /// Then it comes to an end, however far it is.
    pub until: Instant,
}

/// What came of it. With issues that are errors there is no report.
#[derive(Debug)]
pub struct Tried {
    pub report: Option<Report>,
    pub issues: Vec<Issue>,
    /// Not all of the range was looked at.
    pub truncated: bool,
}
