//! The language in which the schema is written down: types by name, resolvers as closures, and per field what executing it asks for (role,
//! cost, the member of the twin it shows). It is recorded first, then checked as a whole, printed, and only then handed to the executing
//! library, which overwrites types of one name and panics at a field of one name.
//!
//! ```text
//! let mut schema = SchemaBuilder::new();
//! schema.interface::<Node>("Twin", "An asset or a device.")
//!     .value("id", "ID!", "", |twin, _| twin.id().to_owned())
//!     .field("parent", "Twin", "").arg("hierarchy", "String").resolve(|twin, args, ctx| async move { … });
//! schema.object::<Node>("Mixer", "").implements("Twin").value("speed", "Float", "", |twin, _| twin.speed()).slot("speed");
//! schema.query().field("twin", "Twin", "").arg("id", "ID!").now(|_, args, ctx| …);
//! let built = schema.build()?;
//! ```

mod args;
mod check;
mod definition;
mod finish;
mod input_type;
mod leaf;
mod library;
mod object;
mod out;
mod resolver;
mod sdl;
#[cfg(test)]
mod tests;
mod ty;

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::panic::Location;

use async_graphql::Value;

use crate::api::prepare::{Weight, Weights};
use crate::api::request::Role;
pub use args::{Args, Selected, Selection};
pub(in crate::api) use definition::{ArgDef, Kind, TypeDef};
use definition::{EnumValueDef, FieldDef, Fields, StreamDef};
pub use definition::{Item, ItemStream, ScalarCheck};
pub use input_type::{EnumBuilder, InputBuilder};
pub use object::{ObjectBuilder, StreamBuilder};
pub use out::Out;
pub(in crate::api) use resolver::root as root_value;
pub use ty::{Ty, is_name};

pub const QUERY: &str = "Query";
pub const MUTATION: &str = "Mutation";
pub const SUBSCRIPTION: &str = "Subscription";

/// What the resolvers of `Query` and `Mutation` take: there is nothing above them.
#[derive(Debug, Clone, Copy)]
pub struct Root;

/// A schema in the making. Nothing fails before `build`, which tells all mistakes at once.
#[derive(Debug, Default)]
pub struct SchemaBuilder {
    pub(super) types: Vec<TypeDef>,
    /// Where each stands among `types`.
    names: HashMap<String, usize>,
    problems: Vec<String>,
    /// Defaults that were read before: there are few different ones.
    defaults: HashMap<String, Value>,
    origin: Option<String>,
}

/// A schema that can be executed.
#[derive(Debug)]
pub struct Built {
    pub(in crate::api) schema: async_graphql::dynamic::Schema,
    pub sdl: String,
    /// By type and field.
    fields: HashMap<String, HashMap<String, FieldInfo>>,
}

/// What was recorded of a field for those who plan, count and guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    pub ty: Ty,
    pub role: Option<Role>,
    pub weight: Option<u32>,
    /// The weight counts once for each item of this argument.
    pub weight_per: Option<&'static str>,
    /// The members of the twin it shows.
    pub slots: Vec<String>,
    /// It may take as long as analytics may.
    pub is_analytic: bool,
}

impl Built {
    pub fn field(&self, type_name: &str, field: &str) -> Option<&FieldInfo> {
        self.fields.get(type_name)?.get(field)
    }

    /// What fields cost whose cost does not follow from their type.
    pub fn weights(&self) -> Weights {
        let mut weights = Weights::new();
        for (type_name, fields) in &self.fields {
            for (name, info) in fields {
                if let Some(base) = info.weight {
                    weights.set(type_name, name, Weight { base: u64::from(base), per_item_of: info.weight_per });
                }
            }
        }
        weights
    }

    /// All fields by schema coordinate, `Type.field`.
    pub fn coordinates(&self) -> BTreeMap<String, &FieldInfo> {
        let fields = self.fields.iter();
        fields.flat_map(|(type_name, fields)| fields.iter().map(move |(name, info)| (format!("{type_name}.{name}"), info))).collect()
    }
}

impl SchemaBuilder {
    pub fn new() -> SchemaBuilder {
        SchemaBuilder::default()
    }

    /// Where the types that follow come from, for messages about them: a file of the workspace. `None`: the place in our source.
    pub fn origin(&mut self, origin: Option<&str>) -> &mut Self {
        self.origin = origin.map(str::to_owned);
        self
    }

    #[track_caller]
    pub fn scalar(&mut self, name: &str, doc: &str, check: ScalarCheck) {
        self.add_type(name, doc, Kind::Scalar(check));
    }

    #[track_caller]
    pub fn enumeration(&mut self, name: &str, doc: &str, values: &[(&str, &str)]) -> EnumBuilder<'_> {
        let at = self.add_type(name, doc, Kind::Enum(Vec::new()));
        let mut builder = EnumBuilder { schema: self, type_at: at };
        for (value, doc) in values {
            builder.value(value, doc);
        }
        builder
    }

    #[track_caller]
    pub fn input(&mut self, name: &str, doc: &str) -> InputBuilder<'_> {
        let at = self.add_type(name, doc, Kind::Input { fields: Vec::new(), one_of: false });
        InputBuilder { schema: self, type_at: at }
    }

    #[track_caller]
    pub fn interface<T: Any + Send + Sync>(&mut self, name: &str, doc: &str) -> ObjectBuilder<'_, T> {
        let type_at = self.add_type(name, doc, Kind::Interface(Fields::of::<T>()));
        ObjectBuilder { schema: self, type_at, at: None, parent: PhantomData }
    }

    #[track_caller]
    pub fn object<T: Any + Send + Sync>(&mut self, name: &str, doc: &str) -> ObjectBuilder<'_, T> {
        let type_at = self.add_type(name, doc, Kind::Object(Fields::of::<T>()));
        ObjectBuilder { schema: self, type_at, at: None, parent: PhantomData }
    }

    /// The root of queries. Each noun adds its fields.
    #[track_caller]
    pub fn query(&mut self) -> ObjectBuilder<'_, Root> {
        self.root(QUERY)
    }

    #[track_caller]
    pub fn mutation(&mut self) -> ObjectBuilder<'_, Root> {
        self.root(MUTATION)
    }

    #[track_caller]
    pub fn subscription(&mut self) -> StreamBuilder<'_> {
        let type_at = match self.names.get(SUBSCRIPTION) {
            Some(at) => *at,
            None => self.add_type(SUBSCRIPTION, "", Kind::Streams(Vec::new())),
        };
        StreamBuilder { schema: self, type_at, at: None }
    }

    #[track_caller]
    fn root(&mut self, name: &str) -> ObjectBuilder<'_, Root> {
        let type_at = match self.names.get(name) {
            Some(at) => *at,
            None => self.add_type(name, "", Kind::Object(Fields::of::<Root>())),
        };
        ObjectBuilder { schema: self, type_at, at: None, parent: PhantomData }
    }

    /// Checks it all, and makes the schema. On failure: everything that is wrong.
    pub fn build(self) -> Result<Built, Vec<String>> {
        finish::build(self)
    }
}

/// What the builders of the types put down.
impl SchemaBuilder {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Where it is recorded. A second type of one name is a mistake, but what follows about it is still checked.
    #[track_caller]
    fn add_type(&mut self, name: &str, doc: &str, kind: Kind) -> usize {
        let origin = self.origin.clone().unwrap_or_else(|| Location::caller().to_string());
        let at = self.types.len();
        if let Some(first) = self.names.get(name).and_then(|first| self.types.get(*first)) {
            self.problems.push(format!("the type `{name}` is declared twice: by {} and by {origin}", first.origin));
        } else {
            self.names.insert(name.to_owned(), at);
        }
        self.types.push(TypeDef { name: name.to_owned(), doc: doc.to_owned(), origin, kind });
        at
    }

    fn name_of(&self, at: usize) -> &str {
        self.types.get(at).map_or("", |ty| &ty.name)
    }

    fn fields(&mut self, at: usize) -> Option<&mut Fields> {
        match &mut self.types.get_mut(at)?.kind {
            Kind::Object(fields) | Kind::Interface(fields) => Some(fields),
            Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. } | Kind::Streams(_) => None,
        }
    }

    fn add_field(&mut self, at: usize, field: FieldDef) -> Option<usize> {
        let owner = self.name_of(at).to_owned();
        let fields = self.fields(at)?;
        let first = fields.list.iter().find(|first| first.name == field.name);
        let problem =
            first.map(|first| format!("the field `{owner}.{}` is declared twice: as `{}` and as `{}`", field.name, first.ty, field.ty));
        fields.list.push(field);
        let place = fields.list.len() - 1;
        self.problems.extend(problem);
        Some(place)
    }

    fn streams(&mut self, at: usize) -> Option<&mut Vec<StreamDef>> {
        match &mut self.types.get_mut(at)?.kind {
            Kind::Streams(streams) => Some(streams),
            Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. } | Kind::Interface(_) | Kind::Object(_) => None,
        }
    }

    fn add_stream(&mut self, at: usize, stream: StreamDef) -> Option<usize> {
        let name = stream.field.name.clone();
        let streams = self.streams(at)?;
        let is_second = streams.iter().any(|first| first.field.name == name);
        streams.push(stream);
        let place = streams.len() - 1;
        if is_second {
            self.problem(format!("the field `{SUBSCRIPTION}.{name}` is declared twice"));
        }
        Some(place)
    }

    fn enum_values(&mut self, at: usize) -> Option<&mut Vec<EnumValueDef>> {
        match &mut self.types.get_mut(at)?.kind {
            Kind::Enum(values) => Some(values),
            Kind::Scalar(_) | Kind::Input { .. } | Kind::Interface(_) | Kind::Object(_) | Kind::Streams(_) => None,
        }
    }

    fn input_fields(&mut self, at: usize) -> Option<&mut Vec<ArgDef>> {
        match &mut self.types.get_mut(at)?.kind {
            Kind::Input { fields, .. } => Some(fields),
            Kind::Scalar(_) | Kind::Enum(_) | Kind::Interface(_) | Kind::Object(_) | Kind::Streams(_) => None,
        }
    }

    fn ty(&mut self, text: &str, at: usize, place: &str) -> Ty {
        Ty::parse(text).unwrap_or_else(|problem| {
            self.problem(format!("`{}`, `{place}`: {problem}", self.name_of(at)));
            Ty::Named("Boolean".into())
        })
    }

    /// `Int = 50`.
    fn arg(&mut self, name: &str, text: &str, at: usize) -> ArgDef {
        let (ty, default) = text.split_once('=').map_or((text, None), |(ty, default)| (ty, Some(default.trim())));
        let ty = self.ty(ty, at, name);
        let default = default.and_then(|text| self.read_default(text, name, at));
        ArgDef { name: name.to_owned(), doc: String::new(), ty, default, deprecated: None }
    }

    fn read_default(&mut self, text: &str, name: &str, at: usize) -> Option<Value> {
        if let Some(known) = self.defaults.get(text) {
            return Some(known.clone());
        }
        let value = library::read_value(text);
        match &value {
            Some(value) => {
                self.defaults.insert(text.to_owned(), value.clone());
            }
            None => self.problem(format!("`{}`, `{name}`: `{text}` is not a value", self.name_of(at))),
        }
        value
    }
}
