//! The condition under which an alarm stays: `when` with its limit relaxed by the deadband (`rules.md`, 7.1).
//!
//! `x > L` stays while `x > L − d`, `x < L` while `x < L + d`. With a deadband of zero it is left exactly when `when` is false.

use xxhash_rust::xxh3::xxh3_128;

use crate::reading::unit::Unit;
use crate::reading::unit::parse_quantity;

use super::checked::{Checked, Dependency};
use super::datum::Datum;
use super::kind::{Kind, Shape};
use super::measure::{Measure, Temperature};
use super::problem::{Problem, Span};
use super::tree::{Arithmetic, ArithmeticOperator, Basis, Compare, Comparison, Function, On, Op, Tree};

/// What is wrong, and in which of the two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrelaxed {
    When(Problem),
    Deadband(Problem),
}

/// A constant as files write quantities: `2 K`. `None` if it is none; then it is an expression.
pub fn quantity(text: &str) -> Option<Result<Checked, Problem>> {
    let (number, symbol) = parse_quantity(text)?;
    let span = Span::new(0..text.len());
    Some(match Unit::parse(symbol) {
        Ok(unit) => Ok(Checked {
            source: text.into(),
            tree: Tree::constant(Datum::Double(number), span, Shape::number(Some(unit))),
            dependencies: Box::default(),
            warnings: Vec::new(),
            cost: 1,
            meaning: xxh3_128(format!("{number:?} {symbol}").as_bytes()),
        }),
        Err(unknown) => Err(Problem::new("E705", span, unknown.to_string())),
    })
}

/// What a condition of one comparison compares with.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    /// Whether the condition holds above it; else it holds below.
    pub is_upper: bool,
    pub tree: &'a Tree,
}

impl Checked {
    /// Of a condition with one comparison of numbers at the top: the side that readings do not move. If they move both it is the right one.
    pub fn limit(&self) -> Option<Limit<'_>> {
        let (compare, is_right) = limited(&self.tree)?;
        let exceeds = matches!(compare.comparison, Comparison::Greater | Comparison::GreaterEqual);
        Some(Limit { is_upper: exceeds == is_right, tree: if is_right { &compare.right } else { &compare.left } })
    }
}

fn limited(tree: &Tree) -> Option<(&Compare, bool)> {
    let Op::Compare(compare) = &tree.op else { return None };
    let is_ordered = !matches!(compare.comparison, Comparison::Equal | Comparison::NotEqual);
    let is_numeric = matches!(compare.basis, Basis::Double | Basis::Number);
    let is_right = !compare.right.is_live() || compare.left.is_live();
    (is_ordered && is_numeric).then_some((compare, is_right))
}

/// The stay condition.
pub fn relaxed(when: &Checked, deadband: &Checked) -> Result<Checked, Unrelaxed> {
    let (Some((compare, is_right)), Some(limit)) = (limited(&when.tree), when.limit()) else { return Err(no_comparison(when)) };
    let measure = compare.left.shape.measure.as_ref().or(compare.right.shape.measure.as_ref());
    let amount = amount(deadband, measure)?;
    let operator = if limit.is_upper { ArithmeticOperator::Subtract } else { ArithmeticOperator::Add };
    let moved = moved(limit.tree.clone(), operator, amount);
    let (left, right) = if is_right { (compare.left.clone(), moved) } else { (moved, compare.right.clone()) };
    let compare = Compare { comparison: compare.comparison, basis: compare.basis, left, right };
    let tree = Tree::made(Op::Compare(Box::new(compare)), when.tree.span, Shape::new(Kind::Bool));
    Ok(Checked {
        source: when.source.clone(),
        cost: tree.cost(),
        tree,
        dependencies: merged(&when.dependencies, &deadband.dependencies),
        warnings: Vec::new(),
        meaning: xxh3_128(&[when.meaning.to_le_bytes(), deadband.meaning.to_le_bytes()].concat()),
    })
}

fn no_comparison(when: &Checked) -> Unrelaxed {
    let message = "deadband needs one comparison at the top of `when`";
    Unrelaxed::When(Problem::new("E709", when.tree.span, message).hint("use clearWhen"))
}

/// The deadband as a bare amount in the unit of the comparison, never below zero.
fn amount(deadband: &Checked, measure: Option<&Measure>) -> Result<Tree, Unrelaxed> {
    let span = deadband.tree.span;
    let refused = |code, message: String, hint: Option<String>| Unrelaxed::Deadband(Problem::new(code, span, message).maybe_hint(hint));
    let tree = deadband.tree.clone();
    if !tree.shape.is_number() {
        return Err(refused("E703", format!("types do not fit: a deadband is a number, this is {}", tree.shape), None));
    }
    let converted = match (&tree.shape.measure, measure) {
        (None, _) => tree,
        (Some(own), None) => {
            return Err(refused("E705", format!("units do not fit: a deadband in {} on a bare number", own.unit), None));
        }
        (Some(own), Some(measure)) => {
            let number = tree.as_constant().and_then(Datum::as_number).map_or_else(|| "2".to_owned(), |number| number.to_string());
            if own.temperature() == Temperature::Point {
                let message = format!("units do not fit: a deadband on {} is a difference", measure.unit);
                return Err(refused("E705", message, Some(format!("write {number} K"))));
            }
            let Some(conversion) = own.conversion_to(&measure.difference()) else {
                return Err(refused("E705", format!("units do not fit: a deadband in {} on {}", own.unit, measure.unit), None));
            };
            if conversion.is_identity() {
                tree
            } else {
                let number = doubled(tree);
                Tree::made(Op::Convert(conversion, Box::new(number)), span, Shape::new(Kind::Double))
            }
        }
    };
    match converted.as_constant().and_then(Datum::as_number) {
        Some(number) if number < 0.0 => Err(refused("E703", "types do not fit: a deadband is not negative".to_owned(), None)),
        Some(_) => Ok(doubled(converted)),
        None => {
            let zero = Tree::constant(Datum::Double(0.0), span, Shape::new(Kind::Double));
            Ok(Tree::made(Op::Call(Function::Greatest, Box::new([doubled(converted), zero])), span, Shape::new(Kind::Double)))
        }
    }
}

fn moved(limit: Tree, operator: ArithmeticOperator, amount: Tree) -> Tree {
    let (span, shape) = (limit.span, Shape { kind: Kind::Double, ..limit.shape.clone() });
    let arithmetic = Arithmetic { operator, on: On::Double, left: doubled(limit), right: amount };
    Tree::made(Op::Arithmetic(Box::new(arithmetic)), span, shape)
}

fn doubled(tree: Tree) -> Tree {
    if tree.shape.kind == Kind::Double {
        return tree;
    }
    let (span, shape) = (tree.span, Shape { kind: Kind::Double, ..tree.shape.clone() });
    Tree::made(Op::ToDouble(Box::new(tree)), span, shape)
}

fn merged(one: &[Dependency], other: &[Dependency]) -> Box<[Dependency]> {
    let mut all: Vec<Dependency> = one.to_vec();
    for dependency in other {
        match all.iter_mut().find(|own| own.operand == dependency.operand) {
            Some(own) => own.uses = own.uses.with(dependency.uses),
            None => all.push(*dependency),
        }
    }
    all.sort_by_key(|dependency| dependency.operand);
    all.into()
}
