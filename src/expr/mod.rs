//! Expressions: one language for conditions, values, mappings and templates. Its grammar is CEL's; what it means is ours.
//!
//! ```text
//! text ─parse─▶ Parsed ─check against a Scope─▶ Checked { tree, dependencies, … } ─evaluate in an Environment─▶ a value, or why not
//! ```
//! - [`Compiler`] reads a text on a thread of its own; whatever the text, it answers with a tree or with problems at their characters.
//! - [`check`] resolves names, fits kinds and units, bounds the cost, and lowers to a tree over numbered operands. It knows no types and no
//!   layouts: a [`Scope`] tells it what names mean, and keeps its folds over other twins as hidden roll-ups.
//! - [`Tree::evaluate`] and its kin are pure and total: three-valued, without allocation for numbers and truths. An [`Environment`] says what
//!   the operands hold.
//! - [`relaxed`] makes the stay condition of a deadband, [`Checked::evidence`] tells what a result was made of, [`Template`] is text with
//!   expressions in it, [`ordered`] puts computed values in order or finds their ring.

pub mod bounds;
mod check;
mod checked;
mod compiler;
mod datum;
mod derived;
mod eval;
mod explain;
mod kind;
mod measure;
mod normal;
mod order;
mod parse;
mod problem;
mod refusal;
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
pub use derived::{difference_unit, product_unit, quotient_unit};
pub use explain::Evidence;
pub use kind::{Kind, ListKind, Shape};
pub use order::{Ring, ordered};
pub use problem::{Problem, Span};
pub use relax::{Limit, Unrelaxed, quantity, relaxed};
pub use scope::{Above, Aggregate, Attribute, Environment, Fold, Operand, Over, Quoted, Refusal, Resolved, Scope};
pub use syntax::Parsed;
pub use template::Template;
pub use tree::Tree;
