//! A twin below which alarms are counted: what it asks for in a flood, and that it counts what it is told twice once.

use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{Flood, FloodFact, Raise, Severity};
use crate::reading::Timestamp;
use crate::rule::Ask;
use crate::twin::{Event, Input};
use crate::window::dice::Dice;

use super::{SECOND, World, at, layout};

fn area() -> World {
    World::new(layout("Hall", "type: Hall\nalarmArea: true\n"))
}

fn raise(n: i64, seconds: i64) -> Raise {
    let severity = if n == 3 { Severity::Critical } else { Severity::Minor };
    Raise { at: at(seconds), received: at(seconds), id: format_smolstr!("alarm/p/hot/{n}"), severity }
}

impl World {
    fn count(&mut self, seconds: i64, raises: Vec<Raise>) {
        self.take(at(seconds), &Input::Counted(raises));
    }

    fn group(&mut self, seconds: i64, key: &str, receiver: &str) -> bool {
        self.take(at(seconds), &Input::Grouped { key: key.into(), receiver: receiver.into() }).grouped
    }

    /// What it has asked for: when, under which key, for whom, and the numbers.
    fn asked(&self) -> Vec<String> {
        let requests = self.all.iter().filter_map(|(at, event)| if let Event::Asked(request) = event { Some((at, request)) } else { None });
        let shown = requests.map(|(at, request)| {
            let (target, said) = match &request.ask {
                Ask::Publish { topic, payload, .. } => (topic.as_str(), payload.clone().unwrap()),
                Ask::Webhook { name, body } => (name.as_str(), body.clone().unwrap()),
                Ask::Set { .. } | Ask::Emit { .. } | Ask::Command { .. } | Ask::Raise { .. } | Ask::Lower { .. } => {
                    panic!("{} tells nobody", request.key)
                }
            };
            let numbers =
                format!("{} of {} {}, {} kept back", said["raisedSinceNotice"], said["raised"], said["bySeverity"], said["notifications"]);
            let over = if said["isOver"] == true { ", over" } else { "" };
            format!("{} {target} {} {numbers}, first {}{over}", at.0 / SECOND, request.key, said["firstOut"].as_str().unwrap())
        });
        shown.collect()
    }
}

#[test]
fn notifications_are_told_in_sums() {
    let mut hall = area();
    for n in 0..10 {
        hall.count(n, vec![raise(n, n)]);
    }
    assert!(!hall.group(9, "p/hot/9/1/0", "pager"), "ten are not too many");
    hall.count(10, vec![raise(10, 10), raise(10, 10), raise(4, 4)]);
    assert!(hall.group(10, "p/hot/10/1/0", "pager"));
    assert!(hall.group(10, "p/hot/10/1/0", "pager"), "said again, it is kept back once");
    assert!(hall.group(11, "p/hot/10/1/1", ""));
    hall.pass_until(3_600);
    assert!(!hall.group(3_601, "p/hot/11/1/0", "pager"), "it is over");
    let first = "first alarm/p/hot/0";
    assert_eq!(
        hall.asked(),
        [
            format!(r#"10 pollux/pump-1/flood pump-1/~flood/10000000/0/ 11 of 11 {{"CRITICAL":1,"MINOR":10}}, 0 kept back, {first}"#),
            format!(r#"70 pollux/pump-1/flood pump-1/~flood/10000000/1/ 11 of 11 {{"CRITICAL":1,"MINOR":10}}, 2 kept back, {first}"#),
            format!(r#"70 pager pump-1/~flood/10000000/1/pager 11 of 11 {{"CRITICAL":1,"MINOR":10}}, 1 kept back, {first}"#),
            format!(r#"606 pollux/pump-1/flood pump-1/~flood/10000000/2/ 0 of 11 {{}}, 0 kept back, {first}, over"#),
        ]
    );
}

/// After a crash nobody knows what an area has heard of, so it is told of the newest again: the flood is the same as if it had been told once.
#[test]
fn what_is_told_again_changes_nothing() {
    let (mut floods, mut repeated) = (0, 0);
    for seed in 1..60 {
        let mut dice = Dice::new(seed);
        let (mut hall, mut once, mut told, mut time) = (area(), Flood::default(), Vec::<Raise>::new(), 0);
        for n in 0..120 {
            let pause = if dice.below(8) == 0 { 400 } else { 40 };
            time += i64::try_from(dice.below(pause)).unwrap();
            // Some come late, with a time of before.
            let late = i64::try_from(dice.below(30)).unwrap() * i64::from(dice.below(3) == 0);
            let new = Raise { at: at(time - late), ..raise(n, time) };
            if dice.below(2) == 0 {
                hall.take(at(time), &Input::Woken { started: crate::twin::NEVER_AWAY });
                once.apply(&FloodFact::Elapsed { until: once.clock(at(time)) });
            }
            let again = usize::try_from(dice.below(12)).unwrap().min(told.len());
            repeated += again;
            let mut all = told[told.len() - again..].to_vec();
            all.push(new.clone());
            hall.count(time, all);
            once.apply(&FloodFact::Raised(vec![new.clone()]));
            told.push(new);
            let (seen, own) = (hall.twin.state.flood.as_deref().unwrap(), &once);
            assert_eq!(seen.newest(), own.newest(), "seed {seed}, alarm {n}");
            assert_eq!(
                seen.ongoing().map(|flood| (flood.since, &flood.first_out)),
                own.ongoing().map(|flood| (flood.since, &flood.first_out))
            );
            floods += usize::from(own.ongoing().is_some_and(|flood| flood.raised == 11));
        }
    }
    assert!(floods > 50 && repeated > 10_000, "{floods} floods, {repeated} told again: something happened");
}

#[test]
fn an_alarm_is_marked_once() {
    let text = "type: Pump\ntelemetry: {t: double}\nrules: [{id: hot, when: \"t > 1\"}]\n";
    let mut pump = World::new(layout("Pump", text));
    pump.hear(1, &[("t", serde_json::json!(2))]);
    let marked = |no: u32, first_out: bool| {
        let (rule, at): (SmolStr, Timestamp) = ("hot".into(), at(5));
        Input::Flooded(Box::new(crate::twin::Flooded { rule, no, first_out, at }))
    };
    assert_eq!(pump.take(at(5), &marked(2, true)).events.len(), 0, "another occurrence than is open");
    let marks = |pump: &World| pump.twin.state.watches.get("hot").alarm.open.as_ref().map(|open| (open.flood, open.first_out));
    for (first_out, events, expected) in
        [(false, 1, (true, false)), (false, 0, (true, false)), (true, 1, (true, true)), (false, 0, (true, true))]
    {
        assert_eq!(pump.take(at(5), &marked(1, first_out)).events.len(), events);
        assert_eq!(marks(&pump), Some(expected));
    }
}
