//! Computed values that are windows: `{of: temperature, agg: avg, window: {sliding: 10m}}`.

use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use crate::catalog::layout::{EnumValue, SlotSpec, ValueType};
use crate::catalog::logic::EventSpec;
use crate::catalog::windowed::{Form, Gate, WindowRecord, is_number, sample};
use crate::expr::{Checked, Datum, Expect, difference_unit, product_unit, quotient_unit};
use crate::reading::SlotNo;
use crate::reading::unit::{Conversion, Unit};
use crate::source::keys::WINDOW;
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, did_you_mean, expect_text};
use crate::window::{Agg, Between, Closed, Error, Sample, Shape, Spec, zone};

use super::Expressions;
use super::computed::Outcome;
use super::params::constant;
use super::scope::TypeScope;

const LATENESS_DEFAULT: Duration = Duration::from_secs(3600);
/// How often a window that began with an event tells what time alone has added to it.
const EARLY_SINCE: i64 = 60_000_000;

/// A window that has been read, with the type and unit of what it gives.
pub(in crate::catalog::load) struct Window {
    pub record: WindowRecord,
    pub spec: Spec,
    pub gate: Gate,
    pub form: Form,
    pub conversion: Option<Conversion>,
    pub value_type: ValueType,
    pub unit: Option<Unit>,
}

/// What an `agg` is called in a file.
const AGGS: &[(&str, Named)] = &[
    ("count", Named::Plain(Agg::Count)),
    ("sum", Named::Plain(Agg::Sum)),
    ("avg", Named::Plain(Agg::Avg)),
    ("min", Named::Plain(Agg::Min)),
    ("max", Named::Plain(Agg::Max)),
    ("first", Named::Plain(Agg::First)),
    ("last", Named::Plain(Agg::Last)),
    ("transitions", Named::Plain(Agg::Transitions)),
    ("any", Named::Plain(Agg::Any)),
    ("all", Named::Plain(Agg::All)),
    ("variance", Named::Variance),
    ("stddev", Named::Stddev),
    ("delta", Named::Delta),
    ("rate", Named::Rate),
    ("slope", Named::Slope),
    ("quantile", Named::Quantile),
    ("timeAvg", Named::TimeAvg),
    ("integral", Named::Integral),
    ("timeIn", Named::TimeIn),
];

/// Those that take settings are made with them.
#[derive(Debug, Clone, Copy)]
enum Named {
    Plain(Agg),
    Variance,
    Stddev,
    Delta,
    Rate,
    Slope,
    Quantile,
    TimeAvg,
    Integral,
    TimeIn,
}

/// One window as it is read: `fields` are those of the computed value.
pub(super) struct Reader<'r, 'a, 'n> {
    pub fields: &'r Fields<'n>,
    pub unit: Option<&'r Unit>,
    pub scope: TypeScope<'a>,
    pub events: &'r [EventSpec],
    pub expressions: &'r mut Expressions,
    pub problems: &'r mut Diagnostics,
}

impl<'n> Reader<'_, '_, 'n> {
    /// `Err`: it waits for other computed values, or it is broken.
    pub(super) fn read(&mut self) -> Result<Window, Outcome> {
        let of = self.of()?;
        let spec = self.scope.slots[of.index()].clone();
        let node = self.fields.require("window", self.problems).ok_or(Outcome::Broken)?;
        let what = format!("`window` of {}", self.fields.what);
        let window = Fields::read(&WINDOW, node, what, self.problems).ok_or(Outcome::Broken)?;
        let (agg, natural) = self.agg(&spec).ok_or(Outcome::Broken)?;
        let (shape, gate) = self.shape(&window)?;
        let record = self.record(&window, of, &spec, shape, agg, &gate).ok_or(Outcome::Broken)?;
        let outline = record.outline().ok_or(Outcome::Broken)?;
        let compiled = Spec::new(outline).map_err(|error| self.refuse(node.span, &error))?;
        if compiled.is_approximate() {
            let message =
                format!("{} moves in so many steps that its results are approximate; a longer `every` makes them exact", self.fields.what);
            self.problems.push(Diagnostic::new(&codes::WINDOW_PANES, node.span, message));
        }
        let (form, value_type) = form_of(agg, &spec.value_type);
        let (unit, conversion) = self.unit(natural).ok_or(Outcome::Broken)?;
        Ok(Window { record, spec: compiled, gate, form, conversion, value_type, unit })
    }

    /// The member it looks at.
    fn of(&mut self) -> Result<SlotNo, Outcome> {
        let node = self.fields.require("of", self.problems).ok_or(Outcome::Broken)?;
        let path = expect_text(node, "`of`", self.problems).ok_or(Outcome::Broken)?;
        if self.scope.pending.contains(&path) {
            return Err(Outcome::Waits(vec![path.to_owned()]));
        }
        let place = self.scope.slots.iter().position(|slot| *slot.path == *path);
        if let Some(place) = place.and_then(|place| u16::try_from(place).ok()) {
            return Ok(SlotNo(place));
        }
        let first = path.split('.').next().unwrap_or(path);
        if !self.scope.blanks.any && !self.scope.blanks.members.contains(first) {
            let known = self.scope.slots.iter().map(|slot| &*slot.path);
            let message = format!("unknown name `{path}`: a window looks at a member of {}", self.scope.type_name);
            self.problems.push(Diagnostic::new(&codes::EXPR_NAME, node.span, message).suggest(did_you_mean(path, known)));
        }
        Err(Outcome::Broken)
    }

    /// What is made of the readings, and the unit in which it comes out.
    fn agg(&mut self, of: &SlotSpec) -> Option<(Agg, Option<Unit>)> {
        let node = self.fields.require("agg", self.problems)?;
        let words: Vec<(&str, Named)> = AGGS.to_vec();
        let named = self.fields.word("agg", &words, self.problems)?;
        let number = is_number(&of.value_type);
        let wrong = |needs: &str, problems: &mut Diagnostics| {
            let message =
                format!("`{}` is {}, and this aggregate is of {needs}", of.path, crate::catalog::stored::type_name(&of.value_type));
            problems.push(Diagnostic::new(&codes::EXPR_TYPES, node.span, message));
        };
        let has_own = match named {
            Named::Plain(Agg::Any | Agg::All) => matches!(of.value_type, ValueType::Bool),
            Named::Plain(Agg::Count | Agg::Transitions) | Named::TimeIn => true,
            Named::Plain(Agg::First | Agg::Last) => number || matches!(of.value_type, ValueType::Bool | ValueType::Enum(_)),
            Named::Plain(_)
            | Named::Variance
            | Named::Stddev
            | Named::Delta
            | Named::Rate
            | Named::Slope
            | Named::Quantile
            | Named::TimeAvg
            | Named::Integral => number,
        };
        if !has_own {
            wrong(if matches!(named, Named::Plain(Agg::Any | Agg::All)) { "booleans" } else { "numbers" }, self.problems);
            return None;
        }
        let per = self.fields.duration("per", self.problems);
        let step = micros(per.unwrap_or(Duration::from_secs(1)));
        let counter = self.fields.bool("counter", self.problems).unwrap_or(false);
        let is_sample = self.fields.bool("sample", self.problems).unwrap_or(false);
        let words = [("step", Between::Step), ("linear", Between::Linear)];
        let between = self.fields.word("interpolate", &words, self.problems).unwrap_or(Between::Step);
        let unit = of.unit.as_ref();
        let difference = unit.map(difference_unit);
        let over_time = || difference.as_ref().and_then(|unit| quotient_unit(unit, &time_unit(step)?));
        Some(match named {
            Named::Plain(agg @ (Agg::Count | Agg::Transitions | Agg::Any | Agg::All)) => (agg, None),
            Named::Plain(agg) => (agg, unit.cloned()),
            Named::Variance => (Agg::Variance { sample: is_sample }, difference.as_ref().and_then(|unit| product_unit(unit, unit))),
            Named::Stddev => (Agg::Stddev { sample: is_sample }, difference),
            Named::Delta => (Agg::Delta { counter }, difference),
            Named::Rate => (Agg::Rate { counter, per: step }, over_time()),
            Named::Slope => (Agg::Slope { per: step }, over_time()),
            Named::Quantile => (Agg::Quantile { q: self.fields.number("q", self.problems).unwrap_or(0.5) }, unit.cloned()),
            Named::TimeAvg => (Agg::TimeAvg { between }, unit.cloned()),
            Named::Integral => (Agg::Integral { between }, unit.and_then(|unit| product_unit(unit, &time_unit(1_000_000)?))),
            Named::TimeIn => (Agg::TimeIn { state: self.state(of)? }, time_unit(1_000_000)),
        })
    }

    /// Of `timeIn`: the value whose time is counted.
    fn state(&mut self, of: &SlotSpec) -> Option<Sample> {
        let node = self.fields.require("value", self.problems)?;
        let shape = super::scope::shape_of(of);
        let what = format!("`value` of {}", self.fields.what);
        let mut nothing = TypeScope::of(self.scope.type_name, &[], self.scope.blanks);
        let expect = Expect::Value { name: &of.path, shape: &shape };
        let value = constant(&self.expressions.read(node, &what, &mut nothing, expect, self.problems)?);
        let place = |text: &str, values: &[EnumValue]| values.iter().position(|value| *value.name == *text);
        let found = match (value?, &of.value_type) {
            (Datum::Text(text), ValueType::Enum(values)) => Sample::number(place(&text, values)? as f64),
            (datum, _) => sample(&datum.into_value()?),
        };
        Some(found)
    }

    fn shape(&mut self, window: &Fields<'n>) -> Result<(Shape, Gate), Outcome> {
        const SHAPES: [&str; 8] = ["tumbling", "hopping", "sliding", "count", "session", "state", "resetBy", "since"];
        let given: Vec<&str> = SHAPES.into_iter().filter(|key| window.get(key).is_some()).collect();
        let [shape] = given[..] else {
            let said = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            let message = format!("{} needs exactly one of {}; it has {said}", window.what, SHAPES.join(", "));
            self.problems.push(Diagnostic::new(&codes::WINDOW_SHAPE, window.span, message));
            return Err(Outcome::Broken);
        };
        let length = |key: &str, problems: &mut Diagnostics| window.duration(key, problems).map(micros).ok_or(Outcome::Broken);
        let every = if window.get("every").is_some() && shape != "count" { Some(length("every", self.problems)?) } else { None };
        let closed = window.word("closed", &[("start", Closed::Start), ("end", Closed::End)], self.problems).unwrap_or_default();
        Ok(match shape {
            "tumbling" => {
                let size = length("tumbling", self.problems)?;
                (Shape::Tumbling { size, every: size, closed }, Gate::Always)
            }
            "hopping" => {
                let size = length("hopping", self.problems)?;
                window.require("every", self.problems);
                (Shape::Tumbling { size, every: every.ok_or(Outcome::Broken)?, closed }, Gate::Always)
            }
            "sliding" => (Shape::Sliding { size: length("sliding", self.problems)?, every }, Gate::Always),
            "count" => {
                let number = |key: &str, problems: &mut Diagnostics| {
                    window.whole(key, u64::from(u32::MAX), problems).and_then(|number| u32::try_from(number).ok())
                };
                let size = number("count", self.problems).ok_or(Outcome::Broken)?;
                let every = if window.get("every").is_some() { number("every", self.problems).ok_or(Outcome::Broken)? } else { size };
                (Shape::Count { size, every }, Gate::Always)
            }
            "session" => {
                let max = if window.get("max").is_some() { Some(length("max", self.problems)?) } else { None };
                (Shape::Session { gap: length("session", self.problems)?, max }, Gate::Always)
            }
            "since" => {
                let node = window.get("since").ok_or(Outcome::Broken)?;
                let name = expect_text(node, "`since`", self.problems).ok_or(Outcome::Broken)?;
                let Some((no, _)) = (0_u16..).zip(self.events).find(|(_, event)| *event.name == *name) else {
                    let known = self.events.iter().map(|event| &*event.name);
                    let message = format!("`{name}` is not an event of {}", self.scope.type_name);
                    let diagnostic = Diagnostic::new(&codes::WINDOW_SHAPE, node.span, message).suggest(did_you_mean(name, known));
                    self.problems.push(diagnostic.help("declare it under `events`, or say `resetBy` with a condition"));
                    return Err(Outcome::Broken);
                };
                (Shape::Since, Gate::After(no))
            }
            "state" => (Shape::State, Gate::While(self.condition(window, "state")?)),
            _ => (Shape::Since, Gate::Since(self.condition(window, "resetBy")?)),
        })
    }

    fn condition(&mut self, window: &Fields<'n>, key: &str) -> Result<Checked, Outcome> {
        let node: &Node = window.get(key).ok_or(Outcome::Broken)?;
        let what = format!("`{key}` of {}", window.what);
        let mut found = Diagnostics::new();
        self.scope.awaited.clear();
        let checked = self.expressions.read(node, &what, &mut self.scope, Expect::Condition(key), &mut found);
        if !self.scope.awaited.is_empty() {
            return Err(Outcome::Waits(std::mem::take(&mut self.scope.awaited)));
        }
        if !self.scope.met_blank {
            self.problems.extend(found);
        }
        checked.ok_or(Outcome::Broken)
    }

    fn record(&mut self, window: &Fields<'n>, of: SlotNo, spec: &SlotSpec, shape: Shape, agg: Agg, gate: &Gate) -> Option<WindowRecord> {
        let telemetry = spec.telemetry.as_ref();
        let lateness = window.duration("lateness", self.problems).or(telemetry.map(|rules| rules.lateness)).unwrap_or(LATENESS_DEFAULT);
        let zone_name = match window.get("zone") {
            Some(node) => {
                let name = expect_text(node, "`zone`", self.problems)?;
                if zone(name).is_none() {
                    let zones = crate::rule::zone_names();
                    let suggestion = did_you_mean(name, zones.iter().map(String::as_str));
                    let message = format!("`{name}` is no time zone");
                    self.problems.push(Diagnostic::new(&codes::WINDOW_SHAPE, node.span, message).suggest(suggestion));
                    return None;
                }
                Some(name.to_owned())
            }
            None => None,
        };
        // Hours of operation grow though nobody says anything.
        let grows = agg.moves_with_time() && shape == Shape::Since;
        let mut record = WindowRecord {
            of: of.0,
            slot: 0,
            shape,
            agg,
            offset: window.duration("offset", self.problems).map_or(0, micros),
            zone: zone_name,
            lateness: micros(lateness),
            early: window.duration("early", self.problems).map(micros).or(grows.then_some(EARLY_SINCE)),
            hold: telemetry.and_then(|rules| rules.stale).map(micros),
            gated: matches!(gate, Gate::While(_) | Gate::Since(_)),
            meaning: 0,
            form: Form::Double,
            conversion: None,
        };
        record.meaning = meaning(&record, &spec.path, gate);
        Some(record)
    }

    /// The unit that was asked for, and how to get there.
    fn unit(&mut self, natural: Option<Unit>) -> Option<(Option<Unit>, Option<Conversion>)> {
        let (Some(asked), Some(natural)) = (self.unit, &natural) else { return Some((self.unit.cloned().or(natural), None)) };
        let Some(conversion) = natural.conversion_to(asked) else {
            let span = self.fields.get("unit").map_or(self.fields.span, |node| node.span);
            let message = format!("{} comes out in {}, which is not measured in {}", self.fields.what, natural.symbol(), asked.symbol());
            self.problems.push(Diagnostic::new(&codes::EXPR_UNITS, span, message));
            return None;
        };
        Some((Some(asked.clone()), Some(conversion).filter(|conversion| !conversion.is_identity())))
    }

    fn refuse(&mut self, span: Span, error: &Error) -> Outcome {
        self.problems.push(Diagnostic::new(&codes::WINDOW_SHAPE, span, format!("{}: {error}", self.fields.what)));
        Outcome::Broken
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Of the lengths that have a name.
fn time_unit(micros: i64) -> Option<Unit> {
    let symbol = match micros {
        1_000_000 => "s",
        60_000_000 => "min",
        3_600_000_000 => "h",
        86_400_000_000 => "d",
        _ => return None,
    };
    Unit::find(symbol)
}

fn form_of(agg: Agg, of: &ValueType) -> (Form, ValueType) {
    match (agg, of) {
        (Agg::Count | Agg::Transitions, _) => (Form::Int, ValueType::Int),
        (Agg::Any | Agg::All, _) | (Agg::First | Agg::Last, ValueType::Bool) => (Form::Bool, ValueType::Bool),
        (Agg::First | Agg::Last, ValueType::Enum(_)) => (Form::Enum, of.clone()),
        (_, _) => (Form::Double, ValueType::Double),
    }
}

/// The same for the same window, wherever its slots stand.
fn meaning(record: &WindowRecord, of: &str, gate: &Gate) -> u64 {
    let plain = WindowRecord { of: 0, slot: 0, meaning: 0, ..record.clone() };
    let mut hash = Xxh3::new();
    hash.update(of.as_bytes());
    hash.update(serde_json::to_string(&plain).unwrap_or_default().as_bytes());
    if let Gate::While(checked) | Gate::Since(checked) = gate {
        hash.update(&checked.meaning.to_le_bytes());
    }
    if let Gate::After(event) = gate {
        hash.update(&event.to_le_bytes());
    }
    hash.digest()
}
