//! A type with members of every kind, and a twin of it whose values can be set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::reading::unit::Unit;
use crate::reading::{Quality, Timestamp};

use super::super::*;

static COMPILER: LazyLock<Compiler> = LazyLock::new(|| Compiler::start().unwrap());

/// The names of a type. Slots are numbered in their order.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) members: Vec<(String, Resolved)>,
    pub(super) folds: Vec<Fold>,
    pub(super) owner: String,
}

fn unit(symbol: &str) -> Option<Unit> {
    Some(Unit::find(symbol).unwrap())
}

pub(super) fn number(symbol: &str) -> Shape {
    Shape::number(unit(symbol))
}

fn names(all: &[&str]) -> Kind {
    Kind::Enum(all.iter().map(|name| Box::from(*name)).collect())
}

pub(super) fn severity() -> Shape {
    Shape::new(names(&["INFO", "WARNING", "MINOR", "MAJOR", "CRITICAL"]))
}

/// A type `Mixer`.
pub(super) fn mixer() -> Names {
    let double = || Shape::new(Kind::Double);
    let members: Vec<(&str, Shape)> = vec![
        ("temperature", number("degC").with_decimals(Some(1))),
        ("speed", number("rpm")),
        ("torque", number("N.m")),
        ("power", number("kW")),
        ("pressure", number("bar")),
        ("humidity", number("%")),
        ("level", double()),
        ("other", double()),
        ("count", Shape::new(Kind::Int)),
        ("steps", Shape::new(Kind::Int).with_unit(unit("rpm"))),
        ("serial", Shape::new(Kind::Text)),
        ("mode", Shape::new(names(&["IDLE", "RUN", "CLEAN", "FAULT"]))),
        ("running", Shape::new(Kind::Bool)),
        ("started", Shape::new(Kind::Timestamp)),
        ("elapsed", Shape::new(Kind::Duration)),
        ("samples", Shape::list(double(), Some(8))),
        ("many", Shape::list(double(), None)),
        ("settings", Shape::new(Kind::Map(Arc::new(double())))),
        ("meta", Shape::new(Kind::Any)),
        ("config", Shape::new(Kind::Object(vec![("limit".into(), number("degC")), ("name".into(), Shape::new(Kind::Text))].into()))),
        ("position", Shape::new(Kind::Geo)),
        ("site", Shape::new(Kind::Geo)),
        ("drive.current", number("A")),
        ("vibration.x", number("mm/s")),
        ("variant", Shape::new(names(&["L", "M", "H"]))),
        ("outside", number("degF")),
        ("loop", double()),
    ];
    let mut resolved: Vec<(String, Resolved)> = Vec::new();
    for (index, (name, shape)) in members.into_iter().enumerate() {
        let mut member = Resolved::new(Operand::Slot(index as u16), shape);
        if name == "pressure" {
            (member.least, member.greatest) = (Some(0.0), Some(16.0));
        }
        resolved.push((name.to_owned(), member));
    }
    for (name, operand, shape) in [
        ("params.hi", Operand::Param(0), number("degC")),
        ("params.band", Operand::Param(1), number("K")),
        ("params.share", Operand::Param(2), double()),
        ("twin.id", Operand::Twin(Attribute::Id), Shape::new(Kind::Text)),
        ("twin.name", Operand::Twin(Attribute::Name), Shape::new(Kind::Text)),
        ("twin.severity", Operand::Twin(Attribute::Severity), severity()),
        ("alarm.overheat", Operand::Alarm(0), Shape::new(Kind::Bool)),
        ("vars.minutes", Operand::Variable(0), Shape::new(Kind::Int)),
        ("trigger", Operand::Trigger, Shape::new(names(&["INPUT", "TIMER"]))),
    ] {
        resolved.push((name.to_owned(), Resolved::new(operand, shape)));
    }
    Names { members: resolved, folds: Vec::new(), owner: "Mixer".to_owned() }
}

fn pump() -> Names {
    let members =
        [("temperature", number("degC")), ("power", number("kW")), ("twin.severity", severity()), ("running", Shape::new(Kind::Bool))];
    let members = members.into_iter().enumerate();
    let members = members.map(|(index, (name, shape))| (name.to_owned(), Resolved::new(Operand::Slot(index as u16), shape))).collect();
    Names { members, folds: Vec::new(), owner: "Pump".to_owned() }
}

impl Scope for Names {
    fn resolve(&mut self, path: &[&str]) -> Option<Resolved> {
        let path = path.join(".");
        self.members.iter().find(|(name, _)| *name == path).map(|(_, resolved)| resolved.clone())
    }

    fn names(&self) -> Vec<String> {
        self.members.iter().map(|(name, _)| name.clone()).collect()
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }

    fn above(&mut self, above: Above<'_>, path: &[&str]) -> Result<Resolved, Refusal> {
        match (above, path) {
            (Above::Parent, ["setpoint"]) => {
                let message = "parent may be an Area or a Line, and Line has no `setpoint`";
                Err(Refusal { code: "E713", message: message.to_owned(), hint: Some("use ancestor('Area')".to_owned()) })
            }
            (Above::Parent, ["power"]) => Ok(Resolved::new(Operand::Import(0), number("MW"))),
            (Above::Ancestor("Area"), ["setpoint"]) => Ok(Resolved::new(Operand::Import(1), number("degC"))),
            _ => Err(Refusal::new("E702", format!("there is no `{}` above", path.join(".")))),
        }
    }

    fn others(&mut self, over: &Over) -> Result<Box<dyn Scope>, Refusal> {
        let (Over::Children { of_type } | Over::Related { of_type, .. }) = over;
        if of_type.as_deref().is_none_or(|name| name == "Pump") {
            Ok(Box::new(pump()))
        } else {
            Err(Refusal::new("E702", "there is no type `Pmup`; did you mean `Pump`?"))
        }
    }

    fn keep(&mut self, fold: Fold) -> Result<Operand, Refusal> {
        self.folds.push(fold);
        Ok(Operand::Fold(self.folds.len() as u16 - 1))
    }

    fn quoted(&mut self, what: Quoted, name: &str) -> Result<Operand, Refusal> {
        match (what, name) {
            (Quoted::Timeout, "run") => Ok(Operand::Timeout(0)),
            (Quoted::Input, "temperature") => Ok(Operand::Caused(0)),
            (Quoted::Event, "serviced") => Ok(Operand::Event(0)),
            (Quoted::Timeout, _) => Err(Refusal::new("E721", format!("timeout('{name}'): no such timer is ever set"))),
            _ => Err(Refusal::new("E718", format!("`{name}` is not an event of Mixer"))),
        }
    }
}

/// What a mixer holds.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) values: BTreeMap<Operand, Known<Datum>>,
    pub(super) previous: BTreeMap<Operand, Datum>,
    pub(super) changed: BTreeSet<Operand>,
    pub(super) now: i64,
}

impl World {
    /// A mixer of which everything is known.
    pub(super) fn usual() -> World {
        let mut world = World { now: 1_700_000_000_000_000, ..World::default() };
        let text = |text: &str| Datum::Text(Arc::from(text));
        let json = |text: &str| Datum::Json(Arc::new(serde_json::from_str(text).unwrap()));
        for (name, datum) in [
            ("temperature", Datum::Double(86.5)),
            ("speed", Datum::Double(1500.0)),
            ("torque", Datum::Double(40.0)),
            ("power", Datum::Double(5.5)),
            ("pressure", Datum::Double(6.0)),
            ("humidity", Datum::Double(50.0)),
            ("level", Datum::Double(2.5)),
            ("other", Datum::Double(4.0)),
            ("count", Datum::Int(7)),
            ("steps", Datum::Int(90)),
            ("serial", text("MX-0042é")),
            ("mode", Datum::Enum(1)),
            ("running", Datum::Bool(true)),
            ("started", Datum::Timestamp(Timestamp(1_699_999_100_000_000))),
            ("elapsed", Datum::Duration(5_400_000_000)),
            ("samples", json("[1, 2.5, 4]")),
            ("many", json("[3, 1, 2]")),
            ("settings", json(r#"{"low": 1.5, "high": 9}"#)),
            ("meta", json(r#"{"site": "Basel", "floor": 3, "tags": ["a", "b"], "none": null}"#)),
            ("config", json(r#"{"limit": 90, "name": "x"}"#)),
            ("position", json(r#"{"type": "Point", "coordinates": [8.5, 47.4]}"#)),
            ("site", json(r#"{"type": "Polygon", "coordinates": [[[8,47],[9,47],[9,48],[8,48],[8,47]]]}"#)),
            ("drive.current", Datum::Double(12.0)),
            ("vibration.x", Datum::Double(0.5)),
            ("variant", Datum::Enum(0)),
            ("outside", Datum::Double(212.0)),
            ("loop", Datum::Double(1.0)),
            ("params.hi", Datum::Double(85.0)),
            ("params.band", Datum::Double(2.0)),
            ("params.share", Datum::Double(0.5)),
            ("twin.id", text("mixer-1")),
            ("twin.name", text("Mixer 1")),
            ("twin.severity", Datum::Enum(3)),
            ("alarm.overheat", Datum::Bool(false)),
            ("vars.minutes", Datum::Int(41)),
            ("trigger", Datum::Enum(0)),
        ] {
            world.set(name, Ok(datum));
        }
        for (operand, datum) in [
            (Operand::Import(0), Datum::Double(0.004)),
            (Operand::Import(1), Datum::Double(80.0)),
            (Operand::Fold(0), Datum::Int(2)),
            (Operand::Timeout(0), Datum::Bool(true)),
            (Operand::Caused(0), Datum::Bool(true)),
            (Operand::Event(0), Datum::Bool(false)),
        ] {
            world.values.insert(operand, Ok(datum));
        }
        world
    }

    pub(super) fn set(&mut self, name: &str, value: Known<Datum>) {
        self.values.insert(operand(name), value);
    }

    pub(super) fn with(mut self, name: &str, value: Known<Datum>) -> World {
        self.set(name, value);
        self
    }
}

pub(super) fn operand(name: &str) -> Operand {
    mixer().resolve(&name.split('.').collect::<Vec<_>>()).unwrap_or_else(|| panic!("{name}")).operand
}

impl Environment for World {
    fn read(&self, operand: Operand) -> Known<Datum> {
        self.values.get(&operand).cloned().unwrap_or(Err(Unknown::of(operand, Why::Missing)))
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        self.previous.get(&operand).cloned().ok_or(Unknown::of(operand, Why::Missing))
    }

    fn is_changed(&self, operand: Operand) -> bool {
        self.changed.contains(&operand)
    }

    fn time_of(&self, operand: Operand) -> Option<Timestamp> {
        self.values.contains_key(&operand).then_some(Timestamp(self.now - 60_000_000))
    }

    fn quality(&self, operand: Operand) -> Quality {
        match self.read(operand) {
            Ok(_) => Quality::Good,
            Err(Unknown { why: Why::Missing, .. }) => Quality::Missing,
            Err(_) => Quality::Bad,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }
}

pub(super) fn parse(text: &str) -> Result<Parsed, Vec<Problem>> {
    COMPILER.parse(text)
}

pub(super) fn compile_for(text: &str, expect: Expect<'_>) -> Result<Checked, Vec<Problem>> {
    check(&parse(text)?, &mut mixer(), expect)
}

pub(super) fn compile(text: &str) -> Result<Checked, Vec<Problem>> {
    compile_for(text, Expect::Anything)
}

/// What it is worth in that world, with its unit; or the reason why it is not known.
pub(super) fn shown(text: &str, world: &World) -> String {
    let checked = match compile(text) {
        Ok(checked) => checked,
        Err(problems) => return problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
    };
    let unit = checked.shape().unit().map(|unit| format!(" {unit}")).unwrap_or_default();
    match checked.tree.to_json(world) {
        Ok(json) => format!("{json}{unit}"),
        Err(unknown) => format!("unknown {}", unknown.why.as_str()),
    }
}

/// `expression => value`, line by line.
pub(super) fn check_text(world: &World, cases: &str) {
    let mut wrong = Vec::new();
    for case in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, expected) = case.split_once(" => ").unwrap_or_else(|| panic!("no => in {case}"));
        let own = shown(text.trim(), world);
        if own != expected.trim() {
            wrong.push(format!("{text} => {own}   (expected {expected})"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
