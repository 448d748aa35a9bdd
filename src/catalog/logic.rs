//! What follows from the readings of a type: its computed values and its rules, compiled. Every name is a slot or a number by now.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::alarm::Severity;
use crate::expr::{Checked, Datum, Operand, Template};
use crate::reading::SlotNo;
use crate::rule::{Kind, Rule};
use crate::source::Span;

use super::detector::DetectorSpec;
use super::layout::Layout;
use super::places::Places;
use super::rolled::{Export, Rollup};
use super::viewed::ViewSpec;
use super::windowed::Windowed;

/// Expressions of one type, all kinds together (`rules.md`, 16).
pub const EXPRESSIONS_MAX: usize = 1024;
/// What the expressions of one type read of other twins.
pub const REMOTES_MAX: usize = 64;

#[derive(Debug, Clone, Default)]
pub struct Logic {
    /// Each reads only those before it.
    pub computed: Box<[Computed]>,
    /// Computed values that are windows over a member.
    pub windows: Box<[Windowed]>,
    /// What waits for older readings, by how long.
    pub views: Box<[ViewSpec]>,
    /// Over its relations; inherited ones first.
    pub rollups: Box<[Rollup]>,
    /// What its expressions read of other twins, as hidden roll-ups; [`remote_slot`] numbers them.
    pub remotes: Box<[Rollup]>,
    /// What it contributes to roll-ups of others.
    pub exports: Box<[Export]>,
    /// Inherited first, then in the order of the file.
    pub rules: Box<[RuleSpec]>,
    /// Places of those that are detectors.
    pub detectors: Box<[u16]>,
    /// What it may report, and what it can be asked; inherited ones first.
    pub events: Box<[EventSpec]>,
    pub commands: Box<[CommandSpec]>,
    /// Webhooks that its rules call, and where they say so.
    pub hooks: Box<[(Box<str>, Span)]>,
    /// Of the rules, in one list; [`Operand::Param`] counts in it.
    pub params: Box<[Param]>,
    /// By slot, then by remote: who reads it.
    readers: Box<[Readers]>,
    slots: usize,
    /// Slots of which some expression asks what they held before.
    pub previous: Box<[SlotNo]>,
}

/// Places in the lists of [`Logic`], in rising order.
#[derive(Debug, Clone, Default)]
pub struct Readers {
    pub computed: Box<[u16]>,
    pub rules: Box<[u16]>,
    /// Windows over this slot.
    pub windows: Box<[u16]>,
    /// Windows whose condition reads it.
    pub gates: Box<[u16]>,
    /// All rules and windows that may move when this slot does, by whatever lies between.
    pub rules_behind: Box<[u16]>,
    pub windows_behind: Box<[u16]>,
}

impl Readers {
    /// Whether anything is evaluated when its quality changes.
    pub fn is_evaluated(&self) -> bool {
        !(self.computed.is_empty() && self.rules.is_empty() && self.gates.is_empty())
    }
}

#[derive(Debug, Clone)]
pub struct Computed {
    pub slot: SlotNo,
    pub value: Checked,
    /// The slots it reads.
    pub reads: Box<[SlotNo]>,
}

/// A parameter of a rule, as its type gives it.
#[derive(Debug, Clone)]
pub struct Param {
    /// Place in [`Logic::rules`].
    pub rule: u16,
    pub name: Box<str>,
    pub value: Checked,
    /// What it is where it is a constant.
    pub constant: Option<Datum>,
    /// The type that gives this value.
    pub given_by: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSpec {
    pub name: Box<str>,
    pub severity: Severity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    pub name: Box<str>,
    /// To do it twice is to do it once.
    pub idempotent: bool,
}

/// What an action says.
#[derive(Debug, Clone)]
pub enum Said {
    Value(Checked),
    Text(Template),
}

/// A rule with its expressions.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    pub rule: Rule,
    pub when: Option<Checked>,
    /// Whether an active alarm stays: `when` with its limit relaxed, where there is a deadband.
    pub stay: Option<Checked>,
    pub clear_when: Option<Checked>,
    /// In rising order; the severities stand in `rule`.
    pub levels: Box<[LevelSpec]>,
    /// Of a pattern.
    pub steps: Box<[Checked]>,
    /// Of missing data: the members that are listened for.
    pub silent: Box<[SlotNo]>,
    /// Of a detector.
    pub detector: Option<DetectorSpec>,
    pub suppressed_by: Option<Checked>,
    /// The slots that its conditions read, and those it listens for.
    pub reads: Box<[SlotNo]>,
    /// The members that those come from in the end: the newest of their clocks is the clock of the rule.
    pub clocks: Box<[SlotNo]>,
    /// Only values whose quality is GOOD are known to it.
    pub accepts_good_only: bool,
    /// How long it waits for older readings, where it says so itself.
    pub reorder: Option<Duration>,
    /// Where it waits: what it sees instead of the newest values.
    pub view: Option<u16>,
    pub title: Option<Box<str>>,
    pub text: Option<Template>,
    /// What its actions say, by the number of the expression.
    pub said: Box<[Said]>,
    /// As the file says it.
    pub source: Arc<str>,
    /// The type that declares it.
    pub declared_by: Arc<str>,
}

#[derive(Debug, Clone)]
pub struct LevelSpec {
    pub when: Checked,
    pub stay: Checked,
    pub text: Option<Template>,
}

impl Logic {
    pub fn is_empty(&self) -> bool {
        self.computed.is_empty() && self.rules.is_empty() && self.windows.is_empty() && self.rollups.is_empty()
    }

    /// All roll-ups, hidden ones included.
    pub fn all_rollups(&self) -> impl Iterator<Item = &Rollup> {
        self.rollups.iter().chain(&self.remotes)
    }

    pub fn readers(&self, slot: SlotNo) -> Option<&Readers> {
        self.readers.get(place_of(slot, self.slots))
    }

    /// To be called when all is in: who reads what, parameters looked through to the slots behind them.
    pub fn settle(&mut self, slots: usize) {
        let is_detector = |(_, spec): &(u16, &RuleSpec)| spec.detector.is_some();
        self.detectors = (0_u16..).zip(&self.rules).filter(is_detector).map(|(place, _)| place).collect();
        let of_computed: Vec<Box<[SlotNo]>> = self.computed.iter().map(|computed| self.slots_of([&computed.value], &[])).collect();
        let of_rules: Vec<Box<[SlotNo]>> = self.rules.iter().map(|spec| self.slots_of(spec.conditions(), &spec.listens_to())).collect();
        let of_gates: Vec<Box<[SlotNo]>> = self.windows.iter().map(|window| self.slots_of(window.gate(), &[])).collect();
        for (computed, reads) in self.computed.iter_mut().zip(&of_computed) {
            computed.reads.clone_from(reads);
        }
        for (spec, reads) in self.rules.iter_mut().zip(&of_rules) {
            spec.reads.clone_from(reads);
        }
        let of_windows: Vec<Box<[SlotNo]>> = self.windows.iter().map(|window| Box::from([window.of])).collect();
        self.slots = slots;
        let places = slots + self.remotes.len();
        let lists = [of_computed, of_rules, of_windows, of_gates].map(|reads| by_slot(&reads, slots, places));
        let [computed, rules, windows, gates] = lists.map(Vec::into_iter);
        let all = computed.zip(rules).zip(windows).zip(gates);
        let readers = all.map(|(((computed, rules), windows), gates)| Readers { computed, rules, windows, gates, ..Readers::default() });
        self.readers = readers.collect();
        self.look_behind();
        let all = self.computed.iter().map(|computed| &computed.value);
        let all = all.chain(self.rules.iter().flat_map(RuleSpec::conditions)).chain(self.windows.iter().flat_map(Windowed::gate));
        let asked = all.flat_map(|checked| &checked.dependencies).filter(|dependency| dependency.uses.previous);
        let mut previous: Vec<SlotNo> = asked.filter_map(|dependency| slot_of(dependency.operand)).collect();
        previous.sort_unstable();
        previous.dedup();
        self.previous = previous.into();
    }

    /// What moves with each slot, through computed values and windows; and the clock of each rule.
    fn look_behind(&mut self) {
        let mut behind = Vec::with_capacity(self.readers.len());
        let mut clocks: Vec<BTreeSet<SlotNo>> = self.rules.iter().map(|_| BTreeSet::new()).collect();
        let made: BTreeSet<SlotNo> =
            self.computed.iter().map(|computed| computed.slot).chain(self.windows.iter().map(|window| window.slot)).collect();
        let slots = 0..u16::try_from(self.slots).unwrap_or(u16::MAX);
        for start in slots.chain((0..self.remotes.len()).map(|no| remote_slot(no).0)) {
            let (mut slots, mut next) = (vec![start], 0);
            let (mut rules, mut windows) = (BTreeSet::new(), BTreeSet::new());
            while let Some(readers) = slots.get(next).and_then(|slot| self.readers(SlotNo(*slot))) {
                next += 1;
                rules.extend(readers.rules.iter().copied());
                windows.extend(readers.windows.iter().chain(&readers.gates).copied());
                let computed = readers.computed.iter().map(|place| self.computed[usize::from(*place)].slot.0);
                let windows = readers.windows.iter().chain(&readers.gates).map(|place| self.windows[usize::from(*place)].slot.0);
                for slot in computed.chain(windows) {
                    if !slots.contains(&slot) {
                        slots.push(slot);
                    }
                }
            }
            if !made.contains(&SlotNo(start)) {
                for rule in &rules {
                    clocks[usize::from(*rule)].insert(SlotNo(start));
                }
            }
            behind.push((rules, windows));
        }
        for (readers, (rules, windows)) in self.readers.iter_mut().zip(behind) {
            readers.rules_behind = rules.into_iter().collect();
            readers.windows_behind = windows.into_iter().collect();
        }
        for (spec, clocks) in self.rules.iter_mut().zip(clocks) {
            spec.clocks = clocks.into_iter().collect();
        }
    }

    /// The slots that expressions read, also through parameters, and `more`; each once.
    pub(super) fn slots_of<'a>(&'a self, expressions: impl IntoIterator<Item = &'a Checked>, more: &[SlotNo]) -> Box<[SlotNo]> {
        let mut slots = more.to_vec();
        for operand in expressions.into_iter().flat_map(|checked| &checked.dependencies).map(|dependency| dependency.operand) {
            if let Operand::Param(param) = operand
                && let Some(param) = self.params.get(usize::from(param))
            {
                // A parameter reads properties only, so there is nothing behind those.
                slots.extend(param.value.dependencies.iter().filter_map(|dependency| slot_of(dependency.operand)));
            }
            slots.extend(slot_of(operand));
        }
        slots.sort_unstable();
        slots.dedup();
        slots.into()
    }

    /// How many there are, all kinds together.
    pub fn expressions(&self) -> usize {
        self.computed.len()
            + self.windows.len()
            + self.params.len()
            + self.rules.iter().map(|spec| spec.conditions().count()).sum::<usize>()
    }

    pub fn keeps_previous(&self, slot: SlotNo) -> bool {
        self.previous.contains(&slot)
    }

    /// Rules whose conditions ask whether an alarm of these is active.
    pub fn rules_that_ask(&self, moved: &[u16]) -> Places {
        let asks = |spec: &RuleSpec| moved.iter().any(|rule| spec.conditions().any(|checked| checked.reads(Operand::Alarm(*rule))));
        if moved.is_empty() {
            return Places::default();
        }
        (0_u16..).zip(&self.rules).filter(|(_, spec)| asks(spec)).map(|(place, _)| place).collect()
    }

    /// Rules whose conditions read these slots, or hear these events.
    pub fn rules_that_read(&self, slots: &[u16], events: &[u16]) -> Places {
        let of_slots = slots.iter().filter_map(|slot| self.readers(SlotNo(*slot))).flat_map(|readers| readers.rules.iter().copied());
        let hears = |spec: &RuleSpec| events.iter().any(|event| spec.conditions().any(|checked| checked.reads(Operand::Event(*event))));
        let of_events = (0_u16..).zip(&self.rules).filter(|(_, spec)| !events.is_empty() && hears(spec)).map(|(place, _)| place);
        of_slots.chain(of_events).collect()
    }

    /// An event of the type and its number.
    pub fn event(&self, name: &str) -> Option<(u16, &EventSpec)> {
        (0_u16..).zip(&self.events).find(|(_, event)| *event.name == *name)
    }

    pub fn rule(&self, id: &str) -> Option<(usize, &RuleSpec)> {
        self.rules.iter().enumerate().find(|(_, spec)| spec.rule.id == id)
    }
}

/// The number of what an expression reads of other twins, among the slots.
pub fn remote_slot(no: usize) -> SlotNo {
    SlotNo(SlotNo::REMOTE_FROM.saturating_add(u16::try_from(no).unwrap_or(u16::MAX)))
}

/// Where the readers of a slot stand.
fn place_of(slot: SlotNo, slots: usize) -> usize {
    if slot.is_remote() { slots + usize::from(slot.0 - SlotNo::REMOTE_FROM) } else { slot.index() }
}

/// By slot: the places of those that read it.
fn by_slot(reads: &[Box<[SlotNo]>], slots: usize, places: usize) -> Vec<Box<[u16]>> {
    let mut lists = vec![Vec::new(); places];
    for (place, reads) in (0_u16..).zip(reads) {
        for slot in reads {
            if let Some(list) = lists.get_mut(place_of(*slot, slots)) {
                list.push(place);
            }
        }
    }
    lists.into_iter().map(Into::into).collect()
}

fn slot_of(operand: Operand) -> Option<SlotNo> {
    if let Operand::Slot(slot) | Operand::Caused(slot) = operand { Some(SlotNo(slot)) } else { None }
}

impl RuleSpec {
    /// Of a rule of which only the id is left.
    pub fn unknown(id: &str) -> RuleSpec {
        RuleSpec {
            rule: Rule::new(id, Kind::Condition),
            when: None,
            stay: None,
            clear_when: None,
            levels: Box::default(),
            steps: Box::default(),
            silent: Box::default(),
            detector: None,
            suppressed_by: None,
            reads: Box::default(),
            clocks: Box::default(),
            accepts_good_only: false,
            reorder: None,
            view: None,
            title: None,
            text: None,
            said: Box::default(),
            source: Arc::from(""),
            declared_by: Arc::from(""),
        }
    }

    /// Of an alarm that no rule of the type raises.
    pub fn outside(id: &str, severity: Severity, text: &str) -> RuleSpec {
        let mut spec = RuleSpec { rule: Rule::new(id, Kind::Outside), title: Some(text.into()), ..RuleSpec::unknown(id) };
        spec.rule.severity = severity;
        spec
    }

    /// Where it is not raised but dealt with.
    pub fn outside_as_it_is(id: &str) -> RuleSpec {
        RuleSpec { rule: Rule::new(id, Kind::Outside), ..RuleSpec::unknown(id) }
    }

    /// The ids of rules have no colon.
    pub fn is_outside(id: &str) -> bool {
        id.contains(':')
    }

    /// Time alone may bring it about, though nothing of it has begun.
    pub fn minds_time(&self) -> bool {
        matches!(self.rule.kind, Kind::NoData(_)) || self.rule.active.is_some()
    }

    /// All that decides whether it is on.
    pub fn conditions(&self) -> impl Iterator<Item = &Checked> {
        let levels = self.levels.iter().flat_map(|level| [&level.when, &level.stay]);
        let single = [&self.when, &self.stay, &self.clear_when, &self.suppressed_by].into_iter().flatten();
        let looks = self.detector.iter().flat_map(|detector| detector.looks(&self.said));
        single.chain(levels).chain(&self.steps).chain(looks)
    }

    /// Members whose readings make it look, whatever its conditions read.
    fn listens_to(&self) -> Vec<SlotNo> {
        self.silent.iter().copied().chain(self.detector.iter().flat_map(DetectorSpec::inputs)).collect()
    }
}

impl Layout {
    /// The rules that an alarm can come from, by id.
    pub fn rule(&self, id: &str) -> Option<&RuleSpec> {
        self.logic.rule(id).map(|(_, spec)| spec)
    }
}
