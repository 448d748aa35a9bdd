//! What recordings say: tables, lines and lists of JSON, times in all their forms, and lines that cannot be used.

use expect_test::{Expect, expect};

use super::*;
use crate::backtest::{LINE_BYTES_MAX, read_time};
use crate::reading::Value;

/// One line for each thing found.
fn told(found: impl Iterator<Item = Result<Found, Error>>) -> String {
    let value = |value: &Value| if let Value::Double(number) = value { format!("{number:?}") } else { format!("{value:?}") };
    let line = |found: Result<Found, Error>| match found {
        Ok(Found::Recorded(recorded)) => {
            let readings = recorded.group.readings.iter();
            let path = |slot| recorded.layout.slot(slot).path.to_string();
            let mut readings: Vec<String> =
                readings.map(|reading| format!("{}={} {}", path(reading.slot), value(&reading.value), reading.quality)).collect();
            readings.sort();
            let time = recorded.group.time.map_or_else(|| "no time".to_owned(), |time| time.to_string());
            let received = recorded.received.map(|received| format!(" received {received}")).unwrap_or_default();
            format!("{} {time}{received}: {}", recorded.twin, readings.join(", "))
        }
        Ok(Found::Noted(noted)) => format!("{} {}: {:?}", noted.twin, noted.at, noted.input),
        Ok(Found::Set(set)) => format!("{} is set", set.twin),
        Ok(Found::Refused(refused)) => format!("refused {refused}"),
        Err(error) => format!("error {error}"),
    };
    found.map(line).collect::<Vec<_>>().join("\n")
}

fn check_csv(text: &str, options: CsvOptions, expected: &Expect) {
    let catalog = ovens("  - {id: hot, when: \"temperature > 90\"}");
    let shown = match csv(&catalog, text, options) {
        Ok(found) => told(found),
        Err(error) => format!("error {error}"),
    };
    expected.assert_eq(&shown);
}

fn check_lines(text: &str, options: RowsOptions, expected: &Expect) {
    let catalog = ovens("  - {id: hot, when: \"temperature > 90\"}");
    let shown = match ndjson(&catalog, text, options) {
        Ok(found) => told(found),
        Err(error) => format!("error {error}"),
    };
    expected.assert_eq(&shown);
}

fn mapped(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(column, member)| ((*column).to_owned(), (*member).to_owned())).collect()
}

#[test]
fn columns_go_to_members_by_name_or_as_they_are_mapped() {
    let text = "time,temperature,note,load\n2026-01-01 10:00:00,91,x,3\n2026-01-01T10:01:00Z,,y,\n1767261720,88.5,\"a,b\",4\n";
    check_csv(
        text,
        table("oven-1"),
        &expect![[r#"
        oven-1 2026-01-01T10:00:00Z: load=Int(3) GOOD, temperature=91.0 GOOD
        oven-1 2026-01-01T10:02:00Z: load=Int(4) GOOD, temperature=88.5 GOOD"#]],
    );
    let text =
        "when,T [°C],state,twin,arrived\n2026-01-01T10:00:00+01:00, 91 ,RUN,oven-2,2026-01-01 09:00:05\n1767261720000,20,IDLE,oven-1,\n";
    let options = CsvOptions {
        twin: Which::Column("twin".to_owned()),
        times: Times::Column("when".to_owned()),
        received: Some("arrived".to_owned()),
        map: mapped(&[("T [°C]", "temperature"), ("state", "mode")]),
        ..table("")
    };
    check_csv(
        text,
        options,
        &expect![[r#"
        oven-2 2026-01-01T09:00:00Z received 2026-01-01T09:00:05Z: mode=Enum(1) GOOD, temperature=91.0 GOOD
        oven-1 2026-01-01T10:02:00Z: mode=Enum(0) GOOD, temperature=20.0 GOOD"#]],
    );
    let every = Times::Every { start: at("2026-01-01T10:00:00Z"), every: Duration::from_secs(60) };
    check_csv(
        "temperature\n1\nx\n3\n",
        CsvOptions { times: every, ..table("oven-1") },
        &expect![[r#"
        oven-1 2026-01-01T10:00:00Z: temperature=1.0 GOOD
        refused data.csv:3: `temperature`: expected a number, got "x"
        oven-1 2026-01-01T10:02:00Z: temperature=3.0 GOOD"#]],
    );
}

#[test]
fn a_line_that_cannot_be_used_is_told_and_the_next_is_read() {
    let text = "time,temperature,mode,load\n\
        2026-01-01 10:00:00,91,RUNNING,3\n\
        yesterday,1,RUN,3\n\
        2026-01-01 10:02:00,1\n\
        2026-01-01 10:03:00,hot,RUN,2.5\n\
        2026-01-01 10:04:00,1e400,RUN,2.0\n";
    check_csv(
        text,
        table("oven-1"),
        &expect![[r#"
        oven-1 2026-01-01T10:00:00Z: load=Int(3) GOOD, temperature=91.0 GOOD
        refused data.csv:2: `mode`: expected one of IDLE, RUN, got "RUNNING"
        refused data.csv:3: `yesterday` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970
        refused data.csv:4: the row has 2 fields and the header 4
        oven-1 2026-01-01T10:03:00Z: mode=Enum(1) GOOD
        refused data.csv:5: `temperature`: expected a number, got "hot"
        refused data.csv:5: `load`: expected a whole number of 64 bits, got 2.5
        oven-1 2026-01-01T10:04:00Z: load=Int(2) GOOD, mode=Enum(1) GOOD
        refused data.csv:6: `temperature`: expected a finite number, got inf"#]],
    );
    let by_column = CsvOptions { twin: Which::Column("twin".to_owned()), ..table("") };
    check_csv(
        "time,twin,temperature\n10,oven-3,1\n20,oven-2,2\n",
        by_column,
        &expect![[r#"
        refused data.csv:2: the workspace has no twin `oven-3`; did you mean `oven-1`?
        oven-2 1970-01-01T00:00:20Z: temperature=2.0 GOOD"#]],
    );
}

#[test]
fn a_table_that_is_something_else_is_refused_with_what_there_is() {
    let text = "stamp,temp\n10,1\n";
    check_csv(
        text,
        table("oven-1"),
        &expect!["error data.csv:1: there is no column `time`; did you mean `temp`? (there are: stamp, temp)"],
    );
    let by_stamp = || CsvOptions { times: Times::Column("stamp".to_owned()), ..table("oven-1") };
    check_csv(
        text,
        by_stamp(),
        &expect![
            "error data.csv:1: no column is called like telemetry of Oven (temperature, mode, load); say what goes where: --map COLUMN=MEMBER (columns: stamp, temp)"
        ],
    );
    check_csv(
        text,
        CsvOptions { map: mapped(&[("tmp", "temperature")]), ..by_stamp() },
        &expect!["error data.csv:1: there is no column `tmp`; did you mean `temp`? (there are: stamp, temp)"],
    );
    check_csv(
        text,
        CsvOptions { map: mapped(&[("temp", "temprature")]), ..by_stamp() },
        &expect!["error data.csv:1: Oven has no telemetry `temprature`; did you mean `temperature`? (there are: temperature, mode, load)"],
    );
    check_csv(
        text,
        CsvOptions { map: mapped(&[("temp", "temperature"), ("stamp", "temperature")]), ..by_stamp() },
        &expect!["error data.csv:1: two columns are to go to `temperature`: one value at one time"],
    );
    check_csv(
        text,
        CsvOptions { twin: Which::One("oven".to_owned()), ..by_stamp() },
        &expect!["error data.csv: the workspace has no twin `oven`; did you mean `oven-1`?"],
    );
    check_csv("", by_stamp(), &expect!["error data.csv:1: there is no column `stamp` (there are: none)"]);
    let endless = format!("time,temperature\n10,\"{}", "x".repeat(2 * LINE_BYTES_MAX));
    check_csv(
        &endless,
        table("oven-1"),
        &expect!["error data.csv:2: it cannot be read: a row has more than 1048576 bytes; is a quote not closed?"],
    );
}

#[test]
fn rows_of_json_are_native_payloads_with_twin_and_time() {
    let text = r#"{"twin": "oven-1", "ts": 1767261600000, "temperature": 91.5, "load": 3}

{"twin": "oven-2", "time": "2026-01-01 10:01:00", "temperature": {"value": 300, "unit": "K", "quality": "UNCERTAIN"}, "other": 1}
[{"twin": "oven-1", "ts": "2026-01-01T10:02:00Z", "mode": "RUN"}, {"twin": "oven-2", "time": 1767261720, "received": 1767261725.5, "load": 1}]
"#;
    check_lines(
        text,
        lines(None),
        &expect![[r#"
        oven-1 2026-01-01T10:00:00Z: load=Int(3) GOOD, temperature=91.5 GOOD
        oven-2 2026-01-01T10:01:00Z: temperature=26.85 UNCERTAIN
        oven-1 2026-01-01T10:02:00Z: mode=Enum(1) GOOD
        oven-2 2026-01-01T10:02:00Z received 2026-01-01T10:02:05.500Z: load=Int(1) GOOD"#]],
    );
    let options = RowsOptions { time: Some("at".to_owned()), map: mapped(&[("T", "temperature")]), ..lines(Some("oven-2")) };
    check_lines("{\"at\": \"2026-01-01\", \"T\": 3}\n", options, &expect!["oven-2 2026-01-01T00:00:00Z: temperature=3.0 GOOD"]);
}

#[test]
fn rows_that_cannot_be_used_are_told_with_their_lines() {
    let text = "{\"twin\": \"oven-1\", \"ts\": 1767261600000, \"temperature\": \"hot\", \"load\": 3}\n\
        {\"temperature\": 1}\n\
        {\"twin\": \"oven-9\", \"ts\": 5}\n\
        not json\n\
        {\"twin\": \"oven-1\", \"temperature\": 1}\n\
        7\n\
        {\"twin\": \"oven-1\", \"time\": \"noon\", \"temperature\": 1}\n";
    check_lines(
        text,
        lines(None),
        &expect![[r#"
        oven-1 2026-01-01T10:00:00Z: load=Int(3) GOOD
        refused data.ndjson:1: `temperature`: expected a number, got "hot"
        refused data.ndjson:2: the row does not say its `twin`; if all rows are about one, name it with --twin
        refused data.ndjson:3: the workspace has no twin `oven-9`; did you mean `oven-1`?
        refused data.ndjson:4: it is not JSON: expected ident at line 1 column 2
        refused data.ndjson:5: the row says no time: give it `ts`, or name the key with --time
        refused data.ndjson:6: a row is an object of values by name, not 7
        refused data.ndjson:7: `noon` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970"#]],
    );
    check_lines("", lines(Some("oven")), &expect!["error data.ndjson: the workspace has no twin `oven`; did you mean `oven-1`?"]);
    let options = RowsOptions { map: mapped(&[("T", "temprature")]), ..lines(Some("oven-1")) };
    check_lines(
        "{\"ts\": 5, \"T\": 1}\n",
        options,
        &expect!["error data.ndjson: Oven has no telemetry `temprature`; did you mean `temperature`? (there are: temperature, mode, load)"],
    );
    let long = format!("{{\"ts\": 5, \"temperature\": \"{}\"}}\n", "x".repeat(LINE_BYTES_MAX));
    check_lines(&long, lines(Some("oven-1")), &expect!["error data.ndjson:1: the line has more than 1048576 bytes"]);
}

#[test]
fn a_file_of_json_is_a_list_of_rows_with_their_lines() {
    let catalog = ovens("  - {id: hot, when: \"temperature > 90\"}");
    let whole = |text: &str| match Rows::whole(text.as_bytes(), &catalog, lines(Some("oven-1"))) {
        Ok(found) => told(found),
        Err(error) => format!("error {error}"),
    };
    let text = "[\n  {\"time\": 60, \"temperature\": 1},\n\n  {\"time\": 120,\n   \"temperature\": true},\n  3\n]\n";
    let shown = [whole(text), whole("{\"time\": 60, \"load\": 1}"), whole("[\n{]")].join("\n");
    expect![[r#"
        oven-1 1970-01-01T00:01:00Z: temperature=1.0 GOOD
        refused data.ndjson:4: `temperature`: expected a number, got true
        refused data.ndjson:6: a row is an object of values by name, not 3
        oven-1 1970-01-01T00:01:00Z: load=Int(1) GOOD
        error data.ndjson:2: it is not JSON: key must be a string at line 2 column 2"#]]
    .assert_eq(&shown);
}

#[test]
fn times_are_read_in_the_forms_people_write() {
    let read = |text: &str| read_time(text).map_or_else(|error| error, |time| time.to_string());
    let texts = [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.250+01:00",
        "2026-01-31 12:00:00",
        "2026-01-31 12:00:00.5Z",
        "2026-01-31 12:00",
        "2026-01-31",
        "1767261600",
        "1767261600.25",
        "1767261600250",
        "1767261600250001",
        "-60",
        "0",
        "31.01.2026",
        "",
        "1e300",
        "2026-02-30",
    ];
    let shown: Vec<String> = texts.iter().map(|text| format!("{text} → {}", read(text))).collect();
    expect![[r#"
        2026-01-31T12:00:00Z → 2026-01-31T12:00:00Z
        2026-01-31T12:00:00.250+01:00 → 2026-01-31T11:00:00.250Z
        2026-01-31 12:00:00 → 2026-01-31T12:00:00Z
        2026-01-31 12:00:00.5Z → 2026-01-31T12:00:00.500Z
        2026-01-31 12:00 → 2026-01-31T12:00:00Z
        2026-01-31 → 2026-01-31T00:00:00Z
        1767261600 → 2026-01-01T10:00:00Z
        1767261600.25 → 2026-01-01T10:00:00.250Z
        1767261600250 → 2026-01-01T10:00:00.250Z
        1767261600250001 → 2026-01-01T10:00:00.250001Z
        -60 → 1969-12-31T23:59:00Z
        0 → 1970-01-01T00:00:00Z
        31.01.2026 → `31.01.2026` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970
         → `` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970
        1e300 → `1e300` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970
        2026-02-30 → `2026-02-30` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970"#]].assert_eq(&shown.join("\n"));
}

/// The clock stops at the last reading unless it is asked to go on, and it never runs back.
#[test]
fn the_clock_is_that_of_the_recording() {
    let catalog = ovens("  - {id: hot, when: \"temperature > 90\", onDelay: 5m}\n  - {id: silent, noData: {of: temperature, after: 10m}}");
    let text = "time,temperature\n2026-01-01 10:00:00,80\n2026-01-01 10:02:00,95\n2026-01-01 10:01:00,10\n";
    let report = |run_on: &str| run(&catalog, None, csv(&catalog, text, table("oven-1")).unwrap(), run_on);
    let raised = |report: &Report| -> Vec<(String, String)> {
        report.occurrences.iter().map(|one| (one.rule.clone(), one.raised_at.clone())).collect()
    };
    assert_eq!(raised(&report("")), []);
    assert_eq!(report("").to.as_deref(), Some("2026-01-01T10:02:00Z"));
    let hot = ("Oven.hot".to_owned(), "2026-01-01T10:07:00Z".to_owned());
    assert_eq!(raised(&report("5m")), std::slice::from_ref(&hot));
    let silent = ("Oven.silent".to_owned(), "2026-01-01T10:12:00Z".to_owned());
    assert_eq!(raised(&report("1h")), [hot, silent]);
    assert_eq!(report("1h").rules[0].figures.active_seconds.0, 55 * 60 * 1_000_000);
    // Where it is known when a packet came in, a delay ends on the wall as it would have.
    let text = "time,received,temperature\n2026-01-01 10:00:00,2026-01-01 10:01:00,95\n2026-01-01 10:05:00,2026-01-01 10:05:30,96\n";
    let received = CsvOptions { received: Some("received".to_owned()), ..table("oven-1") };
    let report = run(&catalog, None, csv(&catalog, text, received).unwrap(), "");
    assert_eq!(raised(&report), [("Oven.hot".to_owned(), "2026-01-01T10:05:00Z".to_owned())]);
    assert_eq!(report.to.as_deref(), Some("2026-01-01T10:05:30Z"));
}

/// Bytes that are cut, doubled and changed, from a fixed seed: whatever a file holds, it is read or refused, and it ends.
#[test]
fn no_bytes_make_a_reader_panic() {
    let catalog = ovens("  - {id: hot, when: \"temperature > 90\"}");
    let good: [&[u8]; 3] = [
        b"time,temperature,mode,load\n2026-01-01 10:00:00,91,RUN,3\n\"1767261720\",\"8\"\"8\",IDLE,4\n,,,\n",
        b"{\"twin\": \"oven-1\", \"ts\": 1767261600000, \"temperature\": 91.5}\n[{\"twin\": \"oven-2\", \"time\": \"2026-01-01\", \"load\": 1}]\n",
        b"[{\"time\": 60, \"temperature\": {\"value\": 1, \"unit\": \"K\"}}, {\"time\": 61, \"load\": -7}]",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut dice = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides.max(1) as u64) as usize
    };
    let mut found = 0;
    for _ in 0..3000 {
        let mut bytes = good[dice(3)].to_vec();
        for _ in 0..=dice(4) {
            let (at, other) = (dice(bytes.len()), dice(bytes.len()));
            match dice(5) {
                0 => bytes.truncate(at),
                1 => bytes[at] = dice(256) as u8,
                2 => bytes.insert(at, b",\"{}[]\n:-e0"[dice(11)]),
                3 => bytes.extend_from_within(at.min(other)..at.max(other)),
                _ => bytes.swap(at, other),
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        found += Csv::open(&*bytes, &catalog, table("oven-1")).map_or(0, Iterator::count);
        found += Rows::lines(&*bytes, &catalog, lines(None)).map_or(0, Iterator::count);
        found += Rows::whole(&*bytes, &catalog, lines(Some("oven-1"))).map_or(0, Iterator::count);
        let mut backtest = Backtest::new(&catalog, None);
        if let Ok(rows) = Csv::open(&*bytes, &catalog, table("oven-1")) {
            rows.filter_map(Result::ok).for_each(|found| backtest.take(found));
        }
        assert!(!backtest.finish(Duration::from_secs(3600), &Selection::default()).to_json().is_empty());
    }
    assert!(found > 1000, "{found} things were found");
}

/// Rules that look at certain instants do so on the clock of the recording, also where the clocks on the wall were changed.
#[test]
fn instants_are_those_of_the_recording() {
    let rules = "  - {id: daily, when: \"temperature > 90\", at: {cron: \"30 2 * * *\", zone: Europe/Berlin}}
  - {id: often, when: \"temperature > 90\", at: {every: 10m}, onDelay: 20m}
  - {id: never, when: \"temperature > 90\", at: {cron: \"0 0 30 2 *\"}}";
    let catalog = ovens(rules);
    let text = "time,temperature\n2026-03-28 10:01:00,95\n2026-03-28 10:04:00,80\n2026-03-28 10:05:00,95\n2026-03-28 10:15:00,10\n\
        2026-03-28 10:19:59,91\n";
    let report = run(&catalog, None, csv(&catalog, text, table("oven-1")).unwrap(), "24h");
    let raised: Vec<(&str, &str)> = report.occurrences.iter().map(|one| (&*one.rule, &*one.raised_at)).collect();
    assert_eq!(raised, [("Oven.often", "2026-03-28T10:30:00Z"), ("Oven.daily", "2026-03-29T01:30:00Z")]);
}
