//! From the tree of `model.yaml` to a [`Manifest`], with everything that is wrong in it at once.

use std::time::Duration;

use super::feature::{read_features, read_scales};
use super::{At, BATCH_MAX, Batch, Golden, Manifest, Monitor, NAME_CHARS_MAX, On, Output, PARTS_MAX, QUEUE_MAX, Run, Tensor, Trigger};
use crate::model::backend::Kind;
use crate::model::feature::{Input, Layout, Spec};
use crate::model::host::{Config, Mode, WORKERS_MAX};
use crate::model::tensor::Dtype;
use crate::reading::unit::Unit;
use crate::source::{
    Diagnostic, Diagnostics, Entry, Fields, FileId, Node, ScalarValue, Sources, Span, codes, did_you_mean, expect_list, expect_mapping,
    expect_text, keys, list_some, read_yaml, wrong_kind,
};

/// `None` if what is there cannot be made into a manifest; the reasons are among the problems.
pub fn read(sources: &Sources, file: FileId, problems: &mut Diagnostics) -> Option<Manifest> {
    let root = read_yaml(sources, file, problems)?;
    let before = problems.count(crate::source::Severity::Error);
    let fields = Fields::read(&keys::MODEL_FILE, &root, "the manifest", problems)?;
    let (model, version) = (name(&fields, "model", problems), text_or_number(&fields, "version", problems));
    let onnx = required_text(&fields, "file", problems);
    let mut features = fields.get("features").map(|node| read_features(node, problems)).unwrap_or_default();
    if let Some(node) = fields.get("scale") {
        read_scales(node, &mut features, problems);
    }
    let inputs = fields.require("inputs", problems).map(|node| read_inputs(node, &features, problems)).unwrap_or_default();
    let outputs = fields.require("outputs", problems).map(|node| read_outputs(node, problems)).unwrap_or_default();
    // If an input could not be read, nobody knows what it would have used.
    if fields.get("inputs").and_then(Node::as_mapping).is_some_and(|mapping| mapping.entries.len() == inputs.len()) {
        check_all_used(&features, &inputs, problems);
    }
    let (title, licence) = (fields.text("title", problems), fields.text("licence", problems));
    let trained_on = fields.text("trainedOn", problems);
    let sha256 = fields.get("sha256").and_then(|node| sha256(node, problems));
    let metrics = fields.get("metrics").map(|node| metrics(node, problems)).unwrap_or_default();
    let (backend, trigger, run) = (backend(&fields, problems), read_trigger(&fields, &features, problems), read_run(&fields, problems));
    let monitor = fields.get("monitor").and_then(|node| read_monitor(node, problems));
    let golden = fields.get("golden").and_then(|node| read_golden(node, problems));
    // Only now, so that nothing goes unread because something else is missing.
    let manifest = Manifest {
        model: model?,
        version: version?,
        title: title.map(str::to_owned),
        file: onnx?,
        sha256,
        licence: licence.map(str::to_owned),
        trained_on: trained_on.map(str::to_owned),
        metrics,
        backend,
        trigger,
        run,
        monitor,
        golden,
        inputs_span: fields.entry("inputs").map_or(fields.span, |entry| entry.key.span),
        features,
        inputs,
        outputs,
    };
    (problems.count(crate::source::Severity::Error) == before).then_some(manifest)
}

fn name(fields: &Fields<'_>, key: &str, problems: &mut Diagnostics) -> Option<At<String>> {
    let found = required_text(fields, key, problems)?;
    let is_name = found.value.len() <= NAME_CHARS_MAX
        && found.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && found.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !is_name {
        let message = format!("`{}` is no name for a model: use A-Z a-z 0-9 _ . - beginning with a letter or digit", found.value);
        problems.push(Diagnostic::new(&codes::MODEL_FEATURE, found.span, message));
    }
    Some(found)
}

fn required_text(fields: &Fields<'_>, key: &str, problems: &mut Diagnostics) -> Option<At<String>> {
    let node = fields.require(key, problems)?;
    let text = expect_text(node, &format!("`{key}` of {}", fields.what), problems)?;
    Some(At { value: text.to_owned(), span: node.span })
}

/// `version: 3` is meant as the text 3.
fn text_or_number(fields: &Fields<'_>, key: &str, problems: &mut Diagnostics) -> Option<At<String>> {
    let node = fields.require(key, problems)?;
    match node.as_scalar().filter(|scalar| !scalar.text.is_empty() && scalar.text.len() <= NAME_CHARS_MAX) {
        Some(scalar) => Some(At { value: scalar.text.to_string(), span: node.span }),
        None => {
            problems.push(wrong_kind(node, &format!("`{key}` of {}", fields.what), "a short text"));
            None
        }
    }
}

fn sha256(node: &Node, problems: &mut Diagnostics) -> Option<At<String>> {
    let text = node.as_scalar().map(|scalar| scalar.text.to_ascii_lowercase()).unwrap_or_default();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(At { value: text, span: node.span });
    }
    problems.push(wrong_kind(node, "`sha256` of the manifest", "64 hexadecimal digits"));
    None
}

fn metrics(node: &Node, problems: &mut Diagnostics) -> Vec<(String, f64)> {
    let Some(mapping) = expect_mapping(node, "`metrics` of the manifest", problems) else { return Vec::new() };
    let pair = |entry: &Entry| Some((entry.key.text.to_string(), number(&entry.value)?));
    let mut pairs = Vec::new();
    for entry in &mapping.entries {
        match pair(entry) {
            Some(pair) => pairs.push(pair),
            None => problems.push(wrong_kind(&entry.value, &format!("the metric `{}`", entry.key.text), "a number")),
        }
    }
    pairs
}

/// Where the kind is right and the content is not.
pub(super) fn must_be(node: &Node, what: &str, expected: &str) -> Diagnostic {
    Diagnostic::new(&codes::WRONG_KIND, node.span, format!("{what} must be {expected}"))
}

pub(super) fn number(node: &Node) -> Option<f64> {
    match node.as_scalar()?.value {
        ScalarValue::Int(value) => Some(value as f64),
        ScalarValue::Float(value) => Some(value).filter(|value| value.is_finite()),
        ScalarValue::Null | ScalarValue::Bool(_) | ScalarValue::UInt(_) | ScalarValue::Text => None,
    }
}

fn backend(fields: &Fields<'_>, problems: &mut Diagnostics) -> Option<At<Kind>> {
    let words: Vec<(&str, Option<Kind>)> =
        std::iter::once(("auto", None)).chain(Kind::NAMED.map(|kind| (kind.as_str(), Some(kind)))).collect();
    let kind = fields.word("backend", &words, problems)??;
    Some(At { value: kind, span: fields.get("backend")?.span })
}

/// A name that is one of the features.
fn feature_place(node: &Node, features: &[At<Spec>], what: &str, problems: &mut Diagnostics) -> Option<usize> {
    let text = expect_text(node, what, problems)?;
    let found = features.iter().position(|feature| feature.value.name == text);
    if found.is_none() {
        let names = || features.iter().map(|feature| feature.value.name.as_str());
        let message = format!("{what} names `{text}`, which is no feature");
        let diagnostic = Diagnostic::new(&codes::MODEL_FEATURE, node.span, message).suggest(did_you_mean(text, names()));
        problems.push(diagnostic.help(format!("features: {}", list_some(names()))));
    }
    found
}

fn read_inputs(node: &Node, features: &[At<Spec>], problems: &mut Diagnostics) -> Vec<Tensor> {
    let Some(mapping) = expect_mapping(node, "`inputs` of the manifest", problems) else { return Vec::new() };
    let entries = mapping.entries.iter().filter(|entry| !crate::source::is_ignored(&entry.key.text)).take(PARTS_MAX);
    entries.filter_map(|entry| read_input(entry, features, problems)).collect()
}

fn read_input(entry: &Entry, features: &[At<Spec>], problems: &mut Diagnostics) -> Option<Tensor> {
    let what = format!("input `{}`", entry.key.text);
    let fields = Fields::read(&keys::MODEL_INPUT, &entry.value, what.clone(), problems)?;
    let dtype = match fields.text("dtype", problems) {
        None => Some(Dtype::F32),
        Some(text) => dtype(text, fields.get("dtype").map_or(fields.span, |node| node.span), &what, problems),
    };
    let shape = fields.require("shape", problems);
    let dims = shape.and_then(|node| read_shape(node, &what, problems));
    let from = fields.require("from", problems);
    let names = from.map(Node::items_or_one).unwrap_or_default().iter();
    let places: Vec<Option<usize>> = names.map(|item| feature_place(item, features, &format!("`from` of {what}"), problems)).collect();
    let layout = fields.word("layout", &[("steps", Layout::Steps), ("channels", Layout::Channels)], problems).unwrap_or(Layout::Steps);
    let ((batch, dims), from, dtype) = (dims?, from?, dtype?);
    let input = Input { name: entry.key.text.to_string(), dtype, dims, layout, from: places.into_iter().collect::<Option<_>>()? };
    Some(Tensor { input, batch, name_span: entry.key.span, shape_span: shape?.span, from_span: from.span })
}

fn dtype(text: &str, span: Span, what: &str, problems: &mut Diagnostics) -> Option<Dtype> {
    let found = Dtype::parse(text);
    if found.is_none() {
        let known = || Dtype::ALL.iter().map(|dtype| dtype.as_str());
        let message = format!("`dtype` of {what} cannot be `{text}`");
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_WORD, span, message).suggest(did_you_mean(text, known()));
        problems.push(diagnostic.help(format!("possible: {}", known().collect::<Vec<_>>().join(", "))));
    }
    found
}

/// `[batch, 30, 1]`: a word or a number, then numbers.
fn read_shape(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<(Batch, Vec<usize>)> {
    let items = expect_list(node, &format!("`shape` of {what}"), problems)?;
    let size = |item: &Node| match item.as_scalar()?.value {
        ScalarValue::Int(size) => usize::try_from(size).ok().filter(|size| *size > 0),
        ScalarValue::Null | ScalarValue::Bool(_) | ScalarValue::UInt(_) | ScalarValue::Float(_) | ScalarValue::Text => None,
    };
    let batch = match items.first() {
        Some(first) if first.as_text().is_some() => Some(Batch::Any),
        Some(first) => size(first).map(Batch::Fixed),
        None => None,
    };
    let dims: Option<Vec<usize>> = items.iter().skip(1).map(size).collect();
    let within = dims.filter(|dims| crate::model::tensor::count(dims).is_some_and(|count| count <= crate::model::feature::WIDTH_MAX));
    if batch.is_none() || within.is_none() {
        let expected = "the batch and then whole numbers, as in [batch, 30, 1]";
        problems.push(must_be(node, &format!("`shape` of {what}"), expected));
    }
    Some((batch?, within?))
}

fn check_all_used(features: &[At<Spec>], inputs: &[Tensor], problems: &mut Diagnostics) {
    for (place, feature) in features.iter().enumerate() {
        if !inputs.iter().any(|tensor| tensor.input.from.contains(&place)) {
            let message = format!("no input is made of the feature `{}`", feature.value.name);
            problems
                .push(Diagnostic::new(&codes::MODEL_FEATURE, feature.span, message).help("add it to `from` of an input, or take it out"));
        }
    }
}

fn read_outputs(node: &Node, problems: &mut Diagnostics) -> Vec<Output> {
    let Some(mapping) = expect_mapping(node, "`outputs` of the manifest", problems) else { return Vec::new() };
    let entries = mapping.entries.iter().filter(|entry| !crate::source::is_ignored(&entry.key.text)).take(PARTS_MAX);
    entries.filter_map(|entry| read_output(entry, problems)).collect()
}

fn read_output(entry: &Entry, problems: &mut Diagnostics) -> Option<Output> {
    let what = format!("output `{}`", entry.key.text);
    let fields = Fields::read(&keys::MODEL_OUTPUT, &entry.value, what.clone(), problems)?;
    let tensor = fields.text("tensor", problems).map_or_else(
        || At { value: entry.key.text.to_string(), span: entry.key.span },
        |text| At { value: text.to_owned(), span: fields.get("tensor").map_or(entry.key.span, |node| node.span) },
    );
    let index = match fields.get("index") {
        None => At { value: Vec::new(), span: entry.key.span },
        Some(node) => At { value: read_index(node, &what, problems).unwrap_or_default(), span: node.span },
    };
    let clamp = fields.get("clamp").and_then(|node| read_clamp(node, &what, problems));
    let unit = fields.text("unit", problems).and_then(|text| unit(text, fields.get("unit")?, &what, problems));
    let map = fields.get("map").map(|node| read_map(node, &what, problems)).unwrap_or_default();
    Some(Output { name: entry.key.text.to_string(), span: entry.key.span, tensor, index, clamp, map, unit })
}

pub(super) fn unit(text: &str, node: &Node, what: &str, problems: &mut Diagnostics) -> Option<Unit> {
    match Unit::parse(text) {
        Ok(unit) => Some(unit),
        Err(unknown) => {
            let message = format!("`unit` of {what} is not a unit: `{}`", unknown.text);
            problems.push(Diagnostic::new(&codes::UNKNOWN_UNIT, node.span, message).suggest(unknown.nearest.first().map(String::as_str)));
            None
        }
    }
}

fn read_index(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<Vec<usize>> {
    let place = |item: &Node| match item.as_scalar()?.value {
        ScalarValue::Int(place) => usize::try_from(place).ok(),
        ScalarValue::Null | ScalarValue::Bool(_) | ScalarValue::UInt(_) | ScalarValue::Float(_) | ScalarValue::Text => None,
    };
    let index: Option<Vec<usize>> = node.items_or_one().iter().map(place).collect();
    if index.is_none() {
        problems.push(must_be(node, &format!("`index` of {what}"), "whole numbers, one for each dimension behind the batch"));
    }
    index
}

fn read_clamp(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<(f64, f64)> {
    let items: Option<Vec<f64>> = node.as_sequence().and_then(|items| items.iter().map(number).collect());
    match items.as_deref() {
        Some([min, max]) if min < max => Some((*min, *max)),
        _ => {
            problems.push(must_be(node, &format!("`clamp` of {what}"), "the smallest and the largest value, as in [0, 1]"));
            None
        }
    }
}

fn read_map(node: &Node, what: &str, problems: &mut Diagnostics) -> Vec<(String, String)> {
    let Some(mapping) = expect_mapping(node, &format!("`map` of {what}"), problems) else { return Vec::new() };
    let mut pairs = Vec::with_capacity(mapping.entries.len());
    for entry in &mapping.entries {
        match entry.value.as_scalar() {
            Some(scalar) if scalar.value != ScalarValue::Null => pairs.push((entry.key.text.to_string(), scalar.text.to_string())),
            _ => problems.push(wrong_kind(&entry.value, &format!("`{}` in `map` of {what}", entry.key.text), "a word")),
        }
    }
    pairs
}

fn read_trigger(manifest: &Fields<'_>, features: &[At<Spec>], problems: &mut Diagnostics) -> Trigger {
    let default = Trigger { on: On::Change, interval: None, every_n: 1, when: None };
    let Some(node) = manifest.get("trigger") else { return default };
    let Some(fields) = Fields::read(&keys::MODEL_TRIGGER, node, "the trigger", problems) else { return default };
    let mut all: Vec<On> = Vec::new();
    if let Some(node) = fields.get("on") {
        if node.as_text() == Some("change") {
            all.push(On::Change);
        } else {
            let places = node.items_or_one().iter().map(|item| feature_place(item, features, "`on` of the trigger", problems));
            all.push(On::Features(places.collect::<Vec<_>>().into_iter().flatten().collect()));
        }
    }
    all.extend(fields.duration("every", problems).map(On::Every));
    all.extend(fields.text("onWindow", problems).map(|name| On::Window(name.to_owned())));
    all.extend(fields.text("onEvent", problems).map(|name| On::Event(name.to_owned())));
    all.extend(fields.bool("manual", problems).filter(|manual| *manual).map(|_| On::Manual));
    all.extend(fields.get("at").and_then(|node| read_at(node, problems)));
    if all.len() > 1 {
        let message = "the trigger says more than one of on, every, onWindow, onEvent, at and manual";
        problems.push(Diagnostic::new(&codes::MODEL_FEATURE, fields.span, message));
    }
    let when = fields.text("when", problems).map(str::to_owned);
    Trigger {
        on: all.into_iter().next().unwrap_or(On::Change),
        interval: fields.get("maxRate").and_then(|node| read_rate(node, problems)),
        every_n: fields.whole("everyN", u64::from(u32::MAX), problems).unwrap_or(1).max(1),
        when: when.zip(fields.get("when")).map(|(value, node)| At { value, span: node.span }),
    }
}

fn read_at(node: &Node, problems: &mut Diagnostics) -> Option<On> {
    let fields = Fields::read(&keys::AT, node, "`at` of the trigger", problems)?;
    let zone = fields.text("zone", problems).map(str::to_owned);
    match (fields.text("cron", problems), fields.duration("every", problems)) {
        (Some(cron), _) => Some(On::Cron { cron: cron.to_owned(), zone }),
        (None, Some(every)) => Some(On::Every(every)),
        (None, None) => None,
    }
}

/// `10/m` is once in six seconds.
fn read_rate(node: &Node, problems: &mut Diagnostics) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let interval = node.as_text().and_then(|text| {
        let (count, unit) = text.split_once('/')?;
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        let count: u64 = count.trim().parse().ok().filter(|count| *count > 0)?;
        Some(Duration::from_micros(seconds * 1_000_000 / count))
    });
    if interval.is_none() {
        problems.push(wrong_kind(node, "`maxRate` of the trigger", "so many per s, m, h or d, as in 1/s"));
    }
    interval
}

fn read_run(manifest: &Fields<'_>, problems: &mut Diagnostics) -> Run {
    let host = Config::default();
    let default = Run {
        max_batch: None,
        max_delay: host.max_delay,
        queue: host.queue_max,
        mode: host.mode,
        timeout: host.run_timeout,
        workers: host.workers,
    };
    let Some(fields) = manifest.get("run").and_then(|node| Fields::read(&keys::MODEL_RUN, node, "`run` of the manifest", problems)) else {
        return default;
    };
    let mut whole = |key: &str, max: u64| fields.whole(key, max, problems).and_then(|value| usize::try_from(value.max(1)).ok());
    let max_batch = whole("maxBatch", BATCH_MAX);
    let queue = whole("queue", QUEUE_MAX).unwrap_or(default.queue);
    let workers = whole("workers", WORKERS_MAX as u64).unwrap_or(default.workers);
    Run {
        max_batch: max_batch.zip(fields.get("maxBatch")).map(|(value, node)| At { value, span: node.span }),
        max_delay: fields.duration("maxDelay", problems).unwrap_or(default.max_delay),
        queue,
        mode: fields.word("mode", &[("latest", Mode::Latest), ("every", Mode::Every)], problems).unwrap_or(default.mode),
        timeout: fields.duration("timeout", problems).unwrap_or(default.timeout),
        workers,
    }
}

fn read_monitor(node: &Node, problems: &mut Diagnostics) -> Option<Monitor> {
    let fields = Fields::read(&keys::MODEL_MONITOR, node, "`monitor` of the manifest", problems)?;
    let psi = fields.get("psi").and_then(|node| read_clamp(node, "the monitor", problems)).unwrap_or((0.1, 0.25));
    let window = fields.duration("window", problems).unwrap_or(Duration::from_secs(3600));
    Some(Monitor { baseline: fields.text("baseline", problems).map(str::to_owned), window, psi })
}

fn read_golden(node: &Node, problems: &mut Diagnostics) -> Option<Golden> {
    let fields = Fields::read(&keys::MODEL_GOLDEN, node, "`golden` of the manifest", problems)?;
    let (atol, rtol) = (fields.number("atol", problems).unwrap_or(1e-5), fields.number("rtol", problems).unwrap_or(1e-4));
    Some(Golden { file: required_text(&fields, "file", problems)?, atol: atol.max(0.0), rtol: rtol.max(0.0) })
}
