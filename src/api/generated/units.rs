//! The argument `unit:`: which units a number can be asked for in, and the one that was asked for.

use crate::api::build::{Args, SchemaBuilder};
use crate::api::error::ApiError;
use crate::api::names::{UnitArg, ViewPlan};
use crate::reading::unit::Unit;

/// One enum for each kind of quantity that the types of the view measure.
pub(super) fn declare(schema: &mut SchemaBuilder, plan: &ViewPlan) {
    for units in &plan.units {
        let doc = format!("Units of {}.", units.kind);
        let mut builder = schema.enumeration(&units.name, &doc, &[]);
        for (value, unit) in &units.values {
            builder.value(value, unit.symbol());
        }
    }
}

/// The type of the argument, if there is one.
pub(super) fn arg_type(plan: &ViewPlan, unit: UnitArg) -> Option<&str> {
    match unit {
        UnitArg::None => None,
        UnitArg::Enum(index) => Some(&plan.units[index].name),
        UnitArg::Text => Some("String"),
    }
}

/// What the argument asks for. `own` is the unit that the value has.
pub(super) fn asked(plan: &ViewPlan, unit: UnitArg, own: Option<&Unit>, args: &Args) -> Result<Option<Unit>, ApiError> {
    let Some(text) = args.text("unit") else { return Ok(None) };
    match unit {
        UnitArg::None => Ok(None),
        UnitArg::Enum(index) => {
            let chosen = plan.units[index].unit(text).cloned();
            chosen.map(Some).ok_or_else(|| ApiError::bad_input(format!("`{text}` is no value of {}", plan.units[index].name)))
        }
        UnitArg::Text => {
            let chosen = Unit::parse(text).map_err(|problem| ApiError::bad_input(problem.to_string()))?;
            let fits = own.is_none_or(|own| own.conversion_to(&chosen).is_some());
            let own = own.map_or("", Unit::symbol);
            if fits { Ok(Some(chosen)) } else { Err(ApiError::bad_input(format!("`{own}` does not convert to `{text}`"))) }
        }
    }
}
