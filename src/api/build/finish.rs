//! The last steps: fields are taken over from interfaces, the whole is checked and printed, and the library's schema is made.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::definition::{FieldDef, Kind, TypeDef, Types};
use super::{Built, FieldInfo, SchemaBuilder, check, library, sdl};
use crate::api::input::Inputs;

pub(super) fn build(schema: SchemaBuilder) -> Result<Built, Vec<String>> {
    let SchemaBuilder { types, names, mut problems, .. } = schema;
    let firsts: HashSet<usize> = names.into_values().collect();
    let firsts = types.into_iter().enumerate().filter(|(at, _)| firsts.contains(at)).map(|(_, ty)| (ty.name.clone(), ty));
    let mut types = take_over(firsts.collect(), &mut problems);
    let reached = check::reachable(&types);
    // What is declared is a vocabulary: not every schema uses all of it.
    types.retain(|name, _| reached.contains(name));
    let inputs = Arc::new(Inputs::new(types.values()));
    problems.extend(check::check(&types, &inputs));
    if !problems.is_empty() {
        problems.sort();
        return Err(problems);
    }
    let made = catch_unwind(AssertUnwindSafe(|| library::schema(&types, &inputs)));
    let schema = made.map_err(|_| vec!["the GraphQL library panicked at the schema".to_owned()])?.map_err(|problem| vec![problem])?;
    Ok(Built { schema, sdl: sdl::print(&types), fields: types.values().map(|ty| (ty.name.clone(), infos(ty))).collect() })
}

fn infos(ty: &TypeDef) -> HashMap<String, FieldInfo> {
    let fields: Vec<&FieldDef> = match &ty.kind {
        Kind::Object(fields) | Kind::Interface(fields) => fields.list.iter().collect(),
        Kind::Streams(streams) => streams.iter().map(|stream| &stream.field).collect(),
        Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. } => Vec::new(),
    };
    fields
        .into_iter()
        .map(|field| {
            let FieldDef { name, ty, role, weight, weight_per, slots, is_analytic, .. } = field;
            let info = FieldInfo {
                ty: ty.clone(),
                role: *role,
                weight: *weight,
                weight_per: *weight_per,
                slots: slots.clone(),
                is_analytic: *is_analytic,
            };
            (name.clone(), info)
        })
        .collect()
}

/// Gives each object and interface the fields of the interfaces it names, with their resolvers where the Rust type is the same.
fn take_over(mut types: Types, problems: &mut Vec<String>) -> Types {
    let interfaces: Vec<String> = types.values().filter(|ty| matches!(ty.kind, Kind::Interface(_))).map(|ty| ty.name.clone()).collect();
    let mut whole: HashMap<String, (TypeId, Vec<FieldDef>)> = HashMap::new();
    for name in &interfaces {
        complete(name, &types, &mut whole, &mut Vec::new(), problems);
    }
    for ty in types.values_mut() {
        match &mut ty.kind {
            Kind::Interface(fields) => {
                if let Some((_, list)) = whole.get(&ty.name) {
                    fields.list.clone_from(list);
                }
            }
            Kind::Object(fields) => {
                let mut list = Vec::new();
                for (parent, inherited) in fields.takes_over.iter().filter_map(|name| whole.get(name)) {
                    merge(&mut list, &fields.list, inherited, *parent == fields.parent);
                }
                list.append(&mut fields.list);
                fields.list = list;
            }
            Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. } | Kind::Streams(_) => {}
        }
    }
    types
}

/// All fields of an interface, with those it takes over.
fn complete(
    name: &str,
    types: &Types,
    whole: &mut HashMap<String, (TypeId, Vec<FieldDef>)>,
    above: &mut Vec<String>,
    problems: &mut Vec<String>,
) {
    if whole.contains_key(name) {
        return;
    }
    let Some(Kind::Interface(fields)) = types.get(name).map(|ty| &ty.kind) else {
        return problems
            .push(format!("`{}` takes over the fields of `{name}`, which is no interface", above.last().map_or("", String::as_str)));
    };
    if above.iter().any(|outer| outer == name) {
        return problems.push(format!("the interface `{name}` takes over its own fields"));
    }
    above.push(name.to_owned());
    let mut list = Vec::new();
    for inner in &fields.takes_over {
        complete(inner, types, whole, above, problems);
        if let Some((parent, inherited)) = whole.get(inner) {
            merge(&mut list, &fields.list, inherited, *parent == fields.parent);
        }
    }
    above.pop();
    list.extend(fields.list.iter().cloned());
    whole.insert(name.to_owned(), (fields.parent, list));
}

/// Adds what is inherited and neither there already nor declared by the type itself.
fn merge(list: &mut Vec<FieldDef>, own: &[FieldDef], inherited: &[FieldDef], takes_resolvers: bool) {
    for field in inherited {
        let is_own = own.iter().any(|own| own.name == field.name);
        match list.iter_mut().find(|known| known.name == field.name) {
            // Through another interface, perhaps of another Rust type.
            Some(known) if known.resolver.is_none() && takes_resolvers => known.resolver.clone_from(&field.resolver),
            Some(_) => {}
            None if is_own => {}
            None => {
                let resolver = field.resolver.clone().filter(|_| takes_resolvers);
                list.push(FieldDef { resolver, ..field.clone() });
            }
        }
    }
}
