//! Why an alarm is not announced although it is there. Several reasons can hold at once; each ends on its own.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

/// The reason that is shown: the strongest of those that hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Suppression {
    None,
    Shelved,
    ByDesign,
    OutOfService,
}

impl Suppression {
    pub fn as_str(self) -> &'static str {
        match self {
            Suppression::None => "NONE",
            Suppression::Shelved => "SHELVED",
            Suppression::ByDesign => "BY_DESIGN",
            Suppression::OutOfService => "OUT_OF_SERVICE",
        }
    }

    pub fn holds(self) -> bool {
        self != Suppression::None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Without it: one-shot, until the alarm next returns to normal.
    #[serde(with = "super::stored_time::option")]
    pub until: Option<Timestamp>,
    pub by: SmolStr,
}

/// Of one rule on a twin, or of the whole twin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfService {
    #[serde(with = "super::stored_time::option")]
    pub until: Option<Timestamp>,
    pub by: SmolStr,
    pub reason: SmolStr,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Suppressions {
    pub shelf: Option<Shelf>,
    /// What suppresses it by design.
    pub by_design: Option<SmolStr>,
    pub out_of_service: Option<OutOfService>,
}

impl Suppressions {
    pub fn is_empty(&self) -> bool {
        self.shelf.is_none() && self.by_design.is_none() && self.out_of_service.is_none()
    }

    /// `twin` is the twin's own, which covers all of its alarms.
    pub fn shown(&self, twin: Option<&OutOfService>) -> Suppression {
        if twin.is_some() || self.out_of_service.is_some() {
            Suppression::OutOfService
        } else if self.by_design.is_some() {
            Suppression::ByDesign
        } else if self.shelf.is_some() {
            Suppression::Shelved
        } else {
            Suppression::None
        }
    }
}
