//! Detectors on a twin, from the text of a type to facts, requests and alarms, on a virtual clock.

mod around;
mod floods;
mod golden;
mod imported;
mod instants;
mod mangled;
mod own;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::catalog::{self, Catalog, Layout};
use crate::reading::{Group, Quality, Raw, Reading, Reason, SlotNo, Timestamp, TwinId, TwinNo};
use crate::rule::Watch;
use crate::source::{Sources, render_text};
use crate::twin::{Description, Event, Input, Received, State, Step, Twin, Watches, step};

pub(super) const SECOND: i64 = 1_000_000;

pub(super) fn catalog(files: &[(&str, &str)]) -> Catalog {
    let mut sources = Sources::new();
    for (path, text) in files {
        sources.add(*path, text.as_bytes());
    }
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", render_text(&sources, &problems, false));
    catalog
}

pub(super) fn layout(type_name: &str, text: &str) -> Arc<Layout> {
    let catalog = catalog(&[(&format!("schemas/{type_name}.yaml"), text)]);
    catalog.layout(type_name).unwrap().clone()
}

/// A twin on a virtual clock. Whatever is decided is replayed beside it.
pub(super) struct World {
    pub twin: Twin,
    replayed: Twin,
    /// All events, with when.
    pub all: Vec<(Timestamp, Event)>,
    /// It is written and read back after every step.
    pub restarts: bool,
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * SECOND)
}

impl World {
    pub(super) fn new(layout: Arc<Layout>) -> World {
        let twin = Twin::new(State::new(TwinNo(1), TwinId::parse("pump-1").unwrap(), layout, at(0)));
        let mut world = World { replayed: twin.clone(), twin, all: Vec::new(), restarts: false };
        let description =
            Description { name: "Pump 1".into(), external_ids: Box::default(), properties: Vec::new(), rules: Vec::new(), applied: 1 };
        world.take(at(0), &Input::Described(description));
        world
    }

    pub(super) fn take(&mut self, now: Timestamp, input: &Input) -> Step {
        let step = step(&mut self.twin, input, now);
        for event in &step.events {
            self.replayed.apply(event, now);
        }
        assert_eq!(self.replayed, self.twin, "what is decided is what is applied");
        self.all.extend(step.events.iter().map(|event| (now, event.clone())));
        if self.restarts {
            self.restart();
        }
        step
    }

    /// What a checkpoint does with its rules: written, read back.
    pub(super) fn restart(&mut self) {
        let watches = self.twin.state.watches.iter().map(|(rule, watch)| {
            let stored = serde_json::to_string(watch).unwrap();
            (rule.clone(), serde_json::from_str::<Watch>(&stored).unwrap())
        });
        let watches = Watches::restore(watches.collect());
        assert_eq!(watches, self.twin.state.watches);
        for twin in [&mut self.twin, &mut self.replayed] {
            let mut state = State::clone(&twin.state);
            state.watches = watches.clone();
            twin.state = Arc::new(state);
        }
    }

    pub(super) fn slot(&self, path: &str) -> SlotNo {
        self.twin.state.layout.slot_by_path(path).unwrap()
    }

    /// Readings of one instant, received then.
    pub(super) fn hear(&mut self, seconds: i64, values: &[(&str, Json)]) -> Step {
        self.hear_late(seconds, seconds, values)
    }

    pub(super) fn hear_late(&mut self, time: i64, received: i64, values: &[(&str, Json)]) -> Step {
        let reading = |(path, value): &(&str, Json)| {
            let slot = self.slot(path);
            let accepted = self.twin.state.layout.slot(slot).accept(Raw::from(value), None).unwrap();
            Reading { slot, value: accepted.value, quality: Quality::Good, reason: Reason::None }
        };
        let group = Group { time: Some(at(time)), readings: values.iter().map(reading).collect() };
        let received = Received { at: at(received), future_tolerance: Duration::from_secs(300), started: crate::twin::NEVER_AWAY };
        self.take(received.at, &Input::Readings { group, received })
    }

    /// Time goes on in silence: the twin is woken whenever it asks for it.
    pub(super) fn pass_until(&mut self, seconds: i64) {
        let mut now = self.all.last().map_or(at(0), |(now, _)| *now);
        while let Some(due) = self.twin.due(now, Timestamp(i64::MIN)).filter(|due| *due <= at(seconds)) {
            let before = (now, self.all.len());
            now = now.max(due);
            self.take(now, &Input::Woken { started: crate::twin::NEVER_AWAY });
            assert_ne!((now, self.all.len()), before, "woken for nothing, again and again");
        }
    }

    /// State, variables and running timers in seconds, as people see them.
    pub(super) fn shown(&self, rule: &str) -> String {
        let watch = self.twin.state.watches.get(rule);
        let layout = &self.twin.state.layout;
        let Some(shown) = layout.rule(rule).unwrap().shown(watch.detector.as_deref()) else { return "-".to_owned() };
        let timers: Vec<String> = shown.timers.iter().map(|(name, due)| format!("{name}@{}", due.0 / SECOND)).collect();
        format!("{} {} [{}]", shown.state, Json::Object(shown.variables), timers.join(" "))
    }

    pub(super) fn alarm(&self, rule: &str) -> String {
        let alarm = &self.twin.state.watches.get(rule).alarm;
        alarm.open.as_ref().map_or_else(
            || "-".to_owned(),
            |open| format!("{} {} {} @{}", open.condition.as_str(), open.severity.as_str(), open.text, open.raised_at.0 / SECOND),
        )
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.twin.state.troubles.iter().map(|trouble| format!("{} {}", trouble.rule, trouble.message)).collect()
    }
}
