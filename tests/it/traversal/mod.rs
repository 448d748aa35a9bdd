//! Relations as clients follow them, on a whole program: which edges they are shown, and with how many statements of the graph store.

mod asker;
mod levels;
mod pages;
mod slices;

pub const FILES: &[(&str, &str)] = &[
    (
        "schemas/relations.yaml",
        "relations:\n  feeds: {inverse: fedBy, properties: {pipe: {type: string}}}\n  twinned: {symmetric: true}\n  powers: {inverse: poweredBy}\n",
    ),
    ("schemas/Hall.yaml", "type: Hall\nrelations: {contains: {to: [Hall, Pump]}}\n"),
    (
        "schemas/Pump.yaml",
        "type: Pump\nproperties: {size: {type: int}}\nrelations: {contains: {to: [Pump]}, feeds: {to: [Pump]}, twinned: {to: [Pump]}, powers: {to: [Pump]}}\n",
    ),
    ("twins/plant.yaml", PLANT),
];

/// `a` feeds `b`, `c` and `d`; `b` feeds `d`; `c` and `d` are twinned; `e` powers `d`; `f` stands alone.
const PLANT: &str = "
twins:
  - {id: a, type: Pump, properties: {size: 1}, relations: {feeds: [{to: d, pipe: DN50}, {to: b, pipe: DN20}, {to: c}]}}
  - {id: b, type: Pump, properties: {size: 2}, relations: {feeds: [{to: d}]}}
  - {id: c, type: Pump, properties: {size: 3}, relations: {twinned: [{to: d}]}}
  - {id: d, type: Pump, properties: {size: 1}}
  - {id: e, type: Pump, relations: {powers: [{to: d}]}}
  - {id: f, type: Pump}
";
