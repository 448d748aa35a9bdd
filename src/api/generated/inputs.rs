//! What goes in: filters, orders, groups, and what creates and changes twins of a type.

use std::sync::Arc;

use crate::api::build::{InputBuilder, SchemaBuilder};
use crate::api::names::{FieldPlan, TypePlan, ViewPlan, Way};

use super::text::{input, unit_doc};
use super::used::Used;

/// The inputs that come with one type.
pub(super) fn declare(schema: &mut SchemaBuilder, plan: &ViewPlan, used: &Used, index: usize) {
    let ty = &plan.types[index];
    declare_where(schema, plan, ty);
    if used.list_filters.contains(&index) {
        declare_list_where(schema, ty);
    }
    declare_order(schema, ty);
    declare_groups(schema, ty);
    declare_patch(schema, plan, ty);
    if let Some(name) = &ty.helpers.create_input {
        declare_create(schema, plan, ty, name);
    }
}

/// Filters and inputs of objects inside of twins.
pub(super) fn declare_objects(schema: &mut SchemaBuilder, plan: &ViewPlan, used: &Used) {
    for (index, object) in plan.objects.iter().enumerate() {
        if let Some(name) = object.filter.as_ref().filter(|_| used.object_filters.contains(&index)) {
            let mut builder = schema.input(name, "By the parts of the value; those given are joined by AND.");
            for field in &object.fields {
                if let Some(filter) = field.filter {
                    builder.field(&field.name, plan.match_name(filter));
                }
            }
        }
        if let Some(name) = object.input.as_ref().filter(|_| used.object_inputs.contains(&index)) {
            let mut builder = schema.input(name, "The value as a whole: it takes the place of the one before.");
            for field in &object.fields {
                let required = if field.is_required { "!" } else { "" };
                builder.field(&field.name, &format!("{}{required}", input(plan, &field.value)));
            }
        }
    }
}

/// The inputs that make an edge together with its source.
pub(super) fn declare_edges(schema: &mut SchemaBuilder, plan: &ViewPlan, used: &Used) {
    for (index, connection) in plan.connections.iter().enumerate() {
        let Some(name) = connection.input.as_ref().filter(|_| used.edge_inputs.contains(&index)) else { continue };
        let mut builder = schema.input(name, "An edge to make.");
        builder.field("target", "ID!").doc("The twin it leads to.");
        for field in connection.own_edge.iter().flat_map(|edge| &edge.fields) {
            let required = if field.is_required { "!" } else { "" };
            builder.field(&field.name, &format!("{}{required}", input(plan, &field.value)));
        }
        builder.field("validFrom", "DateTime").doc("Since when it holds; the time of the commit when absent.");
    }
}

fn declare_where(schema: &mut SchemaBuilder, plan: &ViewPlan, ty: &TypePlan) {
    let helpers = &ty.helpers;
    let name = &*helpers.filter;
    let doc = format!("Which {}: all keys given must hold. Null means absent.", ty.roots.many);
    let mut builder = schema.input(name, &doc);
    let list = format!("[{name}!]");
    builder.field("and", &list).field("or", &list).doc("At least one; an empty list matches nothing.").field("not", name);
    builder.field("twin", "TwinWhere").doc("By what every twin has: ids, name, path, presence.");
    for field in &ty.fields {
        if let Some(filter) = field.filter {
            builder.field(&field.name, plan.match_name(filter));
            deprecate(&mut builder, field);
        }
    }
    for relation in &ty.relations {
        let node = plan.connections[relation.connection].node;
        builder.field(&relation.name, plan.node_list_filter(node));
    }
}

fn declare_list_where(schema: &mut SchemaBuilder, ty: &TypePlan) {
    let name = &*ty.helpers.filter;
    let mut builder = schema.input(&ty.helpers.list_filter, "By the twins at the other end of a relation.");
    builder.field("some", name).doc("At least one matches.");
    builder.field("every", name).doc("All match; true if there is none.");
    builder.field("none", name).doc("None matches.");
    builder.field("count", "IntMatch").doc("How many there are.");
}

fn declare_order(schema: &mut SchemaBuilder, ty: &TypePlan) {
    let helpers = &ty.helpers;
    let mut builder = schema.enumeration(&helpers.sort_field, "", &[]);
    for (name, _) in &ty.sorts {
        builder.value(name, "");
    }
    let mut builder =
        schema.input(&helpers.sort, "An order: what is missing comes last in both directions, and the id decides between equals.");
    builder.field("field", &format!("{}!", helpers.sort_field)).field("direction", "SortDirection = ASC");
}

fn declare_groups(schema: &mut SchemaBuilder, ty: &TypePlan) {
    let helpers = &ty.helpers;
    if let Some(name) = &helpers.group_field {
        let mut builder = schema.enumeration(name, "", &[]);
        for (value, _) in &ty.groups {
            builder.value(value, "");
        }
    }
    let mut builder = schema.input(&helpers.group_by, "What twins of one group have in common.");
    builder.one_of();
    if let Some(name) = &helpers.group_field {
        builder.field("field", name);
    }
    builder.field("ancestor", "AncestorGroup");
}

fn declare_patch(schema: &mut SchemaBuilder, plan: &ViewPlan, ty: &TypePlan) {
    let helpers = &ty.helpers;
    let doc = "What to set, in the units of the type. Null means unchanged: clear with `unset`. What never changes is missing here.";
    let mut builder = schema.input(&helpers.patch, doc);
    builder.field("name", "String");
    for field in changeable(ty) {
        member(&mut builder, plan, ty, field, false);
    }
    if let Some(name) = &helpers.unset {
        let mut builder = schema.enumeration(name, "What can be cleared.", &[]);
        for (value, _) in &ty.unsets {
            builder.value(value, "");
        }
    }
}

/// Members that updates may set.
fn changeable(ty: &TypePlan) -> impl Iterator<Item = &FieldPlan> {
    ty.fields.iter().filter(|field| field.write.is_some_and(|write| !write.is_immutable))
}

fn declare_create(schema: &mut SchemaBuilder, plan: &ViewPlan, ty: &TypePlan, name: &Arc<str>) {
    let doc = format!("A new twin of the type {}, in the units of the type.", ty.name());
    let mut builder = schema.input(name, &doc);
    builder.field("id", "ID").doc("Generated when absent.");
    builder.field("name", "String").doc("The id when absent.");
    builder.field("parent", "ID").doc("What contains it; a root when absent.");
    builder.field("externalIds", "[ExternalIdInput!]");
    for field in &ty.fields {
        if let Some(write) = field.write {
            member(&mut builder, plan, ty, field, write.is_required);
        }
    }
    for relation in &ty.relations {
        let connection = &plan.connections[relation.connection];
        if let (Some(input), Way::Out | Way::Both) = (&connection.input, connection.way) {
            builder.field(&relation.name, &format!("[{input}!]"));
        }
    }
}

fn member(builder: &mut InputBuilder<'_>, plan: &ViewPlan, ty: &TypePlan, field: &FieldPlan, is_required: bool) {
    let required = if is_required { "!" } else { "" };
    let unit = ty.layout.slots.get(usize::from(field.slots.start)).and_then(|slot| slot.unit.as_ref());
    builder.field(&field.name, &format!("{}{required}", input(plan, &field.value)));
    builder.doc(&unit_doc(field.description.as_deref().unwrap_or_default(), unit));
    // GraphQL allows no deprecation of what must be given.
    if !is_required {
        deprecate(builder, field);
    }
}

fn deprecate(builder: &mut InputBuilder<'_>, field: &FieldPlan) {
    if let Some(reason) = &field.deprecated {
        builder.deprecated(reason);
    }
}
