//! A model with its expressions read: what each event asks and does. What does not parse is left out; compiling has said so.

use crate::iotevents::expression::{Reference, Term, parameter, parse};
use crate::iotevents::file::{Action, ActionKind, DetectorModel, Event, Length, Payload, State};
use crate::rule::detector::Scalar;

#[derive(Debug)]
pub(super) struct View<'m> {
    pub(super) model: &'m DetectorModel,
    pub(super) states: Vec<StateView<'m>>,
}

#[derive(Debug)]
pub(super) struct StateView<'m> {
    pub(super) state: &'m State,
    pub(super) on_enter: Vec<EventView<'m>>,
    pub(super) on_input: Vec<EventView<'m>>,
    pub(super) transitions: Vec<EventView<'m>>,
    pub(super) on_exit: Vec<EventView<'m>>,
}

#[derive(Debug)]
pub(super) struct EventView<'m> {
    pub(super) event: &'m Event,
    pub(super) condition: Option<Term>,
    /// What its actions evaluate.
    pub(super) uses: Vec<Use<'m>>,
}

#[derive(Debug)]
pub(super) struct Use<'m> {
    pub(super) kind: UseKind<'m>,
    pub(super) term: Term,
    pub(super) place: &'m str,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum UseKind<'m> {
    Value { variable: &'m str },
    Duration,
    Content(&'m Payload),
    Parameter,
}

impl<'m> View<'m> {
    pub(super) fn new(model: &'m DetectorModel) -> View<'m> {
        let events = |events: &'m [Event]| events.iter().map(EventView::new).collect();
        let state = |state: &'m State| StateView {
            state,
            on_enter: events(&state.on_enter),
            on_input: events(&state.on_input),
            transitions: events(&state.transitions),
            on_exit: events(&state.on_exit),
        };
        View { model, states: model.states.iter().map(state).collect() }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &EventView<'m>> {
        self.states.iter().flat_map(StateView::events)
    }

    pub(super) fn actions(&self) -> impl Iterator<Item = &'m Action> {
        self.events().flat_map(|event| &event.event.actions)
    }

    pub(super) fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|state| state.state.name == name)
    }

    pub(super) fn has_timers(&self) -> bool {
        self.actions().any(|action| matches!(action.kind, ActionKind::SetTimer { .. }))
    }
}

impl<'m> StateView<'m> {
    pub(super) fn events(&self) -> impl Iterator<Item = &EventView<'m>> {
        self.on_enter.iter().chain(self.heard()).chain(&self.on_exit)
    }

    /// What it looks at with each message and timer.
    pub(super) fn heard(&self) -> impl Iterator<Item = &EventView<'m>> {
        self.on_input.iter().chain(&self.transitions)
    }
}

impl<'m> EventView<'m> {
    fn new(event: &'m Event) -> EventView<'m> {
        let mut uses = Vec::new();
        for action in &event.actions {
            uses_of(action, &mut uses);
        }
        EventView { event, condition: event.condition.as_deref().and_then(|condition| parse(condition).ok()), uses }
    }

    pub(super) fn place(&self) -> &'m str {
        &self.event.place
    }

    /// Whether it happens whatever is.
    pub(super) fn is_certain(&self) -> bool {
        self.event.condition.is_none() || self.condition == Some(Term::Constant(Scalar::Bool(true)))
    }

    pub(super) fn is_impossible(&self) -> bool {
        self.condition == Some(Term::Constant(Scalar::Bool(false)))
    }

    /// Of its condition.
    pub(super) fn asks(&self) -> Vec<Reference<'_>> {
        self.condition.iter().flat_map(Term::references).collect()
    }

    /// Whether its condition says what must have happened: a message, or the end of a timer.
    pub(super) fn is_guarded(&self) -> bool {
        self.asks().iter().any(|reference| match reference {
            Reference::TriggerType { .. } | Reference::CurrentInput(_) | Reference::Timeout(_) => true,
            Reference::Input { .. } | Reference::Variable(_) => false,
        })
    }

    /// The condition first, then what its actions evaluate.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&Term, &'m str)> {
        let own = self.condition.iter().map(|condition| (condition, self.place()));
        own.chain(self.uses.iter().map(|used| (&used.term, used.place)))
    }

    pub(super) fn sends(&self) -> bool {
        self.event.actions.iter().any(|action| matches!(action.kind, ActionKind::Send(_)))
    }
}

impl Use<'_> {
    /// Its place is that of the action or one inside it.
    pub(super) fn is_of(&self, action: &Action) -> bool {
        self.place.strip_prefix(action.place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

fn uses_of<'m>(action: &'m Action, uses: &mut Vec<Use<'m>>) {
    let place = action.place.as_str();
    match &action.kind {
        ActionKind::SetVariable { variable, value } => {
            uses.extend(parse(value).ok().map(|term| Use { kind: UseKind::Value { variable }, term, place }));
        }
        ActionKind::SetTimer { length: Length::Expression(text), .. } => {
            uses.extend(parse(text).ok().map(|term| Use { kind: UseKind::Duration, term, place }));
        }
        ActionKind::SetTimer { length: Length::Seconds(_), .. } | ActionKind::ResetTimer { .. } | ActionKind::ClearTimer { .. } => {}
        ActionKind::Send(send) => {
            let texts = std::iter::once(&send.target).chain(send.fields.iter().map(|(_, text)| text));
            uses.extend(texts.map(|text| Use { kind: UseKind::Parameter, term: parameter(text), place }));
            if let Some(payload) = &send.payload {
                uses.extend(parse(&payload.content).ok().map(|term| Use { kind: UseKind::Content(payload), term, place: &payload.place }));
            }
        }
    }
}
