//! Where decoded values go: checked, gathered by instant, with what is wrong noted beside them. All codecs end here.

use serde_json::Value as Json;

use crate::catalog::{Accepted, FieldTarget, Layout, SlotSpec};
use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Group, Problem, Quality, Raw, Reading, Reason, SlotNo, Timestamp};

use super::wrapped::{Wrapped, expected_unit, problem};
use super::{Decoded, READINGS_MAX, json};

/// The payload is too much: everything of it is refused.
#[derive(Debug)]
pub(super) struct Stop;

/// Suggestions cost a comparison with every name; the first few problems have them.
const SUGGESTIONS_MAX: usize = 8;

pub(super) struct Sink<'a> {
    pub(super) layout: &'a Layout,
    pub(super) out: &'a mut Decoded,
    /// How many more readings and problems there may be.
    left: usize,
    /// Of the object being read, without times of their own.
    readings: Vec<Reading>,
    /// What the sender's quality code says of all values of this object.
    pub(super) object_quality: Quality,
}

impl<'a> Sink<'a> {
    pub(super) fn new(layout: &'a Layout, out: &'a mut Decoded) -> Sink<'a> {
        out.scratch.seen.clear();
        out.scratch.seen.resize(layout.slots.len().div_ceil(64), 0);
        out.scratch.said_twice.clear();
        out.scratch.stamped.clear();
        Sink { layout, out, left: READINGS_MAX, readings: Vec::new(), object_quality: Quality::Good }
    }

    /// A plain value. `from` converts numbers to the slot's unit.
    #[inline]
    pub(super) fn take(&mut self, slot: SlotNo, raw: Raw<'_>, from: Option<&Conversion>) -> Result<(), Stop> {
        if raw == Raw::Null || !self.enter(slot)? {
            return Ok(());
        }
        let spec = self.layout.slot(slot);
        match spec.accept(raw, from) {
            Ok(accepted) => {
                if self.readings.capacity() == 0 {
                    self.readings.reserve(self.out.groups.last().map_or(4, |group| group.readings.len()).max(4));
                }
                self.readings.push(reading(slot, accepted, self.object_quality));
                Ok(())
            }
            Err(refusal) => {
                self.out.problems.push(Problem { code: refusal.code, field: Some(spec.path.to_string()), message: refusal.message });
                Ok(())
            }
        }
    }

    /// A value that was read into a tree; it may be wrapped. `prepare` makes of the bare value what the slot checks.
    pub(super) fn take_json(
        &mut self,
        slot: SlotNo,
        sent: &Json,
        from: Option<&Conversion>,
        prepare: &dyn Fn(&Json) -> Json,
    ) -> Result<(), Stop> {
        let spec = self.layout.slot(slot);
        let wrapped = sent.as_object().and_then(|object| Wrapped::of(object, &spec.value_type));
        let Some(wrapped) = wrapped else {
            return self.take(slot, Raw::from(&prepare(sent)), from);
        };
        if wrapped.value.is_null() || !self.enter(slot)? {
            return Ok(());
        }
        match self.judge_wrapped(spec, wrapped, from, prepare) {
            Ok((accepted, quality, time)) => {
                let reading = reading(slot, accepted, quality.worse(self.object_quality));
                match time {
                    Some(time) => self.out.scratch.stamped.push((time, reading)),
                    None => self.readings.push(reading),
                }
            }
            Err(found) => self.out.problems.push(Problem { field: Some(spec.path.to_string()), ..found }),
        }
        Ok(())
    }

    fn judge_wrapped(
        &self,
        spec: &SlotSpec,
        wrapped: Wrapped<'_>,
        from: Option<&Conversion>,
        prepare: &dyn Fn(&Json) -> Json,
    ) -> Result<(Accepted, Quality, Option<Timestamp>), Problem> {
        let (time, quality) = (wrapped.time()?, wrapped.quality()?);
        let own = wrapped.unit(spec)?.map(|unit| conversion(&unit, spec)).transpose()?;
        let prepared = prepare(wrapped.value);
        let accepted = spec.accept(Raw::from(&prepared), own.as_ref().or(from));
        Ok((accepted.map_err(|refusal| problem(refusal.code, refusal.message))?, quality, time))
    }

    /// A reading or a problem more. `false` if its slot has been said in this object before.
    #[inline]
    fn enter(&mut self, slot: SlotNo) -> Result<bool, Stop> {
        self.count()?;
        let (word, bit) = (slot.index() / 64, 1u64 << (slot.index() % 64));
        let word = &mut self.out.scratch.seen[word];
        if *word & bit == 0 {
            *word |= bit;
            return Ok(true);
        }
        if !self.out.scratch.said_twice.contains(&slot) {
            self.out.scratch.said_twice.push(slot);
        }
        Ok(false)
    }

    #[inline]
    fn count(&mut self) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Stop)?;
        Ok(())
    }

    pub(super) fn problem(&mut self, code: &'static str, field: &str, message: String) -> Result<(), Stop> {
        self.count()?;
        let field = (!field.is_empty()).then(|| field.chars().take(80).collect());
        self.out.problems.push(Problem { code, field, message });
        Ok(())
    }

    pub(super) fn unmapped(&mut self) {
        self.out.unmapped = self.out.unmapped.saturating_add(1);
    }

    /// A name that nothing asks for, where the binding says that this is a mistake.
    pub(super) fn refuse_unmapped<'n>(&mut self, name: &str, known: impl Iterator<Item = &'n str>) -> Result<(), Stop> {
        let shown: String = name.chars().take(80).collect();
        let mut message = format!("`{shown}` is not a member of {}", self.layout.name);
        if self.out.problems.len() < SUGGESTIONS_MAX {
            let likeness = |known: &'n str| (strsim::normalized_damerau_levenshtein(known, &shown), known);
            let best = known.map(likeness).filter(|(likeness, _)| *likeness >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, best)) = best {
                message.push_str(&format!("; did you mean `{best}`?"));
            }
        }
        self.problem("UNMAPPED", name, message)
    }

    /// The name by which people know a target.
    pub(super) fn name_of(&self, target: &FieldTarget) -> &'a str {
        let layout = self.layout;
        let member_of = |slot: SlotNo| layout.members.get(usize::from(layout.slot(slot).member)).map_or("", |member| &*member.name);
        match target {
            FieldTarget::Slot(slot) => &layout.slot(*slot).path,
            FieldTarget::Object(table) => match table.iter().next() {
                Some((_, FieldTarget::Slot(first))) => member_of(*first),
                Some((_, inside)) => self.name_of(inside),
                None => "",
            },
            FieldTarget::FixedArray(slots) => slots.first().map_or("", |slot| member_of(*slot)),
        }
    }

    /// How many readings of this object have no time of their own so far.
    pub(super) fn mark(&self) -> usize {
        self.readings.len()
    }

    /// Takes back the readings since `mark`.
    pub(super) fn take_back(&mut self, mark: usize) {
        self.readings.truncate(mark);
    }

    /// Says time and quality of the readings since `mark`.
    pub(super) fn stamp(&mut self, mark: usize, time: Option<Timestamp>, quality: Quality) {
        for reading in &mut self.readings[mark..] {
            degrade(reading, quality);
        }
        if let Some(time) = time {
            self.out.scratch.stamped.extend(self.readings.drain(mark..).map(|reading| (time, reading)));
        }
    }

    /// The end of an object: its readings become groups, one per instant.
    pub(super) fn end_object(&mut self, time: Result<Option<Timestamp>, Problem>) -> Result<(), Stop> {
        self.drop_said_twice();
        self.out.scratch.seen.fill(0);
        let time = match time {
            Ok(time) => time,
            Err(problem) => {
                // Without its time a reading means nothing; those with a time of their own do.
                self.readings.clear();
                self.count()?;
                self.out.problems.push(problem);
                None
            }
        };
        let main = (!self.readings.is_empty()).then_some(self.out.groups.len());
        if main.is_some() {
            self.out.groups.push(Group { time, readings: std::mem::take(&mut self.readings) });
        }
        if !self.out.scratch.stamped.is_empty() {
            self.group_stamped(main, time);
        }
        Ok(())
    }

    /// Readings with times of their own, behind the object's own group if it has one.
    fn group_stamped(&mut self, main: Option<usize>, time: Option<Timestamp>) {
        let first = main.map_or(self.out.groups.len(), |main| main + 1);
        let groups = &mut self.out.groups;
        self.out.scratch.stamped.sort_by_key(|(own, _)| *own);
        for (own, reading) in self.out.scratch.stamped.drain(..) {
            let same_time = if time == Some(own) && main.is_some() {
                main.and_then(|main| groups.get_mut(main))
            } else {
                groups[first..].last_mut().filter(|group| group.time == Some(own))
            };
            match same_time {
                Some(group) => group.readings.push(reading),
                None => groups.push(Group { time: Some(own), readings: vec![reading] }),
            }
        }
    }

    fn drop_said_twice(&mut self) {
        if self.out.scratch.said_twice.is_empty() {
            return;
        }
        let said_twice = std::mem::take(&mut self.out.scratch.said_twice);
        self.readings.retain(|reading| !said_twice.contains(&reading.slot));
        self.out.scratch.stamped.retain(|(_, reading)| !said_twice.contains(&reading.slot));
        for slot in said_twice {
            self.out.problems.push(json::duplicate_key(&self.layout.slot(slot).path));
        }
    }
}

/// From the unit of the payload to that of the slot.
pub(super) fn conversion(unit: &Unit, spec: &SlotSpec) -> Result<Conversion, Problem> {
    let conversion = spec.payload_unit().and_then(|target| unit.conversion_to(target));
    conversion.ok_or_else(|| problem("WRONG_UNIT", format!("{unit} cannot be used{}", expected_unit(spec))))
}

pub(super) fn too_many() -> Problem {
    problem("TOO_MANY_READINGS", format!("a payload may hold at most {READINGS_MAX} readings; send several"))
}

fn reading(slot: SlotNo, accepted: Accepted, sent: Quality) -> Reading {
    let mut reading = Reading { slot, value: accepted.value, quality: accepted.quality, reason: accepted.reason };
    degrade(&mut reading, sent);
    reading
}

/// What the sender says of a value can only make it worse than we found it.
fn degrade(reading: &mut Reading, sent: Quality) {
    let worse = reading.quality.worse(sent);
    if worse != reading.quality {
        (reading.quality, reading.reason) = (worse, Reason::Source);
    }
}
