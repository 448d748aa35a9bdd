//! Changes of the structure while the program runs: through `Runtime::edit`, on a whole program, with restarts in between.

mod lives;
mod mistakes;
mod twins;
mod under_load;

use pollux::runtime::edit::{Error, Problem};
use serde_json::Value as Json;

use crate::support::World;

pub const FILES: &[(&str, &str)] = &[
    ("schemas/relations.yaml", RELATIONS),
    ("schemas/Hall.yaml", "type: Hall\nrelations: {contains: {to: [Hall, Machine, Tank]}}\n"),
    ("schemas/Machine.yaml", MACHINE),
    (
        "schemas/Tank.yaml",
        "type: Tank\nproperties: {height: {type: double, unit: m, required: true}}\ntelemetry: {level: {type: double, unit: m}}\n",
    ),
    (
        "schemas/Sensor.yaml",
        "type: Sensor\nkind: DEVICE\nproperties: {interval: {type: duration, sync: desired}, firmware: {type: string, sync: reported}}\ntelemetry: {level: {type: double, unit: cm}}\n",
    ),
    ("twins/plant.yaml", PLANT),
];

const RELATIONS: &str = "relations:\n  feeds: {inverse: fedBy, properties: {pipe: {type: string, pattern: \"DN[0-9]+\"}, flow: {type: double, unit: L/min, min: 0}}}\n  powers: {inverse: poweredBy, hierarchy: true}\n";
const MACHINE: &str = "
type: Machine
properties:
  serial: {type: string, pattern: \"[A-Z]{2}-[0-9]{4}\", unique: true, immutable: true}
  speedMax: {type: double, unit: rpm, min: 0, max: 3000, default: 100}
  size: {type: object, fields: {width: {type: double, unit: m}, height: {type: double, unit: m}}}
  note: {type: string}
telemetry:
  count: {type: int}
  temperature: {type: double, unit: degC}
relations:
  feeds: {to: [Machine, Tank], max: 2}
  powers: {to: [Machine]}
";
const PLANT: &str = "
twins:
  - {id: hall-1, type: Hall}
  - {id: hall-2, type: Hall}
  - {id: m-1, type: Machine, in: hall-1, properties: {serial: AB-0001}, externalIds: {sap: \"1\"}, relations: {feeds: [{to: tank-1, pipe: DN50}]}}
  - {id: m-2, type: Machine, in: hall-1, properties: {speedMax: 500}}
  - {id: tank-1, type: Tank, in: hall-1, properties: {height: 2}}
";

pub fn refused(outcome: Result<pollux::runtime::edit::Edited, Error>) -> Vec<Problem> {
    match outcome {
        Err(Error::Refused(problems)) => problems,
        other => panic!("expected to be refused: {other:?}"),
    }
}

/// `CODE path: message`, one in a line.
pub fn listed(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" [{hint}]")).unwrap_or_default();
        format!("{} {}: {}{hint}", problem.code, problem.path_in_ops().join("."), problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn property(world: &World, id: &str, path: &str) -> Json {
    let state = world.state(id);
    let slot = state.layout.slot_by_path(path).unwrap();
    state.slot(slot).value.as_ref().map_or(Json::Null, |value| state.layout.slot(slot).to_json(value))
}

/// The ids at the other ends of the edges that hold.
pub fn related(world: &World, id: &str, direction: &str, name: &str) -> Vec<String> {
    let edges = world.app().runtime.relations_of(id);
    let end = if direction == "out" { "to" } else { "from" };
    let of_name = edges[direction].as_array().unwrap().iter().filter(|edge| edge["name"] == name);
    let mut ids: Vec<String> = of_name.map(|edge| edge[end].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
