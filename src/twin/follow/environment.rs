//! What the names of an expression hold on one twin at one moment.

use crate::catalog::Layout;
use crate::catalog::layout::Kind as TwinKind;
use crate::expr::{Attribute, Datum, Environment, Known, Operand, Unknown, Why};
use crate::reading::{Quality, SlotNo, Timestamp};
use crate::twin::contribution::rank;
use crate::twin::state::{Slot, State};
use crate::twin::views::Views;

use super::Moment;

#[derive(Debug, Clone, Copy)]
pub(in crate::twin) struct Surroundings<'a> {
    pub(super) layout: &'a Layout,
    pub(super) state: &'a State,
    /// What rules see that wait; `None`: nobody waits.
    pub(super) views: Option<&'a Views>,
    pub(super) moment: Moment<'a>,
    pub(super) now: Timestamp,
    pub(super) good_only: bool,
}

/// When nothing happens to the twin: somebody asks from outside.
pub(in crate::twin) fn at_rest<'a>(state: &'a State, layout: &'a Layout, now: Timestamp) -> Surroundings<'a> {
    Surroundings { layout, state, views: None, moment: Moment::new(now, &[]), now, good_only: false }
}

impl Surroundings<'_> {
    fn slot(&self, operand: Operand) -> Option<(u16, &Slot)> {
        let Operand::Slot(no) = operand else { return None };
        let is_there = usize::from(no) < self.layout.slots.len() || SlotNo(no).is_remote();
        is_there.then(|| (no, self.seen(SlotNo(no))))
    }

    /// What is seen of a slot.
    pub(super) fn seen(&self, slot: SlotNo) -> &Slot {
        self.own(slot).unwrap_or_else(|| self.state.slot(slot))
    }

    /// What the view has of its own for it.
    fn own(&self, slot: SlotNo) -> Option<&Slot> {
        self.views?.slot(self.layout, self.moment.view?, slot)
    }

    pub(super) fn is_stale(&self, no: u16, slot: &Slot) -> bool {
        let age = self.layout.slots.get(usize::from(no)).and_then(|spec| spec.telemetry.as_ref()).and_then(|rules| rules.stale);
        let outlives = |age| match self.moment.view {
            // The time of a view is not the wall's.
            Some(_) => self.moment.at >= slot.time.plus(age),
            None => self.now >= slot.received.plus(age),
        };
        self.moment.stale.contains(&no) || age.is_some_and(|age| slot.value.is_some() && outlives(age))
    }

    fn known(&self, no: u16, slot: &Slot) -> Known<Datum> {
        let why = match slot.quality {
            Quality::Missing => Some(Why::Missing),
            Quality::Bad => Some(Why::Bad),
            Quality::Uncertain if self.good_only => Some(Why::Uncertain),
            Quality::Good | Quality::Uncertain => None,
        };
        let why = why.or_else(|| self.is_stale(no, slot).then_some(Why::Stale));
        match (why, &slot.value) {
            (None, Some(value)) => Datum::from_value(value).ok_or(Unknown::of(Operand::Slot(no), Why::NotConvertible)),
            (why, _) => Err(Unknown::of(Operand::Slot(no), why.unwrap_or(Why::Missing))),
        }
    }

    fn param(&self, no: u16) -> Known<Datum> {
        let missing = Unknown::of(Operand::Param(no), Why::Missing);
        let param = self.layout.logic.params.get(usize::from(no)).ok_or(missing)?;
        if !self.state.tuning.is_empty()
            && let Some(spec) = self.layout.logic.rules.get(usize::from(param.rule))
            && let Some(tuned) = self.state.tuning.get(&spec.rule.id, &param.name)
        {
            return Datum::of_json(tuned, param.value.shape()).ok_or(Unknown::of(Operand::Param(no), Why::NotConvertible));
        }
        match &param.constant {
            Some(constant) => Ok(constant.clone()),
            None => param.value.tree.evaluate(self),
        }
    }

    fn attribute(&self, attribute: Attribute) -> Option<Datum> {
        Some(Datum::Text(match attribute {
            Attribute::Id => self.state.id.as_str().into(),
            Attribute::Name => self.state.name.clone(),
            Attribute::Type => self.layout.name.clone(),
            Attribute::Kind => match self.layout.kind {
                TwinKind::Asset => "ASSET".into(),
                TwinKind::Device => "DEVICE".into(),
            },
            Attribute::Severity => return Some(Datum::Enum(self.state.severity().map_or(0, rank))),
            Attribute::Presence => return None,
        }))
    }
}

impl Environment for Surroundings<'_> {
    fn read(&self, operand: Operand) -> Known<Datum> {
        let missing = Unknown::of(operand, Why::Missing);
        match operand {
            Operand::Slot(_) => self.slot(operand).ok_or(missing).and_then(|(no, slot)| self.known(no, slot)),
            Operand::Param(no) => self.param(no),
            Operand::Twin(attribute) => self.attribute(attribute).ok_or(missing),
            Operand::Alarm(place) => {
                let spec = self.layout.logic.rules.get(usize::from(place)).ok_or(missing)?;
                Ok(Datum::Bool(self.state.watches.get(&spec.rule.id).rule.is_active()))
            }
            Operand::Event(no) => Ok(Datum::Bool(self.moment.events.contains(&no))),
            Operand::Now => Ok(Datum::Timestamp(self.moment.at)),
            Operand::Import(_) | Operand::Fold(_) | Operand::Variable(_) | Operand::Timeout(_) | Operand::Caused(_) | Operand::Trigger => {
                Err(missing)
            }
        }
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        let missing = Unknown::of(operand, Why::Missing);
        let (no, _) = self.slot(operand).ok_or(missing)?;
        let slot = match self.moment.view {
            Some(view) if self.own(SlotNo(no)).is_some() => self.views.and_then(|views| views.previous(view, SlotNo(no))),
            Some(_) | None => self.state.previous.iter().find(|(known, _)| known.0 == no).map(|(_, slot)| slot),
        };
        let slot = slot.ok_or(missing)?;
        match (&slot.value, slot.quality) {
            (Some(value), Quality::Good | Quality::Uncertain) => Datum::from_value(value).ok_or(missing),
            (Some(_), Quality::Bad) => Err(Unknown::of(operand, Why::Bad)),
            (_, _) => Err(missing),
        }
    }

    fn is_changed(&self, operand: Operand) -> bool {
        self.slot(operand).is_some_and(|(no, _)| self.moment.changed.contains(&no))
    }

    fn time_of(&self, operand: Operand) -> Option<Timestamp> {
        self.slot(operand).filter(|(_, slot)| slot.value.is_some()).map(|(_, slot)| slot.time)
    }

    fn quality(&self, operand: Operand) -> Quality {
        self.slot(operand).map_or(Quality::Missing, |(_, slot)| slot.quality)
    }

    fn now(&self) -> Timestamp {
        self.moment.at
    }
}
