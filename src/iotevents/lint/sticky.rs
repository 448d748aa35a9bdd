//! Values that stay: a transition on what a message said is taken again on the way back, by the same message (D5).

use std::collections::BTreeSet;

use crate::iotevents::expression::{BinaryOperator, Reference, Term};
use crate::iotevents::finding::{Findings, Kind};

use super::types::input_of;
use super::view::{EventView, View};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    for (at, state) in view.states.iter().enumerate() {
        for transition in &state.transitions {
            let inputs = read_freely(transition);
            let Some(next) = transition.event.next.as_deref().and_then(|next| view.state(next)) else { continue };
            for input in inputs {
                if next != at && returns(view, next, at, input) {
                    let message = format!(
                        "`{}` is taken on what {input} said last, and the way back to `{}` needs no new message of {input}: the old value takes \
                         it again. Ask for currentInput(\"{input}\"), or send a value that is over",
                        transition.event.name, state.state.name
                    );
                    findings.warning(Kind::StickyInput, transition.place(), message);
                }
            }
        }
    }
}

/// Inputs that it takes for something that has happened, without asking whether they have just come: an attribute that equals a constant. What is
/// measured again and again is compared with a threshold.
fn read_freely<'a>(transition: &'a EventView<'_>) -> BTreeSet<&'a str> {
    let asks = transition.asks();
    if asks.iter().any(|reference| matches!(reference, Reference::CurrentInput(_) | Reference::TriggerType { message: true })) {
        return BTreeSet::new();
    }
    let mut inputs = BTreeSet::new();
    let Some(condition) = &transition.condition else { return inputs };
    condition.each(&mut |term| {
        if let Term::Binary(BinaryOperator::Equal, left, right) = term
            && let (Term::Input { input, .. }, Term::Constant(_)) | (Term::Constant(_), Term::Input { input, .. }) = (&**left, &**right)
        {
            inputs.insert(input.as_str());
        }
    });
    inputs
}

/// Whether a state is reached from another one by transitions that do not look at this input.
fn returns(view: &View<'_>, from: usize, to: usize, input: &str) -> bool {
    let (mut reached, mut waiting) = (BTreeSet::from([from]), vec![from]);
    while let Some(state) = waiting.pop().and_then(|at| view.states.get(at)) {
        for transition in &state.transitions {
            let looks = transition.asks().iter().filter_map(input_of).any(|own| own == input);
            let Some(next) = transition.event.next.as_deref().and_then(|next| view.state(next)).filter(|_| !looks) else { continue };
            if next == to {
                return true;
            }
            if reached.insert(next) {
                waiting.push(next);
            }
        }
    }
    false
}
