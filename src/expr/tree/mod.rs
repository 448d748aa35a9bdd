//! An expression checked and lowered: names are operands, kinds agree, units are converted. What the evaluator walks.

mod walk;

use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;

use crate::reading::unit::Conversion;

use super::datum::Datum;
use super::eval::{Evaluation, Nowhere};
use super::kind::Shape;
use super::problem::Span;
use super::scope::Operand;

/// A node with all that is below it.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(super) op: Op,
    pub span: Span,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Constant(Datum),
    Read(Read),
    Now,
    /// A variable of a comprehension, counted from the outermost.
    Local(u8),
    Not(Box<Tree>),
    And(Box<[Tree]>),
    Or(Box<[Tree]>),
    /// Condition, value if it is true, value if it is false.
    If(Box<[Tree; 3]>),
    Compare(Box<Compare>),
    Arithmetic(Box<Arithmetic>),
    Negate(Box<Tree>),
    Convert(Conversion, Box<Tree>),
    /// A whole number as a double.
    ToDouble(Box<Tree>),
    /// The name of an enum's value.
    ToName(Arc<[Box<str>]>, Box<Tree>),
    Concat(Box<[Tree; 2]>),
    /// Item, list.
    In(Box<[Tree; 2]>),
    List(Box<[Tree]>),
    Map(Box<[(Tree, Tree)]>),
    /// List, index.
    Item(Box<[Tree; 2]>),
    /// Map, key.
    Entry(Box<[Tree; 2]>),
    Field(Box<Tree>, Arc<str>),
    /// Whether the map or object has that key.
    HasKey(Box<[Tree; 2]>),
    /// Whether the operand holds a value, good or not.
    IsThere(Operand),
    Call(Function, Box<[Tree]>),
    Matches(Box<Tree>, Regex),
    Calendar(Part, Box<Tree>, TimeZone),
    Over(Box<Comprehension>),
    Known(Box<Tree>),
    OrElse(Box<[Tree; 2]>),
    Previous(Operand),
    Changed(Operand),
    TimeOf(Operand),
    Quality(Operand),
}

#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) operand: Operand,
    pub(super) is_live: bool,
    /// Bounds that a known value keeps.
    pub(super) least: Option<f64>,
    pub(super) greatest: Option<f64>,
}

#[derive(Debug, Clone)]
pub(super) struct Compare {
    pub(super) comparison: Comparison,
    pub(super) basis: Basis,
    pub(super) left: Tree,
    pub(super) right: Tree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

/// As what two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    Double,
    /// Whole numbers, or a whole number with a double: exactly.
    Number,
    Bool,
    Text,
    /// Instants, or lengths of time.
    Micros,
    /// Values of one enum.
    Enum,
    /// Structures, or what is only known when it is read.
    Any,
}

#[derive(Debug, Clone)]
pub(super) struct Arithmetic {
    pub(super) operator: ArithmeticOperator,
    pub(super) on: On,
    pub(super) left: Tree,
    pub(super) right: Tree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Int,
    Double,
    /// Instants and lengths of time.
    Micros,
}

#[derive(Debug, Clone)]
pub(super) struct Comprehension {
    pub(super) how: How,
    pub(super) list: Tree,
    /// Of `map` with three arguments: which items are taken.
    pub(super) filter: Option<Tree>,
    pub(super) body: Tree,
    /// The number of its variable.
    pub(super) local: u8,
    /// For the cost.
    pub(super) items_max: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Substring,
    Replace,
    ToInt,
    ToDouble,
    ToText,
    ToBool,
    ToTimestamp,
    ToDuration,
    Abs,
    Ceil,
    Floor,
    Round,
    Trunc,
    Sign,
    Sqrt,
    Greatest,
    Least,
    IsFinite,
    Pow,
    Exp,
    Ln,
    Log10,
    Sin,
    Cos,
    Tan,
    Atan2,
    Hypot,
    Clamp,
    Distance,
    Inside,
}

/// A part of a date, a time of day or a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    FullYear,
    /// From 0.
    Month,
    /// Of the month, from 1.
    Date,
    /// Of the month, from 0.
    DayOfMonth,
    /// From 0, which is Sunday.
    DayOfWeek,
    /// From 0.
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Tree {
    pub(super) fn new(op: Op, span: Span, shape: Shape) -> Tree {
        Tree { op, span, shape }
    }

    /// A node, folded.
    pub(super) fn made(op: Op, span: Span, shape: Shape) -> Tree {
        Tree::new(op, span, shape).folded()
    }

    pub(super) fn constant(datum: Datum, span: Span, shape: Shape) -> Tree {
        Tree::new(Op::Constant(datum), span, shape)
    }

    /// If all below it is constant, its value in its place. What can never be known is left as it is: it says why when it is asked.
    pub(super) fn folded(self) -> Tree {
        let children = self.children();
        if children.is_empty() || children.into_iter().any(|child| child.as_constant().is_none()) {
            return self;
        }
        match Evaluation::new(&Nowhere).value(&self) {
            Ok(datum) => Tree::constant(datum, self.span, self.shape),
            Err(_) => self,
        }
    }

    pub(super) fn as_constant(&self) -> Option<&Datum> {
        if let Op::Constant(datum) = &self.op { Some(datum) } else { None }
    }
}

impl Comparison {
    pub(super) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Less => ordering.is_lt(),
            Comparison::LessEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterEqual => ordering.is_ge(),
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
        }
    }
}
