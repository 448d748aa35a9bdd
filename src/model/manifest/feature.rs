//! The features of a manifest: which keys belong together, and what each of them means.

use std::time::Duration;

use super::read::{must_be, number, unit};
use super::{At, PARTS_MAX};
use crate::model::feature::{Code, From, Method, Missing, Other, Over, Pad, Pick, READINGS_MAX, Scale, Spec, Stat, Time};
use crate::source::{
    Diagnostic, Diagnostics, Entry, Fields, Node, ScalarValue, codes, did_you_mean, expect_mapping, is_ignored, keys, list_some, wrong_kind,
};

/// Values of a one-hot or label feature.
const VALUES_MAX: usize = 4096;

pub(super) fn read_features(node: &Node, problems: &mut Diagnostics) -> Vec<At<Spec>> {
    let Some(mapping) = expect_mapping(node, "`features` of the manifest", problems) else { return Vec::new() };
    let entries = mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)).take(PARTS_MAX);
    entries.filter_map(|entry| Some(At { value: read_feature(entry, problems)?, span: entry.key.span })).collect()
}

fn read_feature(entry: &Entry, problems: &mut Diagnostics) -> Option<Spec> {
    let name = entry.key.text.to_string();
    let what = format!("feature `{name}`");
    let mut spec = Spec {
        name,
        from: From::Member,
        unit: None,
        every: None,
        pick: Pick::Current,
        code: Code::Plain,
        scale: None,
        missing: Missing::Hold,
        max_gap: None,
    };
    // `mode:` with nothing behind it is the current value.
    if entry.value.is_null() {
        return Some(spec);
    }
    let fields = Fields::read(&keys::FEATURE, &entry.value, what, problems)?;
    spec.from = read_from(&fields, problems);
    spec.unit = fields.text("unit", problems).and_then(|text| unit(text, fields.get("unit")?, &fields.what, problems));
    spec.every = fields.duration("every", problems);
    spec.pick = read_pick(&fields, problems);
    spec.code = read_code(&fields, problems);
    let scale =
        fields.get("scale").and_then(|node| Fields::read(&keys::MODEL_SCALE, node, format!("`scale` of {}", fields.what), problems));
    spec.scale = scale.and_then(|scale| read_scale(&scale, &|scale, key| scale.get(key).and_then(number), problems));
    (spec.missing, spec.max_gap) = read_missing(&fields, problems);
    check_together(&fields, problems);
    Some(spec)
}

fn read_from(fields: &Fields<'_>, problems: &mut Diagnostics) -> From {
    const TIMES: &[(&str, Time)] = &[("hourOfDay", Time::HourOfDay), ("dayOfWeek", Time::DayOfWeek), ("sinceStart", Time::SinceStart)];
    let zone = fields.text("zone", problems).map(str::to_owned);
    let is_cyclic = fields.bool("cyclic", problems).unwrap_or(false);
    let time = fields.word("time", TIMES, problems).map(|what| From::Time { what, is_cyclic: is_cyclic && what != Time::SinceStart, zone });
    let value = fields.text("value", problems).map(|text| From::Expression(text.to_owned()));
    let constant = fields.number("const", problems).map(From::Const);
    let param = fields.text("param", problems).map(|name| From::Param(name.to_owned()));
    time.or(value).or(constant).or(param).unwrap_or(From::Member)
}

/// Keys of which a feature has at most one, and keys that say more of one of them.
fn check_together(fields: &Fields<'_>, problems: &mut Diagnostics) {
    const ALONE: &[&[&str]] =
        &[&["value", "const", "param", "time"], &["last", "resample", "lag", "stat"], &["oneHot", "label", "bool"], &["over", "overLast"]];
    const NEEDS: &[(&str, &[&str])] = &[
        ("min", &["last"]),
        ("pad", &["last"]),
        ("method", &["resample"]),
        ("over", &["resample", "stat"]),
        ("overLast", &["stat"]),
        ("other", &["oneHot", "label"]),
        ("cyclic", &["time"]),
        ("zone", &["time"]),
    ];
    let has = |key: &&&str| fields.get(key).is_some();
    for group in ALONE {
        let found: Vec<&str> = group.iter().filter(has).copied().collect();
        if let [first, .., last] = found.as_slice()
            && let Some(entry) = fields.entry(last)
        {
            let message = format!("{} has `{first}` and `{last}`, which exclude each other", fields.what);
            problems.push(Diagnostic::new(&codes::MODEL_FEATURE, entry.key.span, message));
        }
    }
    for (key, needs) in NEEDS {
        if let Some(entry) = fields.entry(key)
            && !needs.iter().any(|need| has(&need))
        {
            let message = format!("`{key}` of {} says nothing without `{}`", fields.what, needs.join("` or `"));
            problems.push(Diagnostic::new(&codes::MODEL_FEATURE, entry.key.span, message));
        }
    }
}

fn read_pick(fields: &Fields<'_>, problems: &mut Diagnostics) -> Pick {
    let over = fields.duration("over", problems);
    let readings = |key: &str, problems: &mut Diagnostics| {
        let count = fields.whole(key, READINGS_MAX as u64, problems)?;
        if count == 0
            && let Some(node) = fields.get(key)
        {
            problems.push(Diagnostic::new(&codes::MODEL_FEATURE, node.span, format!("`{key}` of {} is at least 1", fields.what)));
        }
        usize::try_from(count.max(1)).ok()
    };
    if let Some(count) = readings("last", problems) {
        let min = readings("min", problems).unwrap_or(count).min(count);
        let pad = fields.word("pad", &[("repeat", Pad::Repeat), ("zero", Pad::Zero)], problems).unwrap_or(Pad::Repeat);
        return Pick::Last { count, min, pad };
    }
    if let Some(step) = fields.duration("resample", problems) {
        const METHODS: &[(&str, Method)] = &[("last", Method::Last), ("linear", Method::Linear), ("avg", Method::Avg)];
        let method = fields.word("method", METHODS, problems).unwrap_or(Method::Last);
        return Pick::Resample { step, count: grid_count(fields, step, over, problems).unwrap_or(1), method };
    }
    if let Some(lag) = fields.duration("lag", problems) {
        return Pick::Lag(lag);
    }
    let Some(stat) = fields.text("stat", problems) else { return Pick::Current };
    let Some(stat) = read_stat(stat, fields, problems) else { return Pick::Current };
    match (over, readings("overLast", problems)) {
        (Some(over), _) => Pick::Stat { stat, over: Over::Time(over) },
        (None, Some(count)) => Pick::Stat { stat, over: Over::Readings(count) },
        (None, None) => {
            if let Some(entry) = fields.entry("stat") {
                let message = format!("`stat` of {} needs `over` or `overLast`", fields.what);
                problems.push(Diagnostic::new(&codes::MODEL_FEATURE, entry.key.span, message));
            }
            Pick::Current
        }
    }
}

fn grid_count(fields: &Fields<'_>, step: Duration, over: Option<Duration>, problems: &mut Diagnostics) -> Option<usize> {
    let span = fields.entry("resample")?.key.span;
    let micros = step.as_micros();
    let over = over.map_or(0, |over| over.as_micros());
    let count = over.checked_div(micros).and_then(|count| usize::try_from(count).ok()).filter(|_| over.checked_rem(micros) == Some(0));
    let within = count.filter(|count| (1..=READINGS_MAX).contains(count));
    if within.is_none() {
        let message =
            format!("`resample` of {} needs `over`, a whole multiple of it and at most {READINGS_MAX} times as long", fields.what);
        problems.push(Diagnostic::new(&codes::MODEL_FEATURE, span, message));
    }
    within
}

fn read_stat(text: &str, fields: &Fields<'_>, problems: &mut Diagnostics) -> Option<Stat> {
    let found = Stat::parse(text);
    if found.is_none()
        && let Some(node) = fields.get("stat")
    {
        let known = || Stat::PLAIN.iter().map(|(name, _)| *name).chain(["quantile(0.95)"]);
        let message = format!("`stat` of {} cannot be {}", fields.what, node.describe());
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_WORD, node.span, message).suggest(did_you_mean(text, known()));
        problems.push(diagnostic.help(format!("possible: {}", list_some(known()))));
    }
    found
}

fn read_code(fields: &Fields<'_>, problems: &mut Diagnostics) -> Code {
    if let Some(node) = fields.get("oneHot") {
        let items = node.as_sequence().unwrap_or_default();
        let values: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_scalar().filter(|scalar| scalar.value != ScalarValue::Null).map(|scalar| scalar.text.to_string()))
            .collect();
        return match values {
            Some(values) if !values.is_empty() && values.len() <= VALUES_MAX => {
                let words = [("zeros", Other::Zeros), ("column", Other::Column)];
                Code::OneHot { values, other: fields.word("other", &words, problems).unwrap_or(Other::Refused) }
            }
            _ => {
                problems.push(must_be(node, &format!("`oneHot` of {}", fields.what), &format!("a list of 1 to {VALUES_MAX} values")));
                Code::Plain
            }
        };
    }
    if let Some(node) = fields.get("label") {
        let Some(mapping) = expect_mapping(node, &format!("`label` of {}", fields.what), problems) else { return Code::Plain };
        let mut values = Vec::new();
        for entry in mapping.entries.iter().take(VALUES_MAX) {
            match number(&entry.value) {
                Some(label) => values.push((entry.key.text.to_string(), label)),
                None => problems.push(wrong_kind(&entry.value, &format!("the label of `{}`", entry.key.text), "a number")),
            }
        }
        return Code::Label { values, other: fields.number("other", problems) };
    }
    // Numbers they become anyway; the word is for people.
    fields.bool("bool", problems);
    Code::Plain
}

fn read_missing(fields: &Fields<'_>, problems: &mut Diagnostics) -> (Missing, Option<Duration>) {
    const WORDS: &[(&str, Missing)] =
        &[("hold", Missing::Hold), ("linear", Missing::Linear), ("mean", Missing::Mean(f64::NAN)), ("skip", Missing::Skip)];
    let Some(node) = fields.get("missing") else { return (Missing::Hold, None) };
    let (missing, max_gap) = if node.as_mapping().is_none() {
        (fields.word("missing", WORDS, problems).unwrap_or(Missing::Hold), None)
    } else {
        let Some(own) = Fields::read(&keys::MISSING, node, format!("`missing` of {}", fields.what), problems) else {
            return (Missing::Hold, None);
        };
        let value = own.number("value", problems).map(Missing::Value);
        (value.or(own.word("policy", WORDS, problems)).unwrap_or(Missing::Hold), own.duration("maxGap", problems))
    };
    match missing {
        // Which mean stands in the scale, or in the baseline, which is not at hand here.
        Missing::Mean(_) => match mean_of(fields) {
            Some(mean) => (Missing::Mean(mean), max_gap),
            None => {
                let message = format!("`missing: mean` of {} needs the mean: {{value: …}}, or a standard `scale`", fields.what);
                problems.push(Diagnostic::new(&codes::MODEL_FEATURE, node.span, message));
                (Missing::Skip, max_gap)
            }
        },
        // Nothing is held longer than not at all.
        Missing::Skip => (missing, max_gap.or(Some(Duration::ZERO))),
        Missing::Hold | Missing::Linear | Missing::Value(_) => (missing, max_gap),
    }
}

fn mean_of(fields: &Fields<'_>) -> Option<f64> {
    number(&fields.get("scale")?.as_mapping()?.get("mean")?.value)
}

type Figure<'f> = dyn Fn(&Fields<'_>, &str) -> Option<f64> + 'f;

fn read_scale(scale: &Fields<'_>, figure: &Figure<'_>, problems: &mut Diagnostics) -> Option<Scale> {
    #[derive(Clone, Copy)]
    enum Kind {
        Standard,
        MinMax,
    }
    let mut two = |first: &str, second: &str, is_fine: fn(f64, f64) -> bool| match (figure(scale, first), figure(scale, second)) {
        (Some(a), Some(b)) if is_fine(a, b) => Some((a, b)),
        _ => {
            let message = format!("{} needs the numbers `{first}` and `{second}`, between which there is something", scale.what);
            problems.push(Diagnostic::new(&codes::MODEL_FEATURE, scale.span, message));
            None
        }
    };
    let kind = scale.get("kind").map(|node| node.as_text().unwrap_or_default());
    let kind = match kind {
        None | Some("standard") => Kind::Standard,
        Some("minmax") => Kind::MinMax,
        Some(_) => {
            scale.word("kind", &[("standard", ()), ("minmax", ())], problems);
            return None;
        }
    };
    match kind {
        Kind::Standard => two("mean", "std", |_, std| std > 0.0).map(|(mean, std)| Scale::Standard { mean, std }),
        Kind::MinMax => two("min", "max", |min, max| min < max).map(|(min, max)| Scale::MinMax { min, max }),
    }
}

/// `scale` of the manifest: for each feature its numbers.
pub(super) fn read_scales(node: &Node, features: &mut [At<Spec>], problems: &mut Diagnostics) {
    let Some(scale) = Fields::read(&keys::MODEL_SCALE, node, "`scale` of the manifest", problems) else { return };
    let mut named: Vec<&str> = Vec::new();
    for entry in ["mean", "std", "min", "max"].iter().filter_map(|key| scale.get(key)) {
        let Some(mapping) = expect_mapping(entry, "the numbers of `scale`", problems) else { continue };
        for entry in &mapping.entries {
            let name = &*entry.key.text;
            if features.iter().all(|feature| feature.value.name != name) {
                let names = || features.iter().map(|feature| feature.value.name.as_str());
                let message = format!("`scale` names `{name}`, which is no feature");
                problems.push(Diagnostic::new(&codes::MODEL_FEATURE, entry.key.span, message).suggest(did_you_mean(name, names())));
            } else if !named.contains(&name) {
                named.push(name);
            }
        }
    }
    for name in named {
        let figure = |scale: &Fields<'_>, key: &str| number(&scale.get(key)?.as_mapping()?.get(name)?.value);
        let mut own = scale.clone();
        own.what = format!("`scale` of feature `{name}`");
        if let Some(found) = read_scale(&own, &figure, problems)
            && let Some(feature) = features.iter_mut().find(|feature| feature.value.name == name)
        {
            feature.value.scale = feature.value.scale.or(Some(found));
        }
    }
}
