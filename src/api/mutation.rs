//! The root of mutations, for twins of any type. Those of the workspace's types stand in `generated`.

use super::build::SchemaBuilder;
use super::mutations;

pub fn declare(schema: &mut SchemaBuilder) {
    mutations::declare(schema);
}
