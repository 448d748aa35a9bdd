//! Facts about a twin, past tense. What is in the journal is these, and a twin is nothing but what they add up to.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::catalog::Layout;
use crate::reading::{Quality, Reason, SlotNo, Timestamp, TwinId, Value};

use crate::alarm::{FloodFact, OutOfService, Severity};
use crate::rule::{self, Request};

use super::asked::Ending;
use super::bases::Basis;
use super::contributors::Contributor;
use super::recent::Fingerprint;
use super::troubles::Trouble;
use super::windows::Turn;

#[derive(Debug, Clone)]
pub enum Event {
    /// A reading was accepted; what it means for the newest value is its outcome.
    Read(Read),
    /// All readings of one group are in: from now on the same group is a duplicate.
    Heard(Fingerprint),
    /// A message to which its sender had given this id: the same one soon after is a duplicate, whatever it says.
    Numbered(u64),
    /// Something that was sent for this twin could not be used.
    Rejected(Box<Rejection>),
    PropertySet {
        slot: SlotNo,
        value: Option<Value>,
        /// The fingerprint of the layout that numbers the slot: whoever reads this later names the member by it.
        layout: u64,
    },
    /// The workspace's files said something new of it: this, its name and its properties.
    Described { external_ids: Box<[(String, String)]>, applied: u64 },
    /// Its type was changed; values move to the slots of the same path where they still fit.
    Relaid(Arc<Layout>),
    /// It has been idle and was put aside.
    Rested,
    /// It was given another name.
    Renamed(Arc<str>),
    /// What a setting (`sync: desired`) shall be; `None`: nothing is asked of the device any more.
    Desired { slot: SlotNo, value: Option<Value>, layout: u64 },
    /// What follows from other values; `None`: it cannot be known now.
    Computed { slot: SlotNo, value: Option<Value>, time: Timestamp, quality: Quality },
    /// A window over a member gave a result.
    Measured(Box<Measured>),
    /// Rules that wait for older readings see all up to and with this instant.
    Released { view: u16, at: Timestamp },
    /// As `Computed`, of what those rules see.
    Viewed { view: u16, slot: SlotNo, value: Option<Value>, time: Timestamp, quality: Quality },
    /// Something besides readings happened to a window.
    Turned { window: u16, turn: Turn },
    /// Something of which its type says that it may happen.
    Happened(Box<Happened>),
    /// Somebody else is asked to do something.
    Asked(Box<Request>),
    /// What was asked for has ended.
    Ended { key: SmolStr, ending: Ending },
    /// What the modeller wants could not be done.
    Troubled(Box<Trouble>),
    /// One of its rules was switched on or off for this twin.
    Switched { rule: SmolStr, enabled: bool },
    /// A parameter of one of its rules is another one for this twin; `None`: as the type says.
    Tuned { rule: SmolStr, name: SmolStr, value: Option<Json> },
    /// It was taken out of service; `None`: it is back.
    TakenOut(Option<Box<OutOfService>>),
    /// A rule or its alarm moved.
    Watched { rule: SmolStr, fact: Box<rule::Fact> },
    /// Something happened to the alarms below it, which are counted here.
    Flood(Box<FloodFact>),
    /// It stands elsewhere in this hierarchy: the edges in the same entry say where.
    Moved { hierarchy: Arc<str> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub slot: SlotNo,
    pub value: Value,
    pub time: Timestamp,
    pub received: Timestamp,
    /// What the sender's clock said, where it was not believed.
    pub sent: Option<Timestamp>,
    pub quality: Quality,
    pub reason: Reason,
    pub outcome: Outcome,
}

impl Event {
    /// Something that followers of changes want to hear of at once, besides readings and what follows from them.
    pub fn is_change(&self) -> bool {
        if let Event::Watched { fact, .. } = self {
            return matches!(**fact, rule::Fact::Alarm(_));
        }
        matches!(
            self,
            Event::PropertySet { .. }
                | Event::Described { .. }
                | Event::Relaid(_)
                | Event::Renamed(_)
                | Event::Desired { .. }
                | Event::Happened(_)
                | Event::Troubled(_)
                | Event::Switched { .. }
                | Event::Tuned { .. }
                | Event::Moved { .. }
        )
    }

    pub fn rejection(&self) -> Option<&Rejection> {
        if let Event::Rejected(rejection) = self { Some(rejection) } else { None }
    }
}

/// What a window says.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub slot: SlotNo,
    pub value: Option<Value>,
    /// The instant it is the result of.
    pub time: Timestamp,
    /// When that was, on the wall.
    pub received: Timestamp,
    pub basis: Basis,
    /// What it said before is taken back: the window has become part of another one.
    pub withdrawn: bool,
    /// Of a roll-up that rules look at: whose values say most about it.
    pub contributors: Option<Arc<[Contributor]>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    pub event: SmolStr,
    pub severity: Severity,
    #[serde(with = "crate::alarm::stored_time")]
    pub time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Json>,
    /// The rule that emitted it, if it was not the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<SmolStr>,
}

/// `rules.md`, 3.2. A duplicate is counted and leaves no fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It is the newest value now.
    New = 0,
    /// Same time, other value: it takes the place of the newest.
    Replaced = 1,
    /// Same time, other value, and the type keeps the first: history only.
    NotReplaced = 2,
    OutOfOrder = 3,
    TooOld = 4,
}

impl Outcome {
    pub fn from_code(code: u8) -> Option<Outcome> {
        [Outcome::New, Outcome::Replaced, Outcome::NotReplaced, Outcome::OutOfOrder, Outcome::TooOld].get(usize::from(code)).copied()
    }

    /// Whether windows take it in.
    pub fn is_counted(self) -> bool {
        match self {
            Outcome::New | Outcome::Replaced | Outcome::OutOfOrder => true,
            Outcome::NotReplaced | Outcome::TooOld => false,
        }
    }

    pub fn is_current(self) -> bool {
        matches!(self, Outcome::New | Outcome::Replaced)
    }
}

/// What could not be used, and why: enough for an engineer to find the device and mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub at: Timestamp,
    /// The topic or path it was sent to.
    pub address: String,
    pub twin: Option<TwinId>,
    /// The member or path in the payload, if it is about one.
    pub field: Option<String>,
    pub code: Cow<'static, str>,
    pub message: String,
    /// The beginning of the payload.
    pub excerpt: String,
    /// How long the payload was; 0 where there is none, or where it was not noted.
    pub payload_bytes: u64,
}
