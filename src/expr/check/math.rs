//! Functions of numbers and places: which units they take and give.

use super::super::datum::Datum;
use super::super::kind::{Kind, Shape};
use super::super::measure::Measure;
use super::super::problem::{Problem, Span};
use super::super::syntax::{Call, Form};
use super::super::tree::{Function, Op, Tree};
use super::Checker;

/// How a function treats its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// One number, whose unit is kept. A whole one stays whole.
    Keeps,
    /// As above, but always a double.
    Rounds,
    /// One number, of which only the sign counts.
    Sign,
    /// One number, whose unit is halved.
    Root,
    /// One bare number.
    Bare,
    /// One angle, or a bare number of radians.
    Angle,
    /// One number; true or false.
    Test,
    /// Numbers of one unit, of which one is chosen.
    Chooses,
    /// Two sides of one unit.
    Sides,
    /// Two numbers of one unit, of which only the ratio counts.
    Ratio,
    /// A number and the power it is raised to.
    Power,
}

const FUNCTIONS: [(&str, Function, Rule, usize, usize); 20] = [
    ("abs", Function::Abs, Rule::Keeps, 1, 1),
    ("ceil", Function::Ceil, Rule::Rounds, 1, 1),
    ("floor", Function::Floor, Rule::Rounds, 1, 1),
    ("round", Function::Round, Rule::Rounds, 1, 1),
    ("trunc", Function::Trunc, Rule::Rounds, 1, 1),
    ("sign", Function::Sign, Rule::Sign, 1, 1),
    ("sqrt", Function::Sqrt, Rule::Root, 1, 1),
    ("greatest", Function::Greatest, Rule::Chooses, 1, 32),
    ("least", Function::Least, Rule::Chooses, 1, 32),
    ("isFinite", Function::IsFinite, Rule::Test, 1, 1),
    ("pow", Function::Pow, Rule::Power, 2, 2),
    ("exp", Function::Exp, Rule::Bare, 1, 1),
    ("ln", Function::Ln, Rule::Bare, 1, 1),
    ("log10", Function::Log10, Rule::Bare, 1, 1),
    ("sin", Function::Sin, Rule::Angle, 1, 1),
    ("cos", Function::Cos, Rule::Angle, 1, 1),
    ("tan", Function::Tan, Rule::Angle, 1, 1),
    ("atan2", Function::Atan2, Rule::Ratio, 2, 2),
    ("hypot", Function::Hypot, Rule::Sides, 2, 2),
    ("clamp", Function::Clamp, Rule::Chooses, 3, 3),
];

impl Checker<'_> {
    pub(super) fn math(&mut self, call: &Call, span: Span) -> Option<Tree> {
        if let ("pi" | "e", []) = (&*call.function, call.arguments.as_slice()) {
            let number = if &*call.function == "pi" { std::f64::consts::PI } else { std::f64::consts::E };
            return Some(Tree::constant(Datum::Double(number), span, Shape::new(Kind::Double)));
        }
        let Some((_, function, rule, least, most)) = FUNCTIONS.iter().find(|(name, ..)| *name == &*call.function) else {
            return self.unknown_function(call);
        };
        // `math.greatest([a, b])` is `math.greatest(a, b)`.
        let arguments = match call.arguments.as_slice() {
            [only] if *rule == Rule::Chooses => {
                if let Form::List(items) = &only.form {
                    items.as_slice()
                } else {
                    call.arguments.as_slice()
                }
            }
            all => all,
        };
        if !(*least..=*most).contains(&arguments.len()) {
            let takes = match (least, most) {
                (1, 1) => "one number".to_owned(),
                (least, most) if least == most => format!("{least} numbers"),
                (least, most) => format!("{least} to {most} numbers"),
            };
            return self.arity(call, &takes);
        }
        let trees: Vec<Option<Tree>> = arguments.iter().map(|argument| self.tree(argument)).collect();
        let trees: Vec<Option<Tree>> = trees.into_iter().map(|tree| self.number(call, tree?)).collect();
        let trees: Vec<Tree> = trees.into_iter().collect::<Option<_>>()?;
        self.ruled(*function, *rule, trees, call, span)
    }

    fn number(&mut self, call: &Call, tree: Tree) -> Option<Tree> {
        if tree.shape.is_number() {
            return Some(tree);
        }
        let message = format!("types do not fit: `{}` takes numbers, `{}` is {}", call.function, self.shown(tree.span), tree.shape);
        let hint = (tree.shape.kind == Kind::Any).then(|| "double(…) reads it as one".to_owned());
        self.refuse(Problem::new("E703", tree.span, message).maybe_hint(hint))
    }

    fn ruled(&mut self, function: Function, rule: Rule, trees: Vec<Tree>, call: &Call, span: Span) -> Option<Tree> {
        let (trees, shape) = match rule {
            Rule::Keeps => {
                let shape = trees.first()?.shape.clone();
                (trees, shape)
            }
            Rule::Rounds => {
                let shape = Shape { kind: Kind::Double, decimals: None, ..trees.first()?.shape.clone() };
                (trees, shape)
            }
            Rule::Sign => {
                let shape = Shape::new(trees.first()?.shape.kind.clone());
                (trees, shape)
            }
            Rule::Test => (trees, Shape::new(Kind::Bool)),
            Rule::Chooses => self.alike(trees, span)?,
            Rule::Sides | Rule::Ratio => {
                let (trees, shape) = self.alike(trees, span)?;
                let measure = shape.measure.filter(|_| rule == Rule::Sides);
                (trees, Shape::new(Kind::Double).measured(measure))
            }
            Rule::Root => {
                let measure = match &trees.first()?.shape.measure {
                    Some(measure) => measure.root().or_else(|unwritable| self.unwritable(unwritable, span)).ok()?,
                    None => None,
                };
                (trees, Shape::new(Kind::Double).measured(measure))
            }
            Rule::Bare => (self.bare(trees, call)?, Shape::new(Kind::Double)),
            Rule::Angle => {
                let mut angles = Vec::with_capacity(trees.len());
                for tree in trees {
                    angles.push(match Measure::radian().filter(|_| tree.shape.measure.is_some()) {
                        Some(radian) => self.converted(tree, &radian, span)?,
                        None => tree,
                    });
                }
                (angles, Shape::new(Kind::Double))
            }
            Rule::Power => self.power(trees, call, span)?,
        };
        Some(Tree::made(Op::Call(function, trees.into()), span, shape))
    }

    /// A measure can only be raised to a whole power that is written there: its unit must be known.
    fn power(&mut self, trees: Vec<Tree>, call: &Call, span: Span) -> Option<(Vec<Tree>, Shape)> {
        let Some(measure) = trees.first()?.shape.measure.clone() else {
            return Some((self.bare(trees, call)?, Shape::new(Kind::Double)));
        };
        let exponent = match trees.get(1)?.as_constant() {
            Some(Datum::Int(exponent)) => i8::try_from(*exponent).ok(),
            Some(Datum::Double(exponent)) if exponent.trunc() == *exponent && exponent.abs() <= 9.0 => Some(*exponent as i8),
            _ => None,
        };
        let Some(exponent) = exponent else {
            let message = format!("units do not fit: {} raised to a power that is not a whole constant", measure.unit);
            return self.refuse(Problem::new("E705", trees.get(1)?.span, message).hint("convert(x, 'unit') makes a bare number of it"));
        };
        let measure = measure.power(exponent).or_else(|unwritable| self.unwritable(unwritable, span)).ok()?;
        Some((trees, Shape::new(Kind::Double).measured(measure)))
    }

    fn bare(&mut self, trees: Vec<Tree>, call: &Call) -> Option<Vec<Tree>> {
        for tree in &trees {
            if let Some(measure) = &tree.shape.measure {
                let message =
                    format!("units do not fit: `{}` takes a bare number, `{}` is {}", call.function, self.shown(tree.span), tree.shape);
                return self.refuse(Problem::new("E705", tree.span, message).hint(format!("convert(x, '{}')", measure.unit)));
            }
        }
        Some(trees)
    }

    pub(super) fn geo(&mut self, call: &Call, span: Span) -> Option<Tree> {
        let function = match &*call.function {
            "distance" => Function::Distance,
            "inside" => Function::Inside,
            _ => return self.unknown_function(call),
        };
        if call.arguments.len() != 2 {
            return self.arity(call, "two geometries");
        }
        let trees = self.trees(&call.arguments)?;
        for tree in &trees {
            if !matches!(tree.shape.kind, Kind::Geo | Kind::Any) {
                let message =
                    format!("types do not fit: `{}` takes geometries, `{}` is {}", call.function, self.shown(tree.span), tree.shape);
                return self.refuse(Problem::new("E703", tree.span, message));
            }
        }
        let shape =
            if function == Function::Distance { Shape::number(crate::reading::unit::Unit::find("m")) } else { Shape::new(Kind::Bool) };
        Some(Tree::made(Op::Call(function, trees.into()), span, shape))
    }
}
