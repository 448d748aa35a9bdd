//! The types of a workspace as interfaces and objects: what all twins have comes from the core, what they inherit from the interfaces above.

use std::sync::Arc;

use crate::api::build::{ObjectBuilder, SchemaBuilder};
use crate::api::names::{RelationField, TypePlan, ViewPlan};
use crate::api::types::twin::TwinNode;
use crate::catalog::Catalog;

use super::{edges, members};

/// One type: its interface and its objects.
pub(super) fn declare(schema: &mut SchemaBuilder, catalog: &Catalog, plan: &Arc<ViewPlan>, ty: &TypePlan) {
    let parent = ty.parent.map(|parent| &plan.types[parent]);
    let doc = description(ty);
    if let Some(name) = &ty.interface {
        let mut builder = schema.interface::<TwinNode>(name, &doc);
        builder.implements("Twin");
        if let Some(above) = parent.and_then(|parent| parent.interface.as_ref()) {
            builder.implements(above);
        }
        declare_own(&mut builder, catalog, plan, ty, parent);
    }
    if let Some(name) = &ty.object {
        let mut builder = object(schema, name, &doc, &ty.interfaces);
        if ty.interface.is_none() {
            declare_own(&mut builder, catalog, plan, ty, parent);
        }
    }
    if let Some(name) = &ty.fallback {
        let doc = format!("A {} whose own type is not part of this view.", ty.name());
        object(schema, name, &doc, &ty.interfaces);
    }
}

fn object<'a>(schema: &'a mut SchemaBuilder, name: &str, doc: &str, interfaces: &[Arc<str>]) -> ObjectBuilder<'a, TwinNode> {
    let mut builder = schema.object::<TwinNode>(name, doc);
    builder.implements("Node").implements("Twin");
    for interface in interfaces {
        builder.implements(interface);
    }
    builder
}

/// What the type has and its parent has not.
fn declare_own(
    builder: &mut ObjectBuilder<'_, TwinNode>,
    catalog: &Catalog,
    plan: &Arc<ViewPlan>,
    ty: &TypePlan,
    parent: Option<&TypePlan>,
) {
    for field in ty.fields.iter().skip(parent.map_or(0, |parent| parent.fields.len())) {
        members::declare(builder, plan, ty, field);
    }
    let inherited: &[RelationField] = parent.map_or(&[], |parent| &parent.relations);
    for relation in &ty.relations {
        if !inherited.iter().any(|above| above.connection == relation.connection) {
            edges::declare_field(builder, catalog, plan, relation);
        }
    }
}

fn description(ty: &TypePlan) -> String {
    let layout = &ty.layout;
    layout.description.clone().or_else(|| layout.title.clone()).unwrap_or_default()
}
