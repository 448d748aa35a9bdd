//! Twins that are at hand already, such as those at the other ends of relations: which of them match, in which order they stand, and from where on
//! a cursor asks. Several edges may lead to one twin, so what is sorted has a number besides, which decides last.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::api::error::ApiError;
use crate::catalog::Layout;
use crate::reading::TwinId;
use crate::twin::State;

use super::Access;
use super::cursor::{CursorKey, Position};
use super::filter::Filter;
use super::order::{Key, Order, OwnOrder, Settled};
use super::predicate::{Matcher, Predicate, current_layout};

/// A filter and an order, made ready for some twins.
#[derive(Debug)]
pub struct Among {
    /// By the layouts of the twins, which are few.
    own: Vec<(Arc<Layout>, Predicate, OwnOrder)>,
    order: Settled,
}

/// The place of one of them in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    keys: Vec<Key>,
    id: TwinId,
    number: u64,
}

impl Among {
    pub fn new<'s>(access: &Access<'_>, filter: &Filter, order: &Order, twins: impl IntoIterator<Item = &'s State>) -> Among {
        let mut layouts: Vec<Arc<Layout>> = Vec::new();
        for state in twins {
            if !layouts.iter().any(|known| Arc::ptr_eq(known, &state.layout)) {
                layouts.push(state.layout.0.clone());
            }
        }
        let matcher = Matcher::new(access, filter);
        let today: Vec<Arc<Layout>> = layouts.iter().map(|layout| current_layout(access, layout)).collect();
        let order = Settled::new(order, today.iter());
        let own = layouts.into_iter().zip(&today);
        let own = own.map(|(layout, today)| (layout, matcher.compile(access, today), order.of(access, today))).collect();
        Among { own, order }
    }

    /// `None`: it does not match, or is none of the twins that this was made for.
    pub fn rank(&self, access: &Access<'_>, state: &State, number: u64) -> Option<Rank> {
        let (_, predicate, order) = self.own.iter().find(|(layout, ..)| Arc::ptr_eq(layout, &state.layout))?;
        predicate.holds(access, state).then(|| Rank { keys: order.keys(access, state), id: state.id.clone(), number })
    }

    pub fn cmp(&self, a: &Rank, b: &Rank) -> Ordering {
        let by_id = || a.id.cmp(&b.id).then(a.number.cmp(&b.number));
        self.order.cmp(&a.keys, &b.keys).then_with(by_id)
    }

    /// From a cursor that [`Rank::cursor`] has made.
    pub fn decode(&self, cursor: &str, belongs_to: u64, key: &CursorKey) -> Result<Rank, ApiError> {
        let Position { mut keys, id } = Position::decode(cursor, self.order.len() + 1, belongs_to, key)?;
        let number = match keys.pop() {
            Some(Key::Int(number)) => number.cast_unsigned(),
            Some(Key::Float(_) | Key::Text(_) | Key::Missing) | None => 0,
        };
        Ok(Rank { keys, id, number })
    }
}

impl Rank {
    pub fn cursor(&self, belongs_to: u64, key: &CursorKey) -> String {
        let number = Key::Int(self.number.cast_signed());
        let keys = self.keys.iter().cloned().chain([number]).collect();
        Position { keys, id: self.id.clone() }.encode(belongs_to, key)
    }
}
