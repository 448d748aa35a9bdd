//! `pollux check --topic T --payload FILE`: where one message would go and what would be read in it, by the files alone. Nothing is touched.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::catalog::binding::{Source, TwinSelector, UnknownTwin, Unmapped};
use crate::catalog::{Binding, Catalog, Layout, TwinSpec};
use crate::codec::{self, Captures, Decoded, Envelope, Mapped, Route, Router, topic};
use crate::reading::{Problem, Reading, Reason, TwinId};

/// The way of one message, as text, and whether anything could be read in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub text: String,
    pub readings: usize,
}

/// `topic` is that of MQTT; by HTTP messages come to `/ingest` and `/ingest/TWIN` as well.
pub fn trace(catalog: &Catalog, source: &Source, topic: &str, payload: &[u8]) -> Trace {
    let mut tracer = Tracer { catalog, steps: Vec::new(), decoded: Decoded::default() };
    let read = tracer.follow(source, topic, payload);
    let readings = tracer.decoded.reading_count();
    match read {
        Ok(layout) => tracer.say_decoded(&layout),
        Err(problem) => tracer.step("refused", shown(&problem)),
    }
    Trace { text: tracer.into_text(), readings }
}

/// Follows a message as the door does, but looks twins up in the files.
struct Tracer<'c> {
    catalog: &'c Catalog,
    /// What is said, by lines, each with the word that stands before it.
    steps: Vec<(&'static str, String)>,
    decoded: Decoded,
}

impl Tracer<'_> {
    fn follow(&mut self, source: &Source, address: &str, payload: &[u8]) -> Result<Arc<Layout>, Problem> {
        if *source == Source::Http && address.strip_prefix("/ingest").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return self.posted(address, payload);
        }
        let router = Router::new(source, &self.catalog.bindings);
        let route = router.route(address).map_err(|unrouted| refusal(unrouted.code(), unrouted.to_string()))?;
        match route {
            Route::Telemetry { twin } => {
                self.step("route", "native telemetry".to_owned());
                let layout = self.known(twin)?;
                codec::native::decode(&layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut self.decoded)?;
                Ok(layout)
            }
            Route::Member { twin, member } => {
                self.step("route", format!("native telemetry `{member}`"));
                let layout = self.known(twin)?;
                codec::native::decode_member(&layout, &layout.telemetry_fields, member, payload, &mut self.decoded)?;
                Ok(layout)
            }
            Route::Reported { twin } => {
                self.step("route", "native reported properties".to_owned());
                let layout = self.known(twin)?;
                codec::native::decode(&layout, &layout.reported_fields, &Unmapped::Count, payload, &mut self.decoded)?;
                Ok(layout)
            }
            Route::Event { twin, event } => {
                self.step("route", format!("event `{event}`"));
                let layout = self.known(twin)?;
                codec::event::decode(&layout, event, payload)?;
                Ok(layout)
            }
            Route::Bound { binding, captures, .. } => self.bound(binding, &captures, payload),
        }
    }

    /// `POST /ingest/TWIN` with a native payload, or `POST /ingest` with an envelope.
    fn posted(&mut self, path: &str, payload: &[u8]) -> Result<Arc<Layout>, Problem> {
        if let Some(twin) = path.strip_prefix("/ingest/") {
            self.step("route", "native telemetry by HTTP".to_owned());
            let layout = self.known(twin)?;
            codec::native::decode(&layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut self.decoded)?;
            return Ok(layout);
        }
        self.step("route", "an envelope by HTTP".to_owned());
        let envelope = Envelope::open(payload)?;
        let layout = self.known(&envelope.twin)?;
        envelope.decode(&layout, &layout.telemetry_fields, &mut self.decoded)?;
        Ok(layout)
    }

    fn bound(&mut self, binding: &Arc<Binding>, captures: &Captures<'_, '_>, payload: &[u8]) -> Result<Arc<Layout>, Problem> {
        let mut route = format!("binding `{}`: {}", binding.id, binding.topic.text);
        for (name, text) in captures.iter() {
            write!(route, "; {name} = {text}").unwrap_or_default();
        }
        self.step("route", route);
        let mut text = String::new();
        let layout = match &binding.twin {
            TwinSelector::Path(path) => {
                let (json, problems) = codec::parse_json(payload)?;
                let layout = self.known_or_policy(&topic::twin_in(path, &json)?, binding)?;
                self.compile(binding, &layout).decode_json(&json, problems, &mut self.decoded)?;
                return Ok(layout);
            }
            TwinSelector::Id(template) => {
                topic::expand(template, captures, &mut text);
                self.known_or_policy(&text, binding)?
            }
            TwinSelector::ExternalId { namespace, id } => {
                topic::expand(id, captures, &mut text);
                self.known_externally(namespace, &text, binding)?
            }
        };
        self.compile(binding, &layout).decode(payload, &mut self.decoded)?;
        Ok(layout)
    }

    fn compile(&mut self, binding: &Arc<Binding>, layout: &Arc<Layout>) -> Mapped {
        let mapped = Mapped::compile(binding, layout);
        if !mapped.skipped.is_empty() {
            self.step("left out", format!("rules for what {} does not have: {}", layout.name, mapped.skipped.join(", ")));
        }
        mapped
    }

    fn known(&mut self, id: &str) -> Result<Arc<Layout>, Problem> {
        match self.catalog.twin(id) {
            Some(twin) => Ok(self.found(twin, "")),
            None => Err(refusal("UNKNOWN_TWIN", format!("no file describes a twin `{id}`"))),
        }
    }

    fn known_externally(&mut self, namespace: &str, id: &str, binding: &Binding) -> Result<Arc<Layout>, Problem> {
        let is_named = |twin: &&TwinSpec| twin.external_ids.iter().any(|(space, own)| space == namespace && own == id);
        match self.catalog.twins.iter().find(is_named) {
            Some(twin) => Ok(self.found(twin, &format!(", which {namespace} calls {id}"))),
            // A name of another system is no id to make a twin by.
            None => Err(by_policy(&format!("that {namespace} calls {id}"), binding)),
        }
    }

    fn known_or_policy(&mut self, id: &str, binding: &Binding) -> Result<Arc<Layout>, Problem> {
        if let Some(twin) = self.catalog.twin(id) {
            return Ok(self.found(twin, ""));
        }
        let UnknownTwin::Provision { type_name, inside } = &binding.unknown_twin else {
            return Err(by_policy(&format!("`{id}`"), binding));
        };
        TwinId::parse(id).map_err(|invalid| refusal("INVALID_TWIN_ID", invalid.to_string()))?;
        let layout = self.catalog.layout(type_name).cloned();
        let layout = layout.ok_or_else(|| refusal("NOT_PROVISIONED", format!("there is no type `{type_name}`")))?;
        let inside = inside.as_ref().map(|parent| format!(" in {parent}")).unwrap_or_default();
        self.step("twin", format!("{id} is in no file: the first such message makes a {type_name} of it{inside}"));
        Ok(layout)
    }

    fn found(&mut self, twin: &TwinSpec, how: &str) -> Arc<Layout> {
        self.step("twin", format!("{} ({}){how}", twin.id, twin.layout.name));
        twin.layout.clone()
    }

    fn say_decoded(&mut self, layout: &Layout) {
        let decoded = std::mem::take(&mut self.decoded);
        for group in &decoded.groups {
            let time = group.time.map_or_else(|| "when it is received".to_owned(), |time| time.to_string());
            group.readings.iter().for_each(|reading| self.step("reading", format!("{} {time}", value(layout, reading))));
        }
        decoded.problems.iter().for_each(|problem| self.step("problem", shown(problem)));
        match decoded.unmapped {
            0 => {}
            1 => self.step("unmapped", "1 value that nothing asks for".to_owned()),
            count => self.step("unmapped", format!("{count} values that nothing asks for")),
        }
        if decoded.groups.is_empty() {
            self.step("result", "nothing can be read".to_owned());
        }
    }

    fn step(&mut self, word: &'static str, said: String) {
        self.steps.push((word, said));
    }

    fn into_text(self) -> String {
        self.steps.iter().map(|(word, said)| format!("{word:<9} {said}\n")).collect()
    }
}

fn value(layout: &Layout, reading: &Reading) -> String {
    let spec = layout.slot(reading.slot);
    let unit = spec.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let reason = if reading.reason == Reason::None { String::new() } else { format!(" ({})", reading.reason) };
    format!("{} = {}{unit} {}{reason}", spec.path, spec.to_json(&reading.value), reading.quality)
}

fn by_policy(whom: &str, binding: &Binding) -> Problem {
    let message = format!("no file describes a twin {whom}");
    match &binding.unknown_twin {
        UnknownTwin::Reject => refusal("UNKNOWN_TWIN", format!("{message}, and the binding says `unknownTwin: reject`")),
        UnknownTwin::Quarantine => refusal("QUARANTINED", format!("{message}; the message would be kept in quarantine")),
        UnknownTwin::Provision { .. } => refusal("UNKNOWN_TWIN", format!("{message}, and none is made by the name of another system")),
    }
}

fn refusal(code: &'static str, message: String) -> Problem {
    Problem { code, field: None, message }
}

fn shown(problem: &Problem) -> String {
    let field = problem.field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default();
    format!("{} {field}{}", problem.code, problem.message)
}
