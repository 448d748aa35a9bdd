//! The bounds of expressions, in one place (`rules.md`, 4.5).

/// The longest source text.
pub const SOURCE_BYTES_MAX: usize = 4096;
/// Brackets within brackets, and conditions within the branches of conditions.
pub const NESTING_MAX: usize = 32;
/// How deep the tree may be: nesting, and chains such as `a + b + c + …` or `a.b.c`, which lean to one side.
pub const DEPTH_MAX: usize = 64;
/// Names, literals, operators and calls of one expression.
pub const NODES_MAX: usize = 512;
/// The longest list that a comprehension walks, where the type of the list does not say less.
pub const LIST_ITEMS_MAX: usize = 1024;
/// Nodes, times the lengths of the lists that they are evaluated for.
pub const COST_MAX: u64 = 10_000;
/// The longest text that an expression makes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// A compiled pattern of `matches`.
pub const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// Problems told of one expression; the rest would be noise.
pub const PROBLEMS_MAX: usize = 20;
/// What `explain` tells of one condition.
pub const EVIDENCE_MAX: usize = 64;
/// The text of one such part.
pub const EVIDENCE_CHARS_MAX: usize = 120;
/// Parts of a text template.
pub const TEMPLATE_PARTS_MAX: usize = 64;
