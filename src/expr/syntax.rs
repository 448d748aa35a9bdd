//! An expression as it was written: names are still names. What the parser makes and the checker reads.

use std::sync::Arc;

use super::problem::Span;

/// A text and its tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub source: Arc<str>,
    pub root: Syntax,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Syntax {
    pub span: Span,
    pub form: Form,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    Name(Box<str>),
    Select {
        target: Box<Syntax>,
        field: Box<str>,
        field_span: Span,
    },
    Index(Box<Syntax>, Box<Syntax>),
    Call(Box<Call>),
    Not(Box<Syntax>),
    Negate(Box<Syntax>),
    /// Two or more.
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    Binary {
        operator: Operator,
        left: Box<Syntax>,
        right: Box<Syntax>,
    },
    /// Condition, value if it is true, value if it is false.
    If(Box<[Syntax; 3]>),
    List(Vec<Syntax>),
    Map(Vec<(Syntax, Syntax)>),
}

/// `target.function(arguments)`
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub target: Option<Syntax>,
    pub function: Box<str>,
    pub function_span: Span,
    pub arguments: Vec<Syntax>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    In,
}

impl Operator {
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::In => "in",
        }
    }
}

impl Syntax {
    /// The segments of a dotted name: `drive.current` is `["drive", "current"]`. `this.x` is `x`.
    pub fn path(&self) -> Option<Vec<&str>> {
        let mut segments = Vec::new();
        let mut syntax = self;
        loop {
            match &syntax.form {
                Form::Name(name) => {
                    if &**name != "this" || segments.is_empty() {
                        segments.push(&**name);
                    }
                    segments.reverse();
                    return Some(segments);
                }
                Form::Select { target, field, .. } => {
                    segments.push(&**field);
                    syntax = target;
                }
                Form::Null
                | Form::Bool(_)
                | Form::Int(_)
                | Form::Double(_)
                | Form::Text(_)
                | Form::Index(..)
                | Form::Call(_)
                | Form::Not(_)
                | Form::Negate(_)
                | Form::And(_)
                | Form::Or(_)
                | Form::Binary { .. }
                | Form::If(_)
                | Form::List(_)
                | Form::Map(_) => return None,
            }
        }
    }

    pub fn text(&self) -> Option<&Arc<str>> {
        if let Form::Text(text) = &self.form { Some(text) } else { None }
    }

    pub fn name(&self) -> Option<&str> {
        if let Form::Name(name) = &self.form { Some(name) } else { None }
    }
}
