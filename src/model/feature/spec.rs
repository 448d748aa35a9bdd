//! A feature and a tensor as they are declared.

use std::time::Duration;

use crate::model::tensor::Dtype;
use crate::reading::unit::Unit;

/// Elements of one row of one tensor that come from features.
pub const WIDTH_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub name: String,
    pub from: From,
    pub unit: Option<Unit>,
    /// How often the model expects a value: a member that comes more rarely is worth a warning.
    pub every: Option<Duration>,
    pub pick: Pick,
    pub code: Code,
    pub scale: Option<Scale>,
    pub missing: Missing,
    /// No value is believed for longer; the member's staleness unless stated.
    pub max_gap: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// The member that the attachment binds to the name.
    Member,
    /// An expression over members, which whoever gives readings evaluates.
    Expression(String),
    Const(f64),
    /// A property of the twin.
    Param(String),
    Time {
        what: Time,
        is_cyclic: bool,
        zone: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// With its fraction.
    HourOfDay,
    /// Monday is 0.
    DayOfWeek,
    /// In hours.
    SinceStart,
}

/// Which values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    Current,
    Last { count: usize, min: usize, pad: Pad },
    Resample { step: Duration, count: usize, method: Method },
    Lag(Duration),
    Stat { stat: Stat, over: Over },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pad {
    /// The oldest that there is.
    Repeat,
    Zero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Last,
    Linear,
    Avg,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    Avg,
    Min,
    Max,
    /// Of all readings, not of a sample of them.
    Std,
    Rms,
    /// Per second.
    Slope,
    Delta,
    Count,
    First,
    Last,
    /// The reading of that rank.
    Quantile(f64),
    /// Each value as long as it held.
    TimeAvg,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    Time(Duration),
    Readings(usize),
}

/// What a value becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Code {
    /// A number; a boolean as 0 and 1; a text only into a tensor of texts.
    Plain,
    OneHot {
        values: Vec<String>,
        other: Other,
    },
    Label {
        values: Vec<(String, f64)>,
        other: Option<f64>,
    },
}

/// What a one-hot feature makes of a value that is not on its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    Refused,
    Zeros,
    /// A column of its own, behind the others.
    Column,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    Standard { mean: f64, std: f64 },
    MinMax { min: f64, max: f64 },
}

/// What stands for a value that is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Missing {
    /// The last one, within the gap.
    Hold,
    /// On the line between its neighbours, if both are known and not further apart than the gap.
    Linear,
    Value(f64),
    Mean(f64),
    /// There is no row.
    Skip,
}

/// A tensor that is made of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: String,
    pub dtype: Dtype,
    /// Behind the batch.
    pub dims: Vec<usize>,
    pub layout: Layout,
    /// Places of features.
    pub from: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One instant after the other.
    Steps,
    /// One column after the other.
    Channels,
}

impl Spec {
    /// Columns of one instant.
    pub fn width(&self) -> usize {
        match (&self.code, &self.from) {
            (Code::OneHot { values, other }, _) => values.len() + usize::from(*other == Other::Column),
            (Code::Plain | Code::Label { .. }, From::Time { is_cyclic: true, .. }) => 2,
            (Code::Plain | Code::Label { .. }, _) => 1,
        }
    }

    /// Instants.
    pub fn steps(&self) -> usize {
        match self.pick {
            Pick::Last { count, .. } | Pick::Resample { count, .. } => count,
            Pick::Current | Pick::Lag(_) | Pick::Stat { .. } => 1,
        }
    }

    /// Whether it comes from readings at all.
    pub fn has_member(&self) -> bool {
        matches!(self.from, From::Member | From::Expression(_))
    }
}

impl Scale {
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Scale::Standard { mean, std } => (value - mean) / std,
            Scale::MinMax { min, max } => (value - min) / (max - min),
        }
    }
}

impl Stat {
    pub const PLAIN: &[(&str, Stat)] = &[
        ("avg", Stat::Avg),
        ("min", Stat::Min),
        ("max", Stat::Max),
        ("std", Stat::Std),
        ("rms", Stat::Rms),
        ("slope", Stat::Slope),
        ("delta", Stat::Delta),
        ("count", Stat::Count),
        ("first", Stat::First),
        ("last", Stat::Last),
        ("timeAvg", Stat::TimeAvg),
    ];

    /// Also `quantile(0.95)`.
    pub fn parse(text: &str) -> Option<Stat> {
        if let Some((_, stat)) = Stat::PLAIN.iter().find(|(name, _)| *name == text) {
            return Some(*stat);
        }
        let share: f64 = text.strip_prefix("quantile(")?.strip_suffix(')')?.trim().parse().ok()?;
        (0.0..=1.0).contains(&share).then_some(Stat::Quantile(share))
    }
}
