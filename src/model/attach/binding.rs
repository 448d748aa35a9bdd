//! The features of a model against the members of a type that they are bound to.

use std::time::Duration;

use crate::model::feature::{Code, From, Over, Pick, Scale, Spec};
use crate::model::manifest::Manifest;
use crate::reading::format_duration;
use crate::reading::unit::{Conversion, Unit};
use crate::source::{Diagnostic, Diagnostics, Span, codes, list_some};

/// Readings without which nothing is said about their spread.
const SAMPLE_MIN: u64 = 100;
/// So many deviations off, or so many times as wide, readings are unlike those of the training.
const OFF_MAX: f64 = 3.0;
const WIDER_MAX: f64 = 3.0;

/// What a feature was bound to, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// `drive.vibration.x`
    pub member: String,
    pub kind: Kind,
    pub unit: Option<Unit>,
    /// How often the member comes, if the type says so.
    pub every: Option<Duration>,
    /// How far back readings are kept.
    pub kept: Option<Duration>,
    /// Where the binding stands.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Number,
    Bool,
    /// With its values.
    Enum(Vec<String>),
    Text,
    /// Of no use to a model, with a word for it.
    Other(&'static str),
}

/// The member that an output becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub member: String,
    pub kind: Kind,
    pub unit: Option<Unit>,
    /// Devices send it, too.
    pub is_measured: bool,
    pub span: Span,
}

/// What the twins hold of a feature at present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub count: u64,
    pub mean: f64,
    pub std: f64,
}

/// Features against members, one for one; nothing where a feature needs none or was not bound. What each reading is converted by.
pub fn check_bindings(manifest: &Manifest, bound: &[Option<Bound>], at: Span, problems: &mut Diagnostics) -> Vec<Conversion> {
    let mut conversions = Vec::with_capacity(manifest.features.len());
    for (place, feature) in manifest.features.iter().enumerate() {
        let spec = &feature.value;
        let mut conversion = Conversion::IDENTITY;
        match bound.get(place).and_then(Option::as_ref) {
            None if spec.from == From::Member => {
                let message = format!("feature `{}` is bound to nothing", spec.name);
                problems.push(Diagnostic::new(&codes::MODEL_BINDING, at, message).help("name a member for it, or give a member its name"));
            }
            None => {}
            Some(bound) => {
                check_kind(spec, bound, problems);
                conversion = check_unit(spec, bound, problems);
                check_sampling(spec, bound, problems);
            }
        }
        conversions.push(conversion);
    }
    conversions
}

/// Outputs against the members that they become, one for one; nothing where an attachment does not take an output. What each is converted by.
pub fn check_targets(manifest: &Manifest, targets: &[Option<Target>], problems: &mut Diagnostics) -> Vec<Conversion> {
    let mut conversions = vec![Conversion::IDENTITY; manifest.outputs.len()];
    for ((output, target), conversion) in manifest.outputs.iter().zip(targets).zip(&mut conversions) {
        let Some(target) = target else { continue };
        let mut refuse = |why: String| {
            let message = format!("output `{}`: {} {why}", output.name, target.member);
            problems.push(Diagnostic::new(&codes::MODEL_BINDING, target.span, message));
        };
        if target.is_measured {
            refuse("is also measured: give the output a member of its own".to_owned());
        }
        let unknown = |known: &[String]| {
            output.map.iter().map(|(_, meaning)| meaning.as_str()).find(|meaning| !known.iter().any(|own| own == meaning))
        };
        match (&target.kind, output.map.is_empty()) {
            (Kind::Number, true) | (Kind::Text, false) => {}
            (Kind::Enum(known), false) => {
                if let Some(meaning) = unknown(known) {
                    refuse(format!("never is {meaning}; its values are {}", list_some(known.iter().map(String::as_str))));
                }
            }
            // What the file gives may itself be a text, which shows when it runs.
            (Kind::Text, true) => {}
            (Kind::Enum(_) | Kind::Bool, true) => refuse("takes no number: say `map`".to_owned()),
            (Kind::Number | Kind::Bool, false) => refuse("takes none of the words of `map`".to_owned()),
            (Kind::Other(what), _) => refuse(format!("is {what}, which no model gives")),
        }
        if let (Some(own), Some(wanted)) = (&output.unit, &target.unit) {
            match own.conversion_to(wanted) {
                Some(found) => *conversion = found,
                None => refuse(format!("is {}, the output {}", wanted.symbol(), own.symbol())),
            }
        }
    }
    conversions
}

fn check_kind(spec: &Spec, bound: &Bound, problems: &mut Diagnostics) {
    let mut refuse = |why: String| {
        let message = format!("feature `{}`: {} {why}", spec.name, bound.member);
        problems.push(Diagnostic::new(&codes::MODEL_BINDING, bound.span, message));
    };
    let listed: Option<Vec<&str>> = match &spec.code {
        Code::Plain => None,
        Code::OneHot { values, .. } => Some(values.iter().map(String::as_str).collect()),
        Code::Label { values, .. } => Some(values.iter().map(|(value, _)| value.as_str()).collect()),
    };
    match (&bound.kind, listed) {
        (Kind::Other(what), _) => refuse(format!("is {what}, of which no number can be made")),
        (Kind::Enum(_) | Kind::Text, None) => refuse("is no number: say `oneHot` or `label`".to_owned()),
        (Kind::Enum(known), Some(listed)) => {
            let unknown: Vec<&str> = listed.into_iter().filter(|value| !known.iter().any(|own| own == value)).collect();
            if !unknown.is_empty() {
                refuse(format!("never is {}; its values are {}", unknown.join(", "), list_some(known.iter().map(String::as_str))));
            }
        }
        (Kind::Number | Kind::Bool, None) | (Kind::Number | Kind::Bool | Kind::Text, Some(_)) => {}
    }
}

fn check_unit(spec: &Spec, bound: &Bound, problems: &mut Diagnostics) -> Conversion {
    let (Some(wanted), Some(own)) = (&spec.unit, &bound.unit) else { return Conversion::IDENTITY };
    own.conversion_to(wanted).unwrap_or_else(|| {
        let message = format!("feature `{}` needs {}; {} is {}", spec.name, wanted.symbol(), bound.member, own.symbol());
        problems.push(Diagnostic::new(&codes::MODEL_BINDING, bound.span, message));
        Conversion::IDENTITY
    })
}

fn check_sampling(spec: &Spec, bound: &Bound, problems: &mut Diagnostics) {
    let shown = |time: Duration| format_duration(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
    let mut warn = |message: String| problems.push(Diagnostic::new(&codes::MODEL_SAMPLING, bound.span, message));
    if let (Some(wanted), Some(every)) = (spec.every, bound.every)
        && every > wanted
    {
        warn(format!("feature `{}` expects a value every {}; {} comes every {}", spec.name, shown(wanted), bound.member, shown(every)));
    }
    let back = match spec.pick {
        Pick::Current => None,
        Pick::Lag(lag) => Some(lag),
        Pick::Resample { step, count, .. } => u32::try_from(count).ok().and_then(|count| step.checked_mul(count)),
        Pick::Stat { over: Over::Time(over), .. } => Some(over),
        Pick::Last { count, .. } | Pick::Stat { over: Over::Readings(count), .. } => {
            bound.every.and_then(|every| every.checked_mul(u32::try_from(count).ok()?))
        }
    };
    if let (Some(back), Some(kept)) = (back, bound.kept)
        && back > kept
    {
        warn(format!("feature `{}` reaches back {}; of {} only {} is kept", spec.name, shown(back), bound.member, shown(kept)));
    }
}

/// What the model was trained on against what the twins hold, by feature. Too few readings say nothing.
pub fn check_skew(manifest: &Manifest, trained: &[Option<Sample>], held: &[Option<Sample>], at: Span, problems: &mut Diagnostics) {
    for (place, feature) in manifest.features.iter().enumerate() {
        let spec = &feature.value;
        let (Some(trained), Some(held)) = (trained_on(spec, trained.get(place)), held.get(place).copied().flatten()) else { continue };
        let std = trained.std.max(f64::EPSILON);
        let is_off = ((held.mean - trained.mean) / std).abs() > OFF_MAX;
        let ratio = held.std / std;
        let is_wider = held.std > 0.0 && !(1.0 / WIDER_MAX..=WIDER_MAX).contains(&ratio);
        let looks_scaled = spec.scale.is_none() && trained.mean.abs() < 0.05 && (trained.std - 1.0).abs() < 0.05;
        let is_scaled_away = looks_scaled && (!(0.5..=2.0).contains(&ratio) || is_off);
        if held.count < SAMPLE_MIN || !(is_off || is_wider || is_scaled_away) {
            continue;
        }
        let question = if spec.scale.is_none() { ": is `scale` missing?" } else { "" };
        let scaled = if looks_scaled { " (scaled)" } else { "" };
        let message = format!(
            "`{}`: the model was trained on mean {}, std {}{scaled}; readings have mean {}, std {}{question}",
            spec.name,
            short(trained.mean),
            short(trained.std),
            short(held.mean),
            short(held.std)
        );
        problems.push(Diagnostic::new(&codes::MODEL_SKEW, at, message));
    }
}

/// A standard scale says what the training saw, if nothing else does.
fn trained_on(spec: &Spec, stated: Option<&Option<Sample>>) -> Option<Sample> {
    let from_scale = match spec.scale {
        Some(Scale::Standard { mean, std }) => Some(Sample { count: 0, mean, std }),
        Some(Scale::MinMax { .. }) | None => None,
    };
    stated.copied().flatten().or(from_scale)
}

/// Three digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", usize::try_from(digits.max(0)).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
