//! Sorts and groups.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::access::Access;
use crate::api::access::group::Group;
use crate::api::access::order::{Order, SortKey, SortOf};
use crate::api::error::ApiError;
use crate::api::names::{SortBy, TypePlan};

use super::Decoder;

/// `[TwinSort!]`
pub fn decode_order(access: &Access<'_>, name: &str, input: Option<&Json>) -> Result<Order, ApiError> {
    let mut decoder = Decoder::new(access, name);
    keys(&mut decoder, input, &mut |decoder, input| {
        let keys = decoder.object(input)?;
        match (keys.get("field"), keys.get("property")) {
            (Some(field), None) => decoder.inside("field", |decoder| match decoder.text(field)? {
                "ID" => Ok(SortOf::Id),
                "NAME" => Ok(SortOf::Name),
                "TYPE" => Ok(SortOf::Type),
                "PATH" => Ok(SortOf::Path),
                "UPDATED_AT" => Ok(SortOf::Updated),
                "LAST_SEEN" => Ok(SortOf::LastSeen),
                "PRESENCE" => Ok(SortOf::Presence),
                other => Err(decoder.unknown("order", other, ["ID", "NAME", "TYPE", "PATH", "PRESENCE", "UPDATED_AT", "LAST_SEEN"])),
            }),
            (None, Some(property)) => decoder.inside("property", |decoder| {
                let path = decoder.text(property)?;
                decoder.property(path).map(SortOf::Value)
            }),
            (_, _) => Err(decoder.error("one of `field` and `property` is needed")),
        }
    })
}

/// `[<T>Sort!]`
pub fn decode_typed_order(access: &Access<'_>, plan: &TypePlan, name: &str, input: Option<&Json>) -> Result<Order, ApiError> {
    let mut decoder = Decoder::new(access, name);
    keys(&mut decoder, input, &mut |decoder, input| {
        let field = decoder.object(input)?.get("field").ok_or_else(|| decoder.error("`field` is needed"))?;
        decoder.inside("field", |decoder| {
            let word = decoder.text(field)?;
            let known = plan.sorts.iter().find(|(name, _)| &**name == word);
            let Some((_, by)) = known else { return Err(decoder.unknown("order", word, plan.sorts.iter().map(|(name, _)| &**name))) };
            Ok(match by {
                SortBy::Id => SortOf::Id,
                SortBy::Name => SortOf::Name,
                SortBy::UpdatedAt => SortOf::Updated,
                SortBy::LastSeen => SortOf::LastSeen,
                SortBy::Field(index) => SortOf::Value((&*plan.fields[*index].name).into()),
            })
        })
    })
}

fn keys(
    decoder: &mut Decoder<'_>,
    input: Option<&Json>,
    sort: &mut dyn FnMut(&mut Decoder<'_>, &Json) -> Result<SortOf, ApiError>,
) -> Result<Order, ApiError> {
    let Some(input) = input else { return Ok(Order::default()) };
    let keys = decoder.list(input, |decoder, input| {
        let of = sort(decoder, input)?;
        let is_descending = input.get("direction").and_then(Json::as_str) == Some("DESC");
        Ok(SortKey { of, is_descending })
    })?;
    let max = decoder.bounds.sort_keys_max;
    if keys.len() > max {
        let message = format!("{}: more than {max} keys to sort by", decoder.place());
        return Err(ApiError::limit("sort_keys_max", max as u64, message));
    }
    Ok(Order { keys })
}

/// `[GroupBy!]`
pub fn decode_groups(access: &Access<'_>, name: &str, input: Option<&Json>) -> Result<Vec<Group>, ApiError> {
    groups(access, name, input, &mut |decoder, key, input| match key {
        "property" => {
            let path = decoder.text(input)?;
            decoder.property(path).map(|path| Some(Group::Value { name: path.clone(), path }))
        }
        "type" => decoder.bool(input).map(|wanted| wanted.then_some(Group::Type)),
        other => Err(decoder.unknown("group", other, ["property", "type", "ancestor"])),
    })
}

/// `[<T>GroupBy!]`
pub fn decode_typed_groups(access: &Access<'_>, plan: &TypePlan, name: &str, input: Option<&Json>) -> Result<Vec<Group>, ApiError> {
    groups(access, name, input, &mut |decoder, key, input| match key {
        "field" => {
            let word = decoder.text(input)?;
            let known = plan.groups.iter().find(|(name, _)| &**name == word);
            let Some((name, field)) = known else {
                return Err(decoder.unknown("group", word, plan.groups.iter().map(|(name, _)| &**name)));
            };
            Ok(Some(Group::Value { name: (&**name).into(), path: (&*plan.fields[*field].name).into() }))
        }
        other => Err(decoder.unknown("group", other, ["field", "ancestor"])),
    })
}

/// Reads one entry of `groupBy` by its key.
type ReadGroup<'a> = &'a mut dyn FnMut(&mut Decoder<'_>, &str, &Json) -> Result<Option<Group>, ApiError>;

fn groups(access: &Access<'_>, name: &str, input: Option<&Json>, read: ReadGroup<'_>) -> Result<Vec<Group>, ApiError> {
    let Some(input) = input else { return Ok(Vec::new()) };
    let mut decoder = Decoder::new(access, name);
    let groups = decoder.list(input, |decoder, input| {
        let mut keys = decoder.object(input)?.iter();
        let (Some((key, input)), None) = (keys.next(), keys.next()) else { return Err(decoder.error("exactly one key is needed")) };
        decoder.term()?;
        decoder.inside(key, |decoder| if key == "ancestor" { ancestor(decoder, input).map(Some) } else { read(decoder, key, input) })
    })?;
    Ok(groups.into_iter().flatten().collect())
}

fn ancestor(decoder: &mut Decoder<'_>, input: &Json) -> Result<Group, ApiError> {
    let keys = decoder.object(input)?;
    let type_name: Option<Arc<str>> = match keys.get("type") {
        Some(input) => Some(decoder.inside("type", |decoder| {
            let name = decoder.text(input)?;
            decoder.type_name(name)
        })?),
        None => None,
    };
    let level = match keys.get("level") {
        Some(input) => Some(decoder.inside("level", |decoder| decoder.whole(input))?),
        None => None,
    };
    if type_name.is_none() && level.is_none() {
        return Err(decoder.error("`type` or `level` is needed: of which type the ancestor is, or how far below the root it stands"));
    }
    let hierarchy = decoder.inside("hierarchy", |decoder| decoder.hierarchy(keys.get("hierarchy")))?;
    Ok(Group::Ancestor { type_name, level, hierarchy })
}
