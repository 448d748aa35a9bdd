//! Counts and statistics of the twins that match, by groups.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::api::error::ApiError;
use crate::catalog::Layout;
use crate::catalog::layout::ValueType;
use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Quality, SlotNo};
use crate::twin::State;
use crate::view::{ColumnKey, Word};

use super::candidates::{Part as ClassPart, Told, listed, parts};
use super::filter::Filter;
use super::group::{Group, GroupKey, Grouping, Part};
use super::predicate::{Matcher, current_layout};
use super::{Access, Scope};

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub keys: Vec<GroupKey>,
    pub count: usize,
    /// As they were asked for.
    pub stats: Vec<PropertyStats>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PropertyStats {
    pub path: Box<str>,
    pub stats: FloatStats,
}

/// Of the values that are there and not BAD. Without any, only the count says so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FloatStats {
    pub unit: Option<Unit>,
    pub count: usize,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub avg: Option<f64>,
    pub sum: Option<f64>,
    /// Of all that were counted, which are no sample of more.
    pub stddev: Option<f64>,
}

/// A sum that loses nothing to the order of its terms, and the spread around the mean.
#[derive(Debug, Clone, Default)]
struct Tally {
    count: usize,
    min: f64,
    max: f64,
    sum: f64,
    lost: f64,
    mean: f64,
    spread: f64,
}

impl Tally {
    fn add(&mut self, value: f64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count += 1;
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.spread += off * (value - self.mean);
    }

    fn stats(&self, unit: Option<&Unit>) -> FloatStats {
        let some = |value: f64| (self.count > 0 && value.is_finite()).then_some(value);
        let sum = self.sum + self.lost;
        FloatStats {
            unit: unit.cloned(),
            count: self.count,
            min: some(self.min),
            max: some(self.max),
            avg: some(sum / self.count as f64),
            sum: some(sum),
            stddev: some((self.spread / self.count as f64).sqrt()),
        }
    }
}

/// The numbers of one path in twins of one layout.
#[derive(Debug, Clone)]
struct Source {
    slot: SlotNo,
    is_whole: bool,
    conversion: Option<Conversion>,
}

impl Source {
    fn number(&self, word: Word) -> Option<f64> {
        if !word.has_value() || word.quality() == Quality::Bad {
            return None;
        }
        let number = if self.is_whole { word.bits as i64 as f64 } else { f64::from_bits(word.bits) };
        Some(self.conversion.as_ref().map_or(number, |conversion| conversion.apply(number)))
    }
}

/// `paths` of numbers. Without groups there is one row, also of nothing.
pub fn aggregate(
    access: &Access<'_>,
    scope: &Scope,
    filter: &Filter,
    groups: &[Group],
    paths: &[Box<str>],
) -> Result<Vec<Aggregate>, ApiError> {
    let matcher = Matcher::new(access, filter);
    let mut rows = Rows::new(access, groups, paths.len());
    let units: Vec<Option<Unit>>;
    if let Some(few) = listed(access, scope, &matcher) {
        let layouts: Vec<Arc<Layout>> = few.iter().map(|(_, state)| current_layout(access, &state.layout)).collect();
        units = paths.iter().map(|path| unit_of(path, layouts.iter())).collect();
        for ((_, state), layout) in few.iter().zip(&layouts) {
            rows.add_state(&sources(access, layout, paths, &units), state);
        }
    } else {
        let parts = parts(access, scope, &matcher);
        units = paths.iter().map(|path| unit_of(path, parts.iter().map(|part| &part.layout))).collect();
        for part in &parts {
            rows.add_part(part, &sources(access, &part.layout, paths, &units));
        }
    }
    rows.finish(paths, &units)
}

/// What all values of a path are turned into: the unit of the first type that has one.
fn unit_of<'l>(path: &str, layouts: impl Iterator<Item = &'l Arc<Layout>>) -> Option<Unit> {
    let mut units = layouts.filter_map(|layout| layout.slot_by_path(path).and_then(|slot| layout.slot(slot).unit.clone()));
    units.next()
}

fn sources(access: &Access<'_>, layout: &Layout, paths: &[Box<str>], units: &[Option<Unit>]) -> Vec<Option<Source>> {
    let source = |(path, unit): (&str, &Option<Unit>)| {
        let slot = layout.slot_by_path(path)?;
        let spec = layout.slot(slot);
        let is_hidden = !access.sees_sensitive && spec.property.as_ref().is_some_and(|rules| rules.sensitive);
        let is_number = matches!(spec.value_type, ValueType::Double | ValueType::Decimal | ValueType::Int);
        if is_hidden || !is_number {
            return None;
        }
        let conversion = match (&spec.unit, unit) {
            // What measures something else is not added to it.
            (Some(own), Some(unit)) => Some(own.conversion_to(unit)?).filter(|conversion| !conversion.is_identity()),
            (None, Some(_)) => return None,
            (_, None) => None,
        };
        Some(Source { slot, is_whole: matches!(spec.value_type, ValueType::Int), conversion })
    };
    paths.iter().map(|path| &**path).zip(units).map(source).collect()
}

/// So many columns are read at once; with more statistics the states are read.
const READ_MAX: usize = 12;

struct Rows<'a> {
    access: &'a Access<'a>,
    grouping: Grouping<'a>,
    is_grouped: bool,
    /// By what the groups have in common.
    place: HashMap<Vec<Part>, usize>,
    rows: Vec<(Vec<Part>, usize, Vec<Tally>)>,
    stats: usize,
    has_too_many: bool,
}

impl<'a> Rows<'a> {
    fn new(access: &'a Access<'a>, groups: &'a [Group], stats: usize) -> Rows<'a> {
        let mut rows = Rows {
            access,
            grouping: Grouping::new(access, groups),
            is_grouped: !groups.is_empty(),
            place: HashMap::new(),
            rows: Vec::new(),
            stats,
            has_too_many: false,
        };
        if groups.is_empty() {
            rows.row(Vec::new());
        }
        rows
    }

    fn row(&mut self, parts: Vec<Part>) -> Option<&mut (Vec<Part>, usize, Vec<Tally>)> {
        let place = match self.place.get(&parts) {
            Some(place) => *place,
            None if self.rows.len() >= self.access.bounds.groups_max => {
                self.has_too_many = true;
                return None;
            }
            None => {
                self.place.insert(parts.clone(), self.rows.len());
                self.rows.push((parts, 0, vec![Tally::default(); self.stats]));
                self.rows.len() - 1
            }
        };
        self.rows.get_mut(place)
    }

    fn add_state(&mut self, sources: &[Option<Source>], state: &State) {
        let parts = self.grouping.of(state);
        let Some((_, count, tallies)) = self.row(parts) else { return };
        *count += 1;
        for (tally, source) in tallies.iter_mut().zip(sources) {
            if let Some(number) = source.as_ref().and_then(|source| source.number(Word::of(ColumnKey::Slot(source.slot), state))) {
                tally.add(number);
            }
        }
    }

    fn add_part(&mut self, part: &ClassPart, sources: &[Option<Source>]) {
        let access = self.access;
        let known: Vec<(usize, &Source)> =
            sources.iter().enumerate().filter_map(|(index, source)| source.as_ref().map(|source| (index, source))).collect();
        if self.is_grouped || known.len() > READ_MAX {
            part.each(
                access,
                &[],
                |_| (),
                |row, told| match told {
                    Told::State(state) => self.add_state(sources, &state),
                    Told::Read(()) => {
                        if let Some(cell) = part.class.cell(row) {
                            self.add_state(sources, &cell.state());
                        }
                    }
                },
            );
            return;
        }
        let columns: Vec<ColumnKey> = known.iter().map(|(_, source)| ColumnKey::Slot(source.slot)).collect();
        let read = |word: &dyn Fn(usize) -> Word| {
            let mut numbers = [None; READ_MAX];
            for (place, (_, source)) in known.iter().enumerate() {
                numbers[place] = source.number(word(place));
            }
            numbers
        };
        part.each(access, &columns, read, |_, told| match told {
            Told::State(state) => self.add_state(sources, &state),
            Told::Read(numbers) => {
                let Some((_, count, tallies)) = self.row(Vec::new()) else { return };
                *count += 1;
                for ((index, _), number) in known.iter().zip(numbers) {
                    if let Some(number) = number {
                        tallies[*index].add(number);
                    }
                }
            }
        });
    }

    fn finish(mut self, paths: &[Box<str>], units: &[Option<Unit>]) -> Result<Vec<Aggregate>, ApiError> {
        if self.has_too_many {
            let max = self.access.bounds.groups_max;
            let message = format!("the twins fall into more than {max} groups");
            return Err(ApiError::limit("groups_max", max as u64, message).hint("narrow the filter, or group by fewer things"));
        }
        self.rows.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let aggregate = |(parts, count, tallies): &(Vec<Part>, usize, Vec<Tally>)| {
            let stats = tallies.iter().zip(paths).zip(units);
            Aggregate {
                keys: self.grouping.keys(parts),
                count: *count,
                stats: stats.map(|((tally, path), unit)| PropertyStats { path: path.clone(), stats: tally.stats(unit.as_ref()) }).collect(),
            }
        };
        Ok(self.rows.iter().map(aggregate).collect())
    }
}
