//! The heart: what a twin is, what may happen to it, and what follows. Pure: no clock, no I/O, no channels.
//!
//! [`step`] decides what an input means: a function of the twin, the input and the time alone. Each fact it decides on is applied before the next
//! one is decided, and [`Twin::apply`] is the only place where a twin changes, live and in replay.

mod apply;
mod asked;
mod bases;
mod closed;
mod contribution;
mod contributors;
mod event;
mod explanation;
mod fact;
mod follow;
mod input;
mod late;
mod pushed;
mod recent;
mod slots;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod troubles;
mod tuning;
mod views;
mod watches;
mod windows;

pub use asked::{ASKED_MAX, Asked, Ending, Pending};
pub use bases::{Bases, Basis};
pub use closed::{CLOSED_EXPLAIN_BYTES_MAX, CLOSED_LOG_ENTRIES_MAX, CLOSED_PER_RULE_MAX, Closed};
pub use contribution::{Contributed, contributed};
pub use contributors::{CONTRIBUTORS_MAX, Contributor, Contributors};
pub use event::{Event, Happened, Measured, Outcome, Read, Rejection};
pub use explanation::{EXPLAIN_DEPTH_MAX, EXPLAIN_STEPS_MAX, Explanation, ExplanationStep, StepKind};
pub use fact::{Deleted, Edge, EdgeNo, Edited, Entry, Fact, Keyed};
pub use follow::{explain_member, explain_rule, is_notice};
pub use input::{Description, Edit, Flooded, Forced, Gathered, Input, Managed, NEVER_AWAY, Numbered, Raised, Received, Told};
pub use late::Late;
pub use pushed::Pushed;
pub use recent::{Fingerprint, RECENT_AT_REST_MAX, RECENT_KEPT, RECENT_MAX, RECENT_SPAN_S, Recent};
pub use slots::Slots;
pub use state::{Desired, SharedLayout, Slot, State, Twin};
pub use step::{Step, Tally, step};
pub use troubles::{TROUBLES_MAX, Trouble, Troubles};
pub use tuning::{Tuned, Tuning};
pub use views::{HELD_MAX, View, Views};
pub use watches::Watches;
pub use windows::{Turn, Windows};
