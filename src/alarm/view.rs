//! The same alarm in the words of other systems.

use super::occurrence::Condition;
use super::state::AlarmState;
use super::suppression::OutOfService;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CumulocityStatus {
    Active,
    Acknowledged,
    Cleared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IotEventsState {
    Normal,
    Active,
    Acknowledged,
    Latched,
    SnoozeDisabled,
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShelvingState {
    Unshelved,
    TimedShelved,
    OneShotShelved,
}

/// The state machines of OPC UA Part 9, which are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpcUaStates {
    pub active: bool,
    pub acked: bool,
    pub latched: bool,
    pub suppressed: bool,
    pub out_of_service: bool,
    pub shelving: ShelvingState,
}

impl CumulocityStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            CumulocityStatus::Active => "ACTIVE",
            CumulocityStatus::Acknowledged => "ACKNOWLEDGED",
            CumulocityStatus::Cleared => "CLEARED",
        }
    }
}

impl IotEventsState {
    pub fn as_str(self) -> &'static str {
        match self {
            IotEventsState::Normal => "NORMAL",
            IotEventsState::Active => "ACTIVE",
            IotEventsState::Acknowledged => "ACKNOWLEDGED",
            IotEventsState::Latched => "LATCHED",
            IotEventsState::SnoozeDisabled => "SNOOZE_DISABLED",
            IotEventsState::Disabled => "DISABLED",
        }
    }
}

/// CLEARED is "not active" there, also while it still waits here for somebody.
pub fn cumulocity_status(alarm: &AlarmState) -> CumulocityStatus {
    match &alarm.open {
        Some(open) if open.condition.is_active() && open.acknowledged => CumulocityStatus::Acknowledged,
        Some(open) if open.condition.is_active() => CumulocityStatus::Active,
        Some(_) | None => CumulocityStatus::Cleared,
    }
}

/// Returned and waiting for somebody is LATCHED there, whether for an acknowledgement or a reset.
pub fn iot_events_state(alarm: &AlarmState, twin: Option<&OutOfService>) -> IotEventsState {
    let suppressions = alarm.suppressions.as_deref();
    if twin.is_some() || suppressions.is_some_and(|suppressions| suppressions.out_of_service.is_some()) {
        return IotEventsState::Disabled;
    }
    if suppressions.is_some_and(|suppressions| suppressions.shelf.is_some()) {
        return IotEventsState::SnoozeDisabled;
    }
    match &alarm.open {
        None => IotEventsState::Normal,
        Some(open) if open.condition == Condition::Normal => IotEventsState::Latched,
        Some(open) if open.acknowledged => IotEventsState::Acknowledged,
        Some(_) => IotEventsState::Active,
    }
}

pub fn opc_ua_states(alarm: &AlarmState, twin: Option<&OutOfService>) -> OpcUaStates {
    let open = alarm.open.as_deref();
    let suppressions = alarm.suppressions.as_deref();
    let shelf = suppressions.and_then(|suppressions| suppressions.shelf.as_ref());
    OpcUaStates {
        active: alarm.condition().is_active(),
        acked: open.is_none_or(|open| open.acknowledged),
        latched: open.is_some_and(|open| open.latched),
        suppressed: suppressions.is_some_and(|suppressions| suppressions.by_design.is_some()),
        out_of_service: twin.is_some() || suppressions.is_some_and(|suppressions| suppressions.out_of_service.is_some()),
        shelving: match shelf.map(|shelf| shelf.until) {
            None => ShelvingState::Unshelved,
            Some(Some(_)) => ShelvingState::TimedShelved,
            Some(None) => ShelvingState::OneShotShelved,
        },
    }
}
