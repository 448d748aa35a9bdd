//! The one door of a twin: everything that can happen to it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::alarm::{Action, OutOfService, Raise, Severity};
use crate::catalog::{Layout, RuleSetting};
use crate::reading::{Group, SlotNo, Timestamp, TwinId, Value};
use crate::rule::detector::Setting;

use super::asked::Ending;
use super::contributors::Contributor;
use super::event::{Happened, Rejection};
use super::recent::Fingerprint;

#[derive(Debug, Clone)]
pub enum Input {
    /// Readings of one instant.
    Readings { group: Group, received: Received },
    /// The same, with an id that its sender has given it.
    Message { message: Numbered, group: Group, received: Received },
    /// Part of a packet for this twin could not be used.
    Refused(Box<Rejection>),
    /// What the workspace's files say of it now.
    Described(Description),
    /// Somebody changes it while it runs; what is given has been checked.
    Edited(Edit),
    /// Its type was compiled anew.
    Retyped(Arc<Layout>),
    /// Something of it was due by time alone, to a program that runs since `started`.
    Woken { started: Timestamp },
    /// Somebody does something to one of its alarms.
    Told(Box<Told>),
    /// Somebody sets one of its detectors.
    Forced(Box<Forced>),
    /// Somebody does something to a rule, or to it as a whole.
    Managed(Managed),
    /// What it asked somebody else to do has ended.
    Ended { key: SmolStr, ending: Ending },
    /// An event of its type has happened, as a device or a program says.
    Happened {
        happened: Box<Happened>,
        /// By which a repetition is known.
        stamp: Option<Fingerprint>,
    },
    /// What others contribute to its roll-ups adds up to something else.
    Gathered(Vec<Gathered>),
    /// Another twin raises an alarm on it.
    Raised(Box<Raised>),
    /// Alarms below it were raised, in the order in which they were committed.
    Counted(Vec<Raise>),
    /// A notification of an alarm below it is to leave; in a flood it is kept back for the next notice. [`super::Step::grouped`] says which.
    Grouped {
        /// Of the request.
        key: SmolStr,
        /// The webhook; nothing for what is published.
        receiver: SmolStr,
    },
    /// One of its alarms came in a flood.
    Flooded(Box<Flooded>),
    /// Nobody has asked for it for a while.
    Idle,
}

impl Input {
    /// An event of that type, said by a device or a program. A time that is too far ahead is not believed, as with readings. What names its time is
    /// known when it is said again.
    pub fn happened(layout: &Layout, event: String, time: Option<Timestamp>, body: Option<Json>, received: Received) -> Input {
        let believed = time.filter(|time| *time <= received.at.plus(received.future_tolerance));
        let stamp = time.map(|time| {
            let said = body.as_ref().map(ToString::to_string).unwrap_or_default();
            Fingerprint(xxhash_rust::xxh3::xxh3_64(format!("{}/{event}/{said}", time.0).as_bytes()))
        });
        let severity = layout.logic.event(&event).map_or(Severity::Info, |(_, spec)| spec.severity);
        let happened = Happened { event: event.into(), severity, time: believed.unwrap_or(received.at), body, rule: None };
        Input::Happened { happened: Box::new(happened), stamp }
    }
}

/// A change of one twin by a person or a program. What is as it is said to be already makes no fact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    pub name: Option<Arc<str>>,
    /// Values of properties; `None` takes the value away.
    pub set: Vec<(SlotNo, Option<Value>)>,
    /// The hierarchy in which it gets another place.
    pub moved: Option<Arc<str>>,
}

/// An operator's action on an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub rule: SmolStr,
    /// The occurrence that is meant; without it the one that is open.
    pub no: Option<u32>,
    pub action: Action,
    pub by: SmolStr,
}

/// What a modeller or an operator does to the rules of one twin.
#[derive(Debug, Clone, PartialEq)]
pub enum Managed {
    /// One rule is switched on or off for it alone.
    Switched {
        rule: SmolStr,
        enabled: bool,
    },
    /// The whole twin is taken out of service.
    TakenOut(OutOfService),
    BackInService {
        by: SmolStr,
    },
}

/// The result of a roll-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The form of the type that numbers the slot, by its fingerprint.
    pub layout: u64,
    pub slot: SlotNo,
    pub value: Option<Value>,
    /// The newest event time of a contribution.
    pub time: Timestamp,
    /// Contributions that are known, and the share of all that this is.
    pub known: u64,
    pub coverage: f64,
    /// Where rules look at it: the contributions that say most about it.
    pub contributors: Option<Arc<[Contributor]>>,
}

/// State, variables and timers of a detector, set from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Forced {
    pub rule: SmolStr,
    pub setting: Setting,
    pub by: SmolStr,
}

/// An alarm that another twin raises here. The same one twice is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    /// The idempotency key of the action.
    pub key: SmolStr,
    pub id: SmolStr,
    pub severity: Severity,
    pub text: SmolStr,
    /// It is over, rather than begun.
    pub is_over: bool,
    /// The twin whose rule does it.
    pub by: TwinId,
    pub at: Timestamp,
}

impl Raised {
    /// Each twin's is an alarm of its own.
    pub fn alarm_id(&self) -> SmolStr {
        smol_str::format_smolstr!("{}:{}", self.id, self.by)
    }
}

/// The id of a message, by which a repetition is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    pub id: SmolStr,
    /// When it was sent, as far as that is known: it is a repetition if the same was heard up to five minutes before.
    pub sent: Timestamp,
}

/// An occurrence that came in a flood, perhaps as its first. Said twice, it is noted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flooded {
    pub rule: SmolStr,
    pub no: u32,
    pub first_out: bool,
    pub at: Timestamp,
}

/// When a packet was read, and how far ahead of that its times may be.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    pub at: Timestamp,
    pub future_tolerance: Duration,
    /// Since when the program runs: that nothing was heard before is not the fault of a device.
    pub started: Timestamp,
}

/// When a program has started that was never away.
pub const NEVER_AWAY: Timestamp = Timestamp(i64::MIN);

#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    pub name: Arc<str>,
    pub external_ids: Box<[(String, String)]>,
    pub properties: Vec<(SlotNo, Value)>,
    /// What it says of rules.
    pub rules: Vec<RuleSetting>,
    /// Identifies this description; the same one twice changes nothing.
    pub applied: u64,
}
