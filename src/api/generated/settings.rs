//! Settings: properties that are asked of a device (`sync: desired`), with what it says it has.

use std::ops::Range;
use std::sync::Arc;

use crate::api::build::{Out, SchemaBuilder};
use crate::api::names::ViewPlan;
use crate::api::types::twin::TwinNode;
use crate::reading::unit::Unit;
use crate::reading::{SlotNo, Timestamp};
use crate::twin::State;

use super::place::{Place, Side, asked, held};
use super::text::output;
use super::values::slots_out;

/// A setting of a twin.
#[derive(Debug, Clone)]
pub(super) struct SettingNode {
    state: Arc<State>,
    /// None: the caller may not see it.
    slots: Option<Range<u16>>,
    unit: Option<Unit>,
}

impl SettingNode {
    pub(super) fn new(twin: &TwinNode, place: &Place, is_shown: bool, unit: Option<Unit>) -> SettingNode {
        let state = twin.seen.state.clone();
        let slots = if is_shown { place.slots_in(&state) } else { None };
        SettingNode { state, slots, unit }
    }

    fn slots(&self) -> Range<u16> {
        self.slots.clone().unwrap_or_default()
    }

    /// Nothing is asked of the device that it does not say it has.
    fn is_in_sync(&self) -> bool {
        let value = |slot, side| held(&self.state, slot, side).map(|(_, value)| value);
        self.slots().all(|slot| value(slot, Side::Asked).is_none_or(|asked| value(slot, Side::Held) == Some(asked)))
    }

    fn asked_at(&self) -> Option<Timestamp> {
        self.slots().filter_map(|slot| asked(&self.state, slot)).map(|(_, since)| since).max()
    }

    fn reported_at(&self) -> Option<Timestamp> {
        let held = self.slots().map(|slot| self.state.slot(SlotNo(slot))).filter(|slot| slot.value.is_some());
        held.map(|slot| slot.time).max()
    }
}

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>) {
    for setting in &plan.settings {
        let ty = output(plan, &setting.value);
        let mut builder = schema.object::<SettingNode>(&setting.name, "What a device was asked to use, and what it says it uses.");
        for (name, side, doc) in [
            ("reported", Side::Held, "What the device says it uses."),
            ("desired", Side::Asked, "What it was asked to use; writes go here."),
        ] {
            let (plan, value) = (plan.clone(), setting.value.clone());
            builder.value(name, &ty, doc, move |node: &SettingNode, _| match &node.slots {
                Some(slots) => slots_out(&plan, &value, &node.state, slots.clone(), side, node.unit.as_ref()),
                None => Out::Null,
            });
        }
        builder
            .value("inSync", "Boolean!", "Nothing is asked for that the device does not say it uses.", |node, _| node.is_in_sync())
            .value("desiredAt", "DateTime", "", |node, _| node.asked_at().map(|time| time.to_string()))
            .value("reportedAt", "DateTime", "", |node, _| node.reported_at().map(|time| time.to_string()));
    }
}
