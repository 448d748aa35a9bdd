//! Edges whose validity begins or ends later: then, though nothing else happens, other twins belong to who gathers along them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::reading::{Timestamp, TwinNo};
use crate::twin::Edge;

/// Begins and ends that are kept, the next ones.
const COMING_MAX: usize = 100_000;

/// By when. An edge that is another one by then is only looked up once more than needed.
#[derive(Debug, Default)]
pub(super) struct Coming {
    next: BTreeSet<(Timestamp, Moved)>,
    /// There were more than are kept: when those have come, the graph has to be asked again.
    is_cut: bool,
}

/// An edge as far as it decides who is a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moved {
    pub(super) relation: Arc<str>,
    pub(super) from: TwinNo,
    pub(super) to: TwinNo,
    /// Half open; for ever without an end.
    begins: Timestamp,
    ends: Option<Timestamp>,
}

impl Moved {
    pub(super) fn of(edge: &Edge) -> Moved {
        Moved { relation: edge.relation.clone(), from: edge.from, to: edge.to, begins: edge.valid_from, ends: edge.valid_to }
    }
}

impl Coming {
    pub(super) fn expect(&mut self, edge: &Moved, now: Timestamp) {
        let later = [Some(edge.begins), edge.ends].into_iter().flatten().filter(|at| *at > now);
        self.next.extend(later.map(|at| (at, edge.clone())));
        while self.next.len() > COMING_MAX {
            self.next.pop_last();
            self.is_cut = true;
        }
    }

    /// The next one that has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Moved> {
        self.next.first().filter(|(at, _)| *at <= now)?;
        self.next.pop_first().map(|(_, edge)| edge)
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next.first().map(|(at, _)| *at)
    }

    pub(super) fn has_run_out(&self) -> bool {
        self.is_cut && self.next.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_ones_are_kept_and_the_others_not_forgotten() {
        let edge = |no: usize| Moved {
            relation: "feeds".into(),
            from: TwinNo(1),
            to: TwinNo(2),
            begins: Timestamp(0),
            ends: Some(Timestamp(no as i64 + 1)),
        };
        let mut coming = Coming::default();
        (0..=COMING_MAX).rev().for_each(|no| coming.expect(&edge(no), Timestamp(0)));
        assert_eq!((coming.next(), coming.pop(Timestamp(0))), (Some(Timestamp(1)), None));
        let come = std::iter::from_fn(|| coming.pop(Timestamp(i64::MAX))).last();
        assert_eq!((come, coming.has_run_out()), (Some(edge(COMING_MAX - 1)), true));
        assert!(!Coming::default().has_run_out());
    }
}
