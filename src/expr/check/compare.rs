//! Comparisons, and values of which one is chosen: what may stand beside what.

use std::sync::Arc;

use crate::source::{did_you_mean, list_some};

use super::super::datum::Datum;
use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::tree::{Basis, Compare, Comparison, Op, Tree};
use super::Checker;
use super::arithmetic::named;

impl Checker<'_> {
    pub(super) fn comparison(&mut self, comparison: Comparison, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        for side in [&left, &right] {
            if side.as_constant() == Some(&Datum::Null) {
                return self.refuse(
                    Problem::new("E703", side.span, "types do not fit: there is no null here")
                        .hint("known(x) asks whether there is a value"),
                );
            }
        }
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let (basis, left, right) = match (&left.shape.kind, &right.shape.kind) {
            (Kind::Int | Kind::Double, Kind::Int | Kind::Double) => {
                let (left, right, _) = self.same_unit(left, right, span)?;
                self.numeric(left, right)
            }
            (Kind::Text, Kind::Text) => (Basis::Text, left, right),
            (Kind::Timestamp, Kind::Timestamp) | (Kind::Duration, Kind::Duration) => (Basis::Micros, left, right),
            (Kind::Bool, Kind::Bool) if is_equality => (Basis::Bool, left, right),
            (Kind::Enum(_), Kind::Text) if is_equality => self.with_name(left, right)?,
            (Kind::Text, Kind::Enum(_)) if is_equality => {
                let (basis, right, left) = self.with_name(right, left)?;
                (basis, left, right)
            }
            (Kind::Enum(own), Kind::Enum(other)) if is_equality && own == other => (Basis::Enum, left, right),
            (Kind::Enum(_), Kind::Enum(_)) if is_equality => (Basis::Text, named(left), named(right)),
            (Kind::Any, _) | (_, Kind::Any) if is_equality => (Basis::Any, named(left), named(right)),
            (Kind::List(_), Kind::List(_)) | (Kind::Map(_) | Kind::Object(_), Kind::Map(_) | Kind::Object(_)) | (Kind::Geo, Kind::Geo)
                if is_equality =>
            {
                (Basis::Any, left, right)
            }
            (Kind::Enum(_), Kind::Enum(_) | Kind::Text) | (Kind::Text, Kind::Enum(_)) => {
                return self.misfits(&left, &right, span, Some("the values of an enum have no order: compare with == or in"));
            }
            (Kind::Timestamp, Kind::Text) | (Kind::Text, Kind::Timestamp) => {
                return self.misfits(&left, &right, span, Some("timestamp('2026-01-31T12:00:00Z') is an instant"));
            }
            (Kind::Duration, _) | (_, Kind::Duration) => {
                return self.misfits(&left, &right, span, Some("duration('5m') is a length of time"));
            }
            _ => return self.misfits(&left, &right, span, None),
        };
        let compare = Compare { comparison, basis, left, right };
        if let Some(warning) = self.always(&compare, span) {
            self.warn(warning);
        }
        Some(Tree::made(Op::Compare(Box::new(compare)), span, Shape::new(Kind::Bool)))
    }

    /// A whole number that a double can say exactly is compared as one; any other is not rounded.
    fn numeric(&mut self, left: Tree, right: Tree) -> (Basis, Tree, Tree) {
        let is_exact = |tree: &Tree| matches!(tree.as_constant(), Some(Datum::Int(number)) if number.unsigned_abs() <= 1 << 53);
        match (&left.shape.kind, &right.shape.kind) {
            (Kind::Double, Kind::Double) => (Basis::Double, left, right),
            (Kind::Double, Kind::Int) if is_exact(&right) => {
                let right = self.doubled(right);
                (Basis::Double, left, right)
            }
            (Kind::Int, Kind::Double) if is_exact(&left) => {
                let left = self.doubled(left);
                (Basis::Double, left, right)
            }
            _ => (Basis::Number, left, right),
        }
    }

    /// An enum beside a text: a constant must be one of its names.
    fn with_name(&mut self, of_enum: Tree, text: Tree) -> Option<(Basis, Tree, Tree)> {
        let Kind::Enum(names) = of_enum.shape.kind.clone() else { return None };
        let Some(Datum::Text(written)) = text.as_constant() else { return Some((Basis::Text, named(of_enum), text)) };
        let place = self.place_of(&names, written, &self.shown(of_enum.span), text.span)?;
        let shape = of_enum.shape.clone();
        Some((Basis::Enum, of_enum, Tree::constant(Datum::Enum(place), text.span, shape)))
    }

    fn place_of(&mut self, names: &Arc<[Box<str>]>, written: &str, member: &str, span: Span) -> Option<u16> {
        if let Some(place) = names.iter().position(|name| **name == *written) {
            return u16::try_from(place).ok();
        }
        let all = || names.iter().map(|name| &**name);
        let meant = did_you_mean(written, all()).map(|name| format!(". {name}?")).unwrap_or_default();
        let message = format!("`{written}` is not a value of {member}: {}{meant}", list_some(all()));
        let hint = did_you_mean(written, all()).map(|name| format!("did you mean '{name}'?"));
        self.refuse(Problem::new("E708", span, message).maybe_hint(hint))
    }

    /// Values of which one is chosen: of one kind and in one unit.
    pub(super) fn alike(&mut self, trees: Vec<Tree>, span: Span) -> Option<(Vec<Tree>, Shape)> {
        let Some(shape) = self.common(&trees) else {
            let (first, other) =
                (trees.first()?, trees.iter().skip(1).find(|other| self.common(&[trees[0].clone(), (*other).clone()]).is_none())?);
            return self.misfits(first, other, span, None);
        };
        let mut same = Vec::with_capacity(trees.len());
        for tree in trees {
            let tree = match (&shape.measure, &shape.kind) {
                (Some(measure), _) => self.converted(tree, &measure.clone(), span)?,
                (None, Kind::Text) => named(tree),
                (None, _) => tree,
            };
            same.push(if shape.kind == Kind::Double { self.doubled(tree) } else { tree });
        }
        Some((same, shape))
    }

    /// What all of them can be: the unit of the first that has one.
    pub(super) fn common(&self, trees: &[Tree]) -> Option<Shape> {
        let mut shape = trees.first()?.shape.clone();
        for tree in &trees[1..] {
            let kind = match (&shape.kind, &tree.shape.kind) {
                (own, other) if own == other => own.clone(),
                (Kind::Int | Kind::Double, Kind::Int | Kind::Double) => Kind::Double,
                (Kind::Text | Kind::Enum(_), Kind::Text | Kind::Enum(_)) => Kind::Text,
                (Kind::Any, _) | (_, Kind::Any) => Kind::Any,
                _ => return None,
            };
            let needs_conversion = matches!((&shape.measure, &tree.shape.measure), (Some(own), Some(other)) if own != other);
            let kind = if needs_conversion && kind == Kind::Int { Kind::Double } else { kind };
            shape = Shape {
                kind,
                measure: shape.measure.or_else(|| tree.shape.measure.clone()),
                decimals: shape.decimals.or(tree.shape.decimals),
                is_share: shape.is_share && tree.shape.is_share,
            };
        }
        Some(shape)
    }

    /// A value for a member: in its unit, of its kind.
    pub(super) fn fitted(&mut self, tree: Tree, name: &str, shape: &Shape) -> Option<Tree> {
        let span = tree.span;
        if shape.is_number() && tree.shape.is_number() {
            if shape.kind == Kind::Int && tree.shape.kind == Kind::Double {
                let message = format!("value is {}, {name} is {}", tree.shape, shape);
                return self.refuse(Problem::new("E723", span, message).hint("int(…) cuts, int(math.round(…)) rounds"));
            }
            let tree = match &shape.measure {
                Some(measure) => self.converted(tree, measure, span)?,
                None if tree.shape.measure.is_some() => {
                    let message = format!("units do not fit: {} against a bare number", tree.shape);
                    return self.refuse(
                        Problem::new("E705", span, message)
                            .hint(format!("convert(…, '…') makes a bare number of it, or give {name} a unit")),
                    );
                }
                None => tree,
            };
            let tree = if shape.kind == Kind::Double { self.doubled(tree) } else { tree };
            return Some(Tree { shape: Shape { kind: tree.shape.kind.clone(), ..shape.clone() }, ..tree });
        }
        match (&shape.kind, &tree.shape.kind) {
            (Kind::Enum(names), Kind::Text) => {
                if let Some(Datum::Text(written)) = tree.as_constant() {
                    let place = self.place_of(&names.clone(), written, name, span)?;
                    return Some(Tree::constant(Datum::Enum(place), span, shape.clone()));
                }
            }
            (Kind::Text, Kind::Enum(_)) => return Some(named(tree)),
            (Kind::Any, _) => return Some(tree),
            (wanted, own) if wanted == own => return Some(tree),
            (Kind::Map(_) | Kind::Object(_) | Kind::List(_) | Kind::Geo, Kind::Map(_) | Kind::Object(_) | Kind::List(_)) => {
                // What is in it is checked against the type when it is written.
                return Some(tree);
            }
            _ => {}
        }
        let message = format!("value is {}, {name} is {}", tree.shape, shape);
        self.refuse(Problem::new("E723", span, message))
    }
}
