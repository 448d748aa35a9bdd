//! Arithmetic of units: what a product is measured in, and which numbers may be compared or added.
//!
//! A product of two measures knows that it is one: physics then lets N.m times rad be an energy, and N.m times rpm a power, though a member
//! declared in N.m is a torque and nothing else.

use std::sync::LazyLock;

use crate::reading::unit::{Conversion, Unit};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measure {
    pub(super) unit: Unit,
    /// Made by multiplying or dividing two units.
    composed: bool,
}

/// Powers of the radian that a product may have more or less than what it is compared with: SI counts it as a bare number.
const ANGLE_POWERS: [i8; 4] = [-1, 1, -2, 2];
/// Any unit that stands in no conversion: beside it newton times metre is a product like any other.
const BYSTANDER: &str = "cd";

static CELSIUS: LazyLock<Option<Unit>> = LazyLock::new(|| Unit::find("degC"));
static FAHRENHEIT_STEP: LazyLock<Option<Unit>> = LazyLock::new(|| Unit::find("deltaDegF"));
static KELVIN: LazyLock<Option<Unit>> = LazyLock::new(|| Unit::find("K"));
static ONE: LazyLock<Option<Unit>> = LazyLock::new(|| Unit::find("1"));
static RADIAN: LazyLock<Option<Unit>> = LazyLock::new(|| Unit::find("rad"));

/// What a sum or difference of two temperatures is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temperature {
    /// Not a temperature at all.
    None,
    /// `degC`: has a zero of its own.
    Point,
    /// `deltaDegC`
    Difference,
    /// `K`
    Either,
}

impl Measure {
    pub(super) fn of(unit: Unit) -> Measure {
        Measure { unit, composed: false }
    }

    pub(super) fn radian() -> Option<Measure> {
        RADIAN.clone().map(Measure::of)
    }

    /// The product. `Ok(None)` where the units cancel out; `Err` if no unit can be written for it.
    pub(super) fn times(&self, other: &Measure) -> Result<Option<Measure>, Unwritable> {
        composed(&[(&self.unit, 1), (&other.unit, 1)])
    }

    pub(super) fn over(&self, other: &Measure) -> Result<Option<Measure>, Unwritable> {
        composed(&[(&self.unit, 1), (&other.unit, -1)])
    }

    pub(super) fn power(&self, exponent: i8) -> Result<Option<Measure>, Unwritable> {
        composed(&[(&self.unit, exponent)])
    }

    /// The unit whose square it is.
    pub(super) fn root(&self) -> Result<Option<Measure>, Unwritable> {
        let mut factors = factors(self.unit.symbol()).ok_or(Unwritable)?;
        for (_, exponent) in &mut factors {
            if *exponent % 2 != 0 {
                return Err(Unwritable);
            }
            *exponent /= 2;
        }
        written(&factors)
    }

    /// To a bare number, if it is a quotient of two of a kind (`m/km`) or a share (`%`).
    pub(super) fn to_bare(&self) -> Option<Conversion> {
        self.unit.conversion_to(ONE.as_ref()?)
    }

    /// From a share in ones, if this is one: `%`.
    pub(super) fn of_share(&self) -> Option<Conversion> {
        ONE.as_ref()?.conversion_to(&self.unit)
    }

    pub(super) fn is_composed(&self) -> bool {
        self.composed
    }

    pub(super) fn conversion_to(&self, target: &Measure) -> Option<Conversion> {
        if let Some(conversion) = self.unit.conversion_to(&target.unit) {
            return Some(conversion);
        }
        if !self.composed && !target.composed {
            return None;
        }
        let from = beside(&self.unit, 0)?;
        [0].into_iter().chain(ANGLE_POWERS).find_map(|angle| from.conversion_to(&beside(&target.unit, angle)?))
    }

    pub(super) fn temperature(&self) -> Temperature {
        let converts = |unit: &LazyLock<Option<Unit>>| unit.as_ref().is_some_and(|unit| self.unit.conversion_to(unit).is_some());
        match (converts(&CELSIUS), converts(&FAHRENHEIT_STEP)) {
            (false, false) => Temperature::None,
            (true, false) => Temperature::Point,
            (false, true) => Temperature::Difference,
            (true, true) => Temperature::Either,
        }
    }

    /// What differences are measured in: for a point on a scale one step of it, for everything else itself.
    pub(super) fn difference(&self) -> Measure {
        let step = match (self.temperature(), self.unit.symbol()) {
            (Temperature::Point, "degF") => FAHRENHEIT_STEP.clone(),
            (Temperature::Point, _) => KELVIN.clone(),
            (Temperature::None | Temperature::Difference | Temperature::Either, _) => None,
        };
        step.map_or_else(|| self.clone(), Measure::of)
    }
}

/// A unit that takes more than eight factors or a hundred bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwritable;

type Factors = Vec<(String, i8)>;

/// Of a symbol as [`Unit::symbol`] writes it: `kg.m/s^2`, `W/(m^2.K)`.
fn factors(symbol: &str) -> Option<Factors> {
    let mut factors = Vec::new();
    let (above, below) = symbol.split_once('/').unwrap_or((symbol, ""));
    let below = below.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(below);
    for (side, sign) in [(above, 1), (below, -1)] {
        for factor in side.split('.').filter(|factor| !factor.is_empty() && *factor != "1") {
            let (text, exponent) = factor.split_once('^').unwrap_or((factor, "1"));
            factors.push((text.to_owned(), exponent.parse::<i8>().ok()?.checked_mul(sign)?));
        }
    }
    Some(factors)
}

fn composed(parts: &[(&Unit, i8)]) -> Result<Option<Measure>, Unwritable> {
    let mut merged: Factors = Vec::new();
    for (unit, power) in parts {
        for (text, exponent) in factors(unit.symbol()).ok_or(Unwritable)? {
            let exponent = exponent.checked_mul(*power).ok_or(Unwritable)?;
            match merged.iter_mut().find(|(own, _)| *own == text) {
                Some((_, sum)) => *sum = sum.checked_add(exponent).ok_or(Unwritable)?,
                None => merged.push((text, exponent)),
            }
        }
    }
    written(&merged)
}

fn written(factors: &Factors) -> Result<Option<Measure>, Unwritable> {
    if factors.iter().all(|(_, exponent)| *exponent == 0) {
        return Ok(None);
    }
    let unit = Unit::find(&symbol(factors)).ok_or(Unwritable)?;
    Ok(Some(Measure { unit, composed: true }))
}

fn symbol(factors: &Factors) -> String {
    let side = |wanted: fn(i8) -> bool| {
        let chosen = factors.iter().filter(|(_, exponent)| wanted(*exponent));
        let texts: Vec<String> = chosen.map(|(text, exponent)| format!("{text}^{}", exponent.unsigned_abs())).collect();
        texts.join(".")
    };
    let (above, below) = (side(|exponent| exponent > 0), side(|exponent| exponent < 0));
    match (above.is_empty(), below.is_empty()) {
        (_, true) => above,
        (true, false) => format!("1/({below})"),
        (false, false) => format!("{above}/({below})"),
    }
}

/// The unit times some power of the radian, beside a bystander.
fn beside(unit: &Unit, angle: i8) -> Option<Unit> {
    let mut factors = factors(unit.symbol())?;
    factors.push((BYSTANDER.to_owned(), 1));
    match factors.iter_mut().find(|(text, _)| text == "rad") {
        Some((_, exponent)) => *exponent = exponent.checked_add(angle)?,
        None => factors.push(("rad".to_owned(), angle)),
    }
    factors.retain(|(_, exponent)| *exponent != 0);
    Unit::find(&symbol(&factors))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(symbol: &str) -> Measure {
        Measure::of(Unit::find(symbol).unwrap())
    }

    fn converted(measure: &Measure, target: &str, value: f64) -> Option<f64> {
        measure.conversion_to(&self::measure(target)).map(|conversion| conversion.apply(value))
    }

    #[test]
    fn products_are_physics() {
        let power = measure("N.m").times(&measure("rpm")).unwrap().unwrap();
        assert_eq!(converted(&power, "kW", 1000.0).map(|kw| (kw * 1e6).round() / 1e6), Some(0.10472));
        let energy = measure("N").times(&measure("m")).unwrap().unwrap();
        assert_eq!(converted(&energy, "J", 3.0), Some(3.0));
        assert_eq!(converted(&measure("kW").times(&measure("h")).unwrap().unwrap(), "kWh", 2.0), Some(2.0));
        assert_eq!(converted(&measure("kWh").over(&measure("t")).unwrap().unwrap(), "J/g", 1.0), Some(3.6));
        assert_eq!(measure("m").over(&measure("m")), Ok(None));
        assert_eq!(measure("m").over(&measure("km")).unwrap().unwrap().to_bare().unwrap().apply(1.0), 0.001);
        assert_eq!(measure("m^2").root().unwrap().unwrap().unit.symbol(), "m");
        assert_eq!(measure("m").root(), Err(Unwritable));
    }

    #[test]
    fn declared_units_stay_apart() {
        assert_eq!(converted(&measure("N.m"), "J", 1.0), None);
        assert_eq!(converted(&measure("rpm"), "Hz", 1.0), None);
        assert_eq!(converted(&measure("kW").times(&measure("h")).unwrap().unwrap(), "degC", 1.0), None);
    }

    #[test]
    fn temperatures() {
        for (symbol, temperature, step) in [
            ("degC", Temperature::Point, "K"),
            ("degF", Temperature::Point, "deltaDegF"),
            ("K", Temperature::Either, "K"),
            ("deltaDegC", Temperature::Difference, "deltaDegC"),
            ("kW", Temperature::None, "kW"),
        ] {
            assert_eq!(measure(symbol).temperature(), temperature, "{symbol}");
            assert_eq!(measure(symbol).difference().unit.symbol(), step, "{symbol}");
        }
    }
}
