//! `pollux new DIR`: a small workspace that passes `pollux check` and says in comments what can be changed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::USAGE;

/// Make a small workspace to begin with.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// A folder that is empty or does not exist yet.
    pub dir: PathBuf,
}

/// Paths with `/`, and what stands there.
const FILES: &[(&str, &str)] = &[
    ("schemas/relations.yaml", RELATIONS),
    ("schemas/Area.yaml", AREA),
    ("schemas/Pump.yaml", PUMP),
    ("schemas/Tank.yaml", TANK),
    ("schemas/LevelSensor.yaml", LEVEL_SENSOR),
    ("twins/plant.yaml", PLANT),
];

const RELATIONS: &str = r#"# Relations that more than one type uses. `contains` and `observes` are built in.
relations:
  feeds: {inverse: fedBy, properties: {pipe: {type: string, pattern: "DN[0-9]+"}}}
"#;

const AREA: &str = "\
# A place: it has no measurements of its own, only what it contains.
type: Area
title: Area
relations:
  contains: {to: [Area, Pump, Tank, LevelSensor]}
";

const PUMP: &str = "\
type: Pump
title: Pump
properties: # slow: what it is and how it is set
  serial: {type: string, required: true, unique: true}
  ratedFlow: {type: double, unit: L/min, min: 0}
telemetry: # fast: what it measures; `every` says how often, and when silence becomes stale
  flow: {type: double, unit: L/min, min: 0, max: 500, every: 5s}
  temperature: {type: double, unit: degC, min: -20, max: 150, every: 5s, decimals: 1}
  mode: {type: enum, values: [IDLE, RUN, FAULT]}
relations:
  feeds: {to: [Tank], max: 2}
";

const TANK: &str = "\
type: Tank
title: Tank
properties:
  height: {type: double, unit: m, min: 0.5, max: 12, required: true}
telemetry:
  level: {type: double, unit: m, min: 0, max: 12, every: 10s}
";

const LEVEL_SENSOR: &str = "\
# A DEVICE sends; what it sends may also be telemetry of the asset that it observes.
type: LevelSensor
title: Level sensor
kind: DEVICE
telemetry:
  level: {type: double, unit: m, min: 0, max: 12, every: 10s}
  battery: {type: double, unit: \"%\", min: 0, max: 100, every: 1h}
";

const PLANT: &str = r#"# Twins, and how messages reach them.
# A twin takes native messages without any binding:
#   topic pollux/pump-1/telemetry    payload {"flow": 42.0, "temperature": 21.5}
twins:
  - id: plant
    type: Area
    name: Plant
    contains:
      - id: pump-1
        type: Pump
        name: Feed pump
        properties: {serial: P-0001, ratedFlow: 2 L/s} # a unit that converts may be written
        externalIds: {plc: PU1}
        relations: {feeds: [{to: tank-1, pipe: DN50}]}
      - id: tank-1
        type: Tank
        name: Buffer
        properties: {height: 4}
      - id: level-1
        type: LevelSensor
        observes: [{asset: tank-1, map: [level]}]
bindings:
  # plant/PU1/values {"ts": 1767225600000, "T": 70.2, "Q": 1.5}
  - id: plc
    source: mqtt
    topic: plant/{tag}/values
    twin: {externalId: {plc: "{tag}"}}
    time: {path: $.ts, format: unixMillis}
    map:
      - {path: $.T, to: temperature}
      - {path: $.Q, to: flow, unit: L/s}
"#;

pub fn run(args: &NewArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let dir = &args.dir;
    if is_used(dir)? {
        writeln!(out, "error: {} is not empty: name a folder that is empty or does not exist yet", dir.display())?;
        return Ok(ExitCode::from(USAGE));
    }
    for (path, text) in FILES {
        let path = dir.join(path);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    writeln!(out, "\nnext: pollux check {}", dir.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Anything but a folder without entries, or nothing at all.
fn is_used(dir: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(_) if dir.exists() && !dir.is_dir() => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", dir.display())),
    }
}
