//! What a twin contributes to a roll-up of another one, as of now.

use crate::alarm::Severity;
use crate::catalog::Layout;
use crate::catalog::rolled::{Export, What};
use crate::expr::{Datum, Environment, Operand};
use crate::reading::Timestamp;
use crate::rollup::Contribution;

use super::follow::{Surroundings, at_rest};
use super::state::State;

#[derive(Debug, Clone, PartialEq)]
pub struct Contributed {
    pub contribution: Contribution,
    /// The event time it is of.
    pub time: Timestamp,
    /// When, on the wall, time alone makes it unknown.
    pub stale_at: Option<Timestamp>,
}

/// `layout` is today's form of the twin's type, numbered as the one of its state.
pub fn contributed(state: &State, layout: &Layout, export: &Export, now: Timestamp) -> Contributed {
    let slots = || export.reads.iter().map(|slot| (state.slot(*slot), layout.slot(*slot).telemetry.as_ref().and_then(|rules| rules.stale)));
    let heard = slots().filter(|(slot, _)| slot.value.is_some());
    // What has gone stale became unknown then, and not when it was measured.
    let times = heard.map(|(slot, stale)| match stale {
        Some(age) if now >= slot.received.plus(age) => slot.time.plus(age),
        Some(_) | None => slot.time,
    });
    let stale = slots().filter(|(slot, _)| slot.value.is_some()).filter_map(|(slot, stale)| Some(slot.received.plus(stale?)));
    let surroundings = at_rest(state, layout, now);
    Contributed {
        contribution: contribution(state, export, &surroundings),
        time: times.max().unwrap_or(state.updated),
        stale_at: stale.filter(|at| *at > now).min(),
    }
}

fn contribution(state: &State, export: &Export, surroundings: &Surroundings<'_>) -> Contribution {
    if let Some(filter) = &export.filter {
        match filter.tree.is_true(surroundings) {
            Ok(true) => {}
            Ok(false) => return Contribution::Out,
            Err(_) => return Contribution::Unknown,
        }
    }
    let number = match &export.of {
        What::Presence => Some(1.0),
        What::Slot(slot) => surroundings.read(Operand::Slot(slot.0)).ok().and_then(|datum| match datum {
            Datum::Bool(value) => Some(f64::from(u8::from(value))),
            Datum::Enum(place) => Some(f64::from(place)),
            other @ (Datum::Int(_) | Datum::Double(_)) => other.as_number(),
            Datum::Null | Datum::Text(_) | Datum::Timestamp(_) | Datum::Duration(_) | Datum::List(_) | Datum::Map(_) | Datum::Json(_) => {
                None
            }
        }),
        What::Severity => Some(f64::from(state.severity().map_or(0, rank))),
        What::Value(checked) => checked.tree.evaluate(surroundings).ok().map(|datum| {
            let truth = if let Datum::Bool(value) = datum { Some(f64::from(u8::from(value))) } else { None };
            // Of what is only counted, that it is known is enough.
            truth.or(datum.as_number()).unwrap_or(1.0)
        }),
    };
    match number {
        Some(number) => Contribution::Value(export.conversion.as_ref().map_or(number, |conversion| conversion.apply(number))),
        None => Contribution::Unknown,
    }
}

/// The place in `rolled::SEVERITIES`.
pub(super) fn rank(severity: Severity) -> u16 {
    match severity {
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Minor => 3,
        Severity::Major => 4,
        Severity::Critical => 5,
    }
}
