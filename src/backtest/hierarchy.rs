//! The edges between the twins of a plant, as its roll-ups see them.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::catalog::rolled::Over;
use crate::catalog::{CONTAINS, Layout, TwinSpec};
use crate::reading::TwinNo;
use crate::rule::Target;
use crate::summary::World;
use crate::twin::{State, Twin};

#[derive(Debug)]
struct Link {
    relation: Arc<str>,
    from: TwinNo,
    to: TwinNo,
    properties: Map<String, Json>,
}

#[derive(Debug, Default)]
pub(super) struct Links {
    edges: Vec<Link>,
    /// By twin: places among the edges, those that leave it and those that lead to it.
    ends: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Links {
    pub(super) fn connect(&mut self, spec: &TwinSpec, from: TwinNo, no_of: impl Fn(&str) -> Option<TwinNo>) {
        for edge in &spec.edges {
            let Some(to) = no_of(edge.to.as_str()) else { continue };
            let place = self.edges.len();
            self.edges.push(Link { relation: edge.name.clone(), from, to, properties: edge.properties.clone() });
            for (no, is_out) in [(from, true), (to, false)] {
                let index = no.0 as usize;
                if self.ends.len() <= index {
                    self.ends.resize_with(index + 1, Default::default);
                }
                let (out, into) = &mut self.ends[index];
                if is_out { out.push(place) } else { into.push(place) }
            }
        }
    }
}

impl Links {
    /// Whom an action means that names another twin.
    pub(super) fn target(&self, of: TwinNo, target: &Target) -> Option<TwinNo> {
        let (out, into) = self.ends.get(of.0 as usize).map_or((&[][..], &[][..]), |(out, into)| (out, into));
        match target {
            Target::This => Some(of),
            Target::Parent => into.iter().map(|place| &self.edges[*place]).rfind(|link| *link.relation == *CONTAINS).map(|link| link.from),
            Target::Related(relation) => {
                out.iter().map(|place| &self.edges[*place]).find(|link| *link.relation == **relation).map(|link| link.to)
            }
        }
    }
}

/// Twins by their numbers, which count from 1.
pub(super) struct Seen<'a, F: Fn(TwinNo) -> Option<&'a Twin>> {
    pub(super) links: &'a Links,
    pub(super) twin: F,
}

impl<'a, F: Fn(TwinNo) -> Option<&'a Twin>> World for Seen<'a, F> {
    fn state(&self, twin: TwinNo) -> Option<Arc<State>> {
        (self.twin)(twin).map(|twin| twin.state.clone())
    }

    fn layout(&self, state: &State) -> Option<Arc<Layout>> {
        Some(state.layout.0.clone())
    }

    fn each(&self, twin: TwinNo, over: &Over, take: &mut dyn FnMut(TwinNo, &Map<String, Json>)) {
        let Some((out, into)) = self.links.ends.get(twin.0 as usize) else { return };
        for place in if over.is_inverse { into } else { out } {
            let Link { relation, from, to, properties } = &self.links.edges[*place];
            if *relation == over.relation {
                take(if over.is_inverse { *from } else { *to }, properties);
            }
        }
    }
}
