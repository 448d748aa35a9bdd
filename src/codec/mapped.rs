//! A binding made ready for one type: its paths lead to slots, its units to conversions. Decodes payloads of any JSON form.

use std::sync::Arc;

use foldhash::HashSet;
use serde_json::{Map, Value as Json};

use crate::catalog::binding::{Binding, JsonPath, MapRule, QualityRule, TimeRule, TwinSelector, Unmapped, ValueRule};
use crate::catalog::{FieldTarget, Layout};
use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Problem, Quality, Raw, SlotNo, Timestamp};

use super::sink::{Sink, Stop, conversion, too_many};
use super::time::TimeReader;
use super::wrapped::problem;
use super::{Decoded, json, native, target};

#[derive(Debug)]
pub struct Mapped {
    binding: Arc<Binding>,
    layout: Arc<Layout>,
    /// Of the whole payload.
    instant: Instant,
    each: Vec<Each>,
    /// Members that this type lacks; their rules are left out, since a binding may serve several types.
    pub skipped: Vec<String>,
}

/// The rules that make readings of one instant out of one node of the payload.
#[derive(Debug)]
struct Instant {
    time: Option<CompiledTime>,
    quality: Option<QualityRule>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Each {
    path: JsonPath,
    instant: Instant,
}

#[derive(Debug)]
struct CompiledTime {
    path: JsonPath,
    /// A format that cannot be used refuses every time with its reason.
    reader: Result<TimeReader, String>,
}

#[derive(Debug)]
struct Rule {
    path: JsonPath,
    target: FieldTarget,
    /// Of single slots; the leaves of an object have units of their own.
    conversion: Option<Conversion>,
    /// Why no number can be taken by this rule.
    broken: Option<Problem>,
    scale: f64,
    offset: f64,
    values: Vec<(Box<str>, Json)>,
}

impl Mapped {
    pub fn compile(binding: &Arc<Binding>, layout: &Arc<Layout>) -> Mapped {
        let mut skipped = Vec::new();
        let mut instant = Instant::new(binding.time.as_ref(), binding.quality.as_ref());
        let mut each = Vec::new();
        for rule in &binding.map {
            match rule {
                MapRule::Value(rule) => instant.rules.extend(compile_rule(rule, layout, &mut skipped)),
                MapRule::Each { path, time, quality, map } => {
                    let mut inside = Instant::new(time.as_ref(), quality.as_ref());
                    inside.rules.extend(map.iter().filter_map(|rule| compile_rule(rule, layout, &mut skipped)));
                    each.push(Each { path: path.clone(), instant: inside });
                }
            }
        }
        Mapped { binding: binding.clone(), layout: layout.clone(), instant, each, skipped }
    }

    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What `out` held before is cleared.
    pub fn decode(&self, payload: &[u8], out: &mut Decoded) -> Result<(), Problem> {
        if self.binding.map.is_empty() && self.instant.time.is_none() && self.instant.quality.is_none() && !self.selects_twin_by_path() {
            return native::decode(&self.layout, &self.layout.telemetry_fields, &self.binding.unmapped, payload, out);
        }
        out.clear();
        let (json, problems) = json::parse(payload)?;
        self.decode_json(&json, problems, out)
    }

    /// The same, of a payload that was read for its twin's id already (`parse_json`).
    pub fn decode_json(&self, json: &Json, problems: Vec<Problem>, out: &mut Decoded) -> Result<(), Problem> {
        out.clear();
        let mut used = Used::default();
        if let TwinSelector::Path(path) = &self.binding.twin {
            used.add(path.first(json));
        }
        let decoded = if self.binding.map.is_empty() {
            self.decode_by_name(json, used, out)
        } else {
            self.decode_by_path(json, used, out).map_err(|Stop| too_many())
        };
        match decoded {
            Ok(()) => out.problems.extend(problems),
            Err(_) => out.clear(),
        }
        decoded
    }

    fn selects_twin_by_path(&self) -> bool {
        matches!(self.binding.twin, TwinSelector::Path(_))
    }

    /// No map: the names of the payload are those of the members; time, quality and twin stand where the binding says.
    fn decode_by_name(&self, json: &Json, mut used: Used, out: &mut Decoded) -> Result<(), Problem> {
        let (time, quality) = (self.instant.time(json, &mut used), self.instant.quality(json, &mut used));
        let without = |object: &Map<String, Json>| {
            Json::Object(
                object.iter().filter(|(_, value)| !used.contains(value)).map(|(name, value)| (name.clone(), value.clone())).collect(),
            )
        };
        let fields = &self.layout.telemetry_fields;
        let values = json.as_object().map(without);
        native::decode_json(&self.layout, fields, &self.binding.unmapped, values.as_ref().unwrap_or(json), time, quality, out)
    }

    fn decode_by_path(&self, json: &Json, mut used: Used, out: &mut Decoded) -> Result<(), Stop> {
        let mut sink = Sink::new(&self.layout, out);
        let time = self.instant.time(json, &mut used);
        let quality = self.instant.quality(json, &mut used);
        sink.object_quality = quality;
        self.instant.read(json, &mut sink, &mut used)?;
        // The payload's own time is missed only where readings of the payload itself need it.
        let has_own = sink.mark() > 0;
        match &time {
            Err(_) if !has_own && !self.each.is_empty() => sink.end_object(Ok(None))?,
            Ok(_) | Err(_) => sink.end_object(time.clone())?,
        }
        for each in &self.each {
            for element in each.path.select(json) {
                let own_time = match each.instant.time(element, &mut used) {
                    Ok(None) => time.clone(),
                    said => said,
                };
                sink.object_quality = match each.instant.quality {
                    Some(_) => each.instant.quality(element, &mut used),
                    None => quality,
                };
                each.instant.read(element, &mut sink, &mut used)?;
                let needs_no_time = sink.mark() == 0;
                sink.end_object(if needs_no_time && own_time.is_err() { Ok(None) } else { own_time })?;
            }
        }
        self.settle_unmapped(json, &used, &mut sink)
    }

    fn settle_unmapped(&self, json: &Json, used: &Used, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let path = &mut String::from("$");
        match &self.binding.unmapped {
            Unmapped::Count => each_unused(json, used, path, &mut |_| {
                sink.unmapped();
                Ok(())
            })?,
            Unmapped::Reject => each_unused(json, used, path, &mut |name| {
                sink.problem("UNMAPPED", name, format!("no rule of the binding {} takes {name}", self.binding.id))
            })?,
            Unmapped::Json(member) => {
                if let (Some(slot), Some(rest)) = (self.layout.slot_by_path(member), remainder(json, used)) {
                    sink.object_quality = Quality::Good;
                    sink.take(slot, Raw::from(&rest), None)?;
                    let mut ignored = Used::default();
                    sink.end_object(self.instant.time(json, &mut ignored).or(Ok(None)))?;
                }
            }
        }
        Ok(())
    }
}

impl Instant {
    fn new(time: Option<&TimeRule>, quality: Option<&QualityRule>) -> Instant {
        let time = time.map(|rule| CompiledTime { path: rule.path.clone(), reader: TimeReader::new(&rule.format) });
        Instant { time, quality: quality.cloned(), rules: Vec::new() }
    }

    /// A payload without the time that the rule looks for is one of now.
    fn time(&self, node: &Json, used: &mut Used) -> Result<Option<Timestamp>, Problem> {
        let Some(rule) = &self.time else { return Ok(None) };
        let Some(sent) = rule.path.first(node).filter(|sent| !sent.is_null()) else { return Ok(None) };
        used.add(Some(sent));
        let time = rule.reader.as_ref().map_err(Clone::clone).and_then(|reader| reader.read(sent));
        time.map(Some).map_err(|message| Problem { code: "BAD_TIME", field: Some(rule.path.text.to_string()), message })
    }

    /// What the sender does not say is good; what it says and the rule does not list is bad.
    fn quality(&self, node: &Json, used: &mut Used) -> Quality {
        let Some(rule) = &self.quality else { return Quality::Good };
        let Some(sent) = rule.path.first(node).filter(|sent| !sent.is_null()) else { return Quality::Good };
        used.add(Some(sent));
        let lists = |codes: &[Json]| codes.iter().any(|code| same_code(code, sent));
        match (lists(&rule.good), lists(&rule.uncertain)) {
            (true, _) => Quality::Good,
            (false, true) => Quality::Uncertain,
            (false, false) => Quality::Bad,
        }
    }

    fn read<'a>(&'a self, node: &Json, sink: &mut Sink<'a>, used: &mut Used) -> Result<(), Stop> {
        for rule in &self.rules {
            rule.read(node, sink, used)?;
        }
        Ok(())
    }
}

impl Rule {
    fn read<'a>(&'a self, node: &Json, sink: &mut Sink<'a>, used: &mut Used) -> Result<(), Stop> {
        let selected = self.path.select(node);
        selected.iter().for_each(|sent| used.add(Some(sent)));
        let sent = match *selected.as_slice() {
            [] => return Ok(()),
            [sent] => sent,
            _ => {
                let message = format!("{} selects {} values for one member; use each", self.path.text, selected.len());
                return sink.problem("AMBIGUOUS", &self.path.text, message);
            }
        };
        if let Some(broken) = &self.broken {
            return sink.problem(broken.code, &self.path.text, broken.message.clone());
        }
        match &self.target {
            FieldTarget::Slot(slot) => sink.take_json(*slot, sent, self.conversion.as_ref(), &|sent| self.prepare(sent)),
            FieldTarget::Object(_) | FieldTarget::FixedArray(_) => target::take_target(sink, &self.target, sent),
        }
    }

    /// The value that is meant: listed values first, then scale and offset.
    fn prepare(&self, sent: &Json) -> Json {
        let listed = match sent {
            Json::String(text) => self.listed(text),
            Json::Number(_) | Json::Bool(_) if !self.values.is_empty() => self.listed(&sent.to_string()),
            Json::Null | Json::Number(_) | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        };
        if let Some(meant) = listed {
            return meant.clone();
        }
        let is_plain = self.scale == 1.0 && self.offset == 0.0;
        match sent.as_f64().filter(|_| !is_plain) {
            // Out of the range of a double: left as it is, so that the message shows what was sent.
            Some(number) => serde_json::Number::from_f64(number * self.scale + self.offset).map_or_else(|| sent.clone(), Json::Number),
            None => sent.clone(),
        }
    }

    fn listed(&self, text: &str) -> Option<&Json> {
        self.values.iter().find(|(sent, _)| **sent == *text).map(|(_, meant)| meant)
    }
}

fn compile_rule(rule: &ValueRule, layout: &Layout, skipped: &mut Vec<String>) -> Option<Rule> {
    let Some(target) = find_target(layout, &rule.to) else {
        skipped.push(rule.to.to_string());
        return None;
    };
    let converted = match (&rule.unit, &target) {
        (None, _) => Ok(None),
        (Some(unit), FieldTarget::Slot(slot)) => conversion(unit, layout.slot(*slot)).map(Some),
        (Some(unit), FieldTarget::FixedArray(slots)) => one_conversion(unit, layout, slots),
        (Some(_), FieldTarget::Object(_)) => {
            Err(problem("WRONG_UNIT", format!("a unit stands with a number, and `{}` is an object", rule.to)))
        }
    };
    let (conversion, broken) = match converted {
        Ok(conversion) => (conversion, None),
        Err(problem) => (None, Some(problem)),
    };
    let values = rule.values.iter().flat_map(|values| values.iter().cloned()).collect();
    Some(Rule { path: rule.path.clone(), target, conversion, broken, scale: rule.scale, offset: rule.offset, values })
}

/// Items of an array are taken as they are; a unit that would change them has to be said of each.
fn one_conversion(unit: &Unit, layout: &Layout, slots: &[SlotNo]) -> Result<Option<Conversion>, Problem> {
    let all_same = slots.iter().all(|slot| layout.slot(*slot).payload_unit() == Some(unit));
    if all_same { Ok(None) } else { Err(problem("WRONG_UNIT", format!("{unit} is not the unit of the items; map each item by its index"))) }
}

/// A slot by its path, or a member of several slots by its name.
fn find_target(layout: &Layout, to: &str) -> Option<FieldTarget> {
    if let Some(slot) = layout.slot_by_path(to) {
        return Some(FieldTarget::Slot(slot));
    }
    let wire = layout.member(to).map_or(to, |member| &member.wire);
    layout.telemetry_fields.find_path(wire).or_else(|| layout.reported_fields.find_path(wire)).cloned()
}

/// Codes of quality: `192` and `192.0` are one.
fn same_code(code: &Json, sent: &Json) -> bool {
    match (code.as_f64(), sent.as_f64()) {
        (Some(code), Some(sent)) => code == sent,
        _ => code == sent,
    }
}

/// Nodes of the payload that some rule has looked at, known by where they are.
#[derive(Default)]
struct Used(HashSet<usize>);

impl Used {
    fn add(&mut self, node: Option<&Json>) {
        self.0.extend(node.map(address));
    }

    fn contains(&self, node: &Json) -> bool {
        self.0.contains(&address(node))
    }
}

fn address(node: &Json) -> usize {
    std::ptr::from_ref(node).addr()
}

/// Calls with the path of each value that nothing looked at.
fn each_unused(node: &Json, used: &Used, path: &mut String, call: &mut dyn FnMut(&str) -> Result<(), Stop>) -> Result<(), Stop> {
    if used.contains(node) {
        return Ok(());
    }
    let length = path.len();
    match node {
        Json::Object(object) => {
            for (name, child) in object {
                path.push('.');
                path.extend(name.chars().take(60));
                each_unused(child, used, path, call)?;
                path.truncate(length);
            }
            Ok(())
        }
        Json::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                each_unused(child, used, path, call)?;
                path.truncate(length);
            }
            Ok(())
        }
        Json::Null => Ok(()),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => call(path),
    }
}

/// The payload without what was used; `None` if nothing is left.
fn remainder(node: &Json, used: &Used) -> Option<Json> {
    if used.contains(node) {
        return None;
    }
    match node {
        Json::Object(object) => {
            let left: Map<String, Json> = object.iter().filter_map(|(name, child)| Some((name.clone(), remainder(child, used)?))).collect();
            (!left.is_empty()).then_some(Json::Object(left))
        }
        Json::Array(items) => {
            let left: Vec<Json> = items.iter().filter_map(|child| remainder(child, used)).collect();
            (!left.is_empty()).then_some(Json::Array(left))
        }
        Json::Null => None,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => Some(node.clone()),
    }
}
