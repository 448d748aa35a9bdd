//! Which twins belong to a selection, and their newest states: named ones, or the first so many by id that a filter lets through.
//!
//! One twin more than is shown is kept, as the witness that there are more; so leaving and joining cost a look at the view only when the witness
//! itself moves up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::feed::{Feed, Types, Watch};
use crate::reading::{Timestamp, TwinId, TwinNo};
use crate::twin::State;
use crate::view::{Cell, View};

use super::Seen;

/// A filter that asks for ages is put to all twins again this often: time passes for those that say nothing, too.
pub const RESCAN_EVERY: Duration = Duration::from_secs(1);

/// Twins that are looked at together.
const PAGE: usize = 256;

/// A condition on twins.
pub trait Filter: fmt::Debug + Send + Sync {
    fn matches(&self, state: &State, now: Timestamp) -> bool;

    /// Which types can match at all.
    fn types(&self) -> Types {
        Types::All
    }

    /// Whether the answer depends on edges: then it is asked of all twins again when they change.
    fn follows_graph(&self) -> bool {
        false
    }

    /// Whether the answer depends on the time.
    fn follows_time(&self) -> bool {
        false
    }

    /// The first so many by id behind `after`. Whoever has an index answers better than by looking at all.
    fn first(&self, view: &View, after: Option<&TwinId>, count: usize, now: Timestamp) -> Vec<Arc<Cell>> {
        let mut found = Vec::new();
        let mut after = after.cloned();
        while found.len() < count {
            let page = view.page(after.as_ref().map(TwinId::as_str), PAGE);
            let Some(last) = page.last() else { break };
            after = Some(last.state().id.clone());
            found.extend(page.into_iter().filter(|cell| self.matches(&cell.state(), now)).take(count - found.len()));
        }
        found
    }
}

#[derive(Debug, Clone)]
pub enum Choice {
    /// These, whether they are there yet or not.
    Twins { ids: Vec<TwinId>, filter: Option<Arc<dyn Filter>> },
    /// The first `limit` by id.
    Matching { filter: Arc<dyn Filter>, limit: usize },
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Twins that were published, came or went.
    pub(super) ids: BTreeSet<TwinId>,
    /// Others may be shown than before.
    pub(super) membership: bool,
    /// How often selected twins were published.
    pub(super) updates: u64,
    /// The client has to begin anew.
    pub(super) resync: bool,
    /// There was something to look at.
    pub(super) any: bool,
}

#[derive(Debug)]
pub(super) struct Members {
    pub(super) view: Arc<View>,
    pub(super) watch: Watch,
    choice: Choice,
    /// Where named twins are, in the order of their places.
    cells: Vec<Option<Arc<Cell>>>,
    /// What the watch was told of them.
    numbers: Vec<Option<TwinNo>>,
    /// The first matches by id, with the witness.
    ranks: BTreeMap<TwinId, Seen>,
    /// Nothing matches behind the last of them.
    is_complete: bool,
    rescan_at: Option<Timestamp>,
}

impl Members {
    pub(super) fn new(feed: &Arc<Feed>, view: Arc<View>, mut choice: Choice) -> Members {
        let watch = match &mut choice {
            Choice::Twins { ids, .. } => {
                ids.sort_unstable();
                ids.dedup();
                feed.watch()
            }
            Choice::Matching { filter, .. } => feed.watch_types(filter.types()),
        };
        Members { view, watch, choice, cells: Vec::new(), numbers: Vec::new(), ranks: BTreeMap::new(), is_complete: true, rescan_at: None }
    }

    /// Looks at everything, as at the beginning.
    pub(super) fn begin(&mut self, now: Timestamp) {
        // What is marked from here on is looked at later; what is marked already is seen now.
        self.watch.take();
        self.find(now);
    }

    /// What the client is shown, by id.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&TwinId, &Seen)> {
        self.ranks.iter().take(self.limit())
    }

    pub(super) fn shown_twin(&self, id: &TwinId) -> Option<&Seen> {
        let is_witness = self.is_truncated() && self.ranks.last_key_value().is_some_and(|(last, _)| last == id);
        self.ranks.get(id).filter(|_| !is_witness)
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.ranks.len() > self.limit()
    }

    /// When to look although nothing is marked.
    pub(super) fn rescan_at(&self) -> Option<Timestamp> {
        self.rescan_at
    }

    /// Takes in what has happened since the last look.
    pub(super) fn look(&mut self, now: Timestamp) -> Touched {
        let marks = self.watch.take();
        let is_time = self.rescan_at.is_some_and(|at| at <= now);
        let mut touched = Touched { any: !marks.is_empty() || is_time, ..Touched::default() };
        if marks.resync || marks.overflowed {
            touched.resync = true;
            return touched;
        }
        for (place, updates) in marks.places {
            let Some(cell) = self.cells.get(place as usize).and_then(Option::as_ref) else { continue };
            let seen = seen(cell);
            touched.updates += u64::from(updates);
            self.place(&seen.state.id.clone(), Some(seen), now, &mut touched);
        }
        let (here, gone): (Vec<_>, Vec<_>) = marks.twins.into_iter().partition(|(_, mark)| mark.state.is_some());
        for (no, mark) in gone {
            // Another twin may have its id by now.
            if self.ranks.get(&mark.id).is_some_and(|known| known.state.no == no) {
                self.place(&mark.id, None, now, &mut touched);
            }
        }
        for (_, mark) in here {
            let was_shown = self.shown_twin(&mark.id).is_some();
            let seen = mark.state.map(|(state, seq)| Seen { state, seq });
            self.place(&mark.id, seen, now, &mut touched);
            if was_shown || self.shown_twin(&mark.id).is_some() {
                touched.updates += u64::from(mark.updates);
            }
        }
        if marks.structure || is_time {
            self.find_again(now, &mut touched);
        }
        self.refill(now, &mut touched);
        touched
    }

    fn limit(&self) -> usize {
        match &self.choice {
            Choice::Twins { .. } => usize::MAX,
            Choice::Matching { limit, .. } => *limit,
        }
    }

    fn filter(&self) -> Option<&Arc<dyn Filter>> {
        match &self.choice {
            Choice::Twins { filter, .. } => filter.as_ref(),
            Choice::Matching { filter, .. } => Some(filter),
        }
    }

    fn find(&mut self, now: Timestamp) {
        self.rescan_at = self.filter().filter(|filter| filter.follows_time()).map(|_| now.plus(RESCAN_EVERY));
        let follows_graph = self.filter().is_some_and(|filter| filter.follows_graph());
        match self.choice.clone() {
            Choice::Twins { ids, filter } => {
                // A twin that comes or goes while they are looked up is noticed.
                self.watch.want_structure(true);
                self.cells = ids.iter().map(|id| self.view.twin(id.as_str())).collect();
                let numbers: Vec<_> = self.cells.iter().map(|cell| cell.as_ref().map(|cell| cell.state().no)).collect();
                // Twins elsewhere come and go all the time; that moves nobody here.
                if self.numbers != numbers {
                    self.watch.set(&numbers);
                    self.numbers = numbers;
                }
                self.watch.want_structure(follows_graph || self.numbers.iter().any(Option::is_none));
                let all = self.cells.iter().flatten().map(|cell| seen(cell));
                let matching = all.filter(|seen| filter.as_ref().is_none_or(|filter| filter.matches(&seen.state, now)));
                self.ranks = matching.map(|seen| (seen.state.id.clone(), seen)).collect();
                self.is_complete = true;
            }
            Choice::Matching { filter, limit } => {
                self.watch.want_structure(follows_graph);
                let wanted = limit.saturating_add(1);
                let first = filter.first(&self.view, None, wanted, now);
                self.is_complete = first.len() < wanted;
                self.ranks = first.iter().map(|cell| seen(cell)).map(|seen| (seen.state.id.clone(), seen)).collect();
            }
        }
    }

    fn find_again(&mut self, now: Timestamp, touched: &mut Touched) {
        let before = std::mem::take(&mut self.ranks);
        self.find(now);
        let is_same = |id: &TwinId, seen: &Seen| before.get(id).is_some_and(|old| Arc::ptr_eq(&old.state, &seen.state));
        touched.ids.extend(self.ranks.iter().filter(|(id, seen)| !is_same(id, seen)).map(|(id, _)| id.clone()));
        touched.ids.extend(before.keys().filter(|id| !self.ranks.contains_key(*id)).cloned());
        touched.membership |= !before.keys().eq(self.ranks.keys());
    }

    /// A twin as it is now; `None`: it is gone.
    fn place(&mut self, id: &TwinId, seen: Option<Seen>, now: Timestamp, touched: &mut Touched) {
        let filter = self.filter();
        let matching = seen.filter(|seen| filter.is_none_or(|filter| filter.matches(&seen.state, now)));
        match (matching, self.ranks.get_mut(id)) {
            (Some(seen), Some(known)) => {
                // What was read from the view before may be newer than the mark.
                if known.state.no != seen.state.no || known.state.revision <= seen.state.revision {
                    *known = seen;
                    touched.ids.insert(id.clone());
                }
            }
            (Some(seen), None) => self.join(id, seen, touched),
            (None, Some(_)) => {
                self.ranks.remove(id);
                touched.ids.insert(id.clone());
                touched.membership = true;
            }
            (None, None) => {}
        }
    }

    fn join(&mut self, id: &TwinId, seen: Seen, touched: &mut Touched) {
        let is_behind = self.ranks.last_key_value().is_some_and(|(last, _)| id > last);
        if !self.is_complete && (is_behind || self.ranks.is_empty()) {
            // Somebody between the last and this one may match, too: the refill finds out.
            return;
        }
        self.ranks.insert(id.clone(), seen);
        if self.ranks.len() > self.limit().saturating_add(1) {
            self.ranks.pop_last();
            self.is_complete = false;
        }
        touched.ids.insert(id.clone());
        touched.membership = true;
    }

    /// After twins have left: those that move up.
    fn refill(&mut self, now: Timestamp, touched: &mut Touched) {
        let Choice::Matching { filter, limit } = &self.choice else { return };
        let missing = limit.saturating_add(1).saturating_sub(self.ranks.len());
        if self.is_complete || missing == 0 {
            return;
        }
        let after = self.ranks.last_key_value().map(|(last, _)| last.clone());
        let more = filter.first(&self.view, after.as_ref(), missing, now);
        self.is_complete = more.len() < missing;
        touched.membership |= !more.is_empty();
        for seen in more.iter().map(|cell| seen(cell)) {
            // One that is pushed out and comes back within one look has changed meanwhile, perhaps.
            touched.ids.insert(seen.state.id.clone());
            self.ranks.insert(seen.state.id.clone(), seen);
        }
    }
}

fn seen(cell: &Cell) -> Seen {
    let seq = cell.seq();
    Seen { state: cell.state(), seq }
}
