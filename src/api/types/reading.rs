//! `AnyReading` and its objects: a value with its quality and times. Telemetry of every type is shown by these.

use std::ops::Range;

use serde_json::Value as Json;

use super::member;
use super::twin_type::limits;
use crate::api::build::{Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::session::{Seen, Session};
use crate::catalog::layout::{Member, Section, SlotSpec};
use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Quality, SlotNo, Timestamp, Value};
use crate::twin::{Basis, Slot};

/// What an explanation costs.
pub const EXPLAIN_WEIGHT: u32 = 20;

/// What a twin holds of one telemetry member.
#[derive(Debug, Clone)]
pub struct SlotNode {
    pub seen: Seen,
    /// More than one for objects and arrays of fixed size.
    pub slots: Range<u16>,
    /// Another unit than that of the type, and how numbers become it.
    pub unit: Option<(Unit, Conversion)>,
}

impl SlotNode {
    pub fn new(seen: Seen, slots: Range<u16>) -> SlotNode {
        SlotNode { seen, slots, unit: None }
    }

    pub fn of_member(seen: Seen, member: &Member) -> SlotNode {
        SlotNode::new(seen, member.slots.clone())
    }

    pub fn in_unit(self, unit: Unit, conversion: Conversion) -> SlotNode {
        SlotNode { unit: Some((unit, conversion)), ..self }
    }

    /// The first slot: where there is only one, the slot.
    pub fn slot(&self) -> &Slot {
        self.seen.state.slot(SlotNo(self.slots.start))
    }

    pub fn spec(&self) -> &SlotSpec {
        self.seen.state.layout.slot(SlotNo(self.slots.start))
    }

    fn each(&self) -> impl Iterator<Item = &Slot> {
        self.slots.clone().map(|no| self.seen.state.slot(SlotNo(no)))
    }

    /// Those that hold something.
    fn held(&self) -> impl Iterator<Item = &Slot> {
        self.each().filter(|slot| slot.value.is_some())
    }

    pub fn conversion(&self) -> Option<&Conversion> {
        self.unit.as_ref().map(|(_, conversion)| conversion)
    }

    /// A number in the unit that was asked for.
    pub fn number(&self) -> Option<f64> {
        let number = match self.slot().value.as_ref()? {
            Value::Double(number) => *number,
            Value::Int(number) => *number as f64,
            Value::Decimal(number) => f64::try_from(*number).ok()?,
            Value::Bool(_)
            | Value::Text(_)
            | Value::Timestamp(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Enum(_)
            | Value::Bytes(_)
            | Value::Json(_) => return None,
        };
        Some(self.conversion().map_or(number, |conversion| conversion.apply(number)))
    }

    pub fn json(&self) -> Option<Json> {
        member::value(&self.seen.state, self.slots.clone(), self.conversion())
    }

    /// The least trusted of its parts.
    fn quality(&self) -> Quality {
        self.held().map(|slot| slot.quality).reduce(Quality::worse).unwrap_or(Quality::Missing)
    }

    fn time(&self) -> Option<Timestamp> {
        self.held().map(|slot| slot.time).max()
    }

    fn received(&self) -> Option<Timestamp> {
        self.held().map(|slot| slot.received).max()
    }

    /// What a result of a window or a roll-up is based on.
    fn basis(&self) -> Option<Basis> {
        self.seen.state.bases.get(SlotNo(self.slots.start)).copied()
    }

    fn is_stale(&self, ctx: &RequestContext) -> bool {
        let stale = self.spec().telemetry.as_ref().and_then(|rules| rules.stale);
        ctx.services::<Session>().is_ok_and(|session| self.each().any(|slot| slot.is_stale(stale, session.now())))
    }

    fn age_ms(&self, ctx: &RequestContext) -> Option<f64> {
        let session = ctx.services::<Session>().ok()?;
        Some(session.now().micros_since(self.time()?) as f64 / 1000.0)
    }

    /// Of one slot, as text.
    fn text(&self) -> Option<String> {
        match self.json()? {
            Json::String(text) => Some(text),
            Json::Null => None,
            other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => Some(other.to_string()),
        }
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "Quality",
        "How far a value can be trusted.",
        &[
            ("GOOD", ""),
            ("UNCERTAIN", "The sender has doubts, or its clock is wrong."),
            ("BAD", "Not to be used: out of range, or the sender says so."),
            ("MISSING", "Never received."),
        ],
    );
    schema
        .object::<Basis>("WindowResult", "What the result of a window or a roll-up is based on.")
        .value("start", "DateTime!", "From here on, included. Of a roll-up: its newest contribution.", |basis, _| Out::print(basis.start))
        .value("end", "DateTime!", "To here, excluded.", |basis, _| Out::print(basis.end))
        .value("count", "Long!", "Known readings in it; of a roll-up known contributions.", |basis, _| basis.count)
        .value("coverage", "Float!", "How much of it is known, from 0 to 1: of its time, or of its contributions.", |basis, _| {
            basis.coverage
        })
        .value("revision", "Int!", "How often it was corrected since it was first published.", |basis, _| {
            usize::try_from(basis.revision).unwrap_or(usize::MAX)
        })
        .value("provisional", "Boolean!", "It has not ended.", |basis, _| basis.provisional)
        .value("approximate", "Boolean!", "Estimated, within the bounds that the guide names.", |basis, _| basis.approximate);
    schema
        .interface::<SlotNode>("AnyReading", "A value with its quality and times.")
        .value("unit", "String", "The unit of the value.", |reading, _| match &reading.unit {
            Some((unit, _)) => Some(unit.symbol().to_owned()),
            None => reading.spec().unit.as_ref().map(|unit| unit.symbol().to_owned()),
        })
        .value("quality", "Quality!", "", |reading, _| reading.quality().as_str())
        .value("stale", "Boolean!", "Whether it is older than the type allows.", |reading, ctx| reading.is_stale(ctx))
        .value("origin", "Origin!", "", |reading, _| match reading.spec().section {
            Section::Computed => "COMPUTED",
            Section::Property | Section::Telemetry => "MEASURED",
        })
        .value("seq", "Long!", "The commit as of which it is.", |reading, _| reading.seen.seq.0)
        .value("time", "DateTime", "Event time at the source.", |reading, _| reading.time().map(Out::print))
        .value("receivedAt", "DateTime", "When it came in.", |reading, _| reading.received().map(Out::print))
        .value("ageMs", "Float", "How long ago it happened, by our clock.", |reading, ctx| reading.age_ms(ctx))
        .value("window", "WindowResult", "What it is the result of; null for what is not gathered.", |reading, _| {
            reading.basis().map_or(Out::Null, Out::object)
        })
        .field("explain", "Explanation", "Why it is what it is.")
        .arg("depth", "Int = 5")
        .arg_doc("How far back, at most 20 steps.")
        .weight(EXPLAIN_WEIGHT)
        .now(|reading, args, ctx| super::explanation::of_reading(reading, args, ctx));
    schema
        .object::<SlotNode>("Reading", "Telemetry of any twin, for clients that do not know its type.")
        .implements("AnyReading")
        .value("property", "String!", "The member of the type.", |reading, _| {
            let layout = &reading.seen.state.layout;
            layout.members.get(usize::from(reading.spec().member)).map_or_else(String::new, |member| member.name.to_string())
        })
        .value("value", "JSON", "As the type declares it; null until the first reading.", |reading, _| reading.json().map(Out::json))
        .value("number", "Float", "The value, where it is a number.", |reading, _| reading.number());
    typed(schema);
}

fn typed(schema: &mut SchemaBuilder) {
    schema
        .object::<SlotNode>("FloatReading", "A measured number.")
        .implements("AnyReading")
        .value("value", "Float", "Null until the first reading.", |reading, _| reading.number())
        .value("limits", "Limits", "What the type allows, in the unit of the value.", |reading, _| {
            limits(reading.spec(), reading.conversion()).map_or(Out::Null, Out::object)
        });
    schema
        .object::<SlotNode>("IntReading", "A whole number of up to 32 bits.")
        .implements("AnyReading")
        .value("value", "Int", "Null until the first reading.", |reading, _| match reading.slot().value {
            Some(Value::Int(number)) => i32::try_from(number).ok(),
            Some(_) | None => None,
        })
        .value("limits", "Limits", "What the type allows.", |reading, _| limits(reading.spec(), None).map_or(Out::Null, Out::object));
    schema.object::<SlotNode>("LongReading", "A whole number.").implements("AnyReading").value(
        "value",
        "Long",
        "Null until the first reading.",
        |reading, _| match reading.slot().value {
            Some(Value::Int(number)) => Some(number),
            Some(_) | None => None,
        },
    );
    schema.object::<SlotNode>("BooleanReading", "True or false.").implements("AnyReading").value(
        "value",
        "Boolean",
        "Null until the first reading.",
        |reading, _| match reading.slot().value {
            Some(Value::Bool(value)) => Some(value),
            Some(_) | None => None,
        },
    );
    schema.object::<SlotNode>("StringReading", "Text, or what is written as text.").implements("AnyReading").value(
        "value",
        "String",
        "Null until the first reading.",
        |reading, _| reading.text(),
    );
    schema.object::<SlotNode>("DateTimeReading", "An instant.").implements("AnyReading").value(
        "value",
        "DateTime",
        "Null until the first reading.",
        |reading, _| reading.text(),
    );
    schema.object::<SlotNode>("JSONReading", "A value without a type of its own.").implements("AnyReading").value(
        "value",
        "JSON",
        "Null until the first reading.",
        |reading, _| reading.json().map(Out::json),
    );
}
