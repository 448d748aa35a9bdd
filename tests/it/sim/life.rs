//! One life: what is sent, what crashes, and what must be so afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pollux::alarm::{OutOfService, Raise, Severity};
use pollux::catalog::{self, Layout};
use pollux::journal::sim_disk::{Crash, SimDisk};
use pollux::journal::{Config, Journal, Reader, Recovered, checkpoint, open_on, record};
use pollux::reading::{Group, Quality, Reading, Reason, Revision, Seq, Timestamp, TwinId, TwinNo, Value};
use pollux::rule::{Fact as Watched, Step as RuleStep, Transition};
use pollux::runtime::layouts::Layouts;
use pollux::runtime::rebuild::Replay;
use pollux::source::Sources;
use pollux::twin::{Deleted, Edit, Edited, Entry, Event, Fact, Input, Managed, Received, State, Twin, step};

use super::dice::Dice;
use super::gatekeeper::Gatekeeper;

const TWINS: u32 = 4;
/// Machines started in one life.
const STARTS: u64 = 5;
/// A device sends again what is among its latest so many deliveries. More would be beyond what a resting twin remembers.
const SENT_AGAIN_MAX: usize = 12;

const METER: &str = "
type: Meter
telemetry:
  value: {type: double}
  count: {type: int, duplicates: first}
  fresh: {type: double, maxAge: 1m, reorder: 2s}
  strict: {type: double, duplicates: reject}
  note: {type: string}
  state: {type: enum, values: [A, B, C]}
computed:
  twice: {value: value * 2}
  mean: {of: twice, agg: avg, window: {sliding: 5s}}
  steps: {of: value, agg: slope, window: {sliding: 6s, every: 2s}}
  minute: {of: value, agg: quantile, q: 0.9, window: {tumbling: 4s, lateness: 20s, early: 1s}}
  hops: {of: value, agg: stddev, window: {hopping: 6s, every: 2s}}
  lastFew: {of: count, agg: sum, window: {count: 7, every: 2}}
  visit: {of: value, agg: count, window: {session: 1s, max: 10s}}
  spell: {of: value, agg: timeAvg, window: {state: \"count > 0\"}}
  inB: {of: state, agg: timeIn, value: \"'B'\", window: {resetBy: \"count == 2\"}}
  twiceFresh: {value: fresh * 2 + count}
  waited: {of: fresh, agg: sum, window: {tumbling: 3s}}
  waitedTwice: {of: twiceFresh, agg: max, window: {sliding: 4s}}
  meanOfMean: {of: mean, agg: max, window: {tumbling: 10s}}
events: {looked: }
rules:
  - {id: high, when: mean > 30, onDelay: 2s, offDelay: 1s, levels: [{when: mean > 60, severity: CRITICAL}]}
  - {id: rising, when: steps > 1, deadband: 0.5, acknowledge: no}
  - {id: silent, noData: {of: value, after: 3s}}
  - {id: waits, when: twice > 40 && previous(value) < 200, reorder: 3s, onDelay: 1s}
  - {id: fresher, when: twiceFresh > 50, deadband: 4, offDelay: 1s}
  - {id: waitedLong, when: waited > 20 || mean > 70}
  - {id: silentFresh, noData: {of: fresh, after: 4s}}
  - {id: turns, pattern: {repeat: \"previous(state) == 'A' && state == 'B'\", times: 2, within: 1m}, clearAfter: 5s}
  - {id: looks, when: mean > 25, at: {every: 2s}, onDelay: 3s, acknowledge: no}
  - {id: pulse, when: value >= 0, at: {cron: '* * * * *'}, alarm: false, do: [{emit: looked}]}
  - {id: looksLate, when: alarm.looks && twice > 30, at: {every: 3s}, reorder: 2s, acknowledge: no}
";

/// What a device says once; it may be sent more than once.
#[derive(Debug, Clone)]
struct Delivery {
    no: u64,
    twin: TwinNo,
    group: Group,
}

/// What waits for its commit.
#[derive(Debug, Default)]
struct Held {
    /// `None`: it is no more.
    changes: Vec<(TwinNo, Option<Arc<State>>)>,
    acknowledges: Vec<u64>,
    checkpoint: Option<(TwinNo, Vec<u8>)>,
}

pub struct Life {
    seed: u64,
    dice: Dice,
    disk: SimDisk,
    layout: Arc<Layout>,
    layouts: Layouts,
    now: Timestamp,
    twins: BTreeMap<TwinNo, Twin>,
    /// Entry by entry: which twins it changed and how they were afterwards; `None`: it is no more. The first has seq 1.
    history: Vec<Vec<(TwinNo, Option<Twin>)>>,
    /// What readers have seen.
    view: BTreeMap<TwinNo, Arc<State>>,
    sent: Vec<Delivery>,
    /// The alarms below its twins.
    raised: u64,
    acknowledged: BTreeSet<u64>,
    /// Where each delivery stands in the journal, as often as it does.
    heard: BTreeMap<u64, BTreeSet<Seq>>,
    /// In the store: they outlive any crash of ours.
    checkpoints: BTreeMap<TwinNo, (Seq, Vec<u8>)>,
    /// Segments up to here may be gone.
    forgotten: Seq,
}

impl Life {
    pub fn new(seed: u64) -> Life {
        let mut sources = Sources::new();
        sources.add("schemas/Meter.yaml", METER.as_bytes());
        let (catalog, problems) = catalog::load(&sources);
        assert!(!problems.has_errors());
        let layout = catalog.layout("Meter").unwrap().clone();
        let layouts = Layouts::default();
        layouts.expect(&layout);
        Life {
            seed,
            dice: Dice::of(seed),
            disk: SimDisk::new(seed),
            layout,
            layouts,
            now: Timestamp(1_767_225_600_000_000),
            twins: BTreeMap::new(),
            history: Vec::new(),
            view: BTreeMap::new(),
            sent: Vec::new(),
            raised: 0,
            acknowledged: BTreeSet::new(),
            heard: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            forgotten: Seq(0),
        }
    }

    pub fn live(mut self) {
        for _ in 0..STARTS {
            let recovered = self.recover();
            self.run(recovered);
        }
        self.recover();
    }

    fn config(&self) -> Config {
        Config { segment_bytes: 3000, group_bytes_max: 1500, ..Config::new("/journal") }
    }

    /// A start after whatever has happened, and all that must hold then.
    fn recover(&mut self) -> Recovered {
        let mut replay = Replay::new(&self.layouts);
        for (no, (_, bytes)) in self.checkpoints.iter().filter(|_| self.forgotten > Seq(0)) {
            replay.restore(*no, bytes).unwrap();
        }
        let mut revisions: BTreeMap<TwinNo, u64> = BTreeMap::new();
        let mut heard: BTreeMap<u64, BTreeSet<Seq>> = BTreeMap::new();
        let mut looked: BTreeMap<(TwinNo, String), Timestamp> = BTreeMap::new();
        let mut next = self.forgotten.0 + 1;
        let recovered = open_on(Arc::new(self.disk.clone()), self.config(), self.forgotten, &mut |seq, bytes| {
            assert_eq!(seq.0, next, "the journal has no gaps");
            next += 1;
            let (_, facts) = replay.take(seq, bytes, None).map_err(|error| error.to_string())?;
            for fact in facts {
                let Fact::Happened { no, before, events } = fact else { continue };
                assert!(!events.is_empty(), "a fact of nothing");
                let known = revisions.insert(no, before.0 + events.len() as u64);
                assert!(known.is_none_or(|known| known == before.0), "revisions have no gaps");
                for event in &events {
                    check_instants(no, event, &mut looked);
                }
                for delivery in events.iter().filter_map(delivery_of) {
                    heard.entry(delivery).or_default().insert(seq);
                }
            }
            Ok(())
        });
        let recovered = recovered.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        let last = recovered.last_seq().max(self.forgotten);
        self.history.truncate(usize::try_from(last.0).unwrap());
        assert_eq!(self.history.len() as u64, last.0, "no more is there than was appended");

        let replayed: BTreeMap<TwinNo, Twin> = replay.twins.into_iter().collect();
        let mut expected: BTreeMap<TwinNo, Twin> = BTreeMap::new();
        for (no, twin) in self.history.iter().flatten() {
            match twin {
                Some(twin) => drop(expected.insert(*no, twin.clone())),
                None => drop(expected.remove(no)),
            }
        }
        assert!(replayed == expected, "replay gives what was:\n{replayed:#?}\n{expected:#?}");
        for (no, state) in &self.view {
            // That one is missing only if it was deleted has been seen above.
            assert!(replayed.get(no).is_none_or(|twin| twin.state.revision >= state.revision), "what a reader saw is not taken back");
        }
        self.check_heard(heard, last);
        self.check_checkpoints(last, &replayed);
        self.twins = replayed;
        self.view = self.twins.iter().map(|(no, twin)| (*no, twin.state.clone())).collect();
        recovered
    }

    fn check_heard(&mut self, replayed: BTreeMap<u64, BTreeSet<Seq>>, last: Seq) {
        for seqs in self.heard.values_mut() {
            seqs.retain(|seq| *seq <= last);
        }
        self.heard.retain(|_, seqs| !seqs.is_empty());
        let in_reach = |seqs: &BTreeSet<Seq>| seqs.iter().copied().filter(|seq| *seq > self.forgotten).collect::<BTreeSet<Seq>>();
        let expected = self.heard.iter().map(|(delivery, seqs)| (*delivery, in_reach(seqs))).filter(|(_, seqs)| !seqs.is_empty());
        assert!(replayed == expected.collect(), "what is there is what was written");
        for (delivery, seqs) in &self.heard {
            assert_eq!(seqs.len(), 1, "delivery {delivery} is there more than once: {seqs:?} {:?}", self.sent[*delivery as usize]);
        }
        for delivery in &self.acknowledged {
            assert!(self.heard.contains_key(delivery), "acknowledged delivery {delivery} is lost");
        }
    }

    /// Checkpoints and the journal since give the same as the journal alone.
    fn check_checkpoints(&self, last: Seq, replayed: &BTreeMap<TwinNo, Twin>) {
        let mut replay = Replay::new(&self.layouts);
        for (no, (_, bytes)) in &self.checkpoints {
            replay.restore(*no, bytes).unwrap();
        }
        let mut reader = Reader::new(Arc::new(self.disk.clone()), PathBuf::from("/journal"), Seq(self.saved_upto().0 + 1));
        let read = reader.read(last, &mut |seq, bytes| {
            replay.take(seq, bytes, None).unwrap();
            std::ops::ControlFlow::Continue(())
        });
        read.unwrap();
        assert!(replay.twins.into_iter().collect::<BTreeMap<_, _>>() == *replayed, "checkpoints and the journal fit together");
    }

    /// What is stored of all twins contains what is up to here: their checkpoints, or that they came later; of one that is gone, for good.
    fn saved_upto(&self) -> Seq {
        let mut saved: BTreeMap<TwinNo, Seq> = BTreeMap::new();
        for (before, entry) in (0..).zip(&self.history) {
            for (no, twin) in entry {
                let gone = twin.is_none() && self.checkpoints.get(no).is_some_and(|(seq, _)| seq.0 > before);
                let known = self.checkpoints.get(no).map(|(seq, _)| *seq);
                let upto = if gone { Seq(u64::MAX) } else { known.unwrap_or(Seq(before)) };
                let place = saved.entry(*no).or_insert(upto);
                *place = if gone { upto } else { (*place).min(upto) };
            }
        }
        saved.into_values().min().filter(|seq| *seq < Seq(u64::MAX)).unwrap_or(Seq(0))
    }

    /// A machine from its start to its end.
    fn run(&mut self, recovered: Recovered) {
        let keeper = Gatekeeper::new();
        let release = keeper.clone();
        let journal = recovered.start(move |group| release.release(group)).unwrap();
        journal.append_blocking(|_| {}, Held::default()).unwrap();
        keeper.first_group(&journal).unwrap();
        if self.twins.is_empty() {
            self.create_twins(&journal);
        }
        let rounds = 2 + self.dice.below(30);
        for _ in 0..rounds {
            for _ in 0..=self.dice.below(6) {
                self.something_happens(&journal);
            }
            self.trouble();
            if !self.commit(&keeper, &journal) {
                break;
            }
            if self.dice.once_in(8) {
                self.a_twin_crashes(&keeper, &journal);
            }
        }
        // What is on its way now may be there after the crash, or not.
        for _ in 0..self.dice.below(4) {
            self.something_happens(&journal);
        }
        if self.dice.once_in(2) {
            self.disk.stop_after(self.dice.below(12));
            self.commit(&keeper, &journal);
        }
        keeper.go_down();
        self.disk.crash(if self.dice.once_in(3) { Crash::Process } else { Crash::Power });
        // The gate finds its disk gone.
        journal.close().ok();
        self.now = self.now.plus(Duration::from_secs(self.dice.below(90)));
    }

    fn trouble(&mut self) {
        match self.dice.below(40) {
            0 => self.disk.fail_syncs(1),
            1 => self.disk.fail_writes(1),
            _ => {}
        }
    }

    /// Lets one group through the gate. `false` if the disk is gone.
    fn commit(&mut self, keeper: &Gatekeeper<Held>, journal: &Journal<Held>) -> bool {
        // There is always something to take, or the gate would go to sleep.
        journal.append_blocking(|_| {}, Held::default()).unwrap();
        let Some(released) = keeper.one_group(journal) else { return false };
        for (seq, held) in released {
            for (no, state) in held.changes {
                match state {
                    Some(state) => drop(self.view.insert(no, state)),
                    None => drop(self.view.remove(&no)),
                }
            }
            self.acknowledged.extend(held.acknowledges);
            if let Some((no, bytes)) = held.checkpoint {
                self.checkpoints.insert(no, (seq, bytes));
            }
        }
        if self.dice.once_in(10) {
            let saved = self.saved_upto();
            self.forgotten = self.forgotten.max(saved);
            journal.forget_before(Seq(saved.0 + 1));
        }
        true
    }

    fn create_twins(&mut self, journal: &Journal<Held>) {
        for no in (1..=TWINS).map(TwinNo) {
            let id = TwinId::parse(&format!("meter-{}", no.0)).unwrap();
            let twin = Twin::new(State::new(no, id.clone(), self.layout.clone(), self.now));
            let entry = Entry { at: self.now, facts: vec![Fact::Created { no, id, layout: self.layout.fingerprint }] };
            let held = Held { changes: vec![(no, Some(twin.state.clone()))], ..Held::default() };
            journal.append_blocking(|out| record::encode(&entry, out), held).unwrap();
            self.history.push(vec![(no, Some(twin.clone()))]);
            self.twins.insert(no, twin);
        }
    }

    fn something_happens(&mut self, journal: &Journal<Held>) {
        self.now = self.now.plus(Duration::from_millis(self.dice.below(2000)));
        // A crash may have taken even the entries that made the twins; then they are made again at the next start.
        let living: Vec<TwinNo> = self.twins.keys().copied().collect();
        let Some(no) = living.get(self.dice.below(living.len() as u64) as usize).copied() else { return };
        match self.dice.below(28) {
            26 | 27 => {
                let told = self.alarms_below();
                self.happen(journal, no, &[told], Vec::new());
            }
            24 | 25 => {
                let managed = self.managed();
                self.happen(journal, no, &[Input::Managed(managed)], Vec::new());
            }
            21..=23 => self.happen(journal, no, &[Input::Woken { started: pollux::twin::NEVER_AWAY }], Vec::new()),
            0 => self.happen(journal, no, &[Input::Idle], Vec::new()),
            1 | 2 => self.save(journal, no),
            3..=6 => self.send_again(journal),
            7 => self.edit(journal),
            _ => {
                let deliveries: Vec<Delivery> = (0..=self.dice.below(3)).map(|_| self.new_delivery(no)).collect();
                self.deliver(journal, no, &deliveries);
            }
        }
    }

    /// What somebody does to the rules of a twin.
    fn managed(&mut self) -> Managed {
        match self.dice.below(4) {
            0 => {
                let until = self.dice.once_in(2).then(|| self.now.plus(Duration::from_millis(500 + self.dice.below(9000))));
                Managed::TakenOut(OutOfService { until, by: "fitter".into(), reason: "new belt".into() })
            }
            1 => Managed::BackInService { by: "fitter".into() },
            what => {
                let rule = ["high", "rising", "silent", "turns", "looks", "looksLate"][self.dice.below(6) as usize];
                Managed::Switched { rule: rule.into(), enabled: what == 2 }
            }
        }
    }

    /// Alarms below a twin, some of which it has been told of, or a notification that is to leave.
    fn alarms_below(&mut self) -> Input {
        if self.dice.once_in(3) {
            let receiver = if self.dice.once_in(2) { "pager" } else { "" };
            let key = format!("m/high/{}/1/0", self.raised.saturating_sub(self.dice.below(3)));
            return Input::Grouped { key: key.into(), receiver: receiver.into() };
        }
        let again = self.dice.below(3).min(self.raised);
        let first = self.raised - again;
        self.raised += self.dice.below(6);
        let late = Duration::from_millis(self.dice.below(3000));
        let at = self.now.minus(late);
        let raise = |no| Raise { at, received: self.now, id: format!("alarm/m/high/{no}").into(), severity: Severity::Major };
        Input::Counted((first..self.raised).map(raise).collect())
    }

    fn new_delivery(&mut self, twin: TwinNo) -> Delivery {
        let no = self.sent.len() as u64;
        let time = match self.dice.below(10) {
            0 => None,
            1 => Some(self.now.plus(Duration::from_secs(301 + self.dice.below(3)))),
            2 => Some(self.now.minus(Duration::from_secs(50 + self.dice.below(20)))),
            3 | 4 => Some(self.now.minus(Duration::from_millis(500 * self.dice.below(8)))),
            // Times that meet again.
            5 => Some(Timestamp(self.now.0 - self.now.0.rem_euclid(2_000_000))),
            _ => Some(self.now),
        };
        // The number of the delivery is its first value, so that it can be told from all others.
        let mark = if self.dice.once_in(5) { "fresh" } else { "value" };
        let mut readings = vec![self.reading(mark, Value::Double(no as f64))];
        if self.dice.once_in(2) {
            let count = self.dice.below(3) as i64;
            readings.push(self.reading("count", Value::Int(count)));
        }
        if self.dice.once_in(4) {
            let strict = 0.1 * self.dice.below(3) as f64;
            readings.push(self.reading("strict", Value::Double(strict)));
        }
        if self.dice.once_in(4) {
            readings.push(self.reading("note", Value::Text(format!("note {no}").into())));
        }
        if self.dice.once_in(4) {
            readings.push(self.reading("state", Value::Enum((no % 3) as u16)));
        }
        let delivery = Delivery { no, twin, group: Group { time, readings } };
        self.sent.push(delivery.clone());
        delivery
    }

    fn reading(&self, member: &str, value: Value) -> Reading {
        Reading { slot: self.layout.slot_by_path(member).unwrap(), value, quality: Quality::Good, reason: Reason::None }
    }

    /// A device that did not hear, or heard and sends all the same. Without a time of its own a message is a new one.
    fn send_again(&mut self, journal: &Journal<Held>) {
        let Some(latest) = self.sent.last().map(|delivery| delivery.no) else { return };
        let oldest = latest.saturating_sub(SENT_AGAIN_MAX as u64 - 1);
        let no = oldest + self.dice.below(latest - oldest + 1);
        let delivery = self.sent[no as usize].clone();
        if delivery.group.time.is_some() {
            self.deliver(journal, delivery.twin, &[delivery]);
        }
    }

    fn deliver(&mut self, journal: &Journal<Held>, no: TwinNo, deliveries: &[Delivery]) {
        let received = Received { at: self.now, future_tolerance: Duration::from_secs(300), started: pollux::twin::NEVER_AWAY };
        let inputs: Vec<Input> = deliveries.iter().map(|delivery| Input::Readings { group: delivery.group.clone(), received }).collect();
        self.happen(journal, no, &inputs, deliveries.iter().map(|delivery| delivery.no).collect());
    }

    /// What a twin's actor does with a message.
    fn happen(&mut self, journal: &Journal<Held>, no: TwinNo, inputs: &[Input], acknowledges: Vec<u64>) {
        let Some(twin) = self.twins.get_mut(&no) else { return };
        let before = twin.state.revision;
        let mut events = Vec::new();
        for input in inputs {
            let step = step(twin, input, self.now);
            events.extend(step.events);
        }
        let changes = if events.is_empty() { Vec::new() } else { vec![(no, Some(twin.state.clone()))] };
        let held = Held { changes, acknowledges, checkpoint: None };
        assert_eq!(twin.state.revision, Revision(before.0 + events.len() as u64));
        let at = self.now;
        let encode = |out: &mut Vec<u8>| {
            if !events.is_empty() {
                record::encode_start(at, out);
                record::encode_happened(at, no, before, &events, out);
            }
        };
        journal.append_blocking(encode, held).unwrap();
        if !events.is_empty() {
            self.history.push(vec![(no, Some(self.twins[&no].clone()))]);
            let seq = Seq(self.history.len() as u64);
            for delivery in events.iter().filter_map(delivery_of) {
                self.heard.entry(delivery).or_default().insert(seq);
            }
        }
    }

    /// The highest number that was ever given, as far as is known.
    fn last_no(&self) -> TwinNo {
        self.history.iter().flatten().map(|(no, _)| *no).max().unwrap_or(TwinNo(1))
    }

    /// Some twins are changed in one entry, one comes and one goes.
    fn edit(&mut self, journal: &Journal<Held>) {
        let at = self.now;
        let mut facts = vec![Fact::Edited(Box::new(Edited { by: "sim".to_owned(), keyed: None }))];
        let mut after: Vec<(TwinNo, Option<Twin>)> = Vec::new();
        let living: Vec<TwinNo> = self.twins.keys().copied().collect();
        for no in living.iter().filter(|_| self.dice.once_in(2)) {
            let Some(twin) = self.twins.get_mut(no) else { continue };
            let before = twin.state.revision;
            let name = format!("name {}", self.history.len()).into();
            let events = step(twin, &Input::Edited(Edit { name: Some(name), ..Edit::default() }), at).events;
            facts.push(Fact::Happened { no: *no, before, events });
            after.push((*no, Some(twin.clone())));
        }
        if self.dice.once_in(2) {
            let no = TwinNo(self.last_no().0 + 1);
            let id = TwinId::parse(&format!("meter-{}", no.0)).unwrap();
            let twin = Twin::new(State::new(no, id.clone(), self.layout.clone(), at));
            facts.push(Fact::Created { no, id, layout: self.layout.fingerprint });
            self.twins.insert(no, twin.clone());
            after.push((no, Some(twin)));
        }
        if self.dice.once_in(2) && living.len() > 2 {
            let no = living[self.dice.below(living.len() as u64) as usize];
            let state = self.twins.remove(&no).unwrap().state;
            facts.push(Fact::Deleted(Box::new(deleted(&state))));
            after.push((no, None));
        }
        if after.is_empty() {
            return;
        }
        let entry = Entry { at, facts };
        let changes = after.iter().map(|(no, twin)| (*no, twin.as_ref().map(|twin| twin.state.clone()))).collect();
        let held = Held { changes, ..Held::default() };
        journal.append_blocking(|out| record::encode(&entry, out), held).unwrap();
        // What remains of a deleted twin takes the place of its checkpoint.
        let gone: Vec<TwinNo> = after.iter().filter(|(_, twin)| twin.is_none()).map(|(no, _)| *no).collect();
        for no in gone {
            let last = self.history.iter().flatten().rev().find(|(other, _)| *other == no).and_then(|(_, twin)| twin.clone()).unwrap();
            let mut bytes = Vec::new();
            checkpoint::encode_deleted(&deleted(&last.state), &mut bytes);
            journal.append_blocking(|_| {}, Held { checkpoint: Some((no, bytes)), ..Held::default() }).unwrap();
        }
        self.history.push(after);
    }

    fn save(&mut self, journal: &Journal<Held>, no: TwinNo) {
        let Some(twin) = self.twins.get(&no) else { return };
        let mut bytes = Vec::new();
        checkpoint::encode_twin(twin, &mut bytes);
        let decoded = checkpoint::decode_twin(&bytes, &|fingerprint| self.layouts.get(fingerprint)).unwrap();
        assert!(decoded == *twin, "a checkpoint is the twin");
        journal.append_blocking(|_| {}, Held { checkpoint: Some((no, bytes)), ..Held::default() }).unwrap();
    }

    /// An actor is gone. When the gate has passed its last draft it is rebuilt, and is what it was.
    fn a_twin_crashes(&mut self, keeper: &Gatekeeper<Held>, journal: &Journal<Held>) {
        while journal.health().pending_entries > 1 {
            if !self.commit(keeper, journal) {
                return;
            }
        }
        let no = TwinNo(1 + self.dice.below(u64::from(self.last_no().0)) as u32);
        let mut replay = Replay::new(&self.layouts);
        if let Some((_, bytes)) = self.checkpoints.get(&no) {
            replay.restore(no, bytes).unwrap();
        }
        let mut reader = Reader::new(Arc::new(self.disk.clone()), PathBuf::from("/journal"), Seq(self.forgotten.0 + 1));
        let read = reader.read(Seq(self.history.len() as u64), &mut |seq, bytes| {
            replay.take(seq, bytes, Some(no)).unwrap();
            std::ops::ControlFlow::Continue(())
        });
        read.unwrap();
        assert!(replay.twins.get(&no) == self.twins.get(&no), "a twin that crashed is what it was");
    }
}

fn deleted(state: &State) -> Deleted {
    Deleted { no: state.no, id: state.id.clone(), applied: state.applied }
}

/// Which delivery a fact came from, if it shows.
/// A rule that looks at certain instants looks at each once, unless it was switched on in between.
fn check_instants(no: TwinNo, event: &Event, looked: &mut BTreeMap<(TwinNo, String), Timestamp>) {
    match event {
        Event::Switched { rule, .. } => drop(looked.remove(&(no, rule.to_string()))),
        Event::Watched { rule, fact } => {
            let Watched::Rule(Transition { step: RuleStep::Looked { next }, .. }) = &**fact else { return };
            let before = looked.insert((no, rule.to_string()), *next);
            assert!(before.is_none_or(|before| before < *next), "{rule} looks twice: {before:?} {next}");
        }
        _ => {}
    }
}

fn delivery_of(event: &Event) -> Option<u64> {
    let Event::Read(read) = event else { return None };
    let marks_it = matches!(read.slot.0, 0 | 2);
    match &read.value {
        Value::Double(number) if marks_it => Some(*number as u64),
        _ => None,
    }
}
