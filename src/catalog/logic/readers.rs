//! Who reads what: found once, when all that a type says is compiled.

use std::collections::BTreeSet;

use crate::catalog::windowed::Windowed;
use crate::expr::{Checked, Operand};
use crate::reading::SlotNo;

use super::rule::RuleSpec;
use super::{Logic, place_of, remote_slot};

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

impl Logic {
    /// To be called when all is in: who reads what, parameters looked through to the slots behind them.
    pub fn settle(&mut self, slots: usize) {
        let is_detector = |(_, spec): &(u16, &RuleSpec)| spec.detector.is_some();
        self.detectors = (0_u16..).zip(&self.rules).filter(is_detector).map(|(place, _)| place).collect();
        self.timed = (0_u16..).zip(&self.rules).filter(|(_, spec)| spec.rule.at.is_some()).map(|(place, _)| place).collect();
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
    pub(in crate::catalog) fn slots_of<'a>(&'a self, expressions: impl IntoIterator<Item = &'a Checked>, more: &[SlotNo]) -> Box<[SlotNo]> {
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
