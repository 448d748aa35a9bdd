//! What rules do: properties they set and events they emit here, and what others are asked for.

use serde_json::{Value as Json, json};
use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{Identity, payload};
use crate::catalog::layout::Sync;
use crate::catalog::logic::{RuleSpec, Said};
use crate::catalog::windowed::Gate;
use crate::reading::{Raw, SlotNo, Timestamp};
use crate::rule::{Ask, Failure, Request};
use crate::twin::asked::Ending;
use crate::twin::event::{Event, Happened};
use crate::twin::troubles::Trouble;
use crate::twin::windows::Turn;

use super::Follower;

/// What rules have decided to do on their own twin and is not done yet: all conditions of a generation are seen before anything is.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    sets: Vec<(SmolStr, SlotNo, Json)>,
    emits: Vec<Happened>,
    /// Who did something, generation by generation: the chain that is told where rules go round in a ring.
    pub(super) chain: Vec<SmolStr>,
}

impl Deeds {
    /// It has happened, whoever says so.
    pub(super) fn report(&mut self, happened: Happened) {
        self.emits.push(happened);
    }

    /// The rules that want something done now.
    fn doers(&self) -> impl Iterator<Item = &SmolStr> {
        self.sets.iter().map(|(rule, ..)| rule).chain(self.emits.iter().filter_map(|emit| emit.rule.as_ref()))
    }
}

impl Follower<'_> {
    pub(super) fn request(&mut self, spec: &RuleSpec, request: Request, at: Timestamp) {
        let Request { key, ask } = request;
        let rule = spec.rule.id.clone();
        let ask = match ask {
            Ask::Set { slot, value } => return self.deeds.sets.push((rule, SlotNo(slot), value)),
            Ask::Emit { event, data } => {
                let severity = self.layout.logic.event(&event).map(|(_, event)| event.severity).unwrap_or(spec.rule.severity);
                return self.deeds.emits.push(Happened { event, severity, time: at, body: data, rule: Some(rule) });
            }
            Ask::Publish { topic, payload: None, qos, retain } => Ask::Publish { topic, payload: Some(self.told(spec)), qos, retain },
            Ask::Webhook { name, body: None } => Ask::Webhook { name, body: Some(self.told(spec)) },
            other @ (Ask::Publish { .. } | Ask::Webhook { .. } | Ask::Command { .. } | Ask::Raise { .. } | Ask::Lower { .. }) => other,
        };
        self.ask(&rule, Request { key, ask }, at);
    }

    /// Somebody else is asked, if not too much waits already.
    pub(super) fn ask(&mut self, rule: &SmolStr, request: Request, at: Timestamp) {
        match self.twin.state.asked.make_room() {
            Ok(dropped) => {
                if let Some(key) = dropped {
                    self.push(Event::Ended { key, ending: Ending::Dropped });
                }
                self.push(Event::Asked(Box::new(request)));
            }
            Err(_) => self.trouble("ACTION_FAILED", rule, "too many commands wait for their end".to_owned(), at),
        }
    }

    pub(super) fn failure(&mut self, spec: &RuleSpec, failure: &Failure, at: Timestamp) {
        let said = match spec.said.get(usize::from(failure.expression.0)) {
            Some(Said::Value(checked)) => checked.source.to_string(),
            Some(Said::Text(_)) | None => "what it says".to_owned(),
        };
        self.trouble("ACTION_FAILED", &spec.rule.id, format!("`{said}` is unknown, so the action was left out"), at);
    }

    pub(super) fn trouble(&mut self, code: &'static str, rule: &SmolStr, message: String, at: Timestamp) {
        self.push(Event::Troubled(Box::new(Trouble { code: code.into(), rule: rule.clone(), message, at, count: 1 })));
    }

    /// The alarm as it stands, for actions that say nothing of their own.
    fn told(&self, spec: &RuleSpec) -> Json {
        let (twin, state) = (&self.twin.state.id, &self.watch(spec).alarm);
        let identity = Identity { rule: spec.rule.id.clone(), key: SmolStr::default() };
        let shown = state.open.as_ref().and_then(|open| serde_json::from_str::<Json>(&payload(twin, &identity, open)).ok());
        let id = format_smolstr!("alarm/{twin}/{}/{}", spec.rule.id, state.last_no);
        let mut told = shown.unwrap_or_else(|| json!({"id": id, "condition": "NORMAL", "severity": spec.rule.severity}));
        told["twin"] = Json::String(twin.to_string());
        told["rule"] = Json::String(spec.rule.id.to_string());
        told
    }

    /// Does what was decided, in order. Gives back the slots that changed and the events that happened.
    pub(super) fn carry_out(&mut self, at: Timestamp) -> (Vec<u16>, Vec<u16>) {
        let doer = self.deeds.doers().next().cloned();
        self.deeds.chain.extend(doer);
        let (mut changed, mut events) = (Vec::new(), Vec::new());
        for happened in std::mem::take(&mut self.deeds.emits) {
            events.extend(self.happen(happened));
        }
        for (rule, slot, value) in std::mem::take(&mut self.deeds.sets) {
            self.set(&rule, slot, &value, at, &mut changed);
        }
        (changed, events)
    }

    /// An event is a fact, and the beginning of windows since it. Its number in the type, if that knows it.
    pub(super) fn happen(&mut self, happened: Happened) -> Option<u16> {
        let layout = self.layout.clone();
        let (no, time) = (layout.logic.event(&happened.event).map(|(no, _)| no), happened.time);
        self.push(Event::Happened(Box::new(happened)));
        for (place, windowed) in (0_u16..).zip(&layout.logic.windows) {
            if let Gate::After(event) = windowed.gate
                && Some(event) == no
            {
                self.push(Event::Turned { window: place, turn: Turn::Reset(time) });
            }
        }
        no
    }

    fn set(&mut self, rule: &SmolStr, slot: SlotNo, value: &Json, at: Timestamp, changed: &mut Vec<u16>) {
        let layout = self.layout.clone();
        let spec = layout.slot(slot);
        let accepted = match spec.accept(Raw::from(value), None) {
            Ok(accepted) => accepted.value,
            Err(refusal) => return self.trouble("ACTION_FAILED", rule, format!("`{}`: {}", spec.path, refusal.message), at),
        };
        let (state, fingerprint) = (&self.twin.state, layout.fingerprint);
        let is_setting = spec.property.as_ref().is_some_and(|rules| rules.sync == Sync::Desired);
        if is_setting {
            if state.desired(slot).map(|desired| &desired.value) != Some(&accepted) {
                self.push(Event::Desired { slot, value: Some(accepted), layout: fingerprint });
            }
        } else if state.slot(slot).value.as_ref() != Some(&accepted) {
            self.push(Event::PropertySet { slot, value: Some(accepted), layout: fingerprint });
            if !changed.contains(&slot.0) {
                changed.push(slot.0);
            }
        }
    }
}
