//! Small recordings of the same shape as those of the acceptance page, made here: a jump back with a conflict, gaps, and arrivals in another order.

use std::time::Duration;

use pollux::reading::{Timestamp, Value};

use super::brute::{self, Look, MINUTE};
use super::recorded::{LINES, Outcomes, Seeded, limits, machine_type, permuted, silences};
use super::story::{Running, Story, Told, by_backtest, messages, time};

pub const ROWS: usize = 600;
const START: &str = "2013-12-02T21:15:00Z";
/// The row at which the time jumps back, and how many rows are read once more with other values.
const JUMP_AT: usize = 250;
const JUMP_ROWS: usize = 12;

/// How the five lines look at a value.
pub fn looks() -> [Look; 5] {
    let look = |deadband: f64, on: i64, off: i64| Look { limit: 95.0, deadband, on_delay: on * MINUTE, off_delay: off * MINUTE };
    [look(0.0, 0, 0), look(2.0, 0, 0), look(0.0, 15, 0), look(2.0, 15, 0), look(2.0, 15, 15)]
}

/// Every five minutes a value that wanders about the limit.
pub fn wandering(rows: usize, seed: u64) -> Vec<(i64, f64)> {
    let mut dice = Seeded(seed);
    let mut value = 930;
    let step = |row: usize| {
        value += dice.below(41) - 20 - (value - 950) / 12;
        (time(START).0 + row as i64 * 5 * MINUTE, value as f64 / 10.0)
    };
    (0..rows).map(step).collect()
}

/// The same, but the time jumps back: twelve rows say something else about instants that have passed, the newest of them included.
pub fn disordered(seed: u64) -> Vec<(i64, f64)> {
    let mut rows = wandering(ROWS, seed);
    let again: Vec<(i64, f64)> = rows[JUMP_AT - JUMP_ROWS..JUMP_AT].iter().map(|(at, value)| (*at, value + 3.3)).collect();
    rows.splice(JUMP_AT..JUMP_AT, again);
    rows
}

pub fn texts(rows: &[(i64, f64)]) -> Vec<(String, String)> {
    rows.iter().map(|(at, value)| (Timestamp(*at).to_string(), format!("{value:?}"))).collect()
}

pub fn story(name: &'static str, telemetry: &str, more: &str, rules: &str, rows: &[(i64, f64)]) -> Story {
    Story { name, type_text: machine_type(name, telemetry, more, rules), messages: messages(&texts(rows)) }
}

#[tokio::test]
async fn delays_and_disorder_are_judged_by_the_times_of_the_data() {
    let rows = disordered(7);
    let twice: Vec<_> = rows.iter().flat_map(|row| [*row, *row]).collect();
    let (once, in_hour, in_seconds) =
        (brute::in_file_order(&rows), brute::in_order(&rows, 60 * MINUTE), brute::in_order(&rows, MINUTE / 12));
    let as_it_is = Outcomes { new: ROWS as u64, duplicate: 0, out_of_order: JUMP_ROWS as u64 - 1, conflict: 1 };
    let stories = [
        (story("Plain", "", "", &limits(""), &rows), as_it_is, &once),
        (story("Waits", ", reorder: 1h", "", &limits(""), &rows), as_it_is, &in_hour),
        (story("Ruled", "", "", &limits(", reorder: 1h"), &rows), as_it_is, &in_hour),
        (story("Seconds", ", reorder: 5s", "", &limits(""), &rows), as_it_is, &in_seconds),
        (story("Twice", "", "", &limits(""), &twice), Outcomes { duplicate: rows.len() as u64, ..as_it_is }, &once),
    ];
    let running = Running::start(&stories.iter().map(|(story, ..)| story).collect::<Vec<_>>()).await;
    for (story, outcomes, evaluated) in &stories {
        let told = running.tell(story).await;
        assert_eq!(told.outcomes, *outcomes, "{}", story.name);
        check_lines(&told, evaluated);
        assert_eq!(told, by_backtest(story));
        assert_eq!(running.newest(story, "value").1, Timestamp(rows.last().unwrap().0));
    }
    let in_views = |what: &str| running.plant.program.metric(&format!("pollux_view_{what}_total")) as usize;
    // Two types wait for an hour, which all that is said again comes in; of the one that waits for seconds only the newest.
    assert_eq!((in_views("late"), in_views("replaced")), (JUMP_ROWS - 1, 2 * JUMP_ROWS + 1));
}

/// The alarms of the five lines are those that brute force finds.
pub fn check_lines(told: &Told, evaluated: &[(i64, f64)]) {
    for (no, look) in looks().into_iter().enumerate() {
        let rule = format!("r{no}");
        let (spans, avoided) = brute::alarms(evaluated, look);
        assert!(spans.len() > 3, "the recording says something to line {no}");
        let found: Vec<brute::Span> = told.of_rule(&rule).map(|one| (one.first_true_at, one.raised_at, one.cleared_at)).collect();
        assert_eq!(found, spans, "{}", LINES[no].settings);
        assert_eq!(told.avoided[&rule], avoided, "{}", LINES[no].settings);
    }
}

#[tokio::test]
async fn silence_is_noticed() {
    let mut rows = Vec::new();
    let mut dice = Seeded(11);
    let mut at = time(START).0;
    for _ in 0..200 {
        // Now and then exactly as long as is waited for.
        let minutes = [60, 60, 60, 60, 60, 60, 60, 120, 180, 130, 400][dice.below(11) as usize];
        at += minutes * MINUTE;
        rows.push((at, 70.0));
    }
    let stories = [
        story("Any", "", "", &silences("after: 2h", "after: 3h"), &rows),
        story("Hourly", ", every: 1h", "", &silences("missed: 2", "missed: 3"), &rows),
    ];
    let running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    for story in &stories {
        let told = running.tell(story).await;
        for (rule, hours) in [("two", 2), ("three", 3)] {
            let spans: Vec<_> = told.of_rule(rule).map(|one| (one.raised_at, one.cleared_at)).collect();
            assert_eq!(spans, brute::silences(&rows, hours * 60 * MINUTE), "{rule}");
            assert!(spans.len() > 5);
        }
        assert_eq!(told, by_backtest(story));
    }
}

#[tokio::test]
async fn hours_are_the_same_however_their_readings_come() {
    const WAIT: Duration = Duration::from_secs(1800);
    let rows: Vec<(i64, f64)> = wandering(ROWS, 5).into_iter().map(|(at, value)| (at, value.round())).collect();
    let more = "computed: {hour: {of: value, agg: avg, window: {tumbling: 1h}}}\n";
    let arriving = permuted(&rows, WAIT.as_micros() as i64, 3);
    assert_ne!(arriving, rows);
    // A last reading, at which all those before it have been waited for.
    let end = rows.last().unwrap().0 + 3 * 60 * MINUTE;
    let ended = |rows: &[(i64, f64)]| rows.iter().copied().chain([(end, 0.0)]).collect::<Vec<_>>();
    let stories = [
        story("Sorted", "", more, "  []", &ended(&rows)),
        story("Waits", ", reorder: 30m", more, "  []", &ended(&arriving)),
        story("Corrects", ", lateness: 30m", more, "  []", &ended(&arriving)),
    ];
    let running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    for story in &stories {
        running.tell(story).await;
    }
    let remains = running.end();
    let expected = brute::hours(&ended(&rows));
    for story in &stories {
        let said = &remains[&story.twin()].said;
        let last: std::collections::BTreeMap<i64, (u64, f64)> =
            said.iter().filter_map(|hour| Some((hour.basis.start.0, (hour.basis.count, number(hour.value.as_ref()?))))).collect();
        let found: Vec<(i64, u64, f64)> = last.into_iter().map(|(start, (count, mean))| (start, count, mean)).collect();
        assert_eq!(found, expected, "{}", story.name);
        let corrections = said.iter().filter(|hour| hour.basis.revision > 0).count();
        assert_eq!(corrections > 0, story.name == "Corrects", "{}: {corrections}", story.name);
    }
}

fn number(value: &Value) -> f64 {
    if let Value::Double(number) = value { *number } else { f64::NAN }
}
