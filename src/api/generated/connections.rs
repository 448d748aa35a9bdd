//! Pages of the twins of a type: those of the core, with the type's own nodes.

use crate::api::build::SchemaBuilder;
use crate::api::names::TypePlan;
use crate::api::types::connection;

pub(super) fn declare(schema: &mut SchemaBuilder, ty: &TypePlan) {
    connection::declare_twins(schema, &ty.helpers.connection, &ty.helpers.edge, ty.output());
}
