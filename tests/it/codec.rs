//! Codecs, by text tables in `tests/data/codec`: a line that begins with `>` is what came in, the lines below it what it became.
//! `UPDATE_EXPECT=1` writes the tables anew; the diff is then to be read.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use pollux::catalog::binding::{
    Binding, JsonPath, MapRule, QualityRule, Source, Template, TimeFormat, TimeRule, TopicPattern, TwinSelector, UnknownTwin, Unmapped,
    ValueRule,
};
use pollux::catalog::layout::{
    Constraints, Duplicates, EnumValue, EnumWire, History, Kind, Layout, Member, Outside, Section, SlotSpec, TelemetryRules, ValueType,
    Version,
};
use pollux::catalog::{FieldTable, FieldTarget};
use pollux::codec::{self, Decoded, Envelope, Mapped, Router, topic};
use pollux::reading::unit::Unit;
use pollux::reading::{Problem, Reason, SlotNo};
use pollux::source::{FileId, Span};
use serde_json::Value as Json;

#[test]
fn native() {
    check("native.txt", &mut decode_native);
}

#[test]
fn mapped() {
    check("mapped.txt", &mut decode_mapped);
}

#[test]
fn topics() {
    let mut bindings: Vec<Arc<Binding>> = Vec::new();
    check("topics.txt", &mut |line| match line.split_once(' ') {
        Some(("bind", pattern)) => match TopicPattern::parse(pattern) {
            Ok(pattern) => {
                let id = pattern.text.to_string();
                bindings.push(Arc::new(Binding { topic: pattern, ..binding(&id, &[]) }));
                String::new()
            }
            Err(error) => format!("! at {}: {error}\n", error.offset),
        },
        Some(("template", text)) => expand(text),
        Some(("repeat", count)) => route(&bindings, &vec!["a"; count.parse().unwrap()].join("/")),
        Some(_) | None => route(&bindings, line),
    });
}

#[test]
fn paths() {
    let document: Json = serde_json::from_str(r#"{"a": {"b": [1, 2, {"c-d": 3}], "": 4}, "ä": 5}"#).unwrap();
    check("paths.txt", &mut |line| match JsonPath::parse(line) {
        Ok(path) => path.select(&document).iter().map(|json| format!("{json}\n")).collect(),
        Err(error) => format!("! at {}: {error}\n", error.offset),
    });
}

/// Whatever is cut off, doubled or changed: an answer, never a panic.
#[test]
fn no_bytes_make_a_codec_panic() {
    let layout = Arc::new(machine());
    let seeds: [&[u8]; 4] = [
        br#"{"temperature":{"value":70,"unit":"degF","ts":1767225600000.5,"quality":"GOOD"},"ts":"2026-01-01T00:00:00Z","phases":[1,2,3]}"#,
        br#"[{"vibration":{"x":1,"value":{"y":2}},"note":{"a":[null,true]},"label":"\u00e4\ud83d\ude00"},{"mode":"RUN"}]"#,
        br#"{"twin":"a","ts":1,"values":{"position":{"type":"Point","coordinates":[8,47]},"blob":"AQID"}}"#,
        br#"{"t":1767225600,"T":158,"samples":[{"t":1,"v":2},{"t":"x","v":[3]}],"st":64}"#,
    ];
    let mapped: Vec<Mapped> = ["plc", "each", "named", "rest"].iter().map(|name| Mapped::compile(&sample_binding(name), &layout)).collect();
    let mut out = Decoded::default();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..20_000 {
        let mut payload = seeds[round % seeds.len()].to_vec();
        for _ in 0..=random(3) {
            let place = random(payload.len());
            match random(5) {
                0 => payload.truncate(place + 1),
                1 => payload[place] = b"{}[]\",:0-.e\\\xff\x00nN"[random(16)],
                2 => payload.insert(place, u8::try_from(random(256)).unwrap()),
                3 => {
                    let tail = payload[place..].to_vec();
                    payload.extend(tail);
                }
                _ => {
                    payload.remove(place);
                }
            }
            if payload.is_empty() {
                payload.push(b'{');
            }
        }
        // Either answer is fine; there must be one.
        let answers = [
            codec::native::decode(&layout, &layout.telemetry_fields, &Unmapped::Reject, &payload, &mut out).is_ok(),
            codec::native::decode_member(&layout, &layout.telemetry_fields, "label", &payload, &mut out).is_ok(),
            codec::native::decode_member(&layout, &layout.telemetry_fields, "vibration", &payload, &mut out).is_ok(),
            Envelope::open(&payload).is_ok_and(|envelope| envelope.decode(&layout, &layout.telemetry_fields, &mut out).is_ok()),
        ];
        assert!(answers.len() + mapped.iter().filter(|mapped| mapped.decode(&payload, &mut out).is_ok()).count() >= 4);
    }
}

fn decode_native(line: &str) -> String {
    let layout = machine();
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut out = Decoded::default();
    let telemetry = &layout.telemetry_fields;
    let decoded = match command {
        "telemetry" => codec::native::decode(&layout, telemetry, &Unmapped::Count, rest.as_bytes(), &mut out),
        "strict" => codec::native::decode(&layout, telemetry, &Unmapped::Reject, rest.as_bytes(), &mut out),
        "keep" => codec::native::decode(&layout, telemetry, &Unmapped::Json("note".into()), rest.as_bytes(), &mut out),
        "reported" => codec::native::decode(&layout, &layout.reported_fields, &Unmapped::Count, rest.as_bytes(), &mut out),
        "hex" => codec::native::decode(&layout, telemetry, &Unmapped::Count, &bytes(rest), &mut out),
        "nested" => {
            let depth: usize = rest.parse().unwrap();
            let payload = format!("{{\"note\": {}1{}}}", "[".repeat(depth), "]".repeat(depth));
            codec::native::decode(&layout, telemetry, &Unmapped::Count, payload.as_bytes(), &mut out)
        }
        "many" => {
            let payload = format!("[{}]", vec!["{\"temperature\": 1}"; rest.parse().unwrap()].join(","));
            let decoded = codec::native::decode(&layout, telemetry, &Unmapped::Count, payload.as_bytes(), &mut out);
            return decoded.map_or_else(|problem| shown_problem("!", &problem), |()| format!("{} readings\n", out.reading_count()));
        }
        "member" => {
            let (member, payload) = rest.split_once(' ').unwrap_or((rest, ""));
            codec::native::decode_member(&layout, telemetry, member, payload.as_bytes(), &mut out)
        }
        "envelope" => match Envelope::open(rest.as_bytes()) {
            Ok(envelope) => envelope.decode(&layout, telemetry, &mut out),
            Err(problem) => Err(problem),
        },
        _ => panic!("unknown command {command}"),
    };
    shown(&layout, decoded, &out)
}

fn decode_mapped(line: &str) -> String {
    let (name, payload) = line.split_once(' ').unwrap();
    let layout = Arc::new(machine());
    let mapped = Mapped::compile(&sample_binding(name), &layout);
    let mut out = Decoded::default();
    let decoded = mapped.decode(payload.as_bytes(), &mut out);
    let skipped: String = mapped.skipped.iter().map(|to| format!("skipped {to}\n")).collect();
    skipped + &shown(&layout, decoded, &out)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn shown(layout: &Layout, decoded: Result<(), Problem>, out: &Decoded) -> String {
    let mut text = String::new();
    if let Err(problem) = decoded {
        return shown_problem("!", &problem);
    }
    for group in &out.groups {
        let time = group.time.map_or_else(|| "receipt".to_owned(), |time| time.to_string());
        writeln!(text, "at {time}").unwrap();
        for reading in &group.readings {
            let spec = layout.slot(reading.slot);
            let reason = if reading.reason == Reason::None { String::new() } else { format!(" {}", reading.reason) };
            writeln!(text, "  {} {} {}{reason}", spec.path, spec.to_json(&reading.value), reading.quality).unwrap();
        }
    }
    for problem in &out.problems {
        text += &shown_problem("-", problem);
    }
    if out.unmapped > 0 {
        writeln!(text, "unmapped {}", out.unmapped).unwrap();
    }
    if text.is_empty() { "nothing\n".to_owned() } else { text }
}

fn shown_problem(mark: &str, problem: &Problem) -> String {
    let field = problem.field.as_deref().map_or(String::new(), |field| format!(" [{field}]"));
    format!("{mark} {}{field}: {}\n", problem.code, problem.message)
}

fn route(bindings: &[Arc<Binding>], topic: &str) -> String {
    match Router::new(&Source::Embedded, bindings).route_bytes(topic.as_bytes()) {
        Ok(route) => format!("{route}\n"),
        Err(unrouted) => format!("! {}: {unrouted}\n", unrouted.code()),
    }
}

/// `{line}-{tag}` over `plant/{line}/{tag...}` and the topic `plant/mixing/a/b`.
fn expand(text: &str) -> String {
    let pattern = TopicPattern::parse("plant/{line}/{tag...}").unwrap();
    let template = match Template::parse(text, &pattern) {
        Ok(template) => template,
        Err(error) => return format!("! at {}: {error}\n", error.offset),
    };
    let router = Router::new(&Source::Embedded, &[Arc::new(Binding { topic: pattern, ..binding("x", &[]) })]);
    let mut expanded = String::new();
    let codec::Route::Bound { captures, .. } = router.route("plant/mixing/a/b").unwrap() else { panic!("not bound") };
    topic::expand(&template, &captures, &mut expanded);
    format!("{expanded}\n")
}

/// Runs a table: everything below a `>` line up to the next blank line, comment or `>` line is expected.
#[expect(clippy::disallowed_methods, reason = "whether to accept a diff is said by the environment, as everywhere in the tests")]
fn check(file: &str, decode: &mut dyn FnMut(&str) -> String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/codec").join(file);
    let table = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut actual = String::new();
    for line in table.lines() {
        if let Some(input) = line.strip_prefix("> ") {
            writeln!(actual, "{line}\n{}", decode(input).trim_end()).unwrap();
        } else if line.starts_with('#') || line.is_empty() {
            writeln!(actual, "{line}").unwrap();
        }
    }
    // A case that became nothing leaves an empty line of its own.
    let actual = actual.replace("\n\n\n", "\n\n");
    if actual == table {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let different = actual.lines().zip(table.lines()).position(|(actual, expected)| actual != expected).unwrap_or_default();
    let nearby = |text: &str| text.lines().skip(different.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
    panic!("{file}, line {}: expected\n{}\n--- but got\n{}", different + 1, nearby(&table), nearby(&actual));
}

/// The type that all tables use.
fn machine() -> Layout {
    SlotSpecs::new()
        .telemetry("temperature", ValueType::Double, "degC", range(-10.0, 130.0), Outside::Bad)
        .telemetry("speed", ValueType::Int, "rpm", range(0.0, 3000.0), Outside::Reject)
        .telemetry("pressure", ValueType::Double, "bar", Constraints::default(), Outside::Bad)
        .telemetry("mode", ValueType::Enum(modes()), "", Constraints::default(), Outside::Bad)
        .telemetry("running", ValueType::Bool, "", Constraints::default(), Outside::Bad)
        .telemetry("label", ValueType::String, "", Constraints { length_max: Some(8), ..Constraints::default() }, Outside::Bad)
        .telemetry("since", ValueType::Timestamp, "", Constraints::default(), Outside::Bad)
        .telemetry("note", ValueType::Json, "", Constraints::default(), Outside::Bad)
        .telemetry("position", ValueType::Geo(None), "", Constraints::default(), Outside::Bad)
        .telemetry("blob", ValueType::Bytes { media_type: None, bytes_max: 16 }, "", Constraints::default(), Outside::Bad)
        .object("vibration", &["x", "y", "z"], "mm/s")
        .array("phases", 3, "A")
        .layout()
}

fn range(min: f64, max: f64) -> Constraints {
    Constraints { min: Some(min), max: Some(max), ..Constraints::default() }
}

fn modes() -> Arc<[EnumValue]> {
    [("IDLE", 0), ("RUN", 1), ("FAULT", 9)].map(|(name, wire)| EnumValue { name: name.into(), wire: EnumWire::Int(wire) }).into()
}

struct SlotSpecs {
    slots: Vec<SlotSpec>,
    members: Vec<Member>,
    fields: Vec<(String, FieldTarget)>,
}

impl SlotSpecs {
    fn new() -> SlotSpecs {
        SlotSpecs { slots: Vec::new(), members: Vec::new(), fields: Vec::new() }
    }

    fn slot(&mut self, path: &str, value_type: ValueType, unit: &str, constraints: Constraints, outside: Outside) -> SlotNo {
        let rules = TelemetryRules {
            every: None,
            stale: None,
            outside,
            duplicates: Duplicates::Last,
            max_age: None,
            lateness: std::time::Duration::ZERO,
            reorder: std::time::Duration::ZERO,
            history: History::All,
        };
        self.slots.push(SlotSpec {
            path: path.into(),
            member: u16::try_from(self.members.len()).unwrap(),
            section: Section::Telemetry,
            value_type,
            unit: (!unit.is_empty()).then(|| Unit::parse(unit).unwrap()),
            constraints,
            property: None,
            telemetry: Some(rules),
            decimals: None,
        });
        SlotNo(u16::try_from(self.slots.len() - 1).unwrap())
    }

    fn member(&mut self, name: &str, value_type: ValueType, target: FieldTarget) {
        let first = self.slots.iter().position(|slot| usize::from(slot.member) == self.members.len()).unwrap();
        self.members.push(Member {
            name: name.into(),
            wire: name.into(),
            section: Section::Telemetry,
            value_type,
            slots: u16::try_from(first).unwrap()..u16::try_from(self.slots.len()).unwrap(),
            title: None,
            description: None,
            deprecated: None,
            declared_by: "Machine".into(),
        });
        self.fields.push((name.to_owned(), target));
    }

    fn telemetry(mut self, name: &str, value_type: ValueType, unit: &str, constraints: Constraints, outside: Outside) -> SlotSpecs {
        let slot = self.slot(name, value_type.clone(), unit, constraints, outside);
        self.member(name, value_type, FieldTarget::Slot(slot));
        self
    }

    fn object(mut self, name: &str, leaves: &[&str], unit: &str) -> SlotSpecs {
        let inside: Vec<(String, FieldTarget)> = leaves
            .iter()
            .map(|leaf| {
                let slot = self.slot(&format!("{name}.{leaf}"), ValueType::Double, unit, Constraints::default(), Outside::Bad);
                ((*leaf).to_owned(), FieldTarget::Slot(slot))
            })
            .collect();
        self.member(name, ValueType::Json, FieldTarget::Object(Box::new(FieldTable::build(inside))));
        self
    }

    fn array(mut self, name: &str, count: usize, unit: &str) -> SlotSpecs {
        let slots: Box<[SlotNo]> = (0..count)
            .map(|index| self.slot(&format!("{name}.{index}"), ValueType::Double, unit, Constraints::default(), Outside::Bad))
            .collect();
        self.member(name, ValueType::Json, FieldTarget::FixedArray(slots));
        self
    }

    fn layout(self) -> Layout {
        let label = self.fields.iter().filter(|(name, _)| name == "label").cloned();
        Layout {
            name: "Machine".into(),
            version: Version { major: 1, minor: 0 },
            kind: Kind::Asset,
            is_abstract: false,
            alarm_area: false,
            ancestors: Box::default(),
            title: None,
            description: None,
            icon: None,
            reported_fields: FieldTable::build(label),
            telemetry_fields: FieldTable::build(self.fields),
            slots: self.slots.into(),
            members: self.members.into(),
            relations: Box::default(),
            logic: Default::default(),
            fingerprint: 0,
        }
    }
}

fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn rule(from: &str, to: &str, unit: &str) -> ValueRule {
    let unit = (!unit.is_empty()).then(|| Unit::parse(unit).unwrap());
    ValueRule { path: path(from), to: to.into(), unit, scale: 1.0, offset: 0.0, values: None }
}

fn time(from: &str, format: TimeFormat) -> Option<TimeRule> {
    Some(TimeRule { path: path(from), format })
}

fn quality() -> Option<QualityRule> {
    Some(QualityRule { path: path("$.st"), good: [0.into(), 192.into()].into(), uncertain: [64.into()].into() })
}

fn binding(id: &str, rules: &[ValueRule]) -> Binding {
    let topic = TopicPattern::parse("a/{tag}").unwrap();
    Binding {
        id: id.into(),
        source: Source::Embedded,
        twin: TwinSelector::Id(Template::parse("{tag}", &topic).unwrap()),
        topic,
        codec: "json".into(),
        time: None,
        quality: None,
        map: rules.iter().cloned().map(MapRule::Value).collect(),
        unknown_twin: UnknownTwin::Reject,
        unmapped: Unmapped::Count,
        source_span: Span::new(FileId(0), 0, 0),
    }
}

/// The bindings that `mapped.txt` names; its head describes them.
fn sample_binding(name: &str) -> Arc<Binding> {
    let plc = [
        rule("$.T", "temperature", "degF"),
        ValueRule { scale: 0.1, offset: 1.0, ..rule("$.p", "pressure", "bar") },
        ValueRule { values: Some([("0".into(), "IDLE".into()), ("on".into(), "RUN".into())].into()), ..rule("$.mode", "mode", "") },
        rule("$.drive.v", "vibration", ""),
        rule("$.missing", "torque", "N.m"),
    ];
    let mut binding = match name {
        "plc" => Binding { time: time("$.t", TimeFormat::UnixMillis), quality: quality(), ..binding(name, &plc) },
        "each" => {
            let samples = MapRule::Each {
                path: path("$.samples[*]"),
                time: time("$.t", TimeFormat::Unix),
                quality: None,
                map: [rule("$.v", "vibration.x", "m/s")].into(),
            };
            Binding { time: time("$.t", TimeFormat::Rfc3339), quality: quality(), map: [samples].into(), ..binding(name, &[]) }
        }
        "named" => {
            let zone = TimeFormat::Pattern { pattern: "%d.%m.%Y %H:%M:%S".into(), zone: "+02:00".into() };
            Binding { time: time("$.at", zone), ..binding(name, &[]) }
        }
        "strict" => Binding { unmapped: Unmapped::Reject, ..binding(name, &[rule("$.T", "temperature", "")]) },
        "rest" => Binding { unmapped: Unmapped::Json("note".into()), ..binding(name, &[rule("$.T", "temperature", "")]) },
        "many" => binding(name, &[rule("$.values[*]", "temperature", "")]),
        "watts" => binding(name, &[rule("$.T", "temperature", "W")]),
        "micros" => Binding { time: time("$.t", TimeFormat::UnixMicros), ..binding(name, &[rule("$.T", "temperature", "")]) },
        _ => panic!("unknown binding {name}"),
    };
    binding.id = name.into();
    Arc::new(binding)
}
