//! The schema as the validator sees it: read once from its printed text.

use std::fmt;

use apollo_compiler::ast::{DirectiveList, FieldDefinition, Type};
use apollo_compiler::schema::{Component, ExtendedType, InputObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, name};

use super::cost::Weights;
use super::persisted::TextHash;

/// Errors of a schema that are named; there may be one for each of thousands of types.
const SHOWN_MAX: usize = 20;
/// The validator does not know it from the specification, and a schema without one need not define it.
const ONE_OF: &str = "directive @oneOf on INPUT_OBJECT\n";

/// A schema to check documents against.
pub struct Checker {
    pub(super) schema: Valid<Schema>,
    pub(super) weights: Weights,
    hash: TextHash,
}

/// The printed schema is not valid: a fault of who built it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema is not valid: {}", problems.join("; "))]
pub struct InvalidSchema {
    pub problems: Vec<String>,
}

impl Checker {
    pub fn new(sdl: &str, weights: Weights) -> Result<Checker, InvalidSchema> {
        let text = if sdl.contains("directive @oneOf") { sdl.to_owned() } else { format!("{sdl}\n{ONE_OF}") };
        // Newer tools ask whether a type is `@oneOf`, which the validator has not heard of.
        let parsed = Schema::parse(text, "schema.graphql").map(|mut schema| {
            if let Some(ExtendedType::Object(meta)) = schema.types.get_mut("__Type") {
                let field = FieldDefinition {
                    description: None,
                    name: name!("isOneOf"),
                    arguments: Vec::new(),
                    ty: Type::Named(name!("Boolean")),
                    directives: DirectiveList::new(),
                };
                meta.make_mut().fields.insert(name!("isOneOf"), Component::new(field));
            }
            schema
        });
        match parsed.and_then(Schema::validate) {
            Ok(schema) => Ok(Checker { schema, weights, hash: TextHash::of(sdl) }),
            Err(refused) => {
                let problem = |problem: apollo_compiler::diagnostic::Diagnostic<'_, _>| match problem.line_column_range() {
                    Some(place) => format!("line {}: {}", place.start.line, problem.error),
                    None => format!("{}", problem.error),
                };
                Err(InvalidSchema { problems: refused.errors.iter().take(SHOWN_MAX).map(problem).collect() })
            }
        }
    }

    /// Of the text it was made from.
    pub fn hash(&self) -> TextHash {
        self.hash
    }

    pub(super) fn type_of(&self, name: &str) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// Whether what is known to be a `parent` is always a `condition`.
    pub(super) fn is_always(&self, parent: &Name, condition: &Name) -> bool {
        parent == condition || self.schema.is_subtype(condition, parent)
    }

    pub(super) fn is_object(&self, name: &str) -> bool {
        matches!(self.type_of(name), Some(ExtendedType::Object(_)))
    }

    pub(super) fn is_leaf(&self, ty: &Type) -> bool {
        matches!(self.type_of(ty.inner_named_type()), Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_)))
    }
}

/// Exactly one field is given.
pub(super) fn is_one_of(input: &InputObjectType) -> bool {
    input.directives.has("oneOf")
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").field("hash", &self.hash).field("types", &self.schema.types.len()).finish()
    }
}
