//! Conditions that can only come out one way, because a member keeps within bounds: they are a slip, most likely of a unit or a sign.

use crate::reading::unit::Conversion;

use super::super::datum::Datum;
use super::super::problem::{Problem, Span};
use super::super::tree::{Basis, Compare, Comparison, Op, Tree};
use super::Checker;

/// Bounds that a known value keeps; infinite where there is none.
#[derive(Clone, Copy)]
struct Range {
    least: f64,
    greatest: f64,
}

impl Checker<'_> {
    pub(super) fn always(&self, compare: &Compare, span: Span) -> Option<Problem> {
        if !matches!(compare.basis, Basis::Double | Basis::Number)
            || compare.left.as_constant().is_some() && compare.right.as_constant().is_some()
        {
            return None;
        }
        let (left, right) = (range(&compare.left)?, range(&compare.right)?);
        let outcome = decided(compare.comparison, left, right)?;
        // The side that is bounded by its type, and the bound that decides.
        let (side, bounds, is_above) = if compare.right.as_constant().is_some() {
            (&compare.left, left, left.least >= right.greatest)
        } else {
            (&compare.right, right, right.least >= left.greatest)
        };
        let name = self.shown(side.span);
        let bound = if is_above { format!("never below {}", bounds.least) } else { format!("never above {}", bounds.greatest) };
        Some(Problem::new("W731", span, format!("always {outcome}: {name} is {bound}")))
    }
}

fn range(tree: &Tree) -> Option<Range> {
    if let Some(number) = tree.as_constant().and_then(Datum::as_number) {
        return Some(Range { least: number, greatest: number });
    }
    if let Op::Read(read) = &tree.op {
        let is_bounded = read.least.is_some() || read.greatest.is_some();
        let (least, greatest) = (read.least.unwrap_or(f64::NEG_INFINITY), read.greatest.unwrap_or(f64::INFINITY));
        return is_bounded.then_some(Range { least, greatest });
    }
    if let Op::Convert(conversion, only) = &tree.op {
        return range(only).map(|range| converted(*conversion, range));
    }
    if let Op::ToDouble(only) = &tree.op { range(only) } else { None }
}

/// Conversions of units rise.
fn converted(conversion: Conversion, range: Range) -> Range {
    let bound = |value: f64| if value.is_finite() { conversion.apply(value) } else { value };
    Range { least: bound(range.least), greatest: bound(range.greatest) }
}

fn decided(comparison: Comparison, left: Range, right: Range) -> Option<bool> {
    let is_below = left.greatest < right.least;
    let is_above = left.least > right.greatest;
    let is_not_above = left.greatest <= right.least;
    let is_not_below = left.least >= right.greatest;
    match comparison {
        Comparison::Less => is_below.then_some(true).or(is_not_below.then_some(false)),
        Comparison::LessEqual => is_not_above.then_some(true).or(is_above.then_some(false)),
        Comparison::Greater => is_above.then_some(true).or(is_not_above.then_some(false)),
        Comparison::GreaterEqual => is_not_below.then_some(true).or(is_below.then_some(false)),
        Comparison::Equal => (is_below || is_above).then_some(false),
        Comparison::NotEqual => (is_below || is_above).then_some(true),
    }
}
