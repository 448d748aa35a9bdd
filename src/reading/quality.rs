//! How far a value can be trusted, and why not further.

use std::fmt;

/// `Missing` is never stored: it is what a reader sees of a slot that has had no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Quality {
    Good = 0,
    Uncertain = 1,
    Bad = 2,
    Missing = 3,
}

/// Why the quality is not what the sender hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    None = 0,
    /// The sender itself said that the value is not good.
    Source = 1,
    /// A constraint of the type is broken and the type says `outside: bad`.
    OutOfRange = 2,
    /// The event time was further ahead of the receipt time than `futureTolerance`; the receipt time stands in for it.
    BadClock = 3,
}

impl Quality {
    pub fn as_str(self) -> &'static str {
        match self {
            Quality::Good => "GOOD",
            Quality::Uncertain => "UNCERTAIN",
            Quality::Bad => "BAD",
            Quality::Missing => "MISSING",
        }
    }

    /// As sent on the wire: any case.
    pub fn parse(text: &str) -> Option<Quality> {
        [Quality::Good, Quality::Uncertain, Quality::Bad].into_iter().find(|quality| quality.as_str().eq_ignore_ascii_case(text))
    }

    pub fn from_code(code: u8) -> Option<Quality> {
        [Quality::Good, Quality::Uncertain, Quality::Bad, Quality::Missing].get(usize::from(code)).copied()
    }

    /// The less trusted of two.
    pub fn worse(self, other: Quality) -> Quality {
        if (self as u8) >= (other as u8) { self } else { other }
    }
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::None => "NONE",
            Reason::Source => "SOURCE",
            Reason::OutOfRange => "OUT_OF_RANGE",
            Reason::BadClock => "BAD_CLOCK",
        }
    }

    pub fn from_code(code: u8) -> Option<Reason> {
        [Reason::None, Reason::Source, Reason::OutOfRange, Reason::BadClock].get(usize::from(code)).copied()
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
