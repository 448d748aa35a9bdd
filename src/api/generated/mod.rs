//! The part of the schema that the workspace's types give: objects, filters, root fields, as a view's plan names them. Nothing is named here, and
//! nothing is looked up by name when a request comes: what a resolver needs of its member is worked out when the schema is made.

mod aggregates;
mod connections;
mod edges;
mod enums;
mod frames;
mod inputs;
mod members;
mod mutations;
mod object;
mod place;
mod queries;
mod readings;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod twins;
mod units;
mod used;
mod values;
mod writes;

use std::sync::Arc;

use crate::api::build::SchemaBuilder;
use crate::api::names::ViewPlan;
use crate::catalog::Catalog;

/// Declares all of it. The core comes first or afterwards: both are checked together.
pub fn declare(schema: &mut SchemaBuilder, catalog: &Catalog, plan: &Arc<ViewPlan>) {
    let used = used::Used::find(plan);
    units::declare(schema, plan);
    enums::declare(schema, plan, &used);
    object::declare(schema, catalog, plan);
    readings::declare(schema, plan);
    settings::declare(schema, plan);
    inputs::declare_objects(schema, plan, &used);
    inputs::declare_edges(schema, plan, &used);
    edges::declare(schema, catalog, plan);
    for (index, ty) in plan.types.iter().enumerate() {
        schema.origin(Some(&format!("schemas/{}.yaml", ty.name())));
        twins::declare(schema, catalog, plan, ty);
        inputs::declare(schema, plan, &used, index);
        connections::declare(schema, ty);
        aggregates::declare(schema, plan, index);
        frames::declare(schema, plan, index);
        mutations::declare(schema, plan, index);
        queries::declare(schema, plan, index);
        schema.origin(None);
    }
}
