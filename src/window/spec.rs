//! What a window is: its shape and the aggregates over it, as the type declares them, checked once.

use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::part::{Between, PartKind};
use super::partial::Measures;
use super::sample::Sample;

/// Readings that one window of one twin retains: 64 KiB.
pub const RETAINED_MAX: usize = 4096;
/// Where the sums need no order, only as many are kept as a member remembers to compare with (`Recent`): later corrections need no more.
pub(super) const RETAINED_UNORDERED: usize = super::recent::RECENT_READINGS_MAX;
/// Panes of one window that is too large to be exact.
pub(super) const PANES_COARSE: i64 = 256;
/// Panes that one window of one twin keeps, the correctable ones included; the oldest can then no longer be corrected.
pub const PANES_MAX: usize = 512;
/// Windows without a reading that are published one after the other. After that many nothing is published until a reading comes.
pub const EMPTY_WINDOWS_MAX: u16 = 1024;
/// Aggregates that share the state of one window.
pub const AGGS_MAX: usize = 16;
/// The longest window: a hundred years.
pub(super) const LENGTH_MAX: i64 = 100 * 366 * 86_400_000_000;

/// The outline of a window. Lengths are microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// Tumbling, and hopping where `every` is shorter than the window.
    Tumbling {
        size: i64,
        every: i64,
        closed: Closed,
    },
    /// `every`: published at multiples of it instead of at every change.
    Sliding {
        size: i64,
        every: Option<i64>,
    },
    Count {
        size: u32,
        every: u32,
    },
    Session {
        gap: i64,
        max: Option<i64>,
    },
    /// While a condition holds.
    State,
    /// Since an event last happened.
    Since,
}

/// Which end belongs to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Closed {
    #[default]
    Start,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Agg {
    Count,
    Sum,
    Avg,
    Variance {
        sample: bool,
    },
    Stddev {
        sample: bool,
    },
    Min,
    Max,
    First,
    Last,
    Delta {
        counter: bool,
    },
    /// Per so many microseconds.
    Rate {
        counter: bool,
        per: i64,
    },
    Slope {
        per: i64,
    },
    /// From 0 to 1.
    Quantile {
        q: f64,
    },
    TimeAvg {
        between: Between,
    },
    Integral {
        between: Between,
    },
    TimeIn {
        state: Sample,
    },
    Transitions,
    Any,
    All,
    WorstSeverity,
}

/// As written; `Spec::new` makes sense of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub shape: Shape,
    pub aggs: Vec<Agg>,
    pub offset: i64,
    pub zone: Option<jiff::tz::TimeZone>,
    pub lateness: i64,
    /// Provisional results are published in this interval.
    pub early: Option<i64>,
    /// The age at which a value of the member is stale.
    pub hold: Option<i64>,
}

/// A window that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub(super) shape: Shape,
    pub(super) aggs: Vec<Agg>,
    pub(super) lateness: i64,
    pub(super) early: Option<i64>,
    pub(super) hold: Option<i64>,
    /// Where windows begin, and where panes do.
    pub(super) starts: Grid,
    pub(super) panes: Grid,
    pub(super) retained_max: usize,
    /// Whether the result changes though no reading comes.
    pub(super) moves_with_time: bool,
    /// Whether the value before the window's start has a part in it.
    pub(super) carries_in: bool,
    is_coarse: bool,
    kinds: Vec<PartKind>,
    coarse_kinds: Vec<PartKind>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("a window needs a length between 1 us and 100 years")]
    Length,
    #[error("`every` is longer than the window")]
    EveryTooLong,
    #[error("a window over readings holds 1 to {RETAINED_MAX} of them")]
    TooManyReadings,
    #[error("a window has 1 to {AGGS_MAX} aggregates")]
    Aggregates,
    #[error("a quantile lies between 0 and 1")]
    Quantile,
    #[error("`per` is longer than nothing")]
    Per,
}

impl Outline {
    pub fn new(shape: Shape, aggs: Vec<Agg>) -> Outline {
        Outline { shape, aggs, offset: 0, zone: None, lateness: 3_600_000_000, early: None, hold: None }
    }

    /// Whether two windows over the same member can be one, with the aggregates of both.
    pub fn shares_with(&self, other: &Outline) -> bool {
        let of = |outline: &Outline| (outline.shape.clone(), outline.offset, outline.lateness, outline.early, outline.hold);
        of(self) == of(other) && self.zone == other.zone
    }
}

impl Spec {
    pub fn new(outline: Outline) -> Result<Spec, Error> {
        let Outline { shape, aggs, offset, zone, lateness, early, hold } = outline;
        check(&shape, &aggs)?;
        let is_length = |length: Option<i64>| length.is_none_or(|length| (1..=LENGTH_MAX).contains(&length));
        if !is_length(early) || !is_length(hold) || !(0..=LENGTH_MAX).contains(&lateness) || offset.abs() > LENGTH_MAX {
            return Err(Error::Length);
        }
        let (every, pane, is_coarse) = widths(&shape);
        let leaves_at_front = matches!(shape, Shape::Sliding { .. } | Shape::Count { .. });
        let coarse_kinds = kinds(&aggs, false);
        let needs_order = coarse_kinds.iter().any(|kind| kind.needs_order());
        let needs_all = leaves_at_front || matches!(shape, Shape::Session { .. });
        Ok(Spec {
            starts: Grid::new(every, offset, zone.clone()),
            panes: Grid::new(pane, offset, zone),
            retained_max: if needs_order || needs_all { RETAINED_MAX } else { RETAINED_UNORDERED },
            moves_with_time: aggs.iter().any(|agg| agg.moves_with_time()),
            carries_in: aggs.iter().any(|agg| agg.moves_with_time() || *agg == Agg::Transitions),
            kinds: kinds(&aggs, leaves_at_front),
            coarse_kinds,
            is_coarse,
            shape,
            aggs,
            lateness,
            early,
            hold,
        })
    }

    pub fn aggs(&self) -> &[Agg] {
        &self.aggs
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether results are approximate however few readings there are (W734).
    pub fn is_approximate(&self) -> bool {
        self.is_coarse
    }

    pub(super) fn measures(&self) -> Measures<'_> {
        Measures { kinds: &self.kinds, hold: self.hold }
    }

    /// For panes of a window that readings leave.
    pub(super) fn coarse_measures(&self) -> Measures<'_> {
        Measures { kinds: &self.coarse_kinds, hold: self.hold }
    }
}

impl Agg {
    /// Whether its figure changes though no reading comes.
    pub fn moves_with_time(self) -> bool {
        matches!(self, Agg::TimeAvg { .. } | Agg::Integral { .. } | Agg::TimeIn { .. })
    }

    fn parts(self) -> &'static [PartKind] {
        match self {
            Agg::Count | Agg::First | Agg::Last | Agg::Delta { counter: false } | Agg::Rate { counter: false, .. } => &[],
            Agg::Sum | Agg::Avg => &[PartKind::Sum],
            Agg::Variance { .. } | Agg::Stddev { .. } => &[PartKind::Sum, PartKind::Squares],
            Agg::Min | Agg::Max => &[PartKind::Best],
            Agg::Delta { counter: true } | Agg::Rate { counter: true, .. } => &[PartKind::Climb],
            Agg::Slope { .. } => &[PartKind::Sum, PartKind::Slope],
            Agg::Quantile { .. } => &[PartKind::Sketch],
            Agg::TimeAvg { between: Between::Step } | Agg::Integral { between: Between::Step } => &[PartKind::Held(Between::Step)],
            Agg::TimeAvg { between: Between::Linear } | Agg::Integral { between: Between::Linear } => &[PartKind::Held(Between::Linear)],
            // Depends on the state: added by `kinds`.
            Agg::TimeIn { .. } => &[],
            Agg::Transitions => &[PartKind::Changes],
            Agg::Any | Agg::All => &[PartKind::Trues],
            Agg::WorstSeverity => &[PartKind::Ranks],
        }
    }
}

/// Each sum that an aggregate needs, once.
fn kinds(aggs: &[Agg], leaves_at_front: bool) -> Vec<PartKind> {
    let mut kinds = Vec::new();
    for agg in aggs {
        let in_state = if let Agg::TimeIn { state } = agg { Some(PartKind::InState(*state)) } else { None };
        for kind in agg.parts().iter().copied().chain(in_state) {
            let kind = if kind == PartKind::Best && leaves_at_front { PartKind::Wedge } else { kind };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    kinds
}

/// How far apart windows begin, how wide panes are, and whether that is coarser than the windows' ends.
fn widths(shape: &Shape) -> (i64, i64, bool) {
    match shape {
        Shape::Tumbling { size, every, .. } => {
            let pane = greatest_common_divisor(*size, *every);
            let is_coarse = size / pane > PANES_MAX as i64 / 2;
            (*every, if is_coarse { coarse_width(*size) } else { pane }, is_coarse)
        }
        Shape::Sliding { size, every } => (every.unwrap_or(*size), coarse_width(*size), false),
        Shape::Count { .. } | Shape::Session { .. } | Shape::State | Shape::Since => (1, 1, false),
    }
}

fn coarse_width(size: i64) -> i64 {
    (size / PANES_COARSE).max(1) + i64::from(size % PANES_COARSE != 0)
}

fn check(shape: &Shape, aggs: &[Agg]) -> Result<(), Error> {
    let length = |micros: i64| if (1..=LENGTH_MAX).contains(&micros) { Ok(micros) } else { Err(Error::Length) };
    match shape {
        Shape::Tumbling { size, every, .. } if length(*every)? > length(*size)? => return Err(Error::EveryTooLong),
        Shape::Sliding { size, every } if length(every.unwrap_or(*size))? > length(*size)? => return Err(Error::EveryTooLong),
        Shape::Tumbling { .. } | Shape::Sliding { .. } | Shape::State | Shape::Since => {}
        Shape::Count { size, .. } if *size == 0 || *size as usize >= RETAINED_MAX => return Err(Error::TooManyReadings),
        Shape::Count { size, every } if *every == 0 || every > size => return Err(Error::EveryTooLong),
        Shape::Count { .. } => {}
        Shape::Session { gap, max } => {
            length(*gap)?;
            length(max.unwrap_or(*gap))?;
        }
    }
    if aggs.is_empty() || aggs.len() > AGGS_MAX {
        return Err(Error::Aggregates);
    }
    aggs.iter().try_for_each(|agg| match agg {
        Agg::Quantile { q } if !(0.0..=1.0).contains(q) => Err(Error::Quantile),
        Agg::Rate { per, .. } | Agg::Slope { per } if *per <= 0 => Err(Error::Per),
        Agg::Count
        | Agg::Sum
        | Agg::Avg
        | Agg::Variance { .. }
        | Agg::Stddev { .. }
        | Agg::Min
        | Agg::Max
        | Agg::First
        | Agg::Last
        | Agg::Delta { .. }
        | Agg::Rate { .. }
        | Agg::Slope { .. }
        | Agg::Quantile { .. }
        | Agg::TimeAvg { .. }
        | Agg::Integral { .. }
        | Agg::TimeIn { .. }
        | Agg::Transitions
        | Agg::Any
        | Agg::All
        | Agg::WorstSeverity => Ok(()),
    })
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { greatest_common_divisor(b, a % b) }
}
