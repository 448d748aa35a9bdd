//! T7: a run that is killed again and again, and to which devices send again what was not acknowledged, comes to the same as one that is left alone:
//! the same alarms at the same instants, none lost, doubled or begun anew, the same windows, the same requests to others under the same keys.
//! `CRASH_SEED=n` repeats the moments.

use std::collections::BTreeSet;

use pollux::reading::{Quality, SlotNo, Timestamp, Value};
use pollux::rule::{Phase, RuleState};
use pollux::twin::Windows;
use serde_json::Value as Json;

use super::feeder::Feeder;
use super::generated::{disordered, story, wandering};
use super::recorded::{AMBIENT, DAY, HOT, LAST_LINE, MACHINE, SILENCES, TAXI, data, limits, machine_type, permuted, rows_of, silences};
use super::story::{Occurrence, Remains, Running, Said, Story, Told, by_backtest, messages, time};
use crate::crash::Dice;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// A small one of each kind, in seconds.
#[tokio::test]
async fn whoever_is_killed_comes_to_the_same() {
    compare(&small_stories(), 8).await;
}

#[tokio::test]
async fn whoever_is_killed_over_the_recordings_comes_to_the_same() {
    let Some(stories) = recorded_stories() else { return };
    compare(&stories, 20).await;
}

pub fn small_stories() -> [Story; 4] {
    let rows = disordered(7);
    let hourly: Vec<_> =
        wandering(400, 9).into_iter().enumerate().map(|(no, (at, value))| (at + (no as i64 / 60) * 3 * HOUR, value)).collect();
    let hours = "computed: {hour: {of: value, agg: avg, window: {tumbling: 1h}}}\n";
    [
        story("Plain", "", "", &with_publish(), &rows),
        story("Waits", ", reorder: 1h", "", &limits(""), &rows),
        story("Hours", ", reorder: 30m", hours, "  []", &permuted(&wandering(500, 5), 30 * MINUTE, 3)),
        story("Silent", "", "", &silences("after: 2h", "after: 3h"), &hourly),
    ]
}

/// T2's last line, T4 with an hour's wait, T5 permuted, T6.
pub fn recorded_stories() -> Option<[Story; 4]> {
    let (machine, taxi, ambient) = (rows_of(&data(MACHINE)?), rows_of(&data(TAXI)?), rows_of(&data(AMBIENT)?));
    let days = format!("computed: {{day: {DAY}}}\n");
    let timed: Vec<(i64, String)> = taxi.iter().map(|(at, value)| (time(at).0, value.clone())).collect();
    let arriving: Vec<(String, String)> =
        permuted(&timed, 2 * HOUR, 1).into_iter().map(|(at, value)| (Timestamp(at).to_string(), value)).collect();
    let of = |name, telemetry: &str, more: &str, rules: &str, rows: &[(String, String)]| Story {
        name,
        type_text: machine_type(name, telemetry, more, rules),
        messages: messages(rows),
    };
    let (telemetry, two, three) = SILENCES[1];
    Some([
        of("Plain", "", "", &with_publish(), &machine),
        of("Waits", ", reorder: 1h", "", &(limits("") + HOT), &machine),
        of("Days", ", reorder: 2h", &days, "  []", &arriving),
        of("Silent", telemetry, "", &silences(two, three), &ambient),
    ])
}

/// T2's last line, which asks somebody to do something.
fn with_publish() -> String {
    let asks = "do: [{publish: \"plant/hot\", payload: \"{'at': value}\"}], onClear: [{publish: \"plant/cool\"}]";
    format!("  - {{id: r4, when: \"value > 95\"{LAST_LINE}, {asks}}}\n")
}

/// The same stories, left alone and with so many sudden ends.
async fn compare(stories: &[Story; 4], kills: usize) {
    let all: Vec<&Story> = stories.iter().collect();
    let alone = Running::start(&all).await;
    let mut told = Vec::new();
    for story in stories {
        told.push(alone.tell(story).await);
    }
    let quiet = ending(alone, stories).await;

    let mut dice = Dice::thrown("both ways");
    let mut moments: Vec<Vec<Moment>> = stories.iter().zip(&told).map(|(story, told)| moments(story, told, kills, &mut dice)).collect();
    let mut running = Running::start(&all).await;
    let mut feeders: Vec<Feeder> = stories.iter().map(|story| Feeder::new(&story.twin(), story.messages.clone())).collect();
    let mut met = Met::default();
    for _ in 0..kills {
        let mut clients = Vec::new();
        for (feeder, moments) in feeders.iter_mut().zip(&mut moments) {
            let moment = moments.remove(0);
            let mut client = feeder.begin(running.plant.program.mqtt, moment.message);
            if moment.is_heard {
                feeder.hear_upto(&mut client, moment.message);
            }
            clients.push(client);
        }
        running.kill();
        for (feeder, client) in feeders.iter_mut().zip(&mut clients) {
            feeder.hear_the_rest(client);
        }
        met.look(&running, stories);
        running.start_again();
    }
    for feeder in &mut feeders {
        feeder.deliver(running.plant.program.mqtt);
    }
    for (story, told) in stories.iter().zip(&told) {
        assert_eq!(running.occurrences(story).await, told.occurrences, "{}", story.name);
        assert_eq!(told.occurrences, by_backtest(story).occurrences, "{}", story.name);
    }
    let killed = ending(running, stories).await;
    for ((story, killed), quiet) in stories.iter().zip(killed).zip(quiet) {
        assert_eq!(killed.alarms, quiet.alarms, "{}", story.name);
        assert_eq!(killed.asked, quiet.asked, "{}", story.name);
        assert!(killed.asked.iter().collect::<BTreeSet<_>>().len() == killed.asked.len(), "each key is asked for once");
        assert_eq!(killed.said, quiet.said, "{}", story.name);
        assert!(killed == quiet, "{}:\n{killed:#?}\n{quiet:#?}", story.name);
    }
    println!("{met:?}");
    let Met { pending, recovering, held, open } = met;
    assert!(pending > 0 && recovering > 0 && held > 0 && open > 0, "{met:?}");
}

/// Up to which message there is something to send before the end.
struct Moment {
    message: usize,
    /// It comes when the last of these is acknowledged, rather than in the middle of them.
    is_heard: bool,
}

/// In the order of the messages: some while an alarm is pending or about to end, the others anywhere.
fn moments(story: &Story, told: &Told, count: usize, dice: &mut Dice) -> Vec<Moment> {
    let times: Vec<Timestamp> = story.messages.iter().map(|message| time_of(message)).collect();
    let inside = |from: Timestamp, to: Timestamp| times.iter().rposition(|at| from <= *at && *at < to);
    let in_delay = |one: &Occurrence| -> Vec<usize> {
        let recovering = one.cleared_at.and_then(|cleared| inside(cleared.shifted(-15 * MINUTE), cleared));
        inside(one.first_true_at, one.raised_at).into_iter().chain(recovering).collect()
    };
    let mut delays: Vec<usize> = told.of_rule("r4").flat_map(in_delay).map(|place| place + 1).collect();
    let mut moments: Vec<Moment> = Vec::new();
    for no in 0..count {
        let is_heard = no % 2 == 0;
        let message = if is_heard && !delays.is_empty() {
            delays.swap_remove(dice.below(delays.len() as u64) as usize)
        } else {
            dice.below(times.len() as u64) as usize
        };
        moments.push(Moment { message, is_heard });
    }
    moments.sort_by_key(|moment| moment.message);
    moments
}

pub fn time_of(message: &str) -> Timestamp {
    let message: Json = serde_json::from_str(message).unwrap();
    time(message["ts"].as_str().unwrap())
}

/// In how many ends something was under way.
#[derive(Debug, Default, Clone, Copy)]
struct Met {
    pending: u32,
    recovering: u32,
    held: u32,
    open: u32,
}

impl Met {
    fn look(&mut self, running: &Running, stories: &[Story; 4]) {
        let remains = running.remains();
        let twin = |place: usize| &remains[&stories[place].twin()].twin;
        let phase = twin(0).state.watches.get("r4").rule.phase;
        self.pending += u32::from(matches!(phase, Phase::Pending { .. }));
        self.recovering += u32::from(matches!(phase, Phase::Recovering { .. }));
        self.held += u32::from(twin(1).views.held() > 0);
        self.open += u32::from(!twin(2).windows.is_empty());
    }
}

/// All of a twin that does not say when on the wall it was.
#[derive(Debug, PartialEq)]
struct Ending {
    /// The operation, the alarm and the instant.
    alarms: Vec<(Json, Json, Json)>,
    /// The keys of what others were asked to do.
    asked: Vec<String>,
    said: Vec<Said>,
    revision: u64,
    slots: Vec<(Option<Value>, Timestamp, Quality)>,
    windows: Windows,
    rules: Vec<(String, RuleState)>,
    held: Vec<(SlotNo, Timestamp, Value)>,
    face: Vec<(SlotNo, Timestamp, Option<Value>)>,
    counts: (u64, u64, u64),
}

async fn ending(mut running: Running, stories: &[Story; 4]) -> Vec<Ending> {
    let mut alarms = Vec::new();
    for story in stories {
        let items = running.alarm_items(story).await;
        alarms
            .push(items.into_iter().map(|item| (item["op"].clone(), item["alarm"]["id"].clone(), item["at"].clone())).collect::<Vec<_>>());
    }
    running.kill();
    let mut remains = running.remains();
    stories.iter().zip(alarms).map(|(story, alarms)| Ending::of(remains.remove(&story.twin()).unwrap(), alarms)).collect()
}

impl Ending {
    fn of(remains: Remains, alarms: Vec<(Json, Json, Json)>) -> Ending {
        let Remains { twin, said, asked } = remains;
        let views = &twin.views;
        Ending {
            alarms,
            asked,
            said,
            revision: twin.state.revision.0,
            slots: twin.state.slots.iter().map(|slot| (slot.value.clone(), slot.time, slot.quality)).collect(),
            rules: twin.state.watches.iter().map(|(id, watch)| (id.to_string(), watch.rule.clone())).collect(),
            held: views.iter().flat_map(|view| &view.held).map(|held| (held.slot, held.time, held.value.clone())).collect(),
            face: views.iter().flat_map(|view| &view.face).map(|(no, slot)| (*no, slot.time, slot.value.clone())).collect(),
            counts: (views.late(), views.replaced(), views.early()),
            windows: twin.windows,
        }
    }
}
