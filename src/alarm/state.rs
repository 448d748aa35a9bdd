//! What is kept of one identity on a twin, and how a fact changes it. Total and without I/O; the same function serves the live twin and the replay.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::{Timestamp, TwinId};

use super::When;
use super::change::{Change, What};
use super::chatter::Chatter;
use super::occurrence::{Acknowledgement, Condition, LogEntry, Occurrence};
use super::severity::Severity;
use super::suppression::{OutOfService, Suppression, Suppressions};

/// Which alarm of a twin: by the rule that raises it, and a key where one rule has several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub rule: SmolStr,
    /// The path of the component, or the type of an alarm from outside; else empty.
    pub key: SmolStr,
}

/// `alarm/<twin>/<rule>/<n>`, with the key after the rule where there is one.
pub fn alarm_id(twin: &TwinId, identity: &Identity, no: u32) -> String {
    match identity.key.as_str() {
        "" => format!("alarm/{twin}/{}/{no}", identity.rule),
        key => format!("alarm/{twin}/{}:{key}/{no}", identity.rule),
    }
}

/// Nothing is allocated until something happened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlarmState {
    /// The number of the latest occurrence.
    pub last_no: u32,
    /// The open occurrence.
    pub open: Option<Box<Occurrence>>,
    pub suppressions: Option<Box<Suppressions>>,
    pub chatter: Option<Box<Chatter>>,
}

impl AlarmState {
    pub fn is_default(&self) -> bool {
        *self == AlarmState::default()
    }

    /// Nothing is open or kept from being shown, and it does not chatter.
    pub fn is_at_rest(&self) -> bool {
        self.open.is_none() && self.suppressions.is_none() && self.chatter.is_none()
    }

    pub fn condition(&self) -> Condition {
        self.open.as_ref().map_or(Condition::Normal, |open| open.condition)
    }

    /// `twin` is the twin's own being out of service.
    pub fn suppression(&self, twin: Option<&OutOfService>) -> Suppression {
        match &self.suppressions {
            Some(suppressions) => suppressions.shown(twin),
            None => Suppressions::default().shown(twin),
        }
    }

    /// A fact about it as it stands: the number and the serial are those of the open occurrence.
    pub(super) fn change(&self, when: When, what: What) -> Change {
        let (no, changes) = self.open.as_ref().map_or((0, 0), |open| (open.no, open.changes));
        Change { no, serial: changes.saturating_add(1), at: when.at, received: when.now, by: None, comment: None, what }
    }

    /// Gives back the occurrence if this closed it: from here on it is history.
    pub fn apply(&mut self, change: &Change) -> Option<Occurrence> {
        match &change.what {
            What::Raised { .. } => self.begin(change),
            What::Calmed => {
                if let Some(chatter) = &mut self.chatter {
                    chatter.calm();
                }
            }
            What::Shelved(shelf) => self.suppress(|suppressions| suppressions.shelf = Some(shelf.clone())),
            What::Unshelved { .. } => self.suppress(|suppressions| suppressions.shelf = None),
            What::Suppressed { cause } => self.suppress(|suppressions| suppressions.by_design = Some(cause.clone())),
            What::Unsuppressed { .. } => self.suppress(|suppressions| suppressions.by_design = None),
            What::TakenOut(out) => self.suppress(|suppressions| suppressions.out_of_service = Some(out.clone())),
            What::BackInService { .. } => self.suppress(|suppressions| suppressions.out_of_service = None),
            What::Leveled { .. }
            | What::Recovering
            | What::Resumed
            | What::Repeated
            | What::AlarmedAgain { .. }
            | What::Unknown
            | What::Known
            | What::Cleared { .. }
            | What::Acknowledged
            | What::Reset
            | What::Commented
            | What::TwinTakenOut { .. }
            | What::Corrected
            | What::Flooded { .. }
            | What::Closed(_) => {}
        }
        let chattering = self.chatter.as_ref().is_some_and(|chatter| chatter.is_chattering);
        let open = self.open.as_mut().filter(|open| open.no == change.no)?;
        open.take(change);
        open.chattering = chattering;
        if open.closed.is_some() { self.open.take().map(|closed| *closed) } else { None }
    }

    fn begin(&mut self, change: &Change) {
        let What::Raised { first_true_at, level, severity, text, acknowledged, latched, shown, explain } = &change.what else { return };
        self.last_no = change.no;
        match &mut self.chatter {
            Some(chatter) => chatter.raise(change.at),
            None => self.chatter = Some(Box::new(Chatter::begun(change.at))),
        }
        self.open = Some(Box::new(Occurrence {
            no: change.no,
            condition: Condition::Active,
            severity: *severity,
            level: *level,
            text: text.clone(),
            acknowledged: *acknowledged,
            acknowledgement: None,
            latched: *latched,
            count: 1,
            first_true_at: *first_true_at,
            raised_at: change.at,
            last_at: change.at,
            cleared_at: None,
            cleared_by: None,
            closed_at: None,
            closed: None,
            unknown_since: None,
            shown: *shown,
            chattering: false,
            first_out: false,
            flood: false,
            quiet_since: acknowledged.then_some(change.received),
            changes: 0,
            log: Arc::default(),
            explain: explain.clone(),
        }));
    }

    fn suppress(&mut self, set: impl FnOnce(&mut Suppressions)) {
        let mut suppressions = self.suppressions.take().unwrap_or_default();
        set(&mut suppressions);
        self.suppressions = Some(suppressions).filter(|suppressions| !suppressions.is_empty());
    }
}

impl Occurrence {
    fn take(&mut self, change: &Change) {
        self.changes = change.serial;
        match &change.what {
            What::Raised { .. }
            | What::Commented
            | What::Shelved(_)
            | What::Suppressed { .. }
            | What::TakenOut(_)
            | What::TwinTakenOut { .. }
            | What::Corrected
            | What::Calmed => {}
            What::Leveled { level, severity, text, acknowledged, explain, .. } => {
                (self.level, self.severity, self.text) = (*level, *severity, text.clone());
                self.explain = explain.clone();
                self.last_at = change.at;
                if !acknowledged {
                    self.needs_attention(false);
                }
            }
            What::Recovering => self.condition = Condition::Recovering,
            What::Resumed => {
                self.condition = Condition::Active;
                self.happened_again(change.at);
            }
            What::Repeated => self.happened_again(change.at),
            What::AlarmedAgain { acknowledged } => {
                self.happened_again(change.at);
                self.announced_again(*acknowledged, change.received);
            }
            What::Unknown => self.unknown_since = Some(change.at),
            What::Known => self.unknown_since = None,
            What::Cleared { .. } => {
                self.condition = Condition::Normal;
                self.unknown_since = None;
                self.cleared_at = self.cleared_at.or(Some(change.at));
                self.cleared_by = change.by.clone().or_else(|| self.cleared_by.take());
            }
            What::Acknowledged => {
                let by = change.by.clone().unwrap_or_default();
                self.acknowledged = true;
                self.acknowledgement = Some(Acknowledgement { by, at: change.received, comment: change.comment.clone() });
                self.quiet_since = Some(change.received);
            }
            What::Reset => self.latched = false,
            What::Unshelved { announced, acknowledged }
            | What::Unsuppressed { announced, acknowledged }
            | What::BackInService { announced, acknowledged } => {
                if *announced {
                    self.announced_again(*acknowledged, change.received);
                }
            }
            What::Flooded { first_out } => (self.flood, self.first_out) = (true, self.first_out || *first_out),
            What::Closed(reason) => {
                self.closed = Some(*reason);
                self.closed_at = Some(change.at);
            }
        }
        if self.shown && change.what.is_logged() {
            self.commented(change);
        }
    }

    /// It is noted and changes nothing else: so somebody may say something about what is long over.
    pub fn commented(&mut self, change: &Change) {
        let (by, comment) = (change.by.clone(), change.comment.clone());
        self.note(LogEntry { op: change.what.op(), at: change.at, received: change.received, by, comment });
    }

    fn happened_again(&mut self, at: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.last_at = at;
    }

    /// The time until it is announced once more begins anew; or ends, because somebody has to acknowledge it first.
    fn announced_again(&mut self, acknowledged: bool, now: Timestamp) {
        self.needs_attention(acknowledged);
        if acknowledged {
            self.quiet_since = Some(now);
        }
    }
}

/// The worst severity among the open alarms of a twin that nothing suppresses.
pub fn worst_severity<'a>(alarms: impl IntoIterator<Item = &'a AlarmState>, twin: Option<&OutOfService>) -> Option<Severity> {
    let unsuppressed = alarms.into_iter().filter(|alarm| !alarm.suppression(twin).holds());
    unsuppressed.filter_map(|alarm| alarm.open.as_ref()).filter(|open| open.shown).map(|open| open.severity).max()
}
