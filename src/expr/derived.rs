//! The units of what is made of values besides expressions: differences, rates, integrals.

use crate::reading::unit::Unit;

use super::measure::Measure;

/// What differences are measured in: of degC it is K.
pub fn difference_unit(unit: &Unit) -> Unit {
    Measure::of(unit.clone()).difference().unit
}

/// `None`: it has no name, or none that could be written.
pub fn product_unit(a: &Unit, b: &Unit) -> Option<Unit> {
    Some(Measure::of(a.clone()).times(&Measure::of(b.clone())).ok()??.unit)
}

pub fn quotient_unit(a: &Unit, b: &Unit) -> Option<Unit> {
    Some(Measure::of(a.clone()).over(&Measure::of(b.clone())).ok()??.unit)
}
