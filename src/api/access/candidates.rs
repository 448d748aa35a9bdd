//! Going through the twins that may match: class by class over columns, a state only where columns leave it open.

use std::sync::Arc;

use crate::twin::State;
use crate::view::{Cell, Class, Column, Row, Words};

use super::predicate::{Matcher, Predicate, Truth, current_layout};
use super::sets::TwinSet;
use super::{Access, Scope};

/// Of fewer twins than this no columns are kept: a look at each state is as fast.
const COLUMN_ROWS_MIN: usize = 256;

/// The twins of one layout, and what is asked of them.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) class: Arc<Class>,
    pub(super) layout: Arc<crate::catalog::Layout>,
    pub(super) predicate: Predicate,
}

/// The classes of a scope in which some twin may match, by the names of their types.
pub(super) fn parts(access: &Access<'_>, scope: &Scope, matcher: &Matcher) -> Vec<Part> {
    let mut parts: Vec<Part> = access
        .view
        .classes()
        .iter()
        .filter(|class| class.count() > 0)
        .filter(|class| match scope {
            Scope::Type(name) => current_layout(access, &class.layout).is_a(name),
            Scope::All | Scope::Twins(_) => true,
        })
        .map(|class| {
            let layout = current_layout(access, &class.layout);
            Part { class: class.clone(), predicate: matcher.compile(access, &layout), layout }
        })
        .filter(|part| !matches!(part.predicate.settled(), Some(Truth::False | Truth::Unknown)))
        .collect();
    parts.sort_by(|a, b| (&a.layout.name, a.layout.fingerprint).cmp(&(&b.layout.name, b.layout.fingerprint)));
    parts
}

impl Part {
    pub(super) fn keeps_columns(&self) -> bool {
        self.class.count() >= COLUMN_ROWS_MIN
    }

    /// Goes through all rows. `look` reads what it needs of the further columns (numbered from 0), `keep` gets it for every match; where columns
    /// were not enough it gets the state instead. Answers how many states were loaded.
    pub(super) fn each<R>(
        &self,
        access: &Access<'_>,
        further: &[crate::view::ColumnKey],
        look: impl Fn(&dyn Fn(usize) -> crate::view::Word) -> R,
        mut keep: impl FnMut(Row, Told<R>),
    ) -> usize {
        let keys = self.predicate.columns.iter().chain(further);
        let columns: Option<Vec<Arc<Column>>> =
            self.keeps_columns().then(|| keys.map(|key| self.class.column(*key)).collect::<Option<Vec<_>>>()).flatten();
        let mut loaded = 0;
        let mut by_state = |row: Row, keep: &mut dyn FnMut(Row, Told<R>)| {
            let Some(cell) = self.class.cell(row) else { return };
            let state = cell.state();
            loaded += 1;
            if self.predicate.holds(access, &state) {
                keep(row, Told::State(state));
            }
        };
        match columns {
            None => self.class.scan(&[], |_| (), |row, ()| by_state(row, &mut keep)),
            Some(columns) => {
                let own = self.predicate.columns.len();
                let ask = |words: &Words<'_>| match self.predicate.by_columns(access, words) {
                    Truth::True => Some(Some(look(&|column| words.get(own + column)))),
                    Truth::Open => Some(None),
                    Truth::False | Truth::Unknown => None,
                };
                self.class.scan(&columns, ask, |row, answer| match answer {
                    Some(Some(read)) => keep(row, Told::Read(read)),
                    Some(None) => by_state(row, &mut keep),
                    None => {}
                });
            }
        }
        loaded
    }
}

/// What is known of a match.
#[derive(Debug)]
pub(super) enum Told<R> {
    Read(R),
    State(Arc<State>),
}

/// Every twin of the scope that matches, by number.
pub fn matching(access: &Access<'_>, scope: &Scope, filter: &super::Filter) -> TwinSet {
    collect(access, scope, &Matcher::new(access, filter))
}

/// Every twin of the scope that matches.
pub(super) fn collect(access: &Access<'_>, scope: &Scope, matcher: &Matcher) -> TwinSet {
    if let Some(few) = listed(access, scope, matcher) {
        return few.iter().map(|(_, state)| state.no).collect();
    }
    let mut found = TwinSet::default();
    for part in parts(access, scope, matcher) {
        part.each(
            access,
            &[crate::view::ColumnKey::No],
            |word| word(0).bits,
            |_, told| {
                let no = match told {
                    Told::Read(bits) => crate::reading::TwinNo(u32::try_from(bits).unwrap_or(0)),
                    Told::State(state) => state.no,
                };
                found.insert(no);
            },
        );
    }
    found
}

/// The matches, where scope or filter name the twins to look at one by one: all of them, in no order.
pub(super) fn listed(access: &Access<'_>, scope: &Scope, matcher: &Matcher) -> Option<Vec<(Arc<Cell>, Arc<State>)>> {
    /// A larger set is scanned for like any other condition.
    const LISTED_MAX: usize = 4096;
    let named = match scope {
        // Nothing else bounds these twins.
        Scope::Twins(twins) => Some(twins.clone()),
        Scope::All | Scope::Type(_) => None,
    };
    let within = matcher.within().filter(|set| set.len() <= LISTED_MAX);
    let set = match (named, within) {
        (Some(named), Some(within)) if within.len() < named.len() => within,
        (Some(named), _) => named,
        (None, within) => within?,
    };
    let mut predicates: Vec<(Arc<crate::catalog::Layout>, bool, Predicate)> = Vec::new();
    let mut found = Vec::new();
    for no in set.iter() {
        let Some(cell) = access.view.twin_no(no) else { continue };
        let state = cell.state();
        let is_it = |known: &(Arc<crate::catalog::Layout>, bool, Predicate)| {
            Arc::ptr_eq(&known.0, &state.layout) || (known.0.fingerprint == state.layout.fingerprint && known.0.name == state.layout.name)
        };
        let place = predicates.iter().position(is_it).unwrap_or_else(|| {
            let layout = current_layout(access, &state.layout);
            let is_in_scope = match scope {
                Scope::Type(name) => layout.is_a(name),
                Scope::All | Scope::Twins(_) => true,
            };
            predicates.push((state.layout.0.clone(), is_in_scope, matcher.compile(access, &layout)));
            predicates.len() - 1
        });
        let (_, is_in_scope, predicate) = &predicates[place];
        let is_named = match scope {
            Scope::Twins(twins) => twins.contains(no),
            Scope::All | Scope::Type(_) => true,
        };
        if *is_in_scope && is_named && predicate.holds(access, &state) {
            found.push((cell, state));
        }
    }
    Some(found)
}
