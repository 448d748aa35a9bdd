//! What follows from the readings of a type: its computed values and its rules, compiled. Every name is a slot or a number by now.

mod readers;
mod rule;

use std::sync::Arc;

use crate::alarm::Severity;
use crate::expr::{Checked, Datum, Operand, Template};
use crate::reading::SlotNo;
use crate::source::Span;

use super::layout::Layout;
use super::places::Places;
use super::rolled::{Export, Rollup};
use super::viewed::ViewSpec;
use super::windowed::Windowed;

pub use readers::Readers;
pub use rule::{LevelSpec, RuleSpec};

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
    /// Places of those that look at certain instants only.
    pub timed: Box<[u16]>,
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

impl Layout {
    /// The rules that an alarm can come from, by id.
    pub fn rule(&self, id: &str) -> Option<&RuleSpec> {
        self.logic.rule(id).map(|(_, spec)| spec)
    }
}
