//! What the executing library does not notice, or notices by a panic: names, kinds, interfaces, defaults. All mistakes at once.

use std::collections::{HashMap, HashSet};

use super::definition::{ArgDef, FieldDef, Fields, Kind, StreamDef, TypeDef, Types};
use super::ty::{Ty, is_name};
use super::{MUTATION, QUERY, SUBSCRIPTION};
use crate::api::input::Inputs;

const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// Everything that is wrong.
pub(super) fn check(types: &Types, inputs: &Inputs) -> Vec<String> {
    let mut check = Check { types, inputs, problems: Vec::new() };
    if !types.contains_key(QUERY) {
        check.problem("there is no query".to_owned());
    }
    for ty in types.values() {
        check.ty(ty);
    }
    check.problems
}

struct Check<'a> {
    types: &'a Types,
    inputs: &'a Inputs,
    problems: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    fn ty(&mut self, ty: &TypeDef) {
        let name = &ty.name;
        if !is_name(name) || BUILT_IN.contains(&name.as_str()) {
            self.problem(format!("`{name}` ({}) cannot be the name of a type", ty.origin));
        }
        match &ty.kind {
            Kind::Scalar(_) => {}
            Kind::Enum(values) => {
                self.members(ty, "value", values.iter().map(|value| value.name.as_str()));
                for value in values.iter().filter(|value| matches!(value.name.as_str(), "true" | "false" | "null")) {
                    self.problem(format!("`{name}.{}` cannot be the name of an enum value", value.name));
                }
            }
            Kind::Input { fields, one_of } => {
                self.members(ty, "field", fields.iter().map(|field| field.name.as_str()));
                for field in fields {
                    self.input(&format!("{name}.{}", field.name), field);
                    if *one_of && (field.ty.is_non_null() || field.default.is_some()) {
                        self.problem(format!("`{name}.{}` must be nullable and without a default: exactly one is given", field.name));
                    }
                }
            }
            Kind::Interface(fields) => self.fields(ty, fields),
            Kind::Object(fields) => {
                self.fields(ty, fields);
                for field in fields.list.iter().filter(|field| field.resolver.is_none()) {
                    self.problem(format!("`{name}.{}` has no resolver", field.name));
                }
                for interface in &fields.takes_over {
                    self.implements(ty, fields, interface);
                }
            }
            Kind::Streams(streams) => self.streams(ty, streams),
        }
    }

    /// There is at least one, and their names can be names.
    fn members<'n>(&mut self, ty: &TypeDef, what: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = HashSet::new();
        for member in names {
            if !is_name(member) {
                self.problem(format!("`{}.{member}` cannot be the name of a {what}", ty.name));
            }
            if !seen.insert(member) && ty.fields().is_none() {
                self.problem(format!("`{}` has the {what} `{member}` twice", ty.name));
            }
        }
        if seen.is_empty() {
            self.problem(format!("`{}` ({}) has no {what}", ty.name, ty.origin));
        }
    }

    fn fields(&mut self, ty: &TypeDef, fields: &Fields) {
        self.members(ty, "field", fields.list.iter().map(|field| field.name.as_str()));
        for field in &fields.list {
            self.field(ty, field);
        }
    }

    fn streams(&mut self, ty: &TypeDef, streams: &[StreamDef]) {
        self.members(ty, "field", streams.iter().map(|stream| stream.field.name.as_str()));
        for stream in streams {
            self.field(ty, &stream.field);
            if stream.subscriber.is_none() {
                self.problem(format!("`{}.{}` cannot be subscribed to", ty.name, stream.field.name));
            }
        }
    }

    fn field(&mut self, ty: &TypeDef, field: &FieldDef) {
        let place = format!("{}.{}", ty.name, field.name);
        match self.types.get(field.ty.name()) {
            Some(found) if !found.is_output() || is_root(&found.name) => {
                self.problem(format!("`{place}` gives back the type `{}`, which no field can have", field.ty))
            }
            Some(_) => {}
            None => self.unknown(&place, &field.ty),
        }
        if field.ty.has_nullable_items() {
            self.problem(format!("`{place}` is `{}`: lists never hold null", field.ty));
        }
        let mut seen = HashSet::new();
        for arg in &field.args {
            let place = format!("{place}({}:)", arg.name);
            if !is_name(&arg.name) || !seen.insert(arg.name.as_str()) {
                self.problem(format!("`{place}` cannot be the name of an argument, or is there twice"));
            }
            self.input(&place, arg);
        }
    }

    fn input(&mut self, place: &str, arg: &ArgDef) {
        match self.types.get(arg.ty.name()) {
            Some(found) if !found.is_input() => self.problem(format!("`{place}` takes the type `{}`, which is no input", arg.ty)),
            Some(_) => {}
            None => self.unknown(place, &arg.ty),
        }
        if let Err(problem) = self.inputs.check_default(arg) {
            self.problem(format!("`{place}`: {problem}"));
        }
    }

    fn unknown(&mut self, place: &str, ty: &Ty) {
        if !BUILT_IN.contains(&ty.name()) {
            self.problem(format!("`{place}` has the type `{ty}`, which is not declared"));
        }
    }

    /// Field types are the interface's word for word: the library checks covariance the wrong way round.
    fn implements(&mut self, ty: &TypeDef, fields: &Fields, interface: &str) {
        let Some(Kind::Interface(wanted)) = self.types.get(interface).map(|ty| &ty.kind) else {
            return self.problem(format!("`{}` implements `{interface}`, which is no interface", ty.name));
        };
        for field in &wanted.list {
            let problem = match fields.list.iter().find(|own| own.name == field.name) {
                None => format!("`{}` implements `{interface}`, but has no field `{}`", ty.name, field.name),
                Some(own) if own.ty != field.ty => {
                    format!("`{}.{}` is `{}`, but `{}` in `{interface}`", ty.name, field.name, own.ty, field.ty)
                }
                Some(own) if !same_args(&own.args, &field.args) => {
                    format!("`{}.{}` has other arguments than in `{interface}`", ty.name, field.name)
                }
                Some(_) => continue,
            };
            self.problem(problem);
        }
    }
}

/// Types that can be got at from the roots. Introspection shows no others, and a client's schema must be the printed one.
pub(super) fn reachable(types: &Types) -> HashSet<String> {
    let mut implementers: HashMap<&str, Vec<&str>> = HashMap::new();
    for ty in types.values() {
        if let Kind::Object(fields) = &ty.kind {
            for interface in &fields.takes_over {
                implementers.entry(interface).or_default().push(&ty.name);
            }
        }
    }
    let mut reached = HashSet::new();
    let mut waiting = vec![QUERY, MUTATION, SUBSCRIPTION];
    while let Some(name) = waiting.pop() {
        let Some(ty) = types.get(name).filter(|_| reached.insert(name)) else { continue };
        match &ty.kind {
            Kind::Scalar(_) | Kind::Enum(_) => {}
            Kind::Input { fields, .. } => waiting.extend(fields.iter().map(|field| field.ty.name())),
            Kind::Object(fields) => {
                waiting.extend(fields.list.iter().flat_map(types_of).chain(fields.takes_over.iter().map(String::as_str)))
            }
            Kind::Interface(fields) => {
                waiting.extend(fields.list.iter().flat_map(types_of));
                waiting.extend(implementers.get(name).into_iter().flatten());
            }
            Kind::Streams(streams) => waiting.extend(streams.iter().flat_map(|stream| types_of(&stream.field))),
        }
    }
    reached.into_iter().map(str::to_owned).collect()
}

fn is_root(name: &str) -> bool {
    matches!(name, QUERY | MUTATION | SUBSCRIPTION)
}

fn same_args(own: &[ArgDef], wanted: &[ArgDef]) -> bool {
    own.len() == wanted.len()
        && own.iter().zip(wanted).all(|(own, wanted)| own.name == wanted.name && own.ty == wanted.ty && own.default == wanted.default)
}

fn types_of(field: &FieldDef) -> impl Iterator<Item = &str> {
    std::iter::once(field.ty.name()).chain(field.args.iter().map(|arg| arg.ty.name()))
}
