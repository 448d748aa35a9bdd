//! Rules tried on recorded data (`rules.md`, 12): the twins of a workspace on a virtual clock, the same [`crate::twin::step`] as in a
//! running system, and what came of it. Pure: the time is that of the recording, files come in as readers.
//!
//! A [`Plant`] is fed with what a recording ([`Csv`], [`Rows`], or the journal through the shell) says; a [`Tale`] listens and keeps what
//! happened to each rule. [`Backtest`] joins one or two of them and makes a [`Report`]. [`try_out`] runs the `tests:` of a type on a plant.

mod difference;
mod example;
mod hierarchy;
mod plant;
mod recording;
mod report;
mod run;
mod selection;
mod tale;
#[cfg(test)]
mod tests;
mod words;

pub use difference::{Difference, Kind, differences};
pub use example::{Attempt, Failure, tell, try_out};
pub use plant::{Happened, Listener, Plant, WAKES_AT_ONCE_MAX};
pub use recording::{
    Csv, CsvOptions, Error, Found, LINE_BYTES_MAX, Noted, ROWS_BYTES_MAX, Recorded, Refused, Rows, RowsOptions, Set, Times, Which,
    read_time,
};
pub use report::{Differing, Figures, Occurrence, Report, RuleReport, Seconds};
pub use run::{Backtest, REFUSED_SHOWN_MAX};
pub use selection::Selection;
pub use tale::{Folded, OCCURRENCES_MAX, Outcome, Readings, RuleTale, Tale};
