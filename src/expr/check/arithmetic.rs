//! Operators on numbers, texts and instants, and what their units become.

use crate::reading::unit::Conversion;

use super::super::datum::Datum;
use super::super::kind::{Kind, Shape};
use super::super::measure::{Measure, Temperature, Unwritable};
use super::super::problem::{Problem, Span};
use super::super::syntax::{Operator, Syntax};
use super::super::tree::{Arithmetic, ArithmeticOperator, Comparison, On, Op, Tree};
use super::Checker;

impl Checker<'_> {
    pub(super) fn binary(&mut self, operator: Operator, left: &Syntax, right: &Syntax, span: Span) -> Option<Tree> {
        if operator == Operator::In {
            return self.is_in(left, right, span);
        }
        let (left, right) = (self.tree(left), self.tree(right));
        let (left, right) = (left?, right?);
        match operator {
            Operator::Add => self.arithmetic(ArithmeticOperator::Add, left, right, span),
            Operator::Subtract => self.arithmetic(ArithmeticOperator::Subtract, left, right, span),
            Operator::Multiply => self.arithmetic(ArithmeticOperator::Multiply, left, right, span),
            Operator::Divide => self.arithmetic(ArithmeticOperator::Divide, left, right, span),
            Operator::Remainder => self.arithmetic(ArithmeticOperator::Remainder, left, right, span),
            Operator::Less => self.comparison(Comparison::Less, left, right, span),
            Operator::LessEqual => self.comparison(Comparison::LessEqual, left, right, span),
            Operator::Greater => self.comparison(Comparison::Greater, left, right, span),
            Operator::GreaterEqual => self.comparison(Comparison::GreaterEqual, left, right, span),
            Operator::Equal | Operator::In => self.comparison(Comparison::Equal, left, right, span),
            Operator::NotEqual => self.comparison(Comparison::NotEqual, left, right, span),
        }
    }

    fn arithmetic(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        let is_text = |tree: &Tree| matches!(tree.shape.kind, Kind::Text | Kind::Enum(_));
        let is_instant = |tree: &Tree| matches!(tree.shape.kind, Kind::Timestamp | Kind::Duration);
        if left.shape.is_number() && right.shape.is_number() {
            return self.numbers(operator, left, right, span);
        }
        if operator == ArithmeticOperator::Add && is_text(&left) && is_text(&right) {
            let two = Box::new([named(left), named(right)]);
            return Some(Tree::made(Op::Concat(two), span, Shape::new(Kind::Text)));
        }
        if is_instant(&left) && is_instant(&right) {
            return self.instants(operator, left, right, span);
        }
        let hint = if operator == ArithmeticOperator::Add && (is_text(&left) || is_text(&right)) {
            Some("string(…) makes text of it")
        } else {
            None
        };
        self.misfits(&left, &right, span, hint)
    }

    /// `` `a` is text, `b` is a double ``, at the constant one if there is one.
    pub(super) fn misfits<T>(&mut self, left: &Tree, right: &Tree, span: Span, hint: Option<&str>) -> Option<T> {
        let message = format!("`{}` is {}, `{}` is {}", self.shown(left.span), left.shape, self.shown(right.span), right.shape);
        let place = match (left.as_constant(), right.as_constant()) {
            (None, Some(_)) => right.span,
            (Some(_), None) => left.span,
            _ => span,
        };
        let numeric = |of: &Tree, text: &Tree| match text.as_constant() {
            Some(Datum::Text(written)) if of.shape.is_number() && written.trim().parse::<f64>().is_ok() => {
                let written = written.trim();
                Some(
                    of.shape
                        .unit()
                        .map_or_else(|| format!("write {written}"), |unit| format!("write {written}, or quantity({written}, '{unit}')")),
                )
            }
            _ => None,
        };
        let free =
            || (left.shape.kind == Kind::Any || right.shape.kind == Kind::Any).then(|| "double(…) or string(…) says what it is".to_owned());
        let hint = numeric(left, right).or_else(|| numeric(right, left)).or_else(|| hint.map(ToOwned::to_owned)).or_else(free);
        self.refuse(Problem::new("E703", place, message).maybe_hint(hint))
    }

    fn numbers(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        let is_whole = left.shape.kind == Kind::Int && right.shape.kind == Kind::Int;
        if operator == ArithmeticOperator::Divide && is_whole {
            let is_exact =
                matches!((left.as_constant(), right.as_constant()), (Some(Datum::Int(a)), Some(Datum::Int(b))) if *b != 0 && a % b == 0);
            if !is_exact {
                self.warn(Problem::new("W730", span, "integer division drops the remainder").hint("double(…) of one side keeps it"));
            }
        }
        if operator == ArithmeticOperator::Remainder && !is_whole {
            return self.misfits(&left, &right, span, Some("`%` takes whole numbers"));
        }
        match operator {
            ArithmeticOperator::Add | ArithmeticOperator::Subtract => self.sum(operator, left, right, span),
            ArithmeticOperator::Multiply | ArithmeticOperator::Divide => self.product(operator, left, right, span),
            ArithmeticOperator::Remainder => {
                let (left, right, measure) = self.same_unit(left, right, span)?;
                Some(self.reckoned(operator, left, right, measure, span))
            }
        }
    }

    /// A sum or a difference. Points on a temperature scale are not amounts: two of them have a difference, but no sum.
    fn sum(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        let (Some(a), Some(b)) = (left.shape.measure.clone(), right.shape.measure.clone()) else {
            let is_share = left.shape.is_share || right.shape.is_share;
            let (left, right, measure) = self.same_unit(left, right, span)?;
            let tree = self.reckoned(operator, left, right, measure, span);
            return Some(Tree { shape: tree.shape.clone().shared(is_share), ..tree });
        };
        let is_sum = operator == ArithmeticOperator::Add;
        match (a.temperature(), b.temperature()) {
            (Temperature::Point, Temperature::Point) if is_sum => {
                let message = format!("units do not fit: {} + {} is no temperature", a.unit, b.unit);
                self.refuse(Problem::new("E705", span, message).hint("one side must be a difference, in K; a mean is a + (b - a) / 2"))
            }
            (Temperature::Point, Temperature::Point) | (Temperature::Either, Temperature::Point) if !is_sum => {
                let right = self.converted(right, &a, span)?;
                Some(self.reckoned(operator, left, right, Some(a.difference()), span))
            }
            (Temperature::Point, Temperature::Difference | Temperature::Either) => {
                let right = self.converted(right, &a.difference(), span)?;
                Some(self.reckoned(operator, left, right, Some(a), span))
            }
            (Temperature::Difference | Temperature::Either, Temperature::Point) if is_sum => {
                let left = self.converted(left, &b.difference(), span)?;
                Some(self.reckoned(operator, left, right, Some(b), span))
            }
            _ => {
                let (left, right, measure) = self.same_unit(left, right, span)?;
                Some(self.reckoned(operator, left, right, measure, span))
            }
        }
    }

    fn product(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        let is_quotient = operator == ArithmeticOperator::Divide;
        let (left, right) = if left.shape.measure.is_some() && right.shape.measure.is_some() {
            // A share of something is that much of it: 50 % of 5 kW are 2.5 kW.
            (self.bare_if_it_is_a_share(left), self.bare_if_it_is_a_share(right))
        } else {
            (left, right)
        };
        let measure = match (&left.shape.measure, &right.shape.measure) {
            (None, None) => Ok(None),
            (Some(only), None) => Ok(Some(only.clone())),
            (None, Some(only)) if is_quotient => only.power(-1),
            (None, Some(only)) => Ok(Some(only.clone())),
            (Some(a), Some(b)) if is_quotient => a.over(b),
            (Some(a), Some(b)) => a.times(b),
        };
        let measure = measure.or_else(|unwritable| self.unwritable(unwritable, span)).ok()?;
        let had_units = is_quotient && left.shape.measure.is_some() && right.shape.measure.is_some();
        let tree = self.reckoned(operator, left, right, measure, span);
        let is_composed = tree.shape.measure.as_ref().is_some_and(Measure::is_composed);
        // Metres over kilometres are a bare number, after a thousandth.
        let tree = if is_composed { self.bare_if_it_is_a_share(tree) } else { tree };
        Some(Tree { shape: tree.shape.clone().shared(had_units), ..tree })
    }

    pub(super) fn unwritable<T>(&mut self, _: Unwritable, span: Span) -> Result<T, ()> {
        let message = "units do not fit: the unit of this has too many factors, or none at all";
        self.problems.push(Problem::new("E705", span, message).hint("convert(x, 'kW') makes a bare number"));
        Err(())
    }

    fn bare_if_it_is_a_share(&mut self, tree: Tree) -> Tree {
        match tree.shape.measure.as_ref().and_then(Measure::to_bare) {
            Some(conversion) => self.applied(conversion, tree, None),
            None => tree,
        }
    }

    fn reckoned(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, measure: Option<Measure>, span: Span) -> Tree {
        let is_whole = left.shape.kind == Kind::Int && right.shape.kind == Kind::Int;
        let (on, kind) = if is_whole { (On::Int, Kind::Int) } else { (On::Double, Kind::Double) };
        let (left, right) = if is_whole { (left, right) } else { (self.doubled(left), self.doubled(right)) };
        let arithmetic = Arithmetic { operator, on, left, right };
        Tree::made(Op::Arithmetic(Box::new(arithmetic)), span, Shape::new(kind).measured(measure))
    }

    fn instants(&mut self, operator: ArithmeticOperator, left: Tree, right: Tree, span: Span) -> Option<Tree> {
        let kind = match (operator, &left.shape.kind, &right.shape.kind) {
            (ArithmeticOperator::Add | ArithmeticOperator::Subtract, Kind::Timestamp, Kind::Duration)
            | (ArithmeticOperator::Add, Kind::Duration, Kind::Timestamp) => Kind::Timestamp,
            (ArithmeticOperator::Subtract, Kind::Timestamp, Kind::Timestamp)
            | (ArithmeticOperator::Add | ArithmeticOperator::Subtract, Kind::Duration, Kind::Duration) => Kind::Duration,
            _ => return self.misfits(&left, &right, span, None),
        };
        let arithmetic = Arithmetic { operator, on: On::Micros, left, right };
        Some(Tree::made(Op::Arithmetic(Box::new(arithmetic)), span, Shape::new(kind)))
    }

    pub(super) fn negate(&mut self, only: &Syntax, span: Span) -> Option<Tree> {
        let only = self.tree(only)?;
        if !only.shape.is_number() && only.shape.kind != Kind::Duration {
            let message = format!("types do not fit: `-` takes a number, `{}` is {}", self.shown(only.span), only.shape);
            return self.refuse(Problem::new("E703", only.span, message));
        }
        let shape = only.shape.clone();
        Some(Tree::made(Op::Negate(Box::new(only)), span, shape))
    }

    /// Both in one unit. A bare number takes that of the other; of two units that of the side which moves with readings stays, so that what
    /// is converted is constant.
    pub(super) fn same_unit(&mut self, left: Tree, right: Tree, span: Span) -> Option<(Tree, Tree, Option<Measure>)> {
        match (left.shape.measure.clone(), right.shape.measure.clone()) {
            (None, None) => Some((left, right, None)),
            (Some(measure), None) => {
                let right = self.converted(right, &measure, span)?;
                Some((left, right, Some(measure)))
            }
            (None, Some(measure)) => {
                let left = self.converted(left, &measure, span)?;
                Some((left, right, Some(measure)))
            }
            (Some(a), Some(b)) if !left.is_live() && right.is_live() => {
                let left = self.fits(left, &b, (&a, &b), span)?;
                Some((left, right, Some(b)))
            }
            (Some(a), Some(b)) => {
                let right = self.fits(right, &a, (&a, &b), span)?;
                Some((left, right, Some(a)))
            }
        }
    }

    pub(super) fn converted(&mut self, tree: Tree, target: &Measure, span: Span) -> Option<Tree> {
        let own = tree.shape.measure.clone();
        match own {
            None => match target.of_share().filter(|_| tree.shape.is_share) {
                Some(conversion) => Some(self.applied(conversion, tree, Some(target.clone()))),
                None => Some(tree),
            },
            Some(own) => self.fits(tree, target, (&own, target), span),
        }
    }

    /// Converts, or tells that the two units (in the order in which they are written) do not fit.
    fn fits(&mut self, tree: Tree, target: &Measure, written: (&Measure, &Measure), span: Span) -> Option<Tree> {
        let conversion = tree.shape.measure.as_ref().and_then(|own| own.conversion_to(target));
        if let Some(conversion) = conversion {
            return Some(self.applied(conversion, tree, Some(target.clone())));
        }
        let (a, b) = written;
        let is_point = |measure: &Measure| measure.temperature() == Temperature::Point;
        let is_step = |measure: &Measure| measure.temperature() == Temperature::Difference;
        let hint =
            (is_point(a) && is_step(b) || is_step(a) && is_point(b)).then(|| "a temperature and a difference of temperatures".to_owned());
        self.refuse(Problem::new("E705", span, format!("units do not fit: {} against {}", a.unit, b.unit)).maybe_hint(hint))
    }

    pub(super) fn applied(&mut self, conversion: Conversion, tree: Tree, measure: Option<Measure>) -> Tree {
        if conversion.is_identity() {
            let shape = tree.shape.clone().measured(measure);
            return Tree { shape, ..tree };
        }
        let (span, decimals) = (tree.span, tree.shape.decimals);
        let tree = self.doubled(tree);
        Tree::made(Op::Convert(conversion, Box::new(tree)), span, Shape::new(Kind::Double).measured(measure).with_decimals(decimals))
    }

    /// As a double, if it is a whole number.
    pub(super) fn doubled(&mut self, tree: Tree) -> Tree {
        if tree.shape.kind != Kind::Int {
            return tree;
        }
        let (span, shape) = (tree.span, Shape { kind: Kind::Double, ..tree.shape.clone() });
        Tree::made(Op::ToDouble(Box::new(tree)), span, shape)
    }
}

/// An enum as text; text as it is.
pub(super) fn named(tree: Tree) -> Tree {
    let Kind::Enum(names) = &tree.shape.kind else { return tree };
    let (span, names) = (tree.span, names.clone());
    Tree::new(Op::ToName(names, Box::new(tree)), span, Shape::new(Kind::Text))
}
