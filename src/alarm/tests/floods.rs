//! Floods, chatter and figures.

use smol_str::SmolStr;

use crate::alarm::{Chatter, Flood, FloodChange, FloodFact, GROUPED_MAX, Notice, Raise, Severity, Summary, figures};
use crate::reading::{Timestamp, TwinNo};

use super::{MINUTE, minute, minutes};

fn shown(changes: &[FloodChange]) -> Vec<String> {
    let of = |at: Timestamp| at.0 / 1_000_000;
    let sums = |notice: &Notice| {
        let lately: u32 = notice.raised_since_notice.iter().sum();
        let grouped: String = notice.grouped.iter().map(|(receiver, count)| format!(", {count} for {receiver}")).collect();
        format!("{lately} of {}{grouped}", notice.raised)
    };
    let text = changes.iter().map(|change| match change {
        FloodChange::Begun(notice) => format!("{} begun with {}", of(notice.at), notice.first_out),
        FloodChange::Noticed(notice) => format!("{} {}, first {}", of(notice.at), sums(notice), notice.first_out),
        FloodChange::Ended(notice) => format!("{} ended with {}", of(notice.at), sums(notice)),
    });
    text.collect()
}

fn raise(flood: &mut Flood, at: Timestamp, id: &str) -> Vec<FloodChange> {
    flood.raise(&Raise { at, received: at, id: id.into(), severity: Severity::Minor })
}

#[test]
fn a_flood_begins_above_ten_and_ends_below_five() {
    let mut flood = Flood::default();
    for n in 0..10 {
        assert!(raise(&mut flood, minute(n), &format!("a{n}")).is_empty());
    }
    // The first is ten minutes old by now: it does not count any more.
    assert!(raise(&mut flood, minute(10), "a10").is_empty());
    assert_eq!(shown(&raise(&mut flood, Timestamp(minute(10).0 + 1), "a11")), ["600 begun with a1"]);
    assert_eq!(flood.ongoing().map(|ongoing| (ongoing.first_out.as_str(), ongoing.raised)), Some(("a1", 11)));
    assert_eq!(shown(&raise(&mut flood, Timestamp(minute(10).0 + 2), "a12")), [""; 0]);
    // Five are left until the fifth newest, of minute 8, falls out.
    assert_eq!(shown(&flood.elapse(minute(17))), ["660 12 of 12, first a1"]);
    assert_eq!(flood.due(), Some(minute(18)));
    assert_eq!(shown(&flood.elapse(minute(18))), ["1080 ended with 0 of 12"]);
    assert!(flood.ongoing().is_none() && flood.due().is_none());
}

#[test]
fn a_flood_is_told_in_sums() {
    let mut flood = Flood::default();
    let mut told = Vec::new();
    for second in 0..600 {
        told.extend(raise(&mut flood, Timestamp(second * 1_000_000), &format!("a{second}")));
    }
    let told = shown(&told);
    assert_eq!(told[0], "10 begun with a0");
    assert_eq!(told[1], "70 70 of 70, first a0");
    assert_eq!(told[2], "130 60 of 130, first a0");
    assert_eq!(told.len(), 1 + 9, "one notice a minute: {told:?}");
    let end = shown(&flood.elapse(minute(60)));
    assert_eq!(end, ["610 50 of 600, first a0".to_owned(), "1195 ended with 0 of 600".to_owned()]);
    let stored = serde_json::to_string(&flood).unwrap();
    assert!(stored.len() < 1_000, "what is kept does not grow with the flood");
    assert_eq!(serde_json::from_str::<Flood>(&stored).unwrap(), flood);
}

#[test]
fn what_is_kept_back_is_told_in_the_next_notice() {
    let mut flood = Flood::default();
    let group = |flood: &mut Flood, at: Timestamp, receiver: &str| {
        let fact = FloodFact::Grouped { key: "k".into(), receiver: receiver.into(), at };
        assert!(flood.groups(receiver) && flood.apply(&fact).is_empty());
    };
    assert!(!flood.groups("pager"), "there is no flood");
    for n in 0..11 {
        raise(&mut flood, Timestamp(n), "a");
    }
    ["pager", "desk", "pager"].iter().for_each(|receiver| group(&mut flood, Timestamp(20), receiver));
    assert_eq!(shown(&flood.elapse(minute(1))), [""; 0], "the minute began with the eleventh");
    assert_eq!(shown(&flood.elapse(minute(2))), ["60 11 of 11, 2 for pager, 1 for desk, first a"]);
    // Nothing new for as long as nothing comes, and the last word with the end.
    assert_eq!(flood.due(), Some(Timestamp(minute(10).0 + 6)));
    assert_eq!(shown(&flood.elapse(Timestamp(minute(10).0 + 5))), [""; 0]);
    group(&mut flood, minute(10), "desk");
    assert_eq!(shown(&flood.elapse(minute(30))), ["600 ended with 0 of 11, 1 for desk"]);
    // No more receivers than can be kept in mind: others are told at once.
    for n in 0..11 {
        raise(&mut flood, minute(60 + n / 11), "b");
    }
    for n in 0..GROUPED_MAX {
        group(&mut flood, minute(60), &format!("hook{n}"));
    }
    assert!(flood.groups("hook0") && !flood.groups("one more"));
}

#[test]
fn the_clock_of_an_area_is_that_of_its_newest_raise() {
    let (mut flood, told) = (Flood::default(), |at: i64, received: i64| Raise {
        at: minute(at),
        received: minute(received),
        id: "a".into(),
        severity: Severity::Major,
    });
    assert_eq!(flood.clock(minute(5)), minute(5));
    for _ in 0..11 {
        flood.raise(&told(100, 200));
    }
    // Data of a hundred minutes ago: what is due in their time is due a hundred minutes later on the wall.
    assert_eq!((flood.clock(minute(203)), flood.due(), flood.due_on_wall()), (minute(103), Some(minute(101)), Some(minute(201))));
    // What says an older time does not turn it back.
    flood.raise(&told(90, 204));
    assert_eq!(flood.clock(minute(204)), minute(104));
}

#[test]
fn three_in_a_minute_chatter_until_ten_are_quiet() {
    let second = |second: i64| Timestamp(second * 1_000_000);
    let mut chatter = Chatter::begun(second(0));
    chatter.raise(second(30));
    assert_eq!(chatter.ends_at(), None);
    chatter.raise(second(61));
    assert!(!chatter.is_chattering, "61 seconds are more than a minute");
    chatter.raise(second(90));
    assert!(chatter.is_chattering);
    assert_eq!(chatter.ends_at(), Some(second(690)));
    chatter.raise(second(600));
    assert_eq!(chatter.ends_at(), Some(second(1200)));
    chatter.raise(second(1200));
    assert!(!chatter.is_chattering, "ten quiet minutes were over");
}

fn summary(rule: &str, raised: i64) -> Summary {
    Summary {
        twin: TwinNo(1),
        rule: SmolStr::new(rule),
        raised_at: minute(raised),
        cleared_at: Some(minute(raised + 1)),
        raised_received: minute(raised),
        acknowledged_received: None,
        suppressed: false,
        chattering: false,
    }
}

#[test]
fn figures_of_a_stretch() {
    let mut all: Vec<Summary> = (0..12).map(|n| Summary { raised_at: Timestamp(minute(100).0 + n), ..summary("Mixer.a", 100) }).collect();
    all.push(Summary { acknowledged_received: Some(minute(204)), ..summary("Pump.b", 200) });
    all.push(Summary { acknowledged_received: Some(minute(302)), chattering: true, ..summary("Pump.b", 300) });
    // The same alarm chatters on; another one of the same rule does, too.
    all.push(Summary { chattering: true, ..summary("Pump.b", 301) });
    all.push(Summary { chattering: true, twin: TwinNo(2), ..summary("Pump.b", 302) });
    // Standing for more than a day at the end; raised before the stretch.
    all.push(Summary { cleared_at: None, ..summary("Old.c", -2000) });
    // Active at the end as well, and not yet for a day.
    all.push(Summary { cleared_at: None, ..summary("Young.d", -10) });
    let (from, to) = (minute(0), minute(1000));
    let shown = figures(&all, from, to);
    assert_eq!((shown.per_ten_minutes, shown.peak_per_ten_minutes, shown.chattering, shown.standing), (0.16, 12, 2, 1));
    assert_eq!(shown.mean_time_to_acknowledge, Some(minutes(3)));
    assert_eq!(shown.frequent, [(SmolStr::new("Mixer.a"), 12), (SmolStr::new("Pump.b"), 4)]);
    // From the eleventh raise on until fewer than five are left of ten minutes.
    let flood = (minute(110).0 + 7) - (minute(100).0 + 10);
    assert_eq!(shown.flood_share, flood as f64 / (1000 * MINUTE) as f64);
    let mut other_order = all.clone();
    other_order.reverse();
    assert_eq!(figures(&other_order, from, to), shown);
    assert_eq!(figures(&all, to, from).per_ten_minutes, 0.0);
    let suppressed: Vec<Summary> = all.iter().map(|one| Summary { suppressed: true, ..one.clone() }).collect();
    assert_eq!(figures(&suppressed, from, to).flood_share, 0.0);
}
