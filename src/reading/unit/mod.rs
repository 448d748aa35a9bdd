//! Units: what a number counts. The table of named units, the grammar that composes them, and exact conversion between those that measure the same.
//!
//! Two units convert when they have the same SI unit and measure the same kind of thing: torque is not energy, W is not VA is not var, rpm is
//! not Hz, a point on a temperature scale is not a difference.

mod conversion;
mod dimension;
mod exact;
mod nearest;
mod parse;
mod quantity;
mod ratio;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use conversion::Conversion;
pub use parse::UNIT_BYTES_MAX;
pub use quantity::{is_quantity_kind, parse_quantity, quantity_kinds};

use dimension::Dimension;
use parse::Factor;
use ratio::Ratio;

/// A unit, named (`kilowatt`) or composed (`kWh/t`). Cheap to clone; two are equal when their symbols are.
#[derive(Clone)]
pub struct Unit(Arc<Definition>);

#[derive(Debug)]
struct Definition {
    symbol: Box<str>,
    /// The symbol, for a composed unit.
    name: Box<str>,
    aliases: Box<[Box<str>]>,
    /// Kinds of quantity (`Temperature`); empty for a composed unit.
    kinds: Box<[Box<str>]>,
    dimension: Dimension,
    /// To the SI unit; `None` where it takes more than 127 bits.
    factor: Option<Ratio>,
    factor_rounded: f64,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    /// Zero is zero in every unit of its kind.
    Plain,
    /// `degC`, `degF`.
    Point { offset: Ratio },
    /// `deltaDegC`, `deltaDegF`.
    Difference,
    /// `K`.
    PointOrDifference,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit `{text}`{}", did_you_mean(.nearest))]
pub struct UnknownUnit {
    pub text: String,
    /// At most three, the most alike first.
    pub nearest: Vec<String>,
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [all @ .., last] if !all.is_empty() => format!("; did you mean `{}` or `{last}`?", all.join("`, `")),
        [only, ..] => format!("; did you mean `{only}`?"),
    }
}

impl Unit {
    /// By symbol, name or alias, or composed of them: `kW`, `kilowatt`, `°C`, `kg/m^3`, `W/(m^2.K)`.
    pub fn parse(text: &str) -> Result<Unit, UnknownUnit> {
        Unit::find(text).ok_or_else(|| UnknownUnit { text: text.chars().take(UNIT_BYTES_MAX).collect(), nearest: nearest::nearest(text) })
    }

    /// As [`Unit::parse`], without the search for what may have been meant: for what machines send.
    pub fn find(text: &str) -> Option<Unit> {
        table::table().get(text).cloned().or_else(|| compose(text))
    }

    /// All named units, in the order of the table.
    pub fn named() -> impl Iterator<Item = &'static Unit> {
        table::table().units.iter()
    }

    pub fn symbol(&self) -> &str {
        &self.0.symbol
    }

    /// `kilowatt`; for a composed unit its symbol. Either can be parsed.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it measures that kind of quantity, as in `Temperature`. A composed unit measures none by name.
    pub fn in_quantity(&self, kind: &str) -> bool {
        self.0.kinds.iter().any(|own| &**own == kind)
    }

    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.kinds.iter().map(|kind| &**kind)
    }

    /// `None` if they do not measure the same.
    pub fn conversion_to(&self, target: &Unit) -> Option<Conversion> {
        if self == target {
            return Some(Conversion::IDENTITY);
        }
        let (from, to) = (&*self.0, &*target.0);
        if from.dimension != to.dimension {
            return None;
        }
        let (from_offset, to_offset) = match (from.scale, to.scale) {
            (Scale::Plain, Scale::Plain) | (Scale::Difference | Scale::PointOrDifference, Scale::Difference | Scale::PointOrDifference) => {
                (Ratio::ZERO, Ratio::ZERO)
            }
            (Scale::Point { offset }, Scale::Point { offset: other }) => (offset, other),
            (Scale::Point { offset }, Scale::PointOrDifference) => (offset, Ratio::ZERO),
            (Scale::PointOrDifference, Scale::Point { offset }) => (Ratio::ZERO, offset),
            (Scale::Plain | Scale::Difference | Scale::Point { .. }, _) | (Scale::PointOrDifference, Scale::Plain) => return None,
        };
        exact_conversion(from, to, from_offset, to_offset).or_else(|| Conversion::inexact(from.factor_rounded / to.factor_rounded))
    }

    /// Everything it may be called.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let definition = &*self.0;
        [&*definition.symbol, &*definition.name].into_iter().chain(definition.aliases.iter().map(|alias| &**alias))
    }
}

fn exact_conversion(from: &Definition, to: &Definition, from_offset: Ratio, to_offset: Ratio) -> Option<Conversion> {
    let factor = from.factor?.over(to.factor?)?;
    let shift = from_offset.minus(to_offset)?.over(to.factor?)?;
    Conversion::new(factor, shift)
}

fn compose(text: &str) -> Option<Unit> {
    let mut parts: Vec<(Unit, i8)> = Vec::new();
    for Factor { text, exponent } in parse::factors(text).ok()? {
        let unit = table::table().get(text)?;
        match parts.iter_mut().find(|(earlier, _)| earlier == unit) {
            Some((_, sum)) => *sum = sum.checked_add(exponent)?,
            None => parts.push((unit.clone(), exponent)),
        }
    }
    parts.retain(|(unit, exponent)| *exponent != 0 && (unit.symbol() != "1"));
    let symbol = composed_symbol(&parts);
    if let Some(named) = table::table().get(&symbol) {
        return Some(named.clone());
    }
    let dimensions: Vec<(Dimension, i8)> = parts.iter().map(|(unit, exponent)| (unit.0.dimension, *exponent)).collect();
    let dimension = Dimension::product(&dimensions)?;
    let factor = parts.iter().try_fold(Ratio::ONE, |product, (unit, exponent)| product.times(unit.0.factor?.power(*exponent)?));
    let factor_rounded = parts.iter().map(|(unit, exponent)| unit.0.factor_rounded.powi(i32::from(*exponent))).product();
    // In a product a temperature is a difference: one kelvin of `W/(m^2.K)` has no zero.
    let scale = if dimension.is_temperature() { Scale::Difference } else { Scale::Plain };
    let symbol: Box<str> = symbol.into();
    Some(Unit(Arc::new(Definition {
        name: symbol.clone(),
        symbol,
        aliases: Box::default(),
        kinds: Box::default(),
        dimension,
        factor,
        factor_rounded,
        scale,
    })))
}

/// `kg.m/s^2`, `W/(m^2.K)`, `1/s`: the one way to write it, so that equal units have equal symbols as far as their factors are the same.
fn composed_symbol(parts: &[(Unit, i8)]) -> String {
    let side = |wanted: fn(i8) -> bool| -> Vec<String> {
        let chosen = parts.iter().filter(|(_, exponent)| wanted(*exponent));
        chosen
            .map(|(unit, exponent)| match exponent.unsigned_abs() {
                1 => unit.symbol().to_owned(),
                power => raised(unit.symbol(), power),
            })
            .collect()
    };
    let (above, below) = (side(|exponent| exponent > 0), side(|exponent| exponent < 0));
    let above = if above.is_empty() { "1".to_owned() } else { above.join(".") };
    match below.as_slice() {
        [] => above,
        [only] => format!("{above}/{only}"),
        several => format!("{above}/({})", several.join(".")),
    }
}

fn raised(symbol: &str, power: u8) -> String {
    format!("{symbol}^{power}")
}

impl PartialEq for Unit {
    fn eq(&self, other: &Unit) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.symbol == other.0.symbol
    }
}

impl Eq for Unit {}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({})", self.symbol())
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.symbol())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Unit::parse(&text).map_err(serde::de::Error::custom)
    }
}
