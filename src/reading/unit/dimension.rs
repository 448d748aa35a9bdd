//! What a unit measures: exponents over base units. Units that must not convert into each other though physics would let them
//! (VA and W, gray and sievert, rpm and hertz) have bases of their own.

use super::parse::{self, Factor};

const BASES: [&str; 16] = ["m", "kg", "s", "A", "K", "cd", "bit", "rad", "VA", "var", "Gy", "Sv", "Hz", "Bq", "lm", "Bel"];

/// SI units with names of their own, each by those before it.
const DERIVED: [(&str, &str); 12] = [
    ("N", "kg.m/s^2"),
    ("Pa", "N/m^2"),
    ("J", "N.m"),
    ("W", "J/s"),
    ("C", "A.s"),
    ("V", "W/A"),
    ("F", "C/V"),
    ("ohm", "V/A"),
    ("Wb", "V.s"),
    ("T", "Wb/m^2"),
    ("H", "Wb/A"),
    ("lx", "lm/m^2"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dimension {
    exponents: [i8; BASES.len()],
    /// Newton times metre: has the exponents of an energy and is none.
    pub(super) torque: bool,
}

impl Dimension {
    /// Of an SI unit as the table writes it: `W/m^2`.
    pub(super) fn parse(si: &str) -> Option<Dimension> {
        let factors = parse::factors(si).ok()?;
        let parts: Option<Vec<(Dimension, i8)>> = factors.iter().map(|Factor { text, exponent }| Some((atom(text)?, *exponent))).collect();
        Dimension::product(&parts?)
    }

    pub(super) fn product(parts: &[(Dimension, i8)]) -> Option<Dimension> {
        let mut product = Dimension::default();
        for (part, exponent) in parts {
            for (sum, own) in product.exponents.iter_mut().zip(part.exponents) {
                *sum = sum.checked_add(own.checked_mul(*exponent)?)?;
            }
        }
        product.torque = is_force_times_length(parts);
        Some(product)
    }

    pub(super) fn is_temperature(&self) -> bool {
        *self == base(4)
    }
}

fn atom(text: &str) -> Option<Dimension> {
    if text == "1" {
        return Some(Dimension::default());
    }
    if let Some(index) = BASES.iter().position(|base| *base == text) {
        return Some(base(index));
    }
    let (_, definition) = DERIVED.iter().find(|(symbol, _)| *symbol == text)?;
    Some(Dimension { torque: false, ..Dimension::parse(definition)? })
}

fn base(index: usize) -> Dimension {
    let mut dimension = Dimension::default();
    dimension.exponents[index] = 1;
    dimension
}

fn is_force_times_length(parts: &[(Dimension, i8)]) -> bool {
    const FORCE: [i8; 3] = [1, 1, -2];
    const LENGTH: [i8; 3] = [1, 0, 0];
    let is = |part: &(Dimension, i8), mechanical: [i8; 3]| {
        part.1 == 1 && part.0.exponents[..3] == mechanical && part.0.exponents[3..].iter().all(|exponent| *exponent == 0)
    };
    match parts {
        [a, b] => (is(a, FORCE) && is(b, LENGTH)) || (is(a, LENGTH) && is(b, FORCE)),
        [(only, 1)] => only.torque,
        _ => false,
    }
}
