//! The expressions of AWS IoT Events (`seed-systems.md`, 1.2): read once, evaluated against the payloads and the detector they are about.
//!
//! Where AWS is silent, the choices are marked as such where they are made: rounding in [`operate`], the literal parameter in [`parameter`].

mod compare;
mod cursor;
mod evaluate;
mod function;
mod operate;
mod parameter;
mod parse;
mod term;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use evaluate::{Outcome, Surroundings, evaluate, holds};
pub use function::Function;
pub use parameter::parameter;
pub use parse::{DEPTH_MAX, EXPRESSION_BYTES_MAX, NESTING_MAX, SyntaxError, parse, parse_path};
pub use term::{BinaryOperator, Convert, Piece, Reference, Step, Term, UnaryOperator, follow};
pub use value::{TEXT_BYTES_MAX, Value, render_json};
