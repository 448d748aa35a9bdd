//! The acceptance page for rules (T1 to T6) through the running process, by the same numbers as its backtests.

use pollux::reading::{Timestamp, Value};
use pollux::window::Figure;

use super::recorded::{
    AMBIENT, AS_IT_IS, AVOIDED, AVOIDED_WAITED, DAY, DAY_READINGS, DAYS, EACH_ROW_TWICE, ENDED_ACTIVE_S, FIRST_DAY, FORMULAS, HOT,
    HOT_SPANS, LABELS, LARGEST_DAY, LAST_DAY, LINES, MACHINE, MILL, MILL_COLUMNS, MILL_START, Outcomes, POWERS, SILENCES, SMALLEST_DAY,
    TAXI, THREE, THREE_FIRST, THREE_LAST, TWO, TWO_FIRST, TWO_LAST, WAITS, data, labelled, limits, machine_type, mill_type, patterns,
    permuted, rows_of, silences,
};
use super::story::{Running, Said, Story, Told, by_backtest, messages, time};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// Arrivals of the days of the taxis.
const SEEDS: u64 = 3;

/// A story of one value.
fn of_value(name: &'static str, telemetry: &str, more: &str, rules: &str, rows: &[(String, String)]) -> Story {
    Story { name, type_text: machine_type(name, telemetry, more, rules), messages: messages(rows) }
}

/// T1: after each row each rule is active exactly where the row's label says so.
#[tokio::test]
async fn three_formulas_agree_with_all_labels() {
    let Some(text) = data(MILL) else { return };
    let stories = ["Mill", "Plain"].into_iter().zip(POWERS);
    let stories: Vec<Story> = stories.map(|(name, power)| mill(name, mill_type(name, power, FORMULAS), &text)).collect();
    let running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    for story in &stories {
        let told = running.tell(story).await;
        assert_eq!(told.outcomes, Outcomes { new: 60_000, duplicate: 0, out_of_order: 0, conflict: 0 });
        assert!(told == by_backtest(story));
        for formula in LABELS {
            let rule = formula.id;
            let row_of = |at: Timestamp| (at.micros_since(time(MILL_START)) / MINUTE + 1) as u64;
            let spans = told.of_rule(rule).map(|one| row_of(one.raised_at)..one.cleared_at.map_or(10_001, row_of));
            let active: Vec<u64> = spans.flatten().collect();
            assert_eq!(active, labelled(&text, rule), "{rule}");
            assert_eq!((active.len(), active[0], *active.last().unwrap()), (formula.rows_active, formula.first, formula.last), "{rule}");
            assert_eq!(told.raises(rule), formula.raises);
        }
        assert_eq!(running.newest(story, "toolWear").0, 30.0);
    }
}

/// T1b.
#[tokio::test]
async fn patterns_fire_as_often_as_they_should() {
    let Some(text) = data(MILL) else { return };
    let (rules, expected) = patterns();
    let story = mill("Mill", mill_type("Mill", POWERS[0], &rules), &text);
    let told = Running::start(&[&story]).await.tell(&story).await;
    let fires = |rule: &str| told.of_rule(rule).map(|one| one.count).sum();
    let found: Vec<(String, u64)> = expected.iter().map(|(rule, _)| (rule.clone(), fires(rule))).collect();
    assert_eq!(found, expected);
    assert!(told == by_backtest(&story));
}

fn mill(name: &'static str, type_text: String, text: &str) -> Story {
    let header: Vec<&str> = text.lines().next().unwrap().trim_start_matches('\u{feff}').split(',').collect();
    let column = |name: &str| header.iter().position(|label| *label == name).unwrap();
    let columns = MILL_COLUMNS.map(|(label, member)| (column(label), member));
    let message = |(row, line): (i64, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let text = |cell: &str| if cell.parse::<f64>().is_ok() { cell.to_owned() } else { format!("\"{cell}\"") };
        let values: String = columns.iter().map(|(place, member)| format!(", \"{member}\": {}", text(cells[*place]))).collect();
        format!("{{\"ts\": \"{}\"{values}}}", time(MILL_START).shifted(row * MINUTE))
    };
    Story { name, type_text, messages: (0..).zip(text.lines().skip(1)).map(message).collect() }
}

/// T2, T3 and T4: file order, views that wait for an hour and for five seconds, and each row sent twice.
#[tokio::test]
async fn delays_and_disorder_are_judged_by_the_times_of_the_data() {
    let Some(text) = data(MACHINE) else { return };
    let rows = rows_of(&text);
    let twice: Vec<_> = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
    let rules = limits("") + HOT;
    let hour = "computed: {hour: {of: value, agg: count, window: {tumbling: 1h}}}\n";
    let waits = |name, reorder: &str| of_value(name, &format!(", reorder: {reorder}"), "", &rules, &rows);
    let stories = [
        (of_value("Plain", "", "", &rules, &rows), AS_IT_IS, false),
        (waits("Hour", WAITS[0].0), AS_IT_IS, true),
        (waits("Seconds", WAITS[1].0), AS_IT_IS, false),
        (of_value("Twice", "", "", &rules, &twice), EACH_ROW_TWICE, false),
        (of_value("Counted", "", hour, "  []", &rows), AS_IT_IS, false),
        (of_value("CountedTwice", "", hour, "  []", &twice), EACH_ROW_TWICE, false),
    ];
    let running = Running::start(&stories.iter().map(|(story, ..)| story).collect::<Vec<_>>()).await;
    for (story, outcomes, is_in_order) in &stories {
        let told = running.tell(story).await;
        assert_eq!(told.outcomes, *outcomes, "{}", story.name);
        assert!(told == by_backtest(story), "{}", story.name);
        assert_eq!(running.newest(story, "value").1, time("2014-02-19T15:25:00Z"));
        if !told.occurrences.is_empty() {
            check_lines(&told, *is_in_order);
        }
    }
    let in_views = |what: &str| running.plant.program.metric(&format!("pollux_view_{what}_total")) as u64;
    let [late, replaced] = [WAITS.map(|(_, late, _)| late), WAITS.map(|(.., replaced)| replaced)].map(|of| of.iter().sum::<u64>());
    assert_eq!((in_views("late"), in_views("replaced")), (late, replaced));
    let remains = running.end();
    for twin in ["counted", "countedtwice"] {
        let hours = &remains[twin].said;
        let torn = hours.iter().rfind(|hour| hour.basis.start == time("2014-01-07T02:00:00Z")).unwrap();
        assert_eq!((torn.basis.count, torn.value.clone()), (12, Some(Value::Int(12))), "{twin}");
    }
    for (twin, (_, late, replaced)) in ["hour", "seconds"].into_iter().zip(WAITS) {
        let views = &remains[twin].twin.views;
        assert_eq!((views.late(), views.replaced()), (late, replaced), "{twin}");
    }
}

fn check_lines(told: &Told, is_in_order: bool) {
    for (no, line) in LINES.iter().enumerate() {
        assert_eq!(told.raises(&format!("r{no}")), if is_in_order { line.waited } else { line.raises }, "{}", line.settings);
    }
    let ended: i64 = told.of_rule("r4").filter_map(|one| Some(one.cleared_at?.micros_since(one.raised_at))).sum();
    let open = told.of_rule("r4").filter(|one| one.cleared_at.is_none()).count();
    assert_eq!((ended / 1_000_000, open), (ENDED_ACTIVE_S, 1));
    assert_eq!(told.avoided["r4"], if is_in_order { AVOIDED_WAITED } else { AVOIDED });
    let hot: Vec<_> = told.of_rule("hot").collect();
    for (place, (raised, cleared)) in [0, 1, 2, hot.len() - 1].into_iter().zip(HOT_SPANS) {
        assert_eq!((hot[place].raised_at, hot[place].cleared_at), (time(raised), Some(time(cleared))));
    }
    assert!(hot.iter().all(|one| one.raised_at.micros_since(one.first_true_at) == 15 * MINUTE));
}

/// T5.
#[tokio::test]
async fn days_are_the_same_however_their_readings_come() {
    let Some(text) = data(TAXI) else { return };
    let sorted = rows_of(&text);
    let timed: Vec<(i64, String)> = sorted.iter().map(|(at, value)| (time(at).0, value.clone())).collect();
    let arriving = |seed: u64| -> Vec<(String, String)> {
        let rows = permuted(&timed, 2 * HOUR, seed);
        rows.into_iter().map(|(at, value)| (Timestamp(at).to_string(), value)).collect()
    };
    let more = format!("computed: {{day: {DAY}}}\n");
    let day = |name, telemetry: &str, rows: &[(String, String)]| of_value(name, telemetry, &more, "  []", rows);
    let mut stories = vec![day("Sorted", "", &sorted)];
    let names = [["WaitsA", "CorrectsA", "DropsA"], ["WaitsB", "CorrectsB", "DropsB"], ["WaitsC", "CorrectsC", "DropsC"]];
    for (seed, [waits, corrects, drops]) in (1..=SEEDS).zip(names) {
        let rows = arriving(seed);
        stories.push(day(waits, ", reorder: 2h", &rows));
        stories.push(day(corrects, ", lateness: 2h", &rows));
        stories.push(day(drops, ", lateness: 0s", &rows));
    }
    let running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    let late = || running.plant.program.metric("pollux_readings_total{outcome=\"late\"}") as u64;
    let mut lates = Vec::new();
    for story in &stories {
        let before = late();
        running.tell(story).await;
        lates.push(late() - before);
    }
    let remains = running.end();
    let of = |story: &Story| &remains[&story.twin()];
    let days = final_days(&of(&stories[0]).said);
    // The last one is open, as there is nothing behind it.
    assert_eq!(days.len(), DAYS - 1);
    assert!(days.iter().all(|day| day.basis.count == DAY_READINGS && day.basis.revision == 0));
    near(number(days[0]), FIRST_DAY);
    for (sign, (start, mean)) in [(-1.0, SMALLEST_DAY), (1.0, LARGEST_DAY)] {
        let found = days.iter().max_by(|a, b| (number(a) * sign).total_cmp(&(number(b) * sign))).unwrap();
        assert_eq!(found.basis.start, time(start));
        near(number(found), mean);
    }
    let twin = &of(&stories[0]).twin;
    let open = twin.windows.current(0, &twin.state.layout.logic.windows[0], time("2015-01-31T23:30:00Z")).unwrap();
    let [Figure::Number(open)] = open.figures[..] else { panic!("the last day has a mean") };
    near(open, LAST_DAY);
    for (place, story) in stories.iter().enumerate().skip(1) {
        let said = &of(story).said;
        let found = final_days(said);
        let shown = |days: &[&Said]| days.iter().map(|day| (day.basis.start, number(day).to_bits(), day.basis.count)).collect::<Vec<_>>();
        match story.name.chars().next() {
            Some('W') => {
                assert!(said.iter().all(|day| day.basis.revision == 0) && said.len() == DAYS - 1);
                assert_eq!((shown(&found), lates[place]), (shown(&days), 0), "{}", story.name);
            }
            Some('C') => {
                assert!(said.len() > DAYS + 50, "readings came for days that were over: {}", said.len());
                assert_eq!((shown(&found), lates[place]), (shown(&days), 0), "{}", story.name);
            }
            _ => {
                let twin = &of(story).twin;
                let open = twin.windows.current(0, &twin.state.layout.logic.windows[0], time("2015-01-31T23:59:00Z")).unwrap();
                let counted: u64 = found.iter().map(|day| day.basis.count).sum::<u64>() + open.count;
                assert!(lates[place] > 50);
                assert_eq!(counted + lates[place], DAYS as u64 * DAY_READINGS, "{}", story.name);
            }
        }
    }
}

/// What was said last of each day, in their order.
fn final_days(said: &[Said]) -> Vec<&Said> {
    let last: std::collections::BTreeMap<Timestamp, &Said> = said.iter().map(|day| (day.basis.start, day)).collect();
    last.into_values().collect()
}

fn number(said: &Said) -> f64 {
    if let Some(Value::Double(number)) = said.value { number } else { f64::NAN }
}

#[track_caller]
fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= wanted.abs() * 1e-9, "{found} instead of {wanted}");
}

/// T6.
#[tokio::test]
async fn silence_is_noticed() {
    let Some(text) = data(AMBIENT) else { return };
    let rows = rows_of(&text);
    let stories: Vec<Story> = ["Any", "Hourly"]
        .into_iter()
        .zip(SILENCES)
        .map(|(name, (telemetry, two, three))| of_value(name, telemetry, "", &silences(two, three), &rows))
        .collect();
    let running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    for story in &stories {
        let told = running.tell(story).await;
        assert!(told == by_backtest(story), "{}", story.name);
        let (two, three): (Vec<_>, Vec<_>) = (told.of_rule("two").collect(), told.of_rule("three").collect());
        assert_eq!((two.len(), three.len()), (TWO, THREE));
        let span = |(raised, cleared): (&str, &str)| (time(raised), Some(time(cleared)));
        let shown = |place: usize| (two[place].raised_at, two[place].cleared_at);
        assert_eq!((shown(0), shown(TWO - 1)), (span(TWO_FIRST), span(TWO_LAST)));
        assert_eq!((three[0].raised_at, three[THREE - 1].raised_at), (time(THREE_FIRST), time(THREE_LAST)));
        assert!(two.iter().chain(&three).all(|one| one.cleared_at.is_some()));
    }
}
