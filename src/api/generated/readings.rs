//! Readings of the types' own enums and objects; those of scalars are the core's.

use std::sync::Arc;

use crate::api::build::{Out, SchemaBuilder};
use crate::api::names::{ValuePlan, ViewPlan};
use crate::api::session::Seen;
use crate::api::types::reading::SlotNode;
use crate::api::types::twin::TwinNode;
use crate::reading::unit::Unit;
use crate::twin::State;

use super::place::{Place, Side};
use super::values::slots_out;

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>) {
    let enums = plan.enums.iter().enumerate().map(|(index, words)| (&words.reading, ValuePlan::Enum(index)));
    let objects = plan.objects.iter().enumerate().map(|(index, object)| (&object.reading, ValuePlan::Object(index)));
    for (name, value) in enums.chain(objects) {
        let Some(name) = name else { continue };
        let ty = plan.value_name(&value).to_owned();
        let plan = plan.clone();
        let mut builder = schema.object::<SlotNode>(name, "The newest value with its quality and times.");
        builder.implements("AnyReading").value("value", &ty, "Null until the first reading.", move |node, _| {
            slots_out(&plan, &value, &node.seen.state, node.slots.clone(), Side::Held, None)
        });
    }
}

/// The reading of a member that the twin's form of its type does not have yet: nothing was ever heard of it.
fn unheard(twin: &TwinNode, place: &Place) -> SlotNode {
    let Seen { state, seq } = &twin.seen;
    let empty = State::new(state.no, state.id.clone(), place.layout.clone(), state.created);
    SlotNode::new(Seen { state: Arc::new(empty), seq: *seq }, place.slots.clone())
}

/// A member's reading, in another unit if one is asked for.
pub(super) fn reading_out(twin: &TwinNode, place: &Place, unit: Option<Unit>) -> Out {
    let node = match place.slots_in(&twin.seen.state) {
        Some(slots) => SlotNode::new(twin.seen.clone(), slots),
        None => unheard(twin, place),
    };
    let own = node.spec().unit.as_ref();
    let conversion = unit.and_then(|unit| Some((own?.conversion_to(&unit)?, unit)));
    Out::object(match conversion {
        Some((conversion, unit)) => node.in_unit(unit, conversion),
        None => node,
    })
}
