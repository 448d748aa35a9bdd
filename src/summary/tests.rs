//! Roll-ups against the sum by hand, whatever happens: readings, late ones, silence, twins that come, go and move.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::{Summary, World};
use crate::catalog::rolled::Over;
use crate::catalog::{self, Catalog, Layout};
use crate::expr::Datum;
use crate::reading::{Group, Quality, Reading, Reason, Timestamp, TwinId, TwinNo, Value};
use crate::source::Sources;
use crate::twin::{Input, Received, State, Twin, step};
use crate::window::dice::Dice;

const TYPES: [(&str, &str); 2] = [
    (
        "schemas/Area.yaml",
        "type: Area\nrelations: {contains: {to: [Area, Pump]}}\nrollups:\n  sum: {of: x, depth: all, types: [Pump], agg: sum, minCoverage: 0}\n  mean: {of: \"x * 2\", depth: all, types: [Pump], agg: avg}\n  near: {of: x, types: [Pump], agg: max, minCoverage: 0}\n  high: {depth: all, types: [Pump], agg: count, where: \"x > 50\"}\n",
    ),
    ("schemas/Pump.yaml", "type: Pump\ntelemetry: {x: {type: double, every: 10s}}\n"),
];
const AREAS: u32 = 5;
const STALE_S: i64 = 30;

struct Site {
    catalog: Catalog,
    twins: BTreeMap<TwinNo, Twin>,
    /// Child to parent.
    inside: BTreeMap<TwinNo, TwinNo>,
    now: Timestamp,
    summary: Summary,
}

/// What of it the summary sees.
struct Seen<'a>(&'a BTreeMap<TwinNo, Twin>, &'a BTreeMap<TwinNo, TwinNo>);

impl World for Seen<'_> {
    fn state(&self, twin: TwinNo) -> Option<Arc<State>> {
        self.0.get(&twin).map(|twin| twin.state.clone())
    }

    fn layout(&self, state: &State) -> Option<Arc<Layout>> {
        Some(state.layout.0.clone())
    }

    fn each(&self, twin: TwinNo, over: &Over, take: &mut dyn FnMut(TwinNo, &Map<String, Json>)) {
        let none = Map::new();
        for (child, parent) in self.1 {
            if over.is_inverse && *child == twin {
                take(*parent, &none);
            } else if !over.is_inverse && *parent == twin {
                take(*child, &none);
            }
        }
    }
}

impl Site {
    fn new() -> Site {
        let mut sources = Sources::new();
        for (path, text) in TYPES {
            sources.add(path, text.as_bytes());
        }
        let (catalog, problems) = catalog::load(&sources);
        assert!(!problems.has_errors());
        let now = Timestamp(1_767_225_600_000_000);
        let mut site = Site { catalog, twins: BTreeMap::new(), inside: BTreeMap::new(), now, summary: Summary::default() };
        for no in 1..=AREAS {
            site.add(TwinNo(no), "Area", TwinNo(no / 2));
        }
        site
    }

    fn add(&mut self, no: TwinNo, of_type: &str, parent: TwinNo) {
        let layout = self.catalog.layout(of_type).unwrap().clone();
        let twin = Twin::new(State::new(no, TwinId::parse(&format!("t{}", no.0)).unwrap(), layout, self.now));
        self.summary.twin(no, &twin.state);
        self.twins.insert(no, twin);
        self.put(no, parent);
    }

    fn put(&mut self, no: TwinNo, parent: TwinNo) {
        if let Some(former) = self.inside.remove(&no) {
            self.summary.edge(&Seen(&self.twins, &self.inside), "contains", former, no);
        }
        if parent.0 > 0 {
            self.inside.insert(no, parent);
            self.summary.edge(&Seen(&self.twins, &self.inside), "contains", parent, no);
        }
    }

    fn remove(&mut self, no: TwinNo) {
        self.put(no, TwinNo(0));
        self.twins.remove(&no);
        self.summary.gone(no);
    }

    fn hear(&mut self, no: TwinNo, value: f64, age_s: i64) {
        let twin = self.twins.get_mut(&no).unwrap();
        let slot = twin.state.layout.slot_by_path("x").unwrap();
        let reading = Reading { slot, value: Value::Double(value), quality: Quality::Good, reason: Reason::None };
        let group = Group { time: Some(self.now.shifted(-age_s * 1_000_000)), readings: vec![reading] };
        step(
            twin,
            &Input::Readings {
                group,
                received: Received { at: self.now, future_tolerance: Duration::ZERO, started: crate::twin::NEVER_AWAY },
            },
            self.now,
        );
        self.summary.twin(no, &twin.state);
    }

    fn gather(&mut self) {
        for (no, gathered) in self.summary.gather(&Seen(&self.twins, &self.inside), self.now) {
            let twin = self.twins.get_mut(&no).unwrap();
            step(twin, &Input::Gathered(gathered), self.now);
            self.summary.twin(no, &twin.state);
        }
    }

    /// The pumps below an area, one step or all the way: their values, `None` where unknown.
    fn below(&self, area: TwinNo, deep: bool) -> Vec<Option<f64>> {
        let is_below = |no: &TwinNo| {
            let mut at = *no;
            let mut steps = 0;
            while let Some(parent) = self.inside.get(&at) {
                steps += 1;
                if *parent == area {
                    return deep || steps == 1;
                }
                at = *parent;
            }
            false
        };
        let value = |twin: &Twin| {
            let slot = twin.state.slot(twin.state.layout.slot_by_path("x")?);
            let is_fresh = self.now < slot.received.plus(Duration::from_secs(STALE_S as u64));
            slot.value.as_ref().filter(|_| is_fresh).map(|value| if let Value::Double(number) = value { *number } else { f64::NAN })
        };
        let pumps = self.twins.iter().filter(|(no, twin)| no.0 > AREAS && &*twin.state.layout.name == "Pump" && is_below(no));
        pumps.map(|(_, twin)| value(twin)).collect()
    }

    fn shows(&self, area: TwinNo, member: &str) -> Option<f64> {
        let state = &self.twins[&area].state;
        Datum::from_value(state.slot(state.layout.slot_by_path(member).unwrap()).value.as_ref()?)?.as_number()
    }

    fn check(&self, context: &str) {
        let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
            (a, b) => a.is_none() && b.is_none(),
        };
        for area in (1..=AREAS).map(TwinNo) {
            let all = self.below(area, true);
            let known: Vec<f64> = all.iter().flatten().copied().collect();
            let sum = if all.is_empty() || !known.is_empty() { Some(known.iter().sum()) } else { None };
            let enough = !known.is_empty() && known.len() as f64 >= 0.5 * all.len() as f64;
            let mean = enough.then(|| 2.0 * known.iter().sum::<f64>() / known.len() as f64);
            let near: Vec<f64> = self.below(area, false).into_iter().flatten().collect();
            let max = near.iter().copied().reduce(f64::max);
            let high = known.iter().filter(|value| **value > 50.0).count() as f64;
            for (member, wanted) in [("sum", sum), ("mean", mean), ("near", max), ("high", Some(high))] {
                let shown = self.shows(area, member);
                assert!(same(shown, wanted), "{context}, area {}: {member} is {shown:?} and should be {wanted:?}", area.0);
            }
        }
    }
}

#[test]
fn roll_ups_are_what_is_there() {
    for seed in 0..40 {
        let (mut dice, mut site, mut next) = (Dice::new(seed), Site::new(), AREAS + 1);
        for turn in 0..200 {
            site.now = site.now.shifted(dice.below(4_000_000) as i64);
            let pumps: Vec<TwinNo> = site.twins.keys().copied().filter(|no| no.0 > AREAS).collect();
            let area = TwinNo(1 + dice.below(u64::from(AREAS)) as u32);
            let pump = pumps.get(dice.below(pumps.len().max(1) as u64) as usize).copied();
            match (dice.below(10), pump) {
                (0 | 1, _) | (_, None) => {
                    site.add(TwinNo(next), "Pump", area);
                    next += 1;
                }
                (2, Some(pump)) => site.remove(pump),
                (3, Some(pump)) => site.put(pump, area),
                (4, _) => site.now = site.now.shifted(dice.below(40_000_000) as i64),
                (5, Some(pump)) => site.hear(pump, dice.below(100) as f64, dice.below(20) as i64),
                (_, Some(pump)) => site.hear(pump, dice.below(100) as f64, 0),
            }
            // Sometimes much has happened before anybody looks.
            if dice.below(3) > 0 {
                site.gather();
                site.check(&format!("seed {seed}, turn {turn}"));
            }
        }
    }
}
