//! The twins that live now, as files would describe them: those of files as these say, and those that were made while it ran, each at its place in
//! the graph of now.

use crate::catalog::layout::Section;
use crate::catalog::stored::carry_over;
use crate::catalog::{Catalog, EdgeSpec, Layout, TwinSpec};
use crate::reading::{SlotNo, Value};
use crate::runtime::Runtime;
use crate::source::{FileId, Span};
use crate::twin::State;

/// Of the types of this catalog; a twin whose type it does not have is left out.
pub(super) fn living(runtime: &Runtime, catalog: &Catalog) -> Vec<TwinSpec> {
    let residents = runtime.shared.directory.all();
    let specs = residents.iter().filter_map(|resident| {
        let state = resident.cell.state();
        let spec = catalog.twin(state.id.as_str()).cloned().or_else(|| described(&state, catalog))?;
        Some(TwinSpec { edges: edges(runtime, &state, catalog), ..spec })
    });
    specs.collect()
}

/// A twin that no file knows. What was set lately is set again by the journal.
fn described(state: &State, catalog: &Catalog) -> Option<TwinSpec> {
    let layout = catalog.layout(&state.layout.name)?;
    Some(TwinSpec {
        id: state.id.clone(),
        layout: layout.clone(),
        name: state.name.clone(),
        properties: properties(state, layout),
        external_ids: state.external_ids.to_vec(),
        edges: Vec::new(),
        rules: Vec::new(),
        span: Span::new(FileId(0), 0, 0),
    })
}

fn properties(state: &State, layout: &Layout) -> Vec<(SlotNo, Value)> {
    let set = carry_over(&state.layout, layout).into_iter().filter(|(slot, _)| layout.slot(*slot).section == Section::Property);
    set.filter_map(|(slot, carry)| Some((slot, carry.convert(state.slot(carry.from).value.as_ref()?)?))).collect()
}

fn edges(runtime: &Runtime, state: &State, catalog: &Catalog) -> Vec<EdgeSpec> {
    let (now, mut edges) = (runtime.shared.clock.now(), Vec::new());
    runtime.committed.each_out(state.no, &mut |edge| {
        let relation = catalog.relations.iter().position(|known| *known.name == *edge.relation);
        let relation = relation.and_then(|place| u16::try_from(place).ok());
        let to = runtime.shared.directory.id_of(edge.to);
        if let (true, Some(relation), Some(to)) = (edge.holds_at(now), relation, to) {
            edges.push(EdgeSpec {
                relation,
                name: edge.relation.clone(),
                to,
                properties: edge.properties.clone(),
                valid_from: Some(edge.valid_from),
                valid_to: edge.valid_to,
            });
        }
    });
    edges
}
