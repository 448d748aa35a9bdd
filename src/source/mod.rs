//! The files of a workspace as text with positions, and what is wrong with them, pointed at to the character.
//!
//! Everything a person writes is read through here: YAML into a tree whose every key and value knows its place,
//! keys against one table per section, and problems collected, sorted and drawn.

pub mod codes;
mod diagnostic;
mod file;
mod json;
pub mod keys;
mod node;
mod render;
mod scalar;
mod section;
mod suggest;
#[cfg(test)]
mod tests;
mod yaml;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Related, Severity};
pub use file::{FILE_BYTES_MAX, FileId, Position, SourceFile, Sources, Span};
pub use json::render_json;
pub use node::{Entry, Key, Mapping, Node, NodeKind, Scalar, ScalarValue};
pub use render::render_text;
pub use scalar::resolve_plain;
pub use section::{Fields, expect_list, expect_mapping, expect_text, is_ignored, wrong_kind};
pub use suggest::{did_you_mean, list_some};
pub use yaml::read_yaml;
