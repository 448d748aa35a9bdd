//! Expressions: one language for conditions, values, mappings and templates. Its grammar is CEL's; what it means is ours.

pub mod bounds;
mod check;
mod checked;
mod compiler;
mod datum;
mod eval;
mod explain;
mod kind;
mod measure;
mod normal;
mod order;
mod parse;
mod problem;
mod relax;
mod scan;
mod scope;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod tree;

pub use check::{Expect, check};
pub use checked::{Checked, Dependency, Uses};
pub use compiler::Compiler;
pub use datum::{Datum, Known, Unknown, Why};
pub use explain::Evidence;
pub use kind::{Kind, ListKind, Shape};
pub use order::{Ring, ordered};
pub use problem::{Problem, Span};
pub use relax::{Limit, Unrelaxed, quantity, relaxed};
pub use scope::{Above, Aggregate, Attribute, Environment, Fold, Operand, Over, Quoted, Refusal, Resolved, Scope};
pub use syntax::Parsed;
pub use template::Template;
pub use tree::Tree;
