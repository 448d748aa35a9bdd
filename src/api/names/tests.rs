//! Views of small catalogs, by the names they give.

use crate::api::names::{Form, NodeRef, UnitArg, ValuePlan, ViewPlan, plan, select};
use crate::catalog::{Catalog, load};
use crate::source::Sources;

fn catalog(files: &[(&str, &str)]) -> Catalog {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(format!("schemas/{name}.yaml"), text.as_bytes());
    }
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "{problems:?}");
    catalog
}

fn plant() -> Catalog {
    catalog(&[
        (
            "relations",
            "relations:\n  feeds: {inverse: fedBy, properties: {pipe: string, node: double L/min}}\n  hasPart: {inverse: partOf, hierarchy: true}\n",
        ),
        ("Area", "type: Area\nrelations: {contains: {to: [Area, Machine, Tank]}}\n"),
        (
            "Machine",
            "type: Machine\nproperties:\n  serial: {type: string, unique: true, required: true, immutable: true}\n  commissioned: date\n  count: {type: int, min: 0, max: 9}\ntelemetry:\n  mode: {type: enum, values: [IDLE, RUN, 'true']}\n  speed: double rpm\n  vibration: {type: object, fields: {x: double mm/s, y: {type: double, unit: mm/s}}}\nrelations: {feeds: {to: [Machine, Tank]}, hasPart: {to: Motor}}\n",
        ),
        (
            "Mixer",
            "type: Mixer\nextends: Machine\nproperties:\n  recipe: {type: string, sync: desired}\n  limits3: {type: array, items: double, minItems: 3, maxItems: 3}\n  ID: string\n  bottles: int\n",
        ),
        ("Tank", "type: Tank\ntelemetry: {level: double m}\nrelations: {feeds: {to: Machine}}\n"),
        ("Motor", "type: Motor\ntelemetry: {power: double kW, current: double A}\n"),
        ("MotorEdge", "type: MotorEdge\nabstract: true\n"),
        ("Graph", "type: Graph\nextends: MotorEdge\n"),
    ])
}

fn view(patterns: &[&str]) -> ViewPlan {
    let catalog = plant();
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    let chosen = select(&catalog, &patterns).expect("the patterns name types");
    plan(&catalog, &chosen).expect("no two roots are equal")
}

#[test]
fn types_are_objects_or_interfaces_or_both() {
    let view = view(&["*"]);
    let machine = view.type_plan("Machine").expect("it is generated");
    assert_eq!(machine.object.as_deref(), Some("Machine"));
    assert_eq!(machine.interface.as_deref(), Some("AnyMachine"));
    let mixer = view.type_plan("Mixer").expect("it is generated");
    assert_eq!(mixer.interfaces.iter().map(|name| &**name).collect::<Vec<_>>(), ["AnyMachine"]);
    assert_eq!((&**mixer.output(), &*mixer.roots.many, &*mixer.roots.aggregate), ("Mixer", "mixers", "mixersAggregate"));
    assert_eq!(mixer.roots.create.as_deref(), Some("createMixer"));
    let hidden = view.type_plan("MotorEdge").expect("it is generated");
    assert_eq!((hidden.object.as_deref(), hidden.roots.create.as_deref()), (None, None));
}

#[test]
fn helpers_give_way_to_types_and_roots_to_the_core() {
    let view = view(&["*"]);
    assert_eq!(&*view.type_plan("Motor").expect("it is generated").helpers.edge, "Motor_Edge");
    assert_eq!(&*view.type_plan("Graph").expect("it is generated").roots.one, "graph_");
}

#[test]
fn values_have_their_forms_and_names() {
    let view = view(&["*"]);
    let mixer = view.type_plan("Mixer").expect("it is generated");
    let outputs: Vec<(&str, &str)> = mixer.fields.iter().map(|field| (&*field.name, view.field_output(field))).collect();
    let expected = [
        ("serial", "String"),
        ("commissioned", "Date"),
        ("count", "Int"),
        ("mode", "MachineModeReading"),
        ("speed", "FloatReading"),
        ("vibration", "MachineVibrationReading"),
        ("recipe", "StringSetting"),
        ("limits3", "Float"),
        ("ID", "String"),
        ("bottles", "Long"),
    ];
    assert_eq!(outputs, expected);
    assert!(matches!(mixer.fields[7].value, ValuePlan::List(_)));
    assert!(matches!(mixer.fields[6].form, Form::Setting(_)));
    let UnitArg::Enum(unit) = mixer.fields[4].unit else { panic!("rpm is a named unit") };
    assert_eq!(&*view.units[unit].name, "AngularVelocityUnit");
    assert!(view.units[unit].unit("REVOLUTION_PER_MINUTE").is_some());
    let sorts: Vec<&str> = mixer.sorts.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        sorts,
        ["ID", "NAME", "UPDATED_AT", "LAST_SEEN", "serial", "commissioned", "count", "mode", "speed", "recipe", "ID_", "bottles"]
    );
    assert_eq!(mixer.stats.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["count_", "speed", "bottles"]);
    let modes: Vec<&str> = view.enums[0].values.iter().map(|name| &**name).collect();
    assert_eq!(modes, ["IDLE", "RUN", "true_"]);
}

#[test]
fn relations_lead_to_the_nearest_common_type() {
    let view = view(&["*"]);
    let named = |type_name: &str, field: &str| {
        let plan = view.type_plan(type_name).expect("it is generated");
        let field = plan.relations.iter().find(|known| &*known.name == field).expect("it has the relation");
        &view.connections[field.connection]
    };
    let feeds = named("Machine", "feeds");
    assert_eq!((&*feeds.name, &*feeds.edge, feeds.node), ("MachineFeedsConnection", "MachineFeedsEdge", NodeRef::Twin));
    let fields: Vec<&str> = feeds.own_edge.iter().flat_map(|edge| &edge.fields).map(|field| &*field.name).collect();
    assert_eq!(fields, ["pipe", "node_"]);
    let fed_by = named("Mixer", "fedBy");
    assert_eq!((&*fed_by.name, &*fed_by.edge, fed_by.own_edge.is_none()), ("MachineFedByConnection", "MachineFeedsEdge", true));
    let fed_by = named("Tank", "fedBy");
    assert_eq!((&*fed_by.name, &*fed_by.edge, view.node_output(fed_by.node)), ("TankFedByConnection", "TankFeedsEdge", "AnyMachine"));
    let part = named("Mixer", "hasPart");
    assert_eq!((&*part.edge, view.node_filter(part.node)), ("Motor_Edge", "MotorWhere"));
    assert!(named("Area", "contains").input.is_none());
}

#[test]
fn a_view_takes_ancestors_along_and_types_the_rest_by_what_it_has() {
    let view = view(&["Mixer"]);
    let names: Vec<&str> = view.types.iter().map(|plan| &**plan.name()).collect();
    assert_eq!(names, ["Machine", "Mixer"]);
    let part = view.types[0].relations.iter().find(|field| &*field.name == "hasPart").expect("it has the relation");
    assert_eq!(view.connections[part.connection].node, NodeRef::Twin);
    assert_eq!(&*view.fallback, "OtherTwin");
    let catalog = plant();
    assert_eq!(&**view.object_of(catalog.layout("Motor").expect("a type")), "OtherTwin");
    let problems = select(&catalog, &["Mixr".to_owned()]).expect_err("there is none");
    assert_eq!(problems[0].to_string(), "`Mixr` of `generate` names no type; did you mean `Mixer`?");
}

#[test]
fn equal_roots_name_both_files() {
    let catalog = catalog(&[("HTTPPump", "type: HTTPPump\n"), ("HttpPump", "type: HttpPump\n")]);
    let chosen = select(&catalog, &["*".to_owned()]).expect("all types");
    let clashes = plan(&catalog, &chosen).expect_err("they are equal");
    assert_eq!(
        clashes[0].to_string(),
        "`HTTPPump` and `HttpPump` both give the root field `httpPump`: schemas/HTTPPump.yaml, schemas/HttpPump.yaml"
    );
}
