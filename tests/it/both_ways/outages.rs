//! The real binary ends suddenly while an alarm is pending, active, recovering or shelved, and while a timer of a detector runs: nothing is lost,
//! nothing happens twice, nothing begins anew.

use std::time::Duration;

use pollux::rule::Phase;
use serde_json::{Value as Json, json};

use super::feeder::Feeder;
use super::story::{ALARMS, Running, Story, item, time};
use crate::crash::pass;
use crate::graphql::ws::Socket;

const MINUTE: i64 = 60_000_000;

/// A value says which of three rules it concerns: above 200 the one with delays, above 300 the detector, above 400 the one without.
fn oven(name: &'static str, delay: &str, silence: &str) -> Story {
    let type_text = format!(
        "type: {name}
telemetry: {{value: double}}
rules:
  - {{id: hot, when: \"value > 200 && value < 300\", onDelay: {delay}, offDelay: {delay}, severity: MAJOR}}
  - {{id: stuck, when: \"value > 400\"}}
  - {{id: silent, noData: {{of: value, after: {silence}}}}}
  - id: cycle
    initial: idle
    variables: {{laps: 0}}
    states:
      idle: {{onInput: [{{when: \"value > 300 && value < 400\", do: [{{timer: run, set: {delay}}}, {{var: laps, value: \"vars.laps + 1\"}}], goto: busy}}]}}
      busy: {{onInput: [{{when: \"timeout('run')\", goto: over}}]}}
      over: {{onEnter: [{{do: [{{raise: true, severity: MINOR, text: over}}]}}], onInput: [{{when: \"value < 100\", do: [{{clear: true}}], goto: idle}}]}}
"
    );
    Story { name, type_text, messages: Vec::new() }
}

/// Its device says so, and hears that it is on the disk.
fn say(running: &Running, story: &Story, message: String) {
    Feeder::new(&story.twin(), vec![message]).deliver(running.plant.program.mqtt);
}

fn at(moment: &str, value: f64) -> String {
    format!("{{\"ts\": \"2013-12-02T{moment}Z\", \"value\": {value:?}}}")
}

/// Twice, so that what a start makes of it is kept as well.
fn end_suddenly(running: &mut Running) {
    for _ in 0..2 {
        running.kill();
        running.start_again();
    }
}

/// What happened to its alarms: the operation, the alarm and the time of day.
async fn told(running: &Running, story: &Story) -> Vec<String> {
    let shown = |item: Json| {
        let (alarm, at) = (item["alarm"]["id"].as_str().unwrap(), item["at"].as_str().unwrap());
        format!("{} {} {}", item["op"].as_str().unwrap(), alarm.split_once(&format!("{}/", story.twin())).unwrap().1, &at[11..19])
    };
    running.alarm_items(story).await.into_iter().map(shown).collect()
}

#[tokio::test]
async fn whatever_is_under_way_goes_on() {
    let story = oven("Oven", "5m", "8h");
    let mut running = Running::start(&[&story]).await;
    let seen = async |running: &Running| running.rule_state(&story, "hot").await;

    say(&running, &story, at("12:00:00", 210.0));
    let pending = seen(&running).await;
    assert_eq!((&pending["condition"], &pending["until"]), (&json!("PENDING"), &json!("2013-12-02T12:05:00Z")));
    end_suddenly(&mut running);
    assert_eq!(seen(&running).await, pending);
    // Sent again by somebody who did not hear that it was taken.
    say(&running, &story, at("12:00:00", 210.0));
    say(&running, &story, at("12:01:00", 220.0));
    assert_eq!(seen(&running).await, pending);
    end_suddenly(&mut running);
    say(&running, &story, at("12:05:00", 220.0));

    let active = seen(&running).await;
    assert_eq!((&active["condition"], &active["since"], &active["raised"]), (&json!("ACTIVE"), &json!("2013-12-02T12:05:00Z"), &json!(1)));
    end_suddenly(&mut running);
    assert_eq!(seen(&running).await, active);
    say(&running, &story, at("12:08:00", 230.0));
    say(&running, &story, at("12:10:00", 20.0));
    let recovering = seen(&running).await;
    assert_eq!((&recovering["condition"], &recovering["until"]), (&json!("RECOVERING"), &json!("2013-12-02T12:15:00Z")));
    end_suddenly(&mut running);
    assert_eq!(seen(&running).await, recovering);
    say(&running, &story, at("12:11:00", 20.0));
    end_suddenly(&mut running);
    say(&running, &story, at("12:15:30", 20.0));
    assert_eq!(seen(&running).await["condition"], "NORMAL");
    assert_eq!(told(&running, &story).await, ["RAISED hot/1 12:05:00", "UPDATED hot/1 12:10:00", "CLEARED hot/1 12:15:00"]);

    // A detector with a timer that runs.
    say(&running, &story, at("13:00:00", 350.0));
    let cycle = async |running: &Running| running.rule_state(&story, "cycle").await;
    let busy = cycle(&running).await;
    assert_eq!((&busy["state"], &busy["timers"]), (&json!("busy"), &json!({"run": "2013-12-02T13:05:00Z"})));
    end_suddenly(&mut running);
    assert_eq!(cycle(&running).await, busy);
    say(&running, &story, at("13:01:00", 350.0));
    end_suddenly(&mut running);
    say(&running, &story, at("13:20:00", 350.0));
    let over = cycle(&running).await;
    assert_eq!((&over["state"], &over["variables"]), (&json!("over"), &json!({"laps": 1})));
    end_suddenly(&mut running);
    assert_eq!(cycle(&running).await, over);
    assert_eq!(told(&running, &story).await[3..], ["RAISED cycle/1 13:05:00"]);
}

/// Ten seconds are the time of what is under way, in the time of the wall, and it is away for longer than that.
#[tokio::test]
async fn what_ends_while_it_is_away_ends_once() {
    let away = Duration::from_secs(11);
    let stories = ["Quiet", "Heard", "Timer", "Shelf", "Later", "Patient", "Mute", "Back"];
    let stories = stories.map(|name| oven(name, "10s", if ["Mute", "Back"].contains(&name) { "10s" } else { "8h" }));
    let [quiet, heard, timer, shelf, later, patient, mute, back] = &stories;
    let mut running = Running::start(&stories.iter().collect::<Vec<_>>()).await;
    for story in [shelf, later, patient] {
        say(&running, story, "{\"value\": 450}".to_owned());
    }
    let mut until = Vec::new();
    // The last ones first, as this takes its time.
    for (story, time) in [(patient, "2h"), (later, "35s"), (shelf, "10s")] {
        let twin = story.twin();
        let shelved = format!(
            "mutation {{ shelveAlarms(ids: [\"alarm/{twin}/stuck/1\"], for: \"{time}\") {{ results {{ outcome alarm {{ shelvedUntil }} }} }} }}"
        );
        let mut shelved = running.plant.data(&shelved).await["shelveAlarms"]["results"][0].take();
        assert_eq!(shelved["outcome"], "DONE");
        until.push(shelved["alarm"]["shelvedUntil"].take());
    }
    for story in [mute, back] {
        say(&running, story, "{\"value\": 50}".to_owned());
    }
    say(&running, timer, "{\"value\": 350}".to_owned());
    for story in [quiet, heard] {
        say(&running, story, "{\"value\": 250}".to_owned());
    }
    running.kill();
    let remains = running.remains();
    let phase = |story: &Story| remains[&story.twin()].twin.state.watches.get("hot").rule.phase;
    assert!([quiet, heard].iter().all(|story| matches!(phase(story), Phase::Pending { .. })));
    // Not a wait for something: so long it is away.
    pass(away);
    running.start_again();
    say(&running, back, "{\"value\": 60}".to_owned());
    say(&running, heard, "{\"value\": 260}".to_owned());

    // All that there is to say of them, as it comes; the last two are those that wait.
    let mut socket = Socket::open(&running.plant).await;
    socket.subscribe_with("1", ALARMS, json!({"after": running.begin})).await;
    let mut items = Vec::new();
    while !(items.iter().any(|item| is(item, "RAISED", quiet)) && items.iter().any(|item| is(item, "UNSHELVED", later))) {
        let item = item(&mut socket).await;
        if item["kind"] == "ITEM" {
            items.push(item);
        }
    }
    let place = |op: &str, story: &Story| {
        let mut places = items.iter().enumerate().filter(|(_, item)| is(item, op, story)).map(|(place, _)| place);
        let first = places.next().unwrap_or_else(|| panic!("no {op} of {}: {items:#?}", story.twin()));
        assert_eq!(places.next(), None, "{op} of {} is said once: {items:#?}", story.twin());
        first
    };
    for story in [quiet, heard] {
        let raised = &items[place("RAISED", story)]["alarm"];
        let instant = |key: &str| time(raised[key].as_str().unwrap());
        assert_eq!(instant("raisedAt").micros_since(instant("firstTrueAt")), MINUTE / 6);
    }
    // That it was silent while nobody listened is no news: it has as long again from the start on, and who speaks then was never silent.
    let silent = &items[place("RAISED", mute)]["alarm"];
    let said = running.newest(mute, "value").1;
    assert!(time(silent["raisedAt"].as_str().unwrap()) >= said.shifted(MINUTE * 21 / 60), "{silent}");
    if let Some(first) = items.iter().find(|item| item["twinId"] == back.twin()) {
        let said = running.newest(back, "value").1;
        assert!(time(first["alarm"]["raisedAt"].as_str().unwrap()) >= said.shifted(MINUTE / 6), "{first}");
    }
    // What nobody has spoken of again has the grace of a start.
    assert!(place("RAISED", heard) < place("RAISED", quiet));
    assert!(place("RAISED", timer) < place("RAISED", quiet) && place("UNSHELVED", shelf) < place("RAISED", quiet));
    assert_eq!(running.rule_state(timer, "cycle").await["variables"], json!({"laps": 1}));
    assert!(!items.iter().any(|item| is(item, "UNSHELVED", patient)));
    let alarms = running.plant.data("{ patient(id: \"patient\") { alarms { nodes { suppression shelvedUntil } } } }").await;
    assert_eq!(alarms["patient"]["alarms"]["nodes"], json!([{"suppression": "SHELVED", "shelvedUntil": until[0]}]));
    for story in [shelf, later, patient] {
        place("RAISED", story);
        place("SHELVED", story);
    }
}

fn is(item: &Json, op: &str, story: &Story) -> bool {
    item["op"] == op && item["twinId"] == story.twin()
}
