//! What may be so when a state is entered, looks at an input, or is left: one walk along all transitions until nothing new comes of it.

use super::view::{EventView, StateView, View};

/// A set of facts that may hold; it only grows along the paths that lead somewhere.
pub(super) trait Knowledge: Clone {
    /// After the actions of an event that certainly or perhaps happened.
    fn after(&mut self, event: &EventView<'_>, certain: bool);
    /// What either way may have brought. Gives back whether that is more.
    fn join(&mut self, other: &Self) -> bool;
}

/// What may be known on entering each state, by place; `None` where it cannot be reached.
pub(super) fn entered<K: Knowledge>(view: &View<'_>, begin: K) -> Vec<Option<K>> {
    let mut known: Vec<Option<K>> = vec![None; view.states.len()];
    let Some(initial) = view.state(&view.model.initial) else { return known };
    if let Some(slot) = known.get_mut(initial) {
        *slot = Some(begin);
    }
    let mut waiting = vec![initial];
    while let Some(at) = waiting.pop() {
        let (Some(state), Some(Some(entering))) = (view.states.get(at), known.get(at)) else { continue };
        let inside = hearing(state, entering);
        for transition in &state.transitions {
            let Some(next) = transition.event.next.as_deref().and_then(|next| view.state(next)) else { continue };
            let mut leaving = inside.clone();
            leaving.after(transition, true);
            for event in &state.on_exit {
                leaving.after(event, event.is_certain());
            }
            let grew = match known.get_mut(next) {
                Some(Some(slot)) => slot.join(&leaving),
                Some(slot) => {
                    *slot = Some(leaving);
                    true
                }
                None => false,
            };
            if grew {
                waiting.push(next);
            }
        }
    }
    known
}

/// While it stands in the state and looks at inputs: its events may have run before, any number of times.
pub(super) fn hearing<K: Knowledge>(state: &StateView<'_>, entering: &K) -> K {
    let mut inside = entering.clone();
    for event in &state.on_enter {
        inside.after(event, event.is_certain());
    }
    let mut again = inside.clone();
    for event in &state.on_input {
        again.after(event, false);
    }
    inside.join(&again);
    inside
}
