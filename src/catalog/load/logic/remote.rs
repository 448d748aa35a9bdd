//! What expressions of a type read of other twins: folds over those that a relation leads to, and members of the parent or an ancestor. Each is
//! kept as a hidden roll-up of the type, and tells the other types what to contribute.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::CONTAINS;
use crate::catalog::layout::{Layout, Section, Targets, ValueType};
use crate::catalog::load::layouts::Types;
use crate::catalog::load::relation::Relations;
use crate::catalog::logic::{REMOTES_MAX, remote_slot};
use crate::catalog::rolled::{Export, Form, Over, Rollup, RollupKey, What};
use crate::expr::{Above, Aggregate, Fold, Operand, Over as FoldOver, Refusal, Resolved, Scope, Shape};
use crate::reading::SlotNo;
use crate::rollup::{Agg, COALESCE_MICROS, Spec};

use super::scope::{attribute, shape_of};

/// Other types as the expressions of one type see them, and what they have asked for so far.
pub(in crate::catalog::load) struct Remote<'a> {
    pub type_name: Arc<str>,
    pub ancestors: &'a [Arc<str>],
    /// The types as far as an earlier round could compile them. `None` in the first one.
    pub known: Option<&'a Types>,
    pub relations: &'a Relations,
    /// Some expression wanted to know.
    pub asked: &'a AtomicBool,
    kept: Mutex<Vec<(Rollup, Vec<Contribution>)>>,
}

/// What a type is to contribute.
pub(in crate::catalog::load) type Contribution = (Arc<str>, Export);

impl<'a> Remote<'a> {
    pub(in crate::catalog::load) fn new(
        (type_name, ancestors): (&Arc<str>, &'a [Arc<str>]),
        known: Option<&'a Types>,
        relations: &'a Relations,
        asked: &'a AtomicBool,
        inherited: Box<[Rollup]>,
    ) -> Remote<'a> {
        // What is inherited contributes already: its type has seen to that.
        let kept = inherited.into_iter().map(|rollup| (rollup, Vec::new())).collect();
        Remote { type_name: type_name.clone(), ancestors, known, relations, asked, kept: Mutex::new(kept) }
    }

    pub(in crate::catalog::load) fn into_kept(self) -> (Box<[Rollup]>, Vec<Contribution>) {
        let (rollups, contributions): (Vec<_>, Vec<_>) = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().unzip();
        (rollups.into(), contributions.into_iter().flatten().collect())
    }

    /// In the first round nobody knows; what is said of it then is not told.
    fn known(&self) -> Result<&'a Types, Refusal> {
        self.asked.store(true, Ordering::Release);
        self.known.ok_or_else(|| Refusal::new("E702", "other twins are not known yet"))
    }

    pub(super) fn others(&self, over: &FoldOver) -> Result<Box<dyn Scope>, Refusal> {
        let known = self.known()?;
        let (_, targets) = self.reach(over)?;
        let layouts: Vec<Arc<Layout>> = targets.iter().filter_map(|name| Some(known.get(name)?.layout.clone())).collect();
        Ok(Box::new(Others { layout: layouts.first().filter(|_| layouts.len() == 1).cloned(), count: layouts.len() }))
    }

    /// The relation, and the types that it leads to from here.
    fn reach(&self, over: &FoldOver) -> Result<(Over, Vec<Arc<str>>), Refusal> {
        let known = self.known()?;
        let (name, of_type) = match over {
            FoldOver::Children { of_type } => (CONTAINS, of_type),
            FoldOver::Related { relation, of_type } => (&**relation, of_type),
        };
        let over = if self.relations.index_of(name).is_some() {
            Over { relation: name.into(), is_inverse: false }
        } else if let Some(relation) = self.relations.by_inverse(name) {
            Over { relation, is_inverse: true }
        } else {
            let near = crate::source::did_you_mean(name, self.relations.names()).map(|near| format!("did you mean `{near}`?"));
            return Err(Refusal { hint: near, ..Refusal::new("E724", format!("there is no relation `{name}`")) });
        };
        if let Some(of_type) = of_type {
            if known.get(of_type).is_none() {
                let near = known.nearest(of_type).map(|near| format!("did you mean `{near}`?"));
                return Err(Refusal { hint: near, ..Refusal::new("E724", format!("there is no type `{of_type}`")) });
            }
            return Ok((over, vec![Arc::from(&**of_type)]));
        }
        let own =
            known.get(&self.type_name).and_then(|entry| entry.layout.relations.iter().find(|rule| *rule.name == *over.relation).cloned());
        let targets = match own.map(|rule| rule.to) {
            Some(Targets::Types(types)) if !over.is_inverse => types.iter().map(|target| target.name.clone()).collect(),
            Some(Targets::Types(_) | Targets::Any) | None => Vec::new(),
        };
        Ok((over, targets))
    }

    pub(super) fn keep(&self, fold: Fold) -> Result<Operand, Refusal> {
        let (over, targets) = self.reach(&fold.over)?;
        let agg = match fold.aggregate {
            Aggregate::Count => Agg::Count,
            Aggregate::Exists => Agg::Exists,
            Aggregate::All => Agg::ForAll,
            Aggregate::Sum => Agg::Sum,
            Aggregate::Avg => Agg::Avg,
            Aggregate::Min => Agg::Min,
            Aggregate::Max => Agg::Max,
            Aggregate::Worst => Agg::WorstSeverity,
        };
        let meaning = fold.body.as_ref().map_or(0, |body| body.meaning);
        let text = format!("{}/{:?}/{:?}/{targets:?}/{meaning}", self.type_name, fold.over, fold.aggregate);
        let (of, filter) = match (agg, fold.body) {
            (Agg::WorstSeverity, _) => (What::Severity, None),
            (Agg::Count, filter) => (What::Presence, filter),
            (_, Some(body)) => (What::Value(body), None),
            (_, None) => (What::Presence, None),
        };
        let form = match agg {
            Agg::Count => Form::Int,
            Agg::Exists | Agg::ForAll | Agg::Any | Agg::All => Form::Bool,
            Agg::WorstSeverity => Form::Enum,
            Agg::Sum | Agg::Avg | Agg::WeightedAvg | Agg::Stddev | Agg::Min | Agg::Max => Form::Double,
        };
        let key = RollupKey(xxh3_64(text.as_bytes()));
        let bodies = [if let What::Value(body) = &of { Some(body) } else { None }, filter.as_ref()];
        let slots = bodies
            .into_iter()
            .flatten()
            .flat_map(|body| &body.dependencies)
            .filter_map(|dependency| if let Operand::Slot(slot) = dependency.operand { Some(SlotNo(slot)) } else { None });
        let export = Export { key, reads: slots.collect(), of, filter, conversion: None };
        let types: Box<[Arc<str>]> = targets.into();
        let contributions = types.iter().map(|name| (name.clone(), export.clone())).collect();
        let mut spec = Spec::new(vec![agg]);
        // Folds of truths are three-valued by themselves; of numbers, what is known counts as for every roll-up.
        spec.min_coverage = Spec::MIN_COVERAGE;
        self.number(
            Rollup {
                key,
                slot: SlotNo(0),
                over,
                is_deep: false,
                is_nearest: false,
                types,
                spec,
                weight: None,
                form,
                coalesce: COALESCE_MICROS,
                meaning: key.0,
            },
            contributions,
        )
    }

    pub(super) fn above(&self, above: Above<'_>, path: &[&str]) -> Result<Resolved, Refusal> {
        let known = self.known()?;
        let path = path.join(".");
        let types: Vec<Arc<str>> = match above {
            Above::Ancestor(name) if known.get(name).is_some() => vec![Arc::from(name)],
            Above::Ancestor(name) => {
                let near = known.nearest(name).map(|near| format!("did you mean `{near}`?"));
                return Err(Refusal { hint: near, ..Refusal::new("E713", format!("there is no type `{name}`")) });
            }
            Above::Parent => self.parents(known),
        };
        if types.is_empty() {
            return Err(Refusal::new("E713", format!("no type may contain a {}, so it has no parent", self.type_name)));
        }
        let mut shape: Option<(Shape, Form)> = None;
        let text = format!("{}/{above:?}/{path}", self.type_name);
        let key = RollupKey(xxh3_64(text.as_bytes()));
        let mut contributions = Vec::new();
        for name in &types {
            let Some(entry) = known.get(name) else { continue };
            let Some(slot) = entry.layout.slot_by_path(&path) else {
                if entry.may_have(&path) {
                    let message = format!("`{path}` of {name} cannot be known first: it follows from this one, or is wrong itself");
                    return Err(Refusal::new("E712", message));
                }
                let others = types.iter().map(|name| &**name).collect::<Vec<_>>().join(" or ");
                let message = format!("the twin above may be {others}, and {name} has no `{path}`");
                return Err(Refusal { hint: Some("ancestor('Type') names one".to_owned()), ..Refusal::new("E713", message) });
            };
            let spec = entry.layout.slot(slot);
            let form = match &spec.value_type {
                ValueType::Double | ValueType::Decimal => Form::Double,
                ValueType::Int => Form::Int,
                ValueType::Bool => Form::Bool,
                ValueType::Enum(_) => Form::Enum,
                ValueType::String
                | ValueType::Timestamp
                | ValueType::Date
                | ValueType::Time
                | ValueType::Duration
                | ValueType::Geo(_)
                | ValueType::Bytes { .. }
                | ValueType::Unit { .. }
                | ValueType::Json
                | ValueType::Object(_)
                | ValueType::Array(_)
                | ValueType::Map(_) => {
                    return Err(Refusal::new("E713", format!("`{path}` of {name} is neither a number, nor true or false, nor an enum")));
                }
            };
            let own = shape_of(spec);
            if shape.as_ref().is_some_and(|(known, _)| *known != own) {
                return Err(Refusal::new("E713", format!("`{path}` is not the same in all types that the twin above may have")));
            }
            shape = Some((own, form));
            let reads = Box::from([slot]);
            contributions.push((name.clone(), Export { key, of: What::Slot(slot), filter: None, conversion: None, reads }));
        }
        let Some((shape, form)) = shape else { return Err(Refusal::new("E713", "there is no such type")) };
        let mut spec = Spec::new(vec![Agg::Max]);
        spec.min_coverage = 0.0;
        let operand = self.number(
            Rollup {
                key,
                slot: SlotNo(0),
                over: Over { relation: CONTAINS.into(), is_inverse: true },
                is_deep: matches!(above, Above::Ancestor(_)),
                is_nearest: true,
                types: types.into(),
                spec,
                weight: None,
                form,
                coalesce: COALESCE_MICROS,
                meaning: key.0,
            },
            contributions,
        )?;
        Ok(Resolved::new(operand, shape))
    }

    /// All types that may contain this one.
    fn parents(&self, known: &Types) -> Vec<Arc<str>> {
        let is_meant = |name: &Arc<str>| *name == self.type_name || self.ancestors.contains(name);
        let may_contain = |layout: &Layout| {
            layout.relations.iter().filter(|rule| *rule.name == *CONTAINS).any(|rule| match &rule.to {
                Targets::Any => true,
                Targets::Types(types) => types.iter().any(|target| is_meant(&target.name)),
            })
        };
        known
            .by_name
            .values()
            .map(|entry| &entry.layout)
            .filter(|layout| !layout.is_abstract && may_contain(layout))
            .map(|layout| layout.name.clone())
            .collect()
    }

    /// Equal ones share a number.
    fn number(&self, rollup: Rollup, contributions: Vec<Contribution>) -> Result<Operand, Refusal> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match kept.iter().position(|(known, _)| known.key == rollup.key) {
            Some(place) => place,
            None if kept.len() >= REMOTES_MAX => {
                return Err(Refusal::new("E707", format!("more than {REMOTES_MAX} things are read of other twins")));
            }
            None => {
                let slot = remote_slot(kept.len());
                kept.push((Rollup { slot, ..rollup }, contributions));
                kept.len() - 1
            }
        };
        Ok(Operand::Slot(remote_slot(place).0))
    }
}

/// The twins that a fold goes over. Of several types, only what all twins have can be read.
struct Others {
    layout: Option<Arc<Layout>>,
    count: usize,
}

impl Scope for Others {
    fn resolve(&mut self, path: &[&str]) -> Option<Resolved> {
        let joined = path.join(".");
        let slot = self.layout.as_ref().and_then(|layout| Some((layout.slot_by_path(&joined)?, layout)));
        if let Some((slot, layout)) = slot {
            let spec = layout.slot(slot);
            let mut resolved = Resolved::new(Operand::Slot(slot.0), shape_of(spec));
            resolved.is_live = spec.section != Section::Property;
            return Some(resolved);
        }
        match path {
            [name] => attribute(name),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        let slots = self.layout.iter().flat_map(|layout| layout.slots.iter()).map(|slot| slot.path.to_string());
        slots.chain(["severity", "id", "name", "type"].map(str::to_owned)).collect()
    }

    fn owner(&self) -> String {
        match &self.layout {
            Some(layout) => layout.name.to_string(),
            None => format!("{} types (name one, as in children('Pump'))", self.count),
        }
    }
}
