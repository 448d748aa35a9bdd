//! Values of several parts: objects inside a twin or on an edge, which are no nodes. Quality and times are those of the whole.

use std::ops::Range;
use std::sync::Arc;

use foldhash::HashMap;
use serde_json::Value as Json;

use crate::api::build::{Out, SchemaBuilder};
use crate::api::names::{ObjectField, ValuePlan, ViewPlan};
use crate::catalog::Catalog;
use crate::catalog::layout::{Field, SlotSpec, ValueType};
use crate::reading::unit::Unit;
use crate::twin::State;

use super::place::{Side, held};
use super::text::{output, unit_doc};
use super::{units, values};

/// An object value.
#[derive(Debug, Clone)]
pub(super) enum ObjectNode {
    /// Each leaf is a slot, counted from the first.
    Slots { state: Arc<State>, first: u16, side: Side },
    /// It lies inside one slot, or on an edge.
    Json(Json),
}

impl ObjectNode {
    /// None if nothing of it is there.
    pub(super) fn of_slots(state: &Arc<State>, mut slots: Range<u16>, side: Side) -> Option<ObjectNode> {
        let first = slots.start;
        slots.any(|slot| held(state, slot, side).is_some()).then(|| ObjectNode::Slots { state: state.clone(), first, side })
    }

    pub(super) fn of_json(json: &Json) -> ObjectNode {
        ObjectNode::Json(json.clone())
    }

    fn part(&self, plan: &ViewPlan, part: &Part, unit: Option<&Unit>) -> Out {
        match self {
            ObjectNode::Slots { state, first, side } => match part.slots_in(state, *first) {
                Some(slots) => values::slots_out(plan, &part.value, state, slots, *side, unit),
                None => Out::Null,
            },
            ObjectNode::Json(json) => {
                let conversion = part.own_unit.as_ref().zip(unit);
                json.get(&*part.name).map_or(Out::Null, |json| values::json_out(plan, &part.value, json, conversion))
            }
        }
    }
}

/// A field of an object, as its resolver needs it.
#[derive(Debug)]
struct Part {
    name: Box<str>,
    slots: Range<u16>,
    value: ValuePlan,
    own_unit: Option<Unit>,
}

impl Part {
    fn new(field: &ObjectField, own_unit: Option<&Unit>) -> Part {
        Part { name: (*field.name).into(), slots: field.slots.clone(), value: field.value.clone(), own_unit: own_unit.cloned() }
    }

    /// None in a twin of an older form, whose object has other fields.
    fn slots_in(&self, state: &State, first: u16) -> Option<Range<u16>> {
        let slots = first + self.slots.start..first + self.slots.end;
        let spec = state.layout.slots.get(usize::from(slots.start))?;
        spec.path.split('.').any(|step| *step == *self.name).then_some(slots)
    }
}

/// The units of the fields of each object, by its index.
#[derive(Debug, Default)]
pub(super) struct ObjectUnits(HashMap<usize, Vec<Option<Unit>>>);

impl ObjectUnits {
    pub(super) fn find(catalog: &Catalog, plan: &ViewPlan) -> ObjectUnits {
        let mut units = ObjectUnits::default();
        for ty in &plan.types {
            for field in &ty.fields {
                let slots = ty.layout.slots.get(usize::from(field.slots.start)..usize::from(field.slots.end));
                units.add_slots(plan, &field.value, slots.unwrap_or_default());
            }
        }
        for connection in &plan.connections {
            let Some(relation) = catalog.relations.get(usize::from(connection.relation)) else { continue };
            for field in connection.own_edge.iter().flat_map(|edge| &edge.fields) {
                let declared = relation.properties.iter().find(|property| property.name == field.property);
                if let Some(ValueType::Object(fields)) = declared.map(|property| &property.value.value_type) {
                    units.add_fields(plan, &field.value, fields);
                }
            }
        }
        units
    }

    fn add_slots(&mut self, plan: &ViewPlan, value: &ValuePlan, slots: &[SlotSpec]) {
        let ValuePlan::Object(index) = value else { return };
        if self.0.contains_key(index) {
            return;
        }
        let fields = &plan.objects[*index].fields;
        self.0.insert(*index, fields.iter().map(|field| slots.get(usize::from(field.slots.start))?.unit.clone()).collect());
        for field in fields {
            let inner = slots.get(usize::from(field.slots.start)..usize::from(field.slots.end));
            self.add_slots(plan, &field.value, inner.unwrap_or_default());
        }
    }

    fn add_fields(&mut self, plan: &ViewPlan, value: &ValuePlan, declared: &[Field]) {
        let ValuePlan::Object(index) = value else { return };
        self.0.insert(*index, declared.iter().map(|field| field.value.unit.clone()).collect());
        for (field, declared) in plan.objects[*index].fields.iter().zip(declared) {
            if let ValueType::Object(inner) = &declared.value.value_type {
                self.add_fields(plan, &field.value, inner);
            }
        }
    }

    fn of(&self, object: usize, field: usize) -> Option<&Unit> {
        self.0.get(&object)?.get(field)?.as_ref()
    }
}

pub(super) fn declare(schema: &mut SchemaBuilder, catalog: &Catalog, plan: &Arc<ViewPlan>) {
    let own_units = ObjectUnits::find(catalog, plan);
    for (index, object) in plan.objects.iter().enumerate() {
        let mut builder = schema.object::<ObjectNode>(&object.name, "A value of several parts: embedded, not a node.");
        for (at, field) in object.fields.iter().enumerate() {
            let part = Part::new(field, own_units.of(index, at));
            let (ty, doc) = (output(plan, &field.value), unit_doc("", part.own_unit.as_ref()));
            let (plan, unit) = (plan.clone(), field.unit);
            match units::arg_type(&plan.clone(), unit) {
                None => builder.value(&field.name, &ty, &doc, move |object, _| object.part(&plan, &part, None)),
                Some(arg) => builder.field(&field.name, &ty, &doc).arg("unit", arg).now(move |object, args, _| {
                    let asked = units::asked(&plan, unit, part.own_unit.as_ref(), args)?;
                    Ok(object.part(&plan, &part, asked.as_ref()))
                }),
            };
        }
    }
}
