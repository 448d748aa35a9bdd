//! Declaring enums and input objects.

use super::SchemaBuilder;
use super::definition::{ArgDef, EnumValueDef, Kind};

/// An enum. `deprecated` is about the last value.
#[derive(Debug)]
pub struct EnumBuilder<'a> {
    pub(super) schema: &'a mut SchemaBuilder,
    pub(super) type_at: usize,
}

impl EnumBuilder<'_> {
    pub fn value(&mut self, name: &str, doc: &str) -> &mut Self {
        if let Some(values) = self.schema.enum_values(self.type_at) {
            values.push(EnumValueDef { name: name.to_owned(), doc: doc.to_owned(), deprecated: None });
        }
        self
    }

    pub fn deprecated(&mut self, reason: &str) -> &mut Self {
        if let Some(value) = self.schema.enum_values(self.type_at).and_then(|values| values.last_mut()) {
            value.deprecated = Some(reason.to_owned());
        }
        self
    }
}

/// An input object. `doc` and `deprecated` are about the last field.
#[derive(Debug)]
pub struct InputBuilder<'a> {
    pub(super) schema: &'a mut SchemaBuilder,
    pub(super) type_at: usize,
}

impl InputBuilder<'_> {
    /// A field: its name, and type and default as in GraphQL, `SortDirection = ASC`.
    pub fn field(&mut self, name: &str, ty: &str) -> &mut Self {
        let field = self.schema.arg(name, ty, self.type_at);
        if let Some(fields) = self.schema.input_fields(self.type_at) {
            fields.push(field);
        }
        self
    }

    pub fn doc(&mut self, doc: &str) -> &mut Self {
        self.edit(|field| doc.clone_into(&mut field.doc))
    }

    pub fn deprecated(&mut self, reason: &str) -> &mut Self {
        self.edit(|field| field.deprecated = Some(reason.to_owned()))
    }

    /// Exactly one of the fields is to be given.
    pub fn one_of(&mut self) -> &mut Self {
        if let Some(Kind::Input { one_of, .. }) = self.schema.types.get_mut(self.type_at).map(|ty| &mut ty.kind) {
            *one_of = true;
        }
        self
    }

    fn edit(&mut self, edit: impl FnOnce(&mut ArgDef)) -> &mut Self {
        if let Some(field) = self.schema.input_fields(self.type_at).and_then(|fields| fields.last_mut()) {
            edit(field);
        }
        self
    }
}
