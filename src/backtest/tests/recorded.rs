//! The recordings of the acceptance page for rules, types to show them to, and what must come of it. Both ways are tested by these: the backtest
//! here, and the running process in `tests/it/both_ways`, which takes this file in. So it knows neither of them.

use std::path::PathBuf;

pub(crate) const MACHINE: &str = "nab/machine_temperature_system_failure.csv";
pub(crate) const AMBIENT: &str = "nab/ambient_temperature_system_failure.csv";
pub(crate) const TAXI: &str = "nab/nyc_taxi.csv";
pub(crate) const MILL: &str = "ai4i2020.csv";

/// A recording. It is no part of the project: `POLLUX_TEST_DATA` names the folder.
#[expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]
pub(crate) fn data(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so {file} was not looked at");
        return None;
    };
    let found = [folder.join(file), folder.join("ml").join(file)].into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: there is no {file} in {}", folder.display());
    }
    Some(std::fs::read_to_string(found?).expect("the recording can be read"))
}

/// A type with one member, of which this is said besides; `more` stands in front of its rules.
pub(crate) fn machine_type(name: &str, telemetry: &str, more: &str, rules: &str) -> String {
    format!("type: {name}\ntelemetry: {{value: {{type: double{telemetry}}}}}\n{more}rules:\n{rules}\n")
}

/// What became of the readings of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) new: u64,
    pub(crate) duplicate: u64,
    pub(crate) out_of_order: u64,
    pub(crate) conflict: u64,
}

/// T4: the file of the machine as it is.
pub(crate) const AS_IT_IS: Outcomes = Outcomes { new: 22_683, duplicate: 0, out_of_order: 11, conflict: 1 };
/// T4: each row twice in succession makes duplicates, and nothing else (`rules.md`, 18). A twin knows what it was lately told, also where no window
/// reads it: what a device sends again after a crash, because it did not hear that it was committed, would otherwise be recorded a second time.
/// So the eleven late rows are duplicates the second time, too; the page would have them recorded twice.
pub(crate) const EACH_ROW_TWICE: Outcomes = Outcomes { duplicate: 22_695, ..AS_IT_IS };
/// T4: how long the type lets rules wait; rows that are too late for them, rows that take the place of another.
pub(crate) const WAITS: [(&str, u64, u64); 2] = [("1h", 0, 12), ("5s", 11, 1)];

/// A line of T2: how `value > 95` is looked at, and how often it raises in file order and with `reorder: 1h`.
pub(crate) struct Line {
    pub(crate) settings: &'static str,
    pub(crate) raises: u64,
    pub(crate) waited: u64,
}

pub(crate) const LINES: [Line; 5] = [
    Line { settings: "", raises: 299, waited: 298 },
    Line { settings: ", deadband: 2", raises: 52, waited: 52 },
    Line { settings: ", onDelay: 15m", raises: 58, waited: 58 },
    Line { settings: ", deadband: 2, onDelay: 15m", raises: 35, waited: 35 },
    Line { settings: LAST_LINE, raises: 30, waited: 30 },
];
pub(crate) const LAST_LINE: &str = ", deadband: 2, onDelay: 15m, offDelay: 15m";

/// The five lines as the rules `r0` to `r4`, of each of which this is said besides.
pub(crate) fn limits(key: &str) -> String {
    LINES.iter().enumerate().map(|(no, line)| format!("  - {{id: r{no}, when: \"value > 95\"{}{key}}}\n", line.settings)).collect()
}

/// Of the last line: how long those were active that have ended, and how many pendings ended without an alarm, in file order and waited for.
pub(crate) const ENDED_ACTIVE_S: i64 = 1_737_300;
pub(crate) const AVOIDED: u64 = 85;
pub(crate) const AVOIDED_WAITED: u64 = 84;

/// T3: the rule `hot`; its first three alarms and its last one.
pub(crate) const HOT: &str = "  - {id: hot, when: \"value > 100\", deadband: 2, onDelay: 15m, offDelay: 15m}\n";
pub(crate) const HOT_SPANS: [(&str, &str); 4] = [
    ("2013-12-11T05:40:00Z", "2013-12-11T07:55:00Z"),
    ("2013-12-13T15:50:00Z", "2013-12-15T00:15:00Z"),
    ("2013-12-15T19:25:00Z", "2013-12-15T20:20:00Z"),
    ("2014-02-15T14:25:00Z", "2014-02-16T15:45:00Z"),
];

/// T1: columns of the mill with their members; rows are minutes apart from here on.
pub(crate) const MILL_COLUMNS: [(&str, &str); 6] = [
    ("Type", "variant"),
    ("Air temperature [K]", "airTemperature"),
    ("Process temperature [K]", "processTemperature"),
    ("Rotational speed [rpm]", "speed"),
    ("Torque [Nm]", "torque"),
    ("Tool wear [min]", "toolWear"),
];
pub(crate) const MILL_START: &str = "2026-01-01T00:00:00Z";

/// Both ways to say what power is; the second one knows no units.
pub(crate) const POWERS: [(&str, bool); 2] =
    [("{value: \"torque * speed\", unit: W}", true), ("{value: \"torque * speed * 2 * math.pi / 60\"}", false)];

pub(crate) fn mill_type(name: &str, (power, has_units): (&str, bool), rules: &str) -> String {
    let unit = |unit: &str| if has_units { format!(", unit: {unit}") } else { String::new() };
    let [kelvin, rpm, torque, minutes] = [unit("K"), unit("rpm"), unit("N.m"), unit("min")];
    format!(
        "type: {name}
telemetry:
  variant: {{type: enum, values: [L, M, H]}}
  airTemperature: {{type: double{kelvin}}}
  processTemperature: {{type: double{kelvin}}}
  speed: {{type: double{rpm}}}
  torque: {{type: double{torque}}}
  toolWear: {{type: double{minutes}}}
computed: {{power: {power}}}
rules:
{rules}"
    )
}

pub(crate) const FORMULAS: &str = r#"
  - {id: HDF, when: "processTemperature - airTemperature < 8.6 && speed < 1380"}
  - {id: PWF, when: "power < 3500 || power > 9000"}
  - {id: OSF, when: "toolWear * torque > (variant == 'L' ? 11000 : variant == 'M' ? 12000 : 13000)"}
"#;

/// A rule of T1, named as the column of its labels.
pub(crate) struct Formula {
    pub(crate) id: &'static str,
    pub(crate) rows_active: usize,
    pub(crate) raises: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

pub(crate) const LABELS: [Formula; 3] = [
    Formula { id: "HDF", rows_active: 115, raises: 104, first: 3237, last: 4852 },
    Formula { id: "PWF", rows_active: 95, raises: 94, first: 51, last: 9975 },
    Formula { id: "OSF", rows_active: 98, raises: 88, first: 70, last: 9975 },
];

/// The rows, counted from 1, that a column says so of.
pub(crate) fn labelled(text: &str, column: &str) -> Vec<u64> {
    let place = text.lines().next().unwrap_or_default().split(',').position(|label| label == column).expect("the file has that column");
    text.lines().skip(1).zip(1..).filter(|(row, _)| row.split(',').nth(place) == Some("1")).map(|(_, row)| row).collect()
}

/// T1b: rules, and how often each of them fires.
pub(crate) fn patterns() -> (String, Vec<(String, u64)>) {
    let change = "toolWear < previous(toolWear)";
    let hdf = "processTemperature - airTemperature < 8.6 && speed < 1380";
    let pwf = "power < 3500 || power > 9000";
    let osf = "toolWear * torque > (variant == 'L' ? 11000 : variant == 'M' ? 12000 : 13000)";
    let mut rules = format!(
        "  - {{id: changes, when: \"{change}\"}}\n  - {{id: worn, when: \"toolWear >= 200\"}}\n  - {{id: heavy, when: \"torque > 55\"}}\n"
    );
    let mut fires = vec![("changes".to_owned(), 119), ("worn".to_owned(), 116), ("heavy".to_owned(), 566)];
    let mut pattern = |id: String, pattern: &str, times: u64| {
        rules += &format!("  - {{id: {id}, pattern: {{{pattern}}}, clearAfter: 1s}}\n");
        fires.push((id, times));
    };
    for (within, times) in [(5, 68), (10, 20), (12, 12), (15, 3)] {
        pattern(format!("absent{within}"), &format!("after: \"toolWear >= 200\", absent: \"{change}\", within: {within}m"), times);
    }
    for (id, a, b, within, times) in [
        ("wear", "toolWear >= 200", osf, 10, 44),
        ("wear", "toolWear >= 200", osf, 30, 47),
        ("fail", hdf, pwf, 10, 5),
        ("fail", hdf, pwf, 30, 8),
    ] {
        pattern(format!("{id}{within}"), &format!("sequence: [\"{a}\", \"{b}\"], within: {within}m"), times);
    }
    for (count, within, times) in [(3, 10, 34), (5, 30, 16)] {
        pattern(format!("repeat{count}"), &format!("repeat: \"torque > 55\", times: {count}, within: {within}m"), times);
    }
    (rules, fires)
}

/// T5: the days of the taxis, each of so many readings; the mean of the first and the last, and of the smallest and the largest with their dates.
pub(crate) const DAYS: usize = 215;
pub(crate) const DAY_READINGS: u64 = 48;
pub(crate) const DAY: &str = "{of: value, agg: avg, window: {tumbling: 1d}}";
pub(crate) const FIRST_DAY: f64 = 15540.979166666666;
pub(crate) const LAST_DAY: f64 = 18702.479166666668;
pub(crate) const SMALLEST_DAY: (&str, f64) = ("2015-01-27T00:00:00Z", 4834.541666666667);
pub(crate) const LARGEST_DAY: (&str, f64) = ("2014-11-01T00:00:00Z", 20553.5);

/// T6: what is said of the member, and how `two` and `three` listen.
pub(crate) const SILENCES: [(&str, &str, &str); 2] = [("", "after: 2h", "after: 3h"), (", every: 1h", "missed: 2", "missed: 3")];
pub(crate) const TWO_FIRST: (&str, &str) = ("2013-07-28T06:00:00Z", "2013-07-29T12:00:00Z");
pub(crate) const TWO_LAST: (&str, &str) = ("2014-04-03T11:00:00Z", "2014-04-10T15:00:00Z");
pub(crate) const TWO: usize = 9;
pub(crate) const THREE_FIRST: &str = "2013-07-28T07:00:00Z";
pub(crate) const THREE_LAST: &str = "2014-04-03T12:00:00Z";
pub(crate) const THREE: usize = 8;

pub(crate) fn silences(two: &str, three: &str) -> String {
    format!("  - {{id: two, noData: {{of: value, {two}}}}}\n  - {{id: three, noData: {{of: value, {three}}}}}\n")
}

/// The rows of a file about one value, as times in RFC 3339 and numbers as they stand there.
pub(crate) fn rows_of(text: &str) -> Vec<(String, String)> {
    let row = |line: &str| line.split_once(',').map(|(time, value)| (format!("{}Z", time.replace(' ', "T")), value.trim().to_owned()));
    text.lines().skip(1).filter_map(row).collect()
}

/// Numbers that fall the same way for the same seed.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as i64
    }
}

/// In the order of arrival: each with a delay below that, in microseconds as its time.
pub(crate) fn permuted<T: Clone>(rows: &[(i64, T)], delay: i64, seed: u64) -> Vec<(i64, T)> {
    let mut dice = Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut arriving: Vec<_> = rows.iter().map(|row| (row.0 + dice.below(delay), row.clone())).collect();
    arriving.sort_by_key(|(arrival, _)| *arrival);
    arriving.into_iter().map(|(_, row)| row).collect()
}
