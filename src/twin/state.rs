//! A twin: what readers see of it ([`State`], shared and immutable once published) and what only its next step needs.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::alarm::{Flood, OutOfService, Severity};
use crate::catalog::Layout;
use crate::catalog::layout::Section;
use crate::reading::{Quality, Reason, Revision, SlotNo, Timestamp, TwinId, TwinNo, Value};

use super::asked::Asked;
use super::bases::Bases;
use super::closed::Closed;
use super::contributors::Contributors;
use super::late::Late;
use super::pushed::Pushed;
use super::recent::Recent;
use super::slots::Slots;
use super::troubles::Troubles;
use super::tuning::Tuning;
use super::views::Views;
use super::watches::Watches;
use super::windows::Windows;

/// What a slot holds: the newest accepted value by event time.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub value: Option<Value>,
    /// Event time of the value; of a property, when it was set.
    pub time: Timestamp,
    pub received: Timestamp,
    /// What the sender's clock said, where it was not believed.
    pub sent: Option<Box<Timestamp>>,
    pub quality: Quality,
    pub reason: Reason,
}

impl Slot {
    pub const EMPTY: Slot = Slot {
        value: None,
        time: Timestamp(i64::MIN),
        received: Timestamp(i64::MIN),
        sent: None,
        quality: Quality::Missing,
        reason: Reason::None,
    };

    /// What the clock of this member shows (`rules.md`, 3.1): it jumps to each newer reading and runs on at wall speed between them.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        if self.received.0 == i64::MIN { now } else { now.shifted(self.time.micros_since(self.received)) }
    }

    /// Whether the value has outlived its `stale` age. The clock of a member runs on at wall speed from its newest reading (`rules.md`, 3.1).
    pub fn is_stale(&self, stale_after: Option<std::time::Duration>, now: Timestamp) -> bool {
        match stale_after {
            Some(age) if self.value.is_some() => now > self.received.plus(age),
            Some(_) | None => false,
        }
    }
}

/// The committed face of a twin.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub no: TwinNo,
    pub id: TwinId,
    pub name: Arc<str>,
    pub layout: SharedLayout,
    pub revision: Revision,
    pub created: Timestamp,
    /// When its last event was recorded.
    pub updated: Timestamp,
    pub external_ids: Box<[(String, String)]>,
    /// A hash of the file entry that was last applied to it; 0 if none ever was.
    pub applied: u64,
    pub slots: Slots,
    /// What is asked of the device for its settings (`sync: desired`), by slot; only those that somebody has set.
    pub desired: Box<[Desired]>,
    /// What slots held before, of those that some expression asks for it.
    pub previous: Box<[(SlotNo, Slot)]>,
    /// What others have pushed to it.
    pub pushed: Pushed,
    /// What the results of its windows are based on.
    pub bases: Bases,
    /// Whose values say most about the roll-ups that its rules look at.
    pub contributors: Contributors,
    /// Readings that came too late for a window.
    pub late: Late,
    /// Where its rules and alarms stand.
    pub watches: Watches,
    /// Alarms of the past.
    pub closed: Closed,
    /// What it has asked others to do.
    pub asked: Asked,
    /// What could not be done.
    pub troubles: Troubles,
    /// Rules that are off on this twin.
    pub disabled: Box<[SmolStr]>,
    /// Parameters that are others on this twin.
    pub tuning: Tuning,
    /// It is being worked on: none of its alarms is announced, and its rules do nothing.
    pub out_of_service: Option<Box<OutOfService>>,
    /// What is known of the alarms below it; of nearly all twins nothing.
    pub flood: Option<Arc<Flood>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    pub slot: SlotNo,
    pub value: Value,
    pub since: Timestamp,
}

impl State {
    /// As it begins: nothing is known of it, not even its defaults, which are set like all other properties so that a replay sees them.
    pub fn new(no: TwinNo, id: TwinId, layout: Arc<Layout>, created: Timestamp) -> State {
        State {
            no,
            name: id.shared_with(id.as_str()),
            id,
            revision: Revision(0),
            created,
            updated: created,
            external_ids: Box::default(),
            applied: 0,
            slots: Slots::empty(layout.slots.len()),
            desired: Box::default(),
            previous: Box::default(),
            pushed: Pushed::default(),
            bases: Bases::default(),
            contributors: Contributors::default(),
            late: Late::default(),
            watches: Watches::default(),
            closed: Closed::default(),
            asked: Asked::default(),
            troubles: Troubles::default(),
            disabled: Box::default(),
            tuning: Tuning::default(),
            out_of_service: None,
            flood: None,
            layout: SharedLayout(layout),
        }
    }

    pub fn slot(&self, slot: SlotNo) -> &Slot {
        if slot.is_remote() { self.pushed.get(slot).unwrap_or(&Slot::EMPTY) } else { self.slots.get(slot) }
    }

    /// What is asked of the device for a setting.
    pub fn desired(&self, slot: SlotNo) -> Option<&Desired> {
        self.desired.iter().find(|desired| desired.slot == slot)
    }

    /// The worst of its open alarms that nothing suppresses.
    pub fn severity(&self) -> Option<Severity> {
        self.watches.severity(self.out_of_service.as_deref())
    }

    /// The newest receipt time of its telemetry.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let telemetry = self
            .layout
            .slots
            .iter()
            .zip(self.slots.iter())
            .filter(|(spec, slot)| spec.section == Section::Telemetry && slot.value.is_some());
        telemetry.map(|(_, slot)| slot.received).max()
    }
}

/// A layout compared by its fingerprint: two loads of the same file are the same layout.
#[derive(Debug, Clone)]
pub struct SharedLayout(pub Arc<Layout>);

impl PartialEq for SharedLayout {
    fn eq(&self, other: &SharedLayout) -> bool {
        self.0.name == other.0.name && self.0.fingerprint == other.0.fingerprint
    }
}

impl std::ops::Deref for SharedLayout {
    type Target = Arc<Layout>;

    fn deref(&self) -> &Arc<Layout> {
        &self.0
    }
}

/// A live twin. Its state is shared with the readers who saw it last; a change copies it first.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    pub state: Arc<State>,
    /// What it has lately been told, so that a message that is sent again is known.
    pub recent: Recent,
    /// The windows over its members.
    pub windows: Windows,
    /// What rules see that wait for older readings.
    pub views: Views,
}

impl Twin {
    /// When time alone will next matter to it, on the wall, to a program that runs since `started`.
    pub fn due(&self, now: Timestamp, started: Timestamp) -> Option<Timestamp> {
        super::follow::due(self, now, started)
    }

    /// What is seen of a slot in a view, or by those who do not wait.
    pub(super) fn seen(&self, view: Option<u16>, slot: SlotNo) -> &Slot {
        let own = view.and_then(|view| self.views.slot(&self.state.layout, view, slot));
        own.unwrap_or_else(|| self.state.slot(slot))
    }

    /// All of it but what it has lately been told: to plan a change with, which that plays no part in.
    #[must_use]
    pub fn face(&self) -> Twin {
        Twin { state: self.state.clone(), recent: Recent::default(), windows: self.windows.clone(), views: self.views.clone() }
    }

    /// It has become what was planned with its face.
    pub fn put_on(&mut self, face: Twin) {
        (self.state, self.windows, self.views) = (face.state, face.windows, face.views);
    }

    pub fn new(state: State) -> Twin {
        Twin { state: Arc::new(state), recent: Recent::default(), windows: Windows::default(), views: Views::default() }
    }
}
