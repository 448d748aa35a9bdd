//! What an expression is made of, and what it refers to.

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::rule::detector::Scalar;

use super::function::Function;

#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// Of a literal: a bool, a number or a text.
    Constant(Scalar),
    /// `'… ${…} …'`
    Template(Box<[Piece]>),
    /// `$input.<Input>.<path>`; without a path the whole payload.
    Input {
        input: SmolStr,
        path: Box<[Step]>,
    },
    Variable(SmolStr),
    Unary(UnaryOperator, Box<Term>),
    Binary(BinaryOperator, Box<Term>, Box<Term>),
    /// `timeout("t")`
    Timeout(SmolStr),
    /// `triggerType("Message")`: whether a message is meant, or a timer.
    TriggerType {
        message: bool,
    },
    CurrentInput(SmolStr),
    Convert(Convert, Box<Term>),
    Call(Function, Box<[Term]>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Text(SmolStr),
    Inner(Term),
}

/// A step of a path into a payload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Name(SmolStr),
    Index(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    Not,
    Complement,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// What `convert` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convert {
    Text,
    Bool,
    Decimal,
}

impl UnaryOperator {
    pub const ALL: [UnaryOperator; 3] = [UnaryOperator::Not, UnaryOperator::Complement, UnaryOperator::Negate];

    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOperator::Not => "!",
            UnaryOperator::Complement => "~",
            UnaryOperator::Negate => "-",
        }
    }
}

impl BinaryOperator {
    /// The longer symbols first: whoever looks for one takes the first that fits.
    pub const ALL: [BinaryOperator; 15] = [
        BinaryOperator::Or,
        BinaryOperator::And,
        BinaryOperator::Equal,
        BinaryOperator::NotEqual,
        BinaryOperator::LessOrEqual,
        BinaryOperator::GreaterOrEqual,
        BinaryOperator::Less,
        BinaryOperator::Greater,
        BinaryOperator::BitOr,
        BinaryOperator::BitXor,
        BinaryOperator::BitAnd,
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
    ];

    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOperator::Or => "||",
            BinaryOperator::And => "&&",
            BinaryOperator::BitOr => "|",
            BinaryOperator::BitXor => "^",
            BinaryOperator::BitAnd => "&",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessOrEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterOrEqual => ">=",
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
        }
    }

    /// The higher, the tighter.
    pub fn tightness(self) -> u8 {
        match self {
            BinaryOperator::Or => 1,
            BinaryOperator::And => 2,
            BinaryOperator::BitOr => 3,
            BinaryOperator::BitXor => 4,
            BinaryOperator::BitAnd => 5,
            BinaryOperator::Equal | BinaryOperator::NotEqual => 6,
            BinaryOperator::Less | BinaryOperator::LessOrEqual | BinaryOperator::Greater | BinaryOperator::GreaterOrEqual => 7,
            BinaryOperator::Add | BinaryOperator::Subtract => 8,
            BinaryOperator::Multiply | BinaryOperator::Divide => 9,
        }
    }
}

impl Convert {
    pub const ALL: [Convert; 3] = [Convert::Text, Convert::Bool, Convert::Decimal];

    pub fn as_str(self) -> &'static str {
        match self {
            Convert::Text => "String",
            Convert::Bool => "Boolean",
            Convert::Decimal => "Decimal",
        }
    }
}

/// Something outside of the expression that it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    Input { input: &'a SmolStr, path: &'a [Step] },
    Variable(&'a SmolStr),
    Timeout(&'a SmolStr),
    TriggerType { message: bool },
    CurrentInput(&'a SmolStr),
}

impl Term {
    /// The terms that this one is made of, in the order in which they are written.
    pub fn parts(&self) -> Vec<&Term> {
        match self {
            Term::Constant(_)
            | Term::Input { .. }
            | Term::Variable(_)
            | Term::Timeout(_)
            | Term::TriggerType { .. }
            | Term::CurrentInput(_) => Vec::new(),
            Term::Template(pieces) => {
                pieces.iter().filter_map(|piece| if let Piece::Inner(term) = piece { Some(term) } else { None }).collect()
            }
            Term::Unary(_, inner) | Term::Convert(_, inner) => vec![inner],
            Term::Binary(_, left, right) => vec![left, right],
            Term::Call(_, arguments) => arguments.iter().collect(),
        }
    }

    /// Calls with this term and all inside it, outer ones first.
    pub fn each<'a>(&'a self, call: &mut dyn FnMut(&'a Term)) {
        let mut waiting = vec![self];
        while let Some(term) = waiting.pop() {
            call(term);
            waiting.extend(term.parts().into_iter().rev());
        }
    }

    /// All that it refers to, in the order in which it is written.
    pub fn references(&self) -> Vec<Reference<'_>> {
        let mut found = Vec::new();
        self.each(&mut |term| {
            found.extend(match term {
                Term::Input { input, path } => Some(Reference::Input { input, path }),
                Term::Variable(name) => Some(Reference::Variable(name)),
                Term::Timeout(name) => Some(Reference::Timeout(name)),
                Term::TriggerType { message } => Some(Reference::TriggerType { message: *message }),
                Term::CurrentInput(input) => Some(Reference::CurrentInput(input)),
                Term::Constant(_) | Term::Template(_) | Term::Unary(..) | Term::Binary(..) | Term::Convert(..) | Term::Call(..) => None,
            });
        });
        found
    }
}

/// What a path leads to; `None` if it leads nowhere.
pub fn follow<'j>(json: &'j Json, path: &[Step]) -> Option<&'j Json> {
    path.iter().try_fold(json, |json, step| match (step, json) {
        (Step::Name(name), Json::Object(object)) => object.get(name.as_str()),
        (Step::Index(index), Json::Array(items)) => items.get(usize::try_from(*index).ok()?),
        (Step::Name(_) | Step::Index(_), _) => None,
    })
}
