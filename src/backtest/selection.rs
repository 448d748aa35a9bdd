//! Of which rules and twins a report tells. All of them take part all the same: a parent follows from its children, whoever is asked about.

use std::collections::BTreeSet;

use crate::catalog::{CONTAINS, Catalog, Layout};
use crate::reading::TwinId;

/// Everything, where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Type and rule.
    rules: Option<BTreeSet<(String, String)>>,
    twins: Option<BTreeSet<TwinId>>,
}

impl Selection {
    /// Only these rules of these types, and of the types that extend them.
    #[must_use]
    pub fn of_rules(mut self, rules: impl IntoIterator<Item = (String, String)>) -> Selection {
        self.rules.get_or_insert_default().extend(rules);
        self
    }

    #[must_use]
    pub fn of_twins(mut self, twins: impl IntoIterator<Item = TwinId>) -> Selection {
        self.twins.get_or_insert_default().extend(twins);
        self
    }

    /// This twin and all that it contains, at whatever depth.
    #[must_use]
    pub fn under(self, root: &TwinId, catalog: &Catalog) -> Selection {
        let mut inside = BTreeSet::from([root.clone()]);
        let mut next = vec![root.clone()];
        while let Some(spec) = next.pop().and_then(|id| catalog.twin(id.as_str())) {
            for edge in spec.edges.iter().filter(|edge| &*edge.name == CONTAINS) {
                if inside.insert(edge.to.clone()) {
                    next.push(edge.to.clone());
                }
            }
        }
        self.of_twins(inside)
    }

    /// Whether somebody asks for certain rules, and so for all their twins.
    pub fn names_rules(&self) -> bool {
        self.rules.is_some()
    }

    pub fn has_rule(&self, layout: &Layout, id: &str) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.iter().any(|(type_name, rule)| rule == id && layout.is_a(type_name)))
    }

    pub fn has_twin(&self, id: &TwinId) -> bool {
        self.twins.as_ref().is_none_or(|twins| twins.contains(id))
    }
}
