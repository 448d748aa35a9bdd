//! One recording through one plant, or through two that differ in their rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Catalog, Layout, TwinSpec};
use crate::reading::{Group, SlotNo, Timestamp, TwinId};
use crate::source::{FileId, Span};
use crate::twin::{Input, Managed};

use super::plant::Plant;
use super::recording::{Found, Noted, Recorded, Refused, Set};
use super::report::Report;
use super::selection::Selection;
use super::tale::Tale;

/// Lines that could not be used, of which the report tells; all are counted.
pub const REFUSED_SHOWN_MAX: usize = 20;

/// A trial: take in all that was recorded, then finish.
#[derive(Debug)]
pub struct Backtest<'c> {
    sides: Vec<Side<'c>>,
    begun: Option<Timestamp>,
    /// What was set before the first reading: how the twins are when it comes.
    early: BTreeMap<(TwinId, SlotNo), Set>,
    /// The same of rules that are switched off and of twins that are out of service.
    early_managed: BTreeMap<(TwinId, Option<String>), Noted>,
    refused: Vec<Refused>,
    refused_count: u64,
}

#[derive(Debug)]
pub(super) struct Side<'c> {
    catalog: &'c Catalog,
    pub(super) plant: Plant,
    pub(super) tale: Tale,
}

impl<'c> Backtest<'c> {
    /// The rules of `catalog`; with `against`, compared with those.
    pub fn new(catalog: &'c Catalog, against: Option<&'c Catalog>) -> Backtest<'c> {
        let side = |catalog| Side { catalog, plant: Plant::empty(Timestamp(i64::MIN)), tale: Tale::default() };
        Backtest {
            sides: std::iter::once(catalog).chain(against).map(side).collect(),
            begun: None,
            early: BTreeMap::new(),
            early_managed: BTreeMap::new(),
            refused: Vec::new(),
            refused_count: 0,
        }
    }

    /// With fewer occurrences than usual, of each side; the others are counted.
    pub fn keeping(mut self, occurrences_max: usize) -> Backtest<'c> {
        self.sides.iter_mut().for_each(|side| side.tale = Tale::keeping(occurrences_max));
        self
    }

    pub fn take(&mut self, found: Found) {
        match found {
            Found::Recorded(recorded) => self.feed(recorded),
            Found::Set(set) => self.set(set),
            Found::Noted(noted) => self.note(noted),
            Found::Refused(refused) => self.refuse(refused),
        }
    }

    /// How many readings have come in.
    pub fn readings(&self) -> u64 {
        self.sides.first().map_or(0, |side| side.tale.readings.total())
    }

    /// Where the clock stands.
    pub fn now(&self) -> Option<Timestamp> {
        self.begun.and_then(|_| self.sides.first()).map(|side| side.plant.now())
    }

    fn feed(&mut self, recorded: Recorded) {
        let Recorded { twin, layout, mut group, received } = recorded;
        let Some(received) = received.or(group.time) else { return };
        let time = *group.time.get_or_insert(received);
        // The twins were there before: were they made when the first packet came in, their rules could not look back to when it happened.
        self.begin(time.min(received));
        let last = self.sides.len() - 1;
        for side in &mut self.sides[..last] {
            side.feed(&twin, &layout, group.clone(), received);
        }
        self.sides[last].feed(&twin, &layout, group, received);
    }

    fn set(&mut self, set: Set) {
        if self.begun.is_some() {
            self.sides.iter_mut().for_each(|side| side.set(&set));
        } else {
            self.early.insert((set.twin.clone(), set.slot), set);
        }
    }

    fn note(&mut self, noted: Noted) {
        if let Input::Managed(managed) = &*noted.input
            && self.begun.is_none()
        {
            let rule = if let Managed::Switched { rule, .. } = managed { Some(rule.to_string()) } else { None };
            self.early_managed.insert((noted.twin.clone(), rule), noted);
            return;
        }
        let happened = if let Input::Happened { happened, .. } = &*noted.input { happened.time } else { noted.at };
        self.begin(noted.at.min(happened));
        self.sides.iter_mut().for_each(|side| side.note(&noted));
    }

    fn begin(&mut self, at: Timestamp) {
        if self.begun.is_some() {
            return;
        }
        self.begun = Some(at);
        let (early, managed) = (std::mem::take(&mut self.early), std::mem::take(&mut self.early_managed));
        for side in &mut self.sides {
            side.begin(at);
            early.values().for_each(|set| side.set(set));
            managed.values().for_each(|noted| side.note(noted));
        }
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused_count += 1;
        if self.refused.len() < REFUSED_SHOWN_MAX {
            self.refused.push(refused);
        }
    }

    #[cfg(test)]
    pub(super) fn first_outcome(&self) -> Option<super::tale::Outcome> {
        self.sides.first()?.tale.rules(true).find_map(|(_, _, _, tale)| tale.occurrences.first().cloned())
    }

    /// Nothing came in any more until then.
    pub fn run_until(&mut self, time: Timestamp) {
        if self.begun.is_some() {
            self.sides.iter_mut().for_each(|side| side.plant.run_until(time, &mut side.tale));
        }
    }

    /// The clock stops where it stands, or goes on so long in silence.
    pub fn finish(mut self, run_on: Duration, selection: &Selection) -> Report {
        if let Some(begun) = self.begun {
            for side in &mut self.sides {
                let end = side.plant.now().plus(run_on);
                side.plant.run_until(end, &mut side.tale);
            }
            let end = self.sides.first().map_or(begun, |side| side.plant.now());
            Report::new(&self.sides, selection, Some((begun, end)), (self.refused, self.refused_count))
        } else {
            Report::new(&self.sides, selection, None, (self.refused, self.refused_count))
        }
    }
}

impl Side<'_> {
    fn begin(&mut self, at: Timestamp) {
        self.plant = Plant::new(self.catalog, at, &mut self.tale);
    }

    fn feed(&mut self, twin: &TwinId, layout: &Arc<Layout>, group: Group, received: Timestamp) {
        let place = self.place(twin, layout);
        self.plant.feed(place, layout, group, received, &mut self.tale);
    }

    fn set(&mut self, set: &Set) {
        let place = self.place(&set.twin, &set.layout);
        self.plant.set(place, &set.layout, (set.slot, set.value.clone()), set.at, &mut self.tale);
    }

    fn note(&mut self, noted: &Noted) {
        let place = self.place(&noted.twin, &noted.layout);
        // What somebody did may make no sense with other rules: then nothing comes of it.
        self.plant.note(place, &noted.input, noted.at, &mut self.tale);
    }

    /// A twin that no file describes was made while the plant ran.
    fn place(&mut self, id: &TwinId, layout: &Arc<Layout>) -> usize {
        if let Some(place) = self.plant.place(id.as_str()) {
            return place;
        }
        let spec = TwinSpec {
            id: id.clone(),
            layout: self.catalog.layout(&layout.name).unwrap_or(layout).clone(),
            name: id.shared_with(id.as_str()),
            properties: Vec::new(),
            external_ids: Vec::new(),
            edges: Vec::new(),
            rules: Vec::new(),
            span: Span::new(FileId(0), 0, 0),
        };
        self.plant.add(spec, &mut self.tale)
    }
}
