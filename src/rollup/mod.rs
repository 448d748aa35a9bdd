//! Roll-ups: what the members of a relation add up to, at every level of a hierarchy.
//!
//! Partials travel, results do not: a child reports its contribution, a node between forwards the merged partial of what is below it, and
//! only at the end is it divided. So a building's mean is the mean over its rooms and not of its floors' means. A node keeps the last
//! contribution of every member; a new one takes the place of the old one, exactly, so the result depends on what the members say and not
//! on the order in which they said it (`rules.md`, 6).
//!
//! It knows nothing of twins and relations: members are numbers, and who joins, leaves or reports is told.

mod node;
mod pace;
mod partial;
mod spec;
#[cfg(test)]
mod tests;

pub use node::{MEMBERS_MAX, Node, Rolled};
pub use pace::{COALESCE_MICROS, Pace, Verdict};
pub use partial::{Contribution, Partial, Pick};
pub use spec::{Agg, Spec};
