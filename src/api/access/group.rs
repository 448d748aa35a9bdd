//! What aggregates are grouped by.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::layout::ValueType;
use crate::reading::TwinNo;
use crate::twin::State;

use super::Access;
use super::sets::Nearest;

#[derive(Debug, Clone, PartialEq)]
pub enum Group {
    Value {
        name: Box<str>,
        path: Box<str>,
    },
    Type,
    /// The nearest one above that is of a type, or the one that stands so far below the root (which is level 0); the twin itself is not meant.
    Ancestor {
        type_name: Option<Arc<str>>,
        level: Option<u32>,
        hierarchy: Arc<str>,
    },
}

/// What the twins of a group have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupKey {
    pub name: String,
    /// None if it is missing.
    pub value: Option<Json>,
    /// The ancestor.
    pub twin: Option<TwinNo>,
}

/// Finds groups of twins, remembering what siblings share.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    access: &'a Access<'a>,
    groups: &'a [Group],
    ancestors: Vec<Nearest<TwinNo>>,
}

/// What tells groups apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Text(Arc<str>),
    Bool(bool),
    Int(i64),
    Twin(TwinNo),
    Other(String),
    Missing,
}

impl<'a> Grouping<'a> {
    pub(super) fn new(access: &'a Access<'a>, groups: &'a [Group]) -> Grouping<'a> {
        Grouping { access, groups, ancestors: groups.iter().map(|_| Nearest::new()).collect() }
    }

    pub(super) fn of(&mut self, state: &State) -> Vec<Part> {
        let Grouping { access, groups, ancestors } = self;
        groups.iter().zip(ancestors).map(|(group, known)| part(access, group, known, state)).collect()
    }

    pub(super) fn keys(&self, parts: &[Part]) -> Vec<GroupKey> {
        let key = |(group, part): (&Group, &Part)| {
            let name = match group {
                Group::Value { name, .. } => name.to_string(),
                Group::Type => "type".to_owned(),
                Group::Ancestor { .. } => "ancestor".to_owned(),
            };
            let twin = if let Part::Twin(no) = part { Some(*no) } else { None };
            let value = match part {
                Part::Text(text) => Some(Json::from(&**text)),
                Part::Bool(value) => Some(Json::from(*value)),
                Part::Int(value) => Some(Json::from(*value)),
                Part::Twin(no) => self.access.view.twin_no(*no).map(|cell| Json::from(cell.peek().id.as_str())),
                Part::Other(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))),
                Part::Missing => None,
            };
            GroupKey { name, value, twin }
        };
        self.groups.iter().zip(parts).map(key).collect()
    }
}

fn part(access: &Access<'_>, group: &Group, known: &mut Nearest<TwinNo>, state: &State) -> Part {
    match group {
        Group::Type => Part::Text(state.layout.name.clone()),
        Group::Value { path, .. } => value_part(access, path, state),
        Group::Ancestor { type_name, level, hierarchy } => {
            let parent = access.links.parent(state.no, hierarchy, access.now);
            let found = known.of_parent(parent, |parent| {
                let mut lineage = vec![parent];
                lineage.extend(access.links.ancestors(parent, hierarchy, access.now));
                let depth = lineage.len();
                let fits = |place: usize, no: TwinNo| {
                    let is_at_level = level.is_none_or(|level| depth - 1 - place == level as usize);
                    let is_of_type =
                        type_name.as_ref().is_none_or(|name| access.view.twin_no(no).is_some_and(|cell| cell.peek().layout.is_a(name)));
                    is_at_level && is_of_type
                };
                lineage.iter().enumerate().find(|(place, no)| fits(*place, **no)).map(|(_, no)| *no)
            });
            found.map_or(Part::Missing, Part::Twin)
        }
    }
}

fn value_part(access: &Access<'_>, path: &str, state: &State) -> Part {
    let Some(slot) = state.layout.slot_by_path(path) else { return Part::Missing };
    let spec = state.layout.slot(slot);
    let is_hidden = !access.sees_sensitive && spec.property.as_ref().is_some_and(|rules| rules.sensitive);
    let Some(value) = state.slot(slot).value.as_ref().filter(|_| !is_hidden) else { return Part::Missing };
    match (value, &spec.value_type) {
        (crate::reading::Value::Enum(place), ValueType::Enum(values)) => {
            values.get(usize::from(*place)).map_or(Part::Missing, |value| Part::Text(Arc::from(&*value.name)))
        }
        (crate::reading::Value::Text(text), _) => Part::Text(text.clone()),
        (crate::reading::Value::Bool(value), _) => Part::Bool(*value),
        (crate::reading::Value::Int(value), _) => Part::Int(*value),
        (other, _) => Part::Other(spec.to_json(other).to_string()),
    }
}
