//! `pollux bench workspace`: a workspace of any size to measure with.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, bail};

/// Machines of one area: enough to be a tree, few enough that no parent is special.
const AREA_TWINS_MAX: usize = 100;
/// Keeps every file below what a reader of YAML likes to take at once.
const FILE_AREAS_MAX: usize = 100;

const MACHINE: &str = "\
# Eight slots: what `pollux bench ingest` sends.
type: BenchMachine
telemetry:
  temperature: {type: double, unit: degC, min: -50, max: 200, every: 1s}
  pressure: {type: double, unit: bar, min: 0, max: 400, every: 1s}
  speed: {type: double, unit: rpm, min: 0, max: 3000, every: 1s}
  torque: {type: double, unit: N.m, min: 0, max: 500, every: 1s}
  current: {type: double, unit: A, min: 0, max: 200, every: 1s}
  flow: {type: double, unit: L/min, min: 0, max: 500, every: 1s}
  vibration: {type: double, unit: mm/s, min: 0, max: 100, every: 1s}
  level: {type: double, unit: \"%\", min: 0, max: 100, every: 1s}
";

/// Members that messages of three readings carry, and what they never reach.
const SENT: [(&str, u32); 3] = [("temperature", 190), ("pressure", 390), ("speed", 2990)];

const AREA: &str = "\
type: BenchArea
relations:
  contains: {to: [BenchArea, BenchMachine]}
";

const STATION: &str = "\
# Only for `pollux bench graphql traverse`.
type: BenchStation
relations:
  feeds: {to: [BenchStation]}
";
/// Stations of each level below the one `bench-a-0`, and how many each station feeds.
const STATIONS: [(&str, usize, usize); 4] = [("a", 1, 10), ("b", 10, 10), ("c", 100, 9), ("d", 900, 0)];

pub(super) fn write(dir: &Path, twins: usize, with_stations: bool, rules: usize) -> anyhow::Result<()> {
    refuse_a_used_folder(dir)?;
    let twins_dir = dir.join("twins");
    fs::create_dir_all(dir.join("schemas"))
        .and_then(|()| fs::create_dir_all(&twins_dir))
        .with_context(|| format!("cannot make {}", dir.display()))?;
    put(&dir.join("schemas/BenchMachine.yaml"), &format!("{MACHINE}{}", logic(rules)?))?;
    put(&dir.join("schemas/BenchArea.yaml"), AREA)?;
    put(&twins_dir.join("root.yaml"), "twins:\n  - {id: bench, type: BenchArea, name: Bench}\n")?;
    let areas = twins.div_ceil(AREA_TWINS_MAX);
    for (file, first) in (0..areas).step_by(FILE_AREAS_MAX).enumerate() {
        let path = twins_dir.join(format!("areas-{file:04}.yaml"));
        write_areas(&path, first..areas.min(first + FILE_AREAS_MAX), twins).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if with_stations {
        put(&dir.join("schemas/BenchStation.yaml"), STATION)?;
        put(&twins_dir.join("stations.yaml"), &stations()?)?;
    }
    Ok(())
}

/// The windows that rules look at in turn, of the kinds that people write.
const WINDOWS: [&str; 5] = [
    "agg: avg, window: {sliding: 10m}",
    "agg: avg, window: {tumbling: 1m}",
    "agg: max, window: {hopping: 5m, every: 1m}",
    "agg: avg, window: {count: 100}",
    "agg: rate, window: {sliding: 10m}",
];

/// So many rules on the members that every message carries, none of which is ever true; every second one looks at a window.
fn logic(rules: usize) -> anyhow::Result<String> {
    let (mut computed, mut conditions) = (String::new(), String::new());
    for no in 0..rules {
        let (member, limit) = SENT[no % SENT.len()];
        if no % 2 == 1 {
            writeln!(computed, "  figure{no}: {{of: {member}, {}}}", WINDOWS[no / 2 % WINDOWS.len()])?;
            writeln!(conditions, "  - {{id: rule{no}, when: \"figure{no} > {limit}\", deadband: 1}}")?;
        } else {
            writeln!(conditions, "  - {{id: rule{no}, when: \"{member} > {limit}\", onDelay: 10s}}")?;
        }
    }
    let section = |name: &str, lines: &str| if lines.is_empty() { String::new() } else { format!("{name}:\n{lines}") };
    Ok(section("computed", &computed) + &section("rules", &conditions))
}

/// A thousand and eleven twins in three levels.
fn stations() -> anyhow::Result<String> {
    let mut text = String::from("twins:\n");
    for (level, (name, count, fan)) in STATIONS.iter().enumerate() {
        for no in 0..*count {
            let below = STATIONS.get(level + 1).map_or("", |(below, ..)| below);
            let fed: Vec<String> = (no * fan..(no + 1) * fan).map(|target| format!("bench-{below}-{target}")).collect();
            let relations = if fed.is_empty() { String::new() } else { format!(", relations: {{feeds: [{}]}}", fed.join(", ")) };
            writeln!(text, "  - {{id: bench-{name}-{no}, type: BenchStation{relations}}}")?;
        }
    }
    Ok(text)
}

fn refuse_a_used_folder(dir: &Path) -> anyhow::Result<()> {
    if dir.exists() && fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?.next().is_some() {
        bail!("{} is not empty: name a folder that does not exist yet", dir.display());
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn write_areas(path: &Path, areas: std::ops::Range<usize>, twins: usize) -> anyhow::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    let mut text = String::from("twins:\n");
    for area in areas {
        writeln!(text, "  - {{id: bench-area-{area}, type: BenchArea, in: bench}}")?;
        let first = area * AREA_TWINS_MAX;
        for twin in first..twins.min(first + AREA_TWINS_MAX) {
            writeln!(text, "  - {{id: bench-{twin}, type: BenchMachine, in: bench-area-{area}}}")?;
        }
        file.write_all(text.as_bytes())?;
        text.clear();
    }
    Ok(file.flush()?)
}
