//! The catalog: what the files of a workspace say, checked and compiled. Immutable; an edit makes a new one.

pub mod accept;
pub mod binding;
pub mod detector;
pub mod example;
mod field_table;
pub mod layout;
pub mod load;
pub mod logic;
pub mod places;
pub mod rolled;
pub mod stored;
pub mod structure;
pub mod twin_spec;
pub mod viewed;
pub mod windowed;

use std::sync::Arc;

use foldhash::HashMap;

pub use accept::{Accepted, Refusal};
pub use binding::Binding;
pub use example::Example;
pub use field_table::{FieldTable, FieldTarget};
pub use layout::{Layout, Member, Relation, SlotSpec, ValueType};
pub use load::change::{Change, RuleName, Setting};
pub use load::{is_type_name, load, load_changed, observe};
pub use twin_spec::{EdgeSpec, RuleSetting, TwinSpec};

use crate::reading::TwinId;

/// The primary hierarchy.
pub const CONTAINS: &str = "contains";
/// From a device to the asset it measures.
pub const OBSERVES: &str = "observes";

#[derive(Debug, Default)]
pub struct Catalog {
    /// By name, sorted; abstract ones included.
    pub types: Vec<Arc<Layout>>,
    /// `contains` and `observes` are always there.
    pub relations: Vec<Relation>,
    /// In the order of files and positions.
    pub twins: Vec<TwinSpec>,
    pub bindings: Vec<Arc<Binding>>,
    /// What the `tests:` of the types say, in the order of the types; a running system has no use for them.
    pub examples: Vec<Example>,
    type_index: HashMap<Arc<str>, usize>,
    twin_index: HashMap<TwinId, usize>,
}

impl Catalog {
    pub fn new(mut types: Vec<Arc<Layout>>, relations: Vec<Relation>, twins: Vec<TwinSpec>, bindings: Vec<Arc<Binding>>) -> Catalog {
        types.sort_by(|a, b| a.name.cmp(&b.name));
        let type_index = types.iter().enumerate().map(|(index, layout)| (layout.name.clone(), index)).collect();
        let twin_index = twins.iter().enumerate().map(|(index, twin)| (twin.id.clone(), index)).collect();
        Catalog { types, relations, twins, bindings, examples: Vec::new(), type_index, twin_index }
    }

    /// What a running system needs of it: once its twins live, what the files said of them need not stay in memory.
    pub fn without_twins(&self) -> Catalog {
        Catalog::new(self.types.clone(), self.relations.clone(), Vec::new(), self.bindings.clone())
    }

    pub fn layout(&self, type_name: &str) -> Option<&Arc<Layout>> {
        self.type_index.get(type_name).map(|index| &self.types[*index])
    }

    pub fn twin(&self, id: &str) -> Option<&TwinSpec> {
        self.twin_index.get(id).map(|index| &self.twins[*index])
    }

    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| &*relation.name == name)
    }
}
