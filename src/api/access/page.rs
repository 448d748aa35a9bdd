//! Pages: the next so many twins that match, in a total order, from the place where the last page ended.
//!
//! Finding goes over columns and is nearly right: by the time a page is put together some twin may have moved. So every twin of a page is asked again,
//! by the state that the page shows, whether it matches and where it stands; one that has moved behind the end of the page is left to a later page.
//! Twins that do not change are therefore on exactly one page, whatever the others do.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::api::error::ApiError;
use crate::reading::{Seq, TwinId};
use crate::twin::State;
use crate::view::{Cell, Row};

use super::candidates::{Part, Told, listed, parts};
use super::cursor::{Cursor, CursorKey, Position};
use super::filter::Filter;
use super::order::{Key, Near, Order, OwnOrder, Settled};
use super::predicate::{Matcher, Truth, current_layout};
use super::{Access, Scope};

#[derive(Debug)]
pub struct PageRequest<'a> {
    pub scope: Scope,
    pub filter: Filter,
    pub order: Order,
    pub first: usize,
    pub after: Option<&'a str>,
    /// What cursors belong to: [`super::fingerprint`].
    pub belongs_to: u64,
    pub key: &'a CursorKey,
    pub wants_count: bool,
}

#[derive(Debug)]
pub struct Page {
    pub items: Vec<Item>,
    pub has_next: bool,
    pub has_previous: bool,
    /// None if it was not wanted, or takes more than `count_work_max`.
    pub total: Option<usize>,
    /// Every commit up to here is in it.
    pub seq: Seq,
}

#[derive(Debug)]
pub struct Item {
    pub cell: Arc<Cell>,
    /// The one state that all of the answer shows.
    pub state: Arc<State>,
    pub cursor: Cursor,
}

/// Found, and looked at.
#[derive(Debug)]
struct Candidate {
    keys: Vec<Key>,
    cell: Arc<Cell>,
    state: Arc<State>,
}

impl Candidate {
    fn new(access: &Access<'_>, order: &OwnOrder, cell: Arc<Cell>, state: Arc<State>) -> Candidate {
        Candidate { keys: order.keys(access, &state), cell, state }
    }

    fn cmp(&self, other: &Candidate, order: &Settled) -> Ordering {
        order.cmp(&self.keys, &other.keys).then_with(|| self.state.id.cmp(&other.state.id))
    }

    fn is_after(&self, position: Option<&Position>, order: &Settled) -> bool {
        position.is_none_or(|position| order.cmp(&self.keys, &position.keys).then_with(|| self.state.id.cmp(&position.id)).is_gt())
    }
}

/// Some of the candidates from the start of the order, and whether there are more behind them.
struct Found {
    candidates: Vec<Candidate>,
    has_more: bool,
    total: Option<usize>,
}

pub fn page(access: &Access<'_>, request: &PageRequest<'_>) -> Result<Page, ApiError> {
    let max = access.bounds.page_max;
    if request.first == 0 || request.first > max {
        let message = format!("`first` is {}: a page has 1 to {max} entries", request.first);
        return Err(ApiError::limit("page_max", max as u64, message).hint("ask for the next page with `after`"));
    }
    let seq = access.view.seq();
    let matcher = Matcher::new(access, &request.filter);
    let few = listed(access, &request.scope, &matcher);
    let parts = if few.is_some() { Vec::new() } else { parts(access, &request.scope, &matcher) };
    let layouts: Vec<_> = match &few {
        Some(few) => few.iter().map(|(_, state)| current_layout(access, &state.layout)).collect(),
        None => parts.iter().map(|part| part.layout.clone()).collect(),
    };
    let order = Settled::new(&request.order, layouts.iter());
    let after = request.after.map(|text| Position::decode(text, order.len(), request.belongs_to, request.key)).transpose()?;
    let search = Search { access, order: &order, after: after.as_ref(), first: request.first, wants_count: request.wants_count };
    let found = match few {
        Some(few) => search.among(few),
        None if order.is_by_id() => search.by_id(&parts),
        None => search.by_order(&parts),
    };
    let Found { mut candidates, mut has_more, total } = found;
    candidates.sort_by(|a, b| a.cmp(b, &order));
    // A twin that is just becoming one of another type may be found in both.
    candidates.dedup_by(|a, b| a.state.id == b.state.id);
    has_more |= candidates.len() > request.first;
    candidates.truncate(request.first);
    let item = |candidate: Candidate| {
        let position = Position { keys: candidate.keys, id: candidate.state.id.clone() };
        Item { cursor: Cursor::new(position, request.belongs_to, request.key), cell: candidate.cell, state: candidate.state }
    };
    Ok(Page {
        items: candidates.into_iter().map(item).collect(),
        has_next: has_more,
        has_previous: after.is_some(),
        total: total.filter(|_| request.wants_count),
        seq,
    })
}

struct Search<'a> {
    access: &'a Access<'a>,
    order: &'a Settled,
    after: Option<&'a Position>,
    first: usize,
    wants_count: bool,
}

/// A match: how near to the start, in which part, in which row.
type Match = (Near, u32, Row);

impl Search<'_> {
    /// All twins to look at are at hand.
    fn among(&self, few: Vec<(Arc<Cell>, Arc<State>)>) -> Found {
        let total = Some(few.len());
        let candidates = few.into_iter().map(|(cell, state)| {
            let order = self.order.of(self.access, &current_layout(self.access, &state.layout));
            Candidate::new(self.access, &order, cell, state)
        });
        let candidates = candidates.filter(|candidate| candidate.is_after(self.after, self.order)).collect();
        Found { candidates, has_more: false, total }
    }

    /// In the order of ids, so the first that match are the page.
    fn by_id(&self, parts: &[Part]) -> Found {
        /// Fewer matches than these are sorted at once; more of them stand so close that a walk meets them soon.
        const SORTED_MAX: usize = 4096;
        let everything = parts.iter().all(|part| part.predicate.settled() == Some(Truth::True));
        if everything {
            return Found { total: Some(parts.iter().map(|part| part.class.count()).sum()), ..self.walk(parts) };
        }
        if !parts.iter().all(|part| part.predicate.is_columnar()) {
            let found = self.walk(parts);
            return Found { total: if self.wants_count { self.count(parts) } else { None }, ..found };
        }
        let mut matches: Vec<(u32, Row)> = Vec::new();
        for (number, part) in (0_u32..).zip(parts) {
            part.each(self.access, &[], |_| (), |row, _| matches.push((number, row)));
        }
        let total = Some(matches.len());
        if matches.len() > SORTED_MAX {
            return Found { total, ..self.walk(parts) };
        }
        let candidates = matches.into_iter().filter_map(|(number, row)| self.look(&parts[number as usize], row));
        Found { candidates: candidates.filter(|candidate| candidate.is_after(self.after, self.order)).collect(), has_more: false, total }
    }

    fn walk(&self, parts: &[Part]) -> Found {
        let after = self.after.map(|position| position.id.as_str());
        let mut streams: Vec<Stream<'_>> = parts.iter().map(|part| Stream::new(part, after, self.first + 1)).collect();
        let mut candidates = Vec::new();
        while candidates.len() <= self.first {
            let nearest = streams.iter_mut().filter_map(|stream| stream.peek().map(|id| (id, stream))).min_by(|(a, _), (b, _)| a.cmp(b));
            let Some((_, stream)) = nearest else { break };
            let part = stream.part;
            let Some(row) = stream.next() else { break };
            candidates.extend(self.look(part, row));
        }
        Found { candidates, has_more: false, total: None }
    }

    /// A match as its state has it now, if it still is one.
    fn look(&self, part: &Part, row: Row) -> Option<Candidate> {
        let cell = part.class.cell(row)?;
        let state = cell.state();
        let order = self.order.of(self.access, &part.layout);
        part.predicate.holds(self.access, &state).then(|| Candidate::new(self.access, &order, cell, state))
    }

    fn count(&self, parts: &[Part]) -> Option<usize> {
        let to_load: usize = parts.iter().filter(|part| !part.predicate.is_columnar()).map(|part| part.class.count()).sum();
        if to_load > self.access.bounds.count_work_max {
            return None;
        }
        let mut total = 0;
        for part in parts {
            part.each(self.access, &[], |_| (), |_, _| total += 1);
        }
        Some(total)
    }

    fn by_order(&self, parts: &[Part]) -> Found {
        let from = self.after.map_or(Near::FIRST, |position| self.order.near(&position.keys));
        let (mut matches, mut total) = (Vec::new(), 0);
        for (number, part) in (0_u32..).zip(parts) {
            total += self.matches(number, part, from, &mut matches);
        }
        // Some more than the page has, for those that have moved by the time we look.
        let mut wanted = self.first + 1 + self.first / 4;
        loop {
            let Front { chosen, border, is_all } = self.front(parts, &mut matches, wanted, from);
            let looked = chosen.iter().filter_map(|(_, number, row)| self.look(&parts[*number as usize], *row));
            let fits = |candidate: &Candidate| {
                let place = (self.order.near(&candidate.keys), Some(&candidate.state.id));
                let is_before_border = match &border {
                    (near, None) => place.0 <= *near,
                    (near, Some(id)) => place <= (*near, Some(id)),
                };
                is_before_border && candidate.is_after(self.after, self.order)
            };
            let candidates: Vec<Candidate> = looked.filter(fits).collect();
            if is_all || candidates.len() > self.first {
                return Found { candidates, has_more: !is_all, total: Some(total) };
            }
            wanted *= 4;
        }
    }

    /// Adds the matches that are not before `from`, and counts all.
    fn matches(&self, number: u32, part: &Part, from: Near, matches: &mut Vec<Match>) -> usize {
        let order = self.order.of(self.access, &part.layout);
        let guess = order.guess(&part.layout);
        let mut count = 0;
        part.each(
            self.access,
            &guess.columns,
            |word| guess.near(word),
            |row, told| {
                count += 1;
                let near = match told {
                    Told::Read(near) => near,
                    Told::State(state) => self.order.near(&order.keys(self.access, &state)),
                };
                if near >= from {
                    matches.push((near, number, row));
                }
            },
        );
        count
    }

    /// The matches that come first, at least so many if there are.
    fn front(&self, parts: &[Part], matches: &mut [Match], wanted: usize, from: Near) -> Front {
        if matches.len() <= wanted {
            return Front { chosen: matches.to_vec(), border: (Near::LAST, None), is_all: true };
        }
        let (_, (border, ..), _) = matches.select_nth_unstable(wanted - 1);
        let border = *border;
        let nearer = bring_forward(matches, 0, |(near, ..)| *near < border);
        let end = bring_forward(matches, nearer, |(near, ..)| *near == border);
        let everything_near = || Front { chosen: matches[..end].to_vec(), border: (border, None), is_all: end == matches.len() };
        // Many that differ in nothing but their ids: a whole look at each of them would take too long.
        if end - nearer <= 4 * wanted || !self.order.is_exact(border) {
            return everything_near();
        }
        let begin = self.after.filter(|_| from == border).map(|position| &position.id);
        let id = |(_, number, row): &Match| parts[*number as usize].class.cell(*row).map(|cell| cell.peek().id.clone());
        let equal = matches[nearer..end].iter().filter_map(|found| id(found).map(|id| (id, *found)));
        let mut equal: Vec<(TwinId, Match)> = equal.filter(|(id, _)| begin.is_none_or(|begin| id > begin)).collect();
        let missing = wanted - nearer;
        if equal.len() <= missing {
            return everything_near();
        }
        equal.select_nth_unstable(missing - 1);
        equal.truncate(missing);
        let last = equal.iter().map(|(id, _)| id.clone()).max();
        let chosen = matches[..nearer].iter().copied().chain(equal.into_iter().map(|(_, found)| found)).collect();
        Front { chosen, border: (border, last), is_all: false }
    }
}

/// The first matches, and how far they reach.
struct Front {
    chosen: Vec<Match>,
    /// With an id if only some of those that stand there were chosen.
    border: (Near, Option<TwinId>),
    is_all: bool,
}

/// Moves what is meant to the place `from` and behind it; answers where that ends.
fn bring_forward(matches: &mut [Match], from: usize, is_meant: impl Fn(&Match) -> bool) -> usize {
    let mut front = from;
    for place in from..matches.len() {
        if is_meant(&matches[place]) {
            matches.swap(front, place);
            front += 1;
        }
    }
    front
}

/// So many ids are fetched at once at most.
const BATCH_MAX: usize = 256;

/// The twins of a part by id, a few at a time so that nobody waits for the walk.
struct Stream<'p> {
    part: &'p Part,
    after: Option<TwinId>,
    from: Option<&'p str>,
    batch: std::vec::IntoIter<(TwinId, Row)>,
    /// How many are fetched next: first what a page takes if all match, then more.
    fetched_next: usize,
    is_over: bool,
}

impl<'p> Stream<'p> {
    fn new(part: &'p Part, from: Option<&'p str>, expected: usize) -> Stream<'p> {
        Stream { part, after: None, from, batch: Vec::new().into_iter(), fetched_next: expected.clamp(1, BATCH_MAX), is_over: false }
    }

    fn peek(&mut self) -> Option<TwinId> {
        if self.batch.as_slice().is_empty() && !self.is_over {
            let from = self.after.as_ref().map(TwinId::as_str).or(self.from);
            let batch = self.part.class.by_id(from, self.fetched_next);
            self.is_over = batch.len() < self.fetched_next;
            self.fetched_next = (self.fetched_next * 2).min(BATCH_MAX);
            self.batch = batch.into_iter();
        }
        self.batch.as_slice().first().map(|(id, _)| id.clone())
    }

    fn next(&mut self) -> Option<Row> {
        let (id, row) = self.batch.next()?;
        self.after = Some(id);
        Some(row)
    }
}
