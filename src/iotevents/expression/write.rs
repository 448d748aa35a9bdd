//! A term as text again: what was parsed is written so that it parses to the same.

use std::fmt::{self, Display};

use crate::rule::detector::Scalar;

use super::term::{Piece, Step, Term};

impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Constant(constant) => write_constant(constant, f),
            Term::Template(pieces) => write_template(pieces, f),
            Term::Input { input, path } => {
                write!(f, "$input.{}", Name(input))?;
                write_path(path, f)
            }
            Term::Variable(name) => write!(f, "$variable.{}", Name(name)),
            Term::Unary(operator, inner) => {
                f.write_str(operator.symbol())?;
                write_operand(inner, 10, f)
            }
            Term::Binary(operator, left, right) => {
                write_operand(left, operator.tightness(), f)?;
                write!(f, " {} ", operator.symbol())?;
                write_operand(right, operator.tightness() + 1, f)
            }
            Term::Timeout(name) => write!(f, "timeout({})", Quoted(name)),
            Term::TriggerType { message } => write!(f, "triggerType({})", if *message { "'Message'" } else { "'Timer'" }),
            Term::CurrentInput(input) => write!(f, "currentInput({})", Quoted(input)),
            Term::Convert(to, inner) => write!(f, "convert({}, {inner})", to.as_str()),
            Term::Call(function, arguments) => {
                write!(f, "{}(", function.as_str())?;
                for (place, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Steps of a path after its beginning: `.sensorData.pressure[0]`.
pub(super) fn write_path(path: &[Step], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    path.iter().try_for_each(|step| match step {
        Step::Name(name) => write!(f, ".{}", Name(name)),
        Step::Index(index) => write!(f, "[{index}]"),
    })
}

fn write_constant(constant: &Scalar, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match constant {
        Scalar::Bool(value) => value.fmt(f),
        Scalar::Int(value) => value.fmt(f),
        Scalar::Double(value) => write!(f, "{value:?}"),
        Scalar::Text(text) => Quoted(text).fmt(f),
        Scalar::Timestamp(time) => write!(f, "'{time}'"),
        Scalar::Duration(micros) => write!(f, "{micros}"),
    }
}

fn write_template(pieces: &[Piece], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("'")?;
    for piece in pieces {
        match piece {
            Piece::Text(text) => f.write_str(&text.replace('\'', "\\'"))?,
            Piece::Inner(term) => write!(f, "${{{term}}}")?,
        }
    }
    f.write_str("'")
}

/// In parentheses where it would otherwise be read as part of something tighter.
fn write_operand(term: &Term, tightness_min: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_loose = matches!(term, Term::Binary(operator, ..) if operator.tightness() < tightness_min);
    if is_loose { write!(f, "({term})") } else { term.fmt(f) }
}

struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && self.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_plain { f.write_str(self.0) } else { write!(f, "`{}`", self.0) }
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "\\'"))
    }
}
