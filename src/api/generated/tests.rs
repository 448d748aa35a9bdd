//! What small and large workspaces give: whole schemas, checked and printed.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use expect_test::expect_file;
use serde_json::json;

use super::values::json_out;
use super::writes::{Creation, update};
use crate::api::build::{Built, Out};
use crate::api::names::{ViewPlan, plan, select};
use crate::api::revision::declare;
use crate::catalog::{Catalog, load};
use crate::source::Sources;

fn catalog(files: impl IntoIterator<Item = (String, String)>) -> Catalog {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(&name, text.as_bytes());
    }
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "{problems:?}");
    catalog
}

fn small() -> Catalog {
    let files = [
        (
            "relations",
            "relations:\n  feeds: {inverse: fedBy, properties: {pipe: string, node: double L/min}}\n  hasPart: {inverse: partOf, hierarchy: true}\n",
        ),
        (
            "Machine",
            "type: Machine\ndescription: Does something\nproperties:\n  serial: {type: string, unique: true, required: true, immutable: true}\n  commissioned: date\n  secret: {type: string, sensitive: true}\ntelemetry:\n  mode: {type: enum, values: [IDLE, RUN, 'true']}\n  speed: double rpm\n  vibration: {type: object, fields: {x: double mm/s, y: {type: double, unit: mm/s}}}\nrelations: {feeds: {to: [Machine, Tank]}, hasPart: {to: Motor}}\n",
        ),
        (
            "Mixer",
            "type: Mixer\nextends: Machine\nproperties:\n  recipe: {type: string, sync: desired}\n  limits3: {type: array, items: double, minItems: 3, maxItems: 3}\n  heat: {type: double, unit: kJ/(kg.K), description: Specific heat of what it holds}\n",
        ),
        ("Tank", "type: Tank\ntelemetry: {level: double m}\nrelations: {feeds: {to: Machine}}\n"),
        ("Motor", "type: Motor\nabstract: true\ntelemetry: {power: double kW}\n"),
        ("BigMotor", "type: BigMotor\nextends: Motor\n"),
    ];
    catalog(files.map(|(name, text)| (format!("schemas/{name}.yaml"), text.to_owned())))
}

fn view(catalog: &Catalog, patterns: &[&str]) -> Arc<ViewPlan> {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    let chosen = select(catalog, &patterns).expect("the patterns name types");
    Arc::new(plan(catalog, &chosen).expect("no two roots are equal"))
}

fn built(catalog: &Catalog, plan: &Arc<ViewPlan>) -> Built {
    let schema = declare(catalog, plan);
    schema.build().unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

/// The definitions that a name of the plan stands in, without those of the core.
fn generated(sdl: &str, core: &str) -> String {
    let known: std::collections::BTreeSet<&str> = core.split("\n\n").collect();
    let own: Vec<&str> = sdl.split("\n\n").filter(|definition| !known.contains(definition)).collect();
    own.join("\n\n")
}

#[test]
fn a_small_workspace_gives_this() {
    let catalog = small();
    let all = built(&catalog, &view(&catalog, &["*"]));
    let empty = Catalog::default();
    let core = built(&empty, &view(&empty, &["*"]));
    expect_file!["../../../tests/data/api/small.graphql"].assert_eq(&generated(&all.sdl, &core.sdl));
}

#[test]
fn a_view_of_a_part_is_whole() {
    let catalog = small();
    for patterns in [["Mixer"], ["Tank"], ["Motor"], ["BigMotor"], ["Machine"]] {
        built(&catalog, &view(&catalog, &patterns));
    }
}

#[test]
fn the_demo_workspace_gives_a_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["schemas", "twins"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder of the repository") {
            let path = entry.expect("an entry of it").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            files.push((format!("{folder}/{name}"), std::fs::read_to_string(&path).expect("text")));
        }
    }
    files.sort();
    let catalog = catalog(files);
    let built = built(&catalog, &view(&catalog, &["*"]));
    for line in ["  mixers(", "type Mixer implements Node & Twin & Machine {", "  temperature(unit: TemperatureUnit): FloatReading!"] {
        assert!(built.sdl.contains(line), "{line} is not in\n{}", built.sdl);
    }
    assert_eq!(built.field("Mixer", "temperature").map(|field| field.slots.clone()), Some(vec!["temperature".to_owned()]));
}

#[test]
fn a_workspace_of_1300_types_gives_a_schema() {
    let mut files = Vec::new();
    for index in 0..1_300 {
        let mut text = format!("type: Type{index}\n");
        if index % 10 != 0 {
            writeln!(text, "extends: Type{}", index / 10 * 10).expect("texts grow");
        }
        text.push_str("properties:\n");
        for member in 0..10 {
            writeln!(text, "  p{index}x{member}: {{type: double, unit: kW}}").expect("texts grow");
        }
        text.push_str("telemetry:\n");
        for member in 0..10 {
            writeln!(text, "  t{index}x{member}: {{type: double, unit: degC}}").expect("texts grow");
        }
        if index % 10 == 0 {
            writeln!(text, "relations: {{feeds: {{to: [Type{}]}}}}", (index + 10) % 1_300).expect("texts grow");
        }
        files.push((format!("schemas/Type{index}.yaml"), text));
    }
    files.push(("schemas/relations.yaml".to_owned(), "relations:\n  feeds: {inverse: fedBy}\n".to_owned()));
    let catalog = catalog(files);
    let begun = Instant::now();
    let view = view(&catalog, &["*"]);
    let named = begun.elapsed();
    let built = built(&catalog, &view);
    println!("named in {named:?}, built in {:?}, {} bytes", begun.elapsed() - named, built.sdl.len());
    assert!(built.field("Type1299", "t1299x9").is_some());
    assert!(built.field("Type1299", "p1290x0").is_some());
    assert!(built.field("Query", "type1299s").is_some());
}

#[test]
fn inputs_become_changes_and_problems_find_their_place() {
    let catalog = small();
    let plan = view(&catalog, &["*"]);
    let machine = plan.type_plan("Machine").expect("it is generated");
    let input = json!({
        "id": "m-1", "name": "M", "parent": "hall", "externalIds": [{"namespace": "erp", "value": "7"}], "serial": "X",
        "hasPart": [{"target": "motor-1"}],
        "feeds": [{"target": "tank-1", "pipe": "P", "node_": 12.5, "validFrom": "2026-01-01T00:00:00Z"}, {"target": "tank-2"}],
    });
    let creation = Creation::read(&plan, machine, input).expect("it can be read");
    let create = &creation.create;
    assert_eq!((create.id.as_deref(), create.name.as_deref(), create.parent.as_deref()), (Some("m-1"), Some("M"), Some("hall")));
    assert_eq!(json!(create.set), json!({"serial": "X"}));
    assert_eq!((&*create.external_ids[0].namespace, &*create.external_ids[0].value), ("erp", "7"));
    let edges: Vec<(&str, &str)> = create.relations.iter().map(|edge| (&*edge.name, &*edge.target)).collect();
    assert_eq!(edges, [("feeds", "tank-1"), ("feeds", "tank-2"), ("hasPart", "motor-1")]);
    assert_eq!(json!(create.relations[0].set), json!({"pipe": "P", "node": 12.5}));
    assert!(create.relations[0].valid_from.is_some());
    let path = |steps: &[&str]| creation.path(&steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>()).join(".");
    assert_eq!(path(&["set", "serial"]), "input.serial");
    assert_eq!(path(&["relations", "1", "target"]), "input.feeds.1.target");
    assert_eq!(path(&["relations", "2", "set", "pipe"]), "input.hasPart.0.pipe");
    assert_eq!(path(&["parent"]), "input.parent");

    let mixer = plan.type_plan("Mixer").expect("it is generated");
    let update = update(&plan, mixer, Some(json!({"name": "N", "heat": 4.2})), Some(json!(["recipe", "limits3"])));
    assert_eq!(
        (update.name.as_deref(), json!(update.set), update.unset),
        (Some("N"), json!({"heat": 4.2}), vec!["recipe".into(), "limits3".into()])
    );
}

/// Words that GraphQL keeps for itself are called otherwise in the schema, and never reach the runtime so.
#[test]
fn enum_values_go_in_and_come_out_by_their_own_words() {
    let files = [(
        "Valve",
        "type: Valve\nproperties:\n  flag: {type: enum, values: ['true', OPEN]}\n  flags: {type: array, items: {type: enum, values: ['null', X]}}\n",
    )];
    let catalog = catalog(files.map(|(name, text)| (format!("schemas/{name}.yaml"), text.to_owned())));
    let plan = view(&catalog, &["*"]);
    let valve = plan.type_plan("Valve").expect("it is generated");
    let update = update(&plan, valve, Some(json!({"flag": "true_", "flags": ["null_", "X"]})), None);
    assert_eq!(json!(update.set), json!({"flag": "true", "flags": ["null", "X"]}));
    let Out::List(shown) = json_out(&plan, &valve.fields[1].value, &json!(["null", "X"]), None) else { panic!("a list") };
    assert_eq!(format!("{shown:?}"), r#"[Text("null_"), Text("X")]"#);
}
