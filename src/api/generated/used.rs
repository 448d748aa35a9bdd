//! Which of the planned inputs anything asks for: a type that nothing leads to has no place in a schema.

use foldhash::HashSet;

use crate::api::names::{FieldPlan, Match, NodeRef, TypePlan, ValuePlan, ViewPlan, Way};

/// Indexes into the lists of the plan.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Types whose twins some filter asks for at the other end of a relation.
    pub(super) list_filters: HashSet<usize>,
    pub(super) enum_filters: HashSet<usize>,
    pub(super) object_filters: HashSet<usize>,
    pub(super) object_inputs: HashSet<usize>,
    /// Connections whose edges are made together with their source.
    pub(super) edge_inputs: HashSet<usize>,
}

impl Used {
    pub(super) fn find(plan: &ViewPlan) -> Used {
        let mut used = Used::default();
        for ty in &plan.types {
            for field in &ty.fields {
                used.filter(plan, field.filter);
                if is_written(ty, field) {
                    used.input(plan, &field.value);
                }
            }
            for relation in &ty.relations {
                let connection = &plan.connections[relation.connection];
                if let NodeRef::Type(node) = connection.node {
                    used.list_filters.insert(node);
                }
                let makes_edges = ty.helpers.create_input.is_some() && connection.input.is_some();
                if makes_edges && connection.way != Way::In && used.edge_inputs.insert(relation.connection) {
                    connection.own_edge.iter().flat_map(|edge| &edge.fields).for_each(|field| used.input(plan, &field.value));
                }
            }
        }
        used
    }

    fn filter(&mut self, plan: &ViewPlan, filter: Option<Match>) {
        match filter {
            Some(Match::Enum(index)) => {
                self.enum_filters.insert(index);
            }
            Some(Match::Object(index)) => {
                if self.object_filters.insert(index) {
                    plan.objects[index].fields.iter().for_each(|field| self.filter(plan, field.filter));
                }
            }
            Some(Match::Float | Match::FloatReading | Match::Int | Match::Boolean | Match::String | Match::DateTime) | None => {}
        }
    }

    fn input(&mut self, plan: &ViewPlan, value: &ValuePlan) {
        match value {
            ValuePlan::Object(index) => {
                if self.object_inputs.insert(*index) {
                    plan.objects[*index].fields.iter().for_each(|field| self.input(plan, &field.value));
                }
            }
            ValuePlan::List(items) => self.input(plan, items),
            ValuePlan::Scalar(_) | ValuePlan::Enum(_) => {}
        }
    }
}

/// Whether some input of the type has the member.
fn is_written(ty: &TypePlan, field: &FieldPlan) -> bool {
    field.write.is_some_and(|write| !write.is_immutable || ty.helpers.create_input.is_some())
}
