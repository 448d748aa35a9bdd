//! What small and large workspaces give: whole schemas, checked and printed.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use expect_test::expect_file;

use crate::api::build::{Built, SchemaBuilder};
use crate::api::names::{ViewPlan, plan, select};
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
        ("relations", "relations:\n  feeds: {inverse: fedBy, properties: {pipe: string, node: double L/min}}\n  hasPart: {inverse: partOf, hierarchy: true}\n"),
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
    let mut schema = SchemaBuilder::new();
    crate::api::types::declare(&mut schema, plan);
    crate::api::query::declare(&mut schema);
    crate::api::mutation::declare(&mut schema);
    crate::api::subscription::declare(&mut schema);
    super::declare(&mut schema, catalog, plan);
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
