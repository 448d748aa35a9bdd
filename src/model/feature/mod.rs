//! What a model is fed with: from readings of a twin to a row of tensors, by declaration.
//!
//! Live, in a backtest, for a baseline and in scoring the same code runs, on whatever gives it readings. It sees nothing newer than the
//! instant it is asked for. A row that cannot be built is not built, and says why; nothing is filled with zeros that nobody asked for.

mod code;
mod pick;
mod pipeline;
mod spec;
mod stat;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::reading::Timestamp;

pub use pipeline::{Pipeline, Row, Skip, Taken};
pub use spec::{Code, From, Input, Layout, Method, Missing, Other, Over, Pad, Pick, Scale, Spec, Stat, Time, WIDTH_MAX};

/// Values that a feature is made of, at most.
pub const READINGS_MAX: usize = 4096;

/// A value as a feature sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Number(f64),
    Bool(bool),
    /// Texts, and enums by their names.
    Text(Arc<str>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When it happened.
    pub at: Timestamp,
    pub value: Datum,
    /// False for BAD quality.
    pub is_good: bool,
}

/// Where readings come from: a twin's memory, a recording, a request of somebody who scores. Features are known by their places.
pub trait Source {
    /// Readings of the feature's member with an event time of at most `until`, the newest first, until nobody wants more.
    fn newest_first(&self, feature: usize, until: Timestamp, each: &mut dyn FnMut(&Reading) -> ControlFlow<()>);

    /// The value of a property of the twin.
    fn property(&self, feature: usize) -> Option<Datum>;

    /// After this long without a reading the member's value is not believed any more.
    fn staleness(&self, feature: usize) -> Option<Duration>;

    /// When the life of the twin began.
    fn started(&self) -> Option<Timestamp>;
}

impl Reading {
    /// NaN, infinities and BAD quality are as if nothing had come.
    fn is_known(&self) -> bool {
        self.is_good && !matches!(self.value, Datum::Number(number) if !number.is_finite())
    }
}

impl std::fmt::Display for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Datum::Number(number) => number.fmt(f),
            Datum::Bool(value) => value.fmt(f),
            Datum::Text(text) => write!(f, "`{}`", text.chars().take(60).collect::<String>()),
        }
    }
}
