//! Names: from the types of a catalog to everything that a view of the API generates, complete and checked for collisions before anything is
//! built (`graphql/README.md`, section 3).

mod claims;
mod fields;
mod plan;
mod relations;
mod select;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod values;

pub use claims::RootClash;
pub use plan::{
    ConnectionPlan, EdgeField, EdgePlan, EnumPlan, FieldPlan, Form, Helpers, Match, Name, NodeRef, ObjectField, ObjectPlan, RelationField,
    Roots, Scalar, SettingPlan, SortBy, TypePlan, UnitArg, UnitPlan, ValuePlan, ViewPlan, Way, Write,
};
pub use select::{NoSuchType, select, select_used};
pub use text::unit_constant;
pub use types::plan;
