//! Which relations the words of a request mean.

use std::sync::Arc;

use crate::api::error::ApiError;
use crate::api::names::Way;
use crate::catalog::{Catalog, Relation};
use crate::source::did_you_mean;

use super::walk::Walk;

/// `Direction` as it comes in.
pub(super) fn way(direction: Option<&str>) -> Way {
    match direction {
        Some("OUT") => Way::Out,
        Some("IN") => Way::In,
        Some(_) | None => Way::Both,
    }
}

/// The relation of a name or, followed backwards, of the name of its inverse; without a name all of them.
pub(super) fn one(catalog: &Catalog, name: Option<&str>, way: Way) -> Result<Walk, ApiError> {
    let Some(name) = name else { return Ok(Walk { relations: Arc::from([]), way }) };
    if let Some(relation) = catalog.relation(name) {
        return Ok(Walk::along(relation.name.clone(), way));
    }
    let turned = match way {
        Way::Out => Way::In,
        Way::In => Way::Out,
        Way::Both => Way::Both,
    };
    let relation = inverse(catalog, name).ok_or_else(|| unknown(catalog, "name", name))?;
    Ok(Walk::along(relation.name.clone(), turned))
}

/// The relations of these names; without names all of them.
pub(super) fn some(catalog: &Catalog, names: Option<&[&str]>, way: Way) -> Result<Walk, ApiError> {
    let known = names.unwrap_or_default().iter().map(|name| match catalog.relation(name) {
        Some(relation) => Ok(relation.name.clone()),
        None => Err(unknown(catalog, "relations", name)),
    });
    let relations = known.collect::<Result<Arc<[Arc<str>]>, ApiError>>()?;
    Ok(Walk { relations, way })
}

fn inverse<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Relation> {
    catalog.relations.iter().find(|relation| relation.inverse.as_deref() == Some(name))
}

fn unknown(catalog: &Catalog, argument: &str, name: &str) -> ApiError {
    let shown: String = name.chars().take(64).collect();
    let error = ApiError::bad_input(format!("{argument}: there is no relation `{shown}`"));
    if let Some(relation) = inverse(catalog, name) {
        return error.hint(format!("`{shown}` is the inverse of `{0}`: name `{0}` and turn the direction", relation.name));
    }
    let names = || catalog.relations.iter().map(|relation| &*relation.name);
    match did_you_mean(name, names()) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
    }
}
