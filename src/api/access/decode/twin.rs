//! `TwinWhere`: the filter that needs no type.

use serde_json::{Map, Value as Json};

use crate::api::access::filter::{Filter, PathTest, Quantifier, RelationTest};
use crate::api::access::presence::Presence;
use crate::api::error::ApiError;
use crate::api::names::Way;
use crate::catalog::layout::Kind;
use crate::reading::TwinId;

use super::{Decoder, matches};

const KEYS: &[&str] =
    &["and", "or", "not", "ids", "isA", "kind", "presence", "name", "path", "externalId", "property", "relation", "stale", "updatedAt"];

pub(super) fn filter(decoder: &mut Decoder<'_>, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    decoder.depth(depth)?;
    let keys = decoder.object(input)?;
    let mut all = Vec::with_capacity(keys.len());
    for (key, input) in keys {
        all.push(decoder.inside(key, |decoder| one(decoder, key, input, depth))?);
    }
    Ok(Filter::All(all))
}

fn one(decoder: &mut Decoder<'_>, key: &str, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    Ok(match key {
        "and" => Filter::All(decoder.list(input, |decoder, input| filter(decoder, input, depth + 1))?),
        "or" => Filter::Any(decoder.list(input, |decoder, input| filter(decoder, input, depth + 1))?),
        "not" => Filter::Not(Box::new(filter(decoder, input, depth + 1)?)),
        "ids" => {
            // What is no id names no twin.
            let ids = decoder.list(input, |decoder, input| decoder.text(input).map(|text| TwinId::parse(text).ok()))?;
            decoder.term()?;
            Filter::Ids(ids.into_iter().flatten().collect())
        }
        "isA" => Filter::IsA(decoder.values(input, |decoder, input| {
            let name = decoder.text(input)?;
            decoder.type_name(name)
        })?),
        "kind" => {
            decoder.term()?;
            match decoder.text(input)? {
                "ASSET" => Filter::Kind(Kind::Asset),
                "DEVICE" => Filter::Kind(Kind::Device),
                other => return Err(decoder.unknown("kind", other, ["ASSET", "DEVICE"])),
            }
        }
        "presence" => Filter::Presence(decoder.values(input, |decoder, input| {
            let name = decoder.text(input)?;
            Presence::from_name(name).ok_or_else(|| decoder.unknown("presence", name, Presence::NAMES))
        })?),
        "name" => {
            let keys = decoder.object(input)?;
            let test = matches::text_test(decoder, keys)?;
            // Every twin has a name.
            let has_none = keys.get("isNull").and_then(Json::as_bool) == Some(true);
            if has_none { Filter::Any(Vec::new()) } else { Filter::Name(test) }
        }
        "path" => Filter::Path(path(decoder, input)?),
        "externalId" => {
            decoder.term()?;
            let keys = decoder.object(input)?;
            let part = |key: &str| keys.get(key).and_then(Json::as_str).map(str::to_owned);
            match (part("namespace"), part("value")) {
                (Some(namespace), Some(value)) => Filter::External { namespace, value },
                (_, _) => return Err(decoder.error("`namespace` and `value` are needed")),
            }
        }
        "property" => property(decoder, input)?,
        "relation" => relation(decoder, input, depth)?,
        "stale" => {
            decoder.term()?;
            Filter::Stale(decoder.bool(input)?)
        }
        "updatedAt" => Filter::Updated(matches::time(decoder, input)?),
        other => return Err(decoder.unknown("key", other, KEYS.iter().copied())),
    })
}

fn path(decoder: &mut Decoder<'_>, input: &Json) -> Result<PathTest, ApiError> {
    decoder.term()?;
    let keys = decoder.object(input)?;
    let text = |decoder: &mut Decoder<'_>, key: &str| match keys.get(key) {
        Some(input) => decoder.inside(key, |decoder| decoder.text(input).map(|text| Some(text.to_owned()))),
        None => Ok(None),
    };
    let (eq, under) = (text(decoder, "eq")?, text(decoder, "under")?);
    let depth = match keys.get("depth") {
        Some(input) => Some(decoder.inside("depth", |decoder| decoder.whole(input))?),
        None => None,
    };
    if depth.is_some() && under.is_none() {
        return Err(decoder.error("`depth` says how far below `under`, which is missing"));
    }
    let hierarchy = decoder.inside("hierarchy", |decoder| decoder.hierarchy(keys.get("hierarchy")))?;
    Ok(PathTest { hierarchy, eq, under, depth })
}

fn property(decoder: &mut Decoder<'_>, input: &Json) -> Result<Filter, ApiError> {
    let keys = decoder.object(input)?;
    let name = keys.get("name").ok_or_else(|| decoder.error("`name` is needed"))?;
    let path = decoder.inside("name", |decoder| {
        let name = decoder.text(name)?;
        decoder.property(name)
    })?;
    let mut all = Vec::new();
    for (key, input) in keys.iter().filter(|(key, _)| *key != "name") {
        let test = decoder.inside(key, |decoder| match key.as_str() {
            "number" => matches::number(decoder, input),
            "text" => matches::text(decoder, input),
            "bool" => matches::bool(decoder, input),
            other => Err(decoder.unknown("key", other, ["name", "number", "text", "bool"])),
        })?;
        decoder.measures(&test, &path)?;
        all.push(Filter::Value { path: path.clone(), test });
    }
    Ok(Filter::All(all))
}

/// By the name of a relation, or of an inverse, which is the relation the other way round.
fn relation(decoder: &mut Decoder<'_>, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    let keys = decoder.object(input)?;
    let name = keys.get("name").ok_or_else(|| decoder.error("`name` is needed"))?;
    let way = match keys.get("direction").and_then(Json::as_str) {
        Some("IN") => Way::In,
        Some("BOTH") => Way::Both,
        Some(_) | None => Way::Out,
    };
    let (relation, way) = decoder.inside("name", |decoder| {
        let name = decoder.text(name)?;
        let inverse = decoder.catalog.relations.iter().find(|relation| relation.inverse.as_deref() == Some(name));
        match (inverse, way) {
            (Some(relation), Way::Out) => Ok((relation, Way::In)),
            (Some(relation), Way::In) => Ok((relation, Way::Out)),
            (Some(relation), Way::Both) => Ok((relation, Way::Both)),
            (None, way) => decoder.relation(name).map(|relation| (relation, way)),
        }
    })?;
    let way = if relation.symmetric { Way::Both } else { way };
    let quantifiers = quantifiers(decoder, keys, &mut |decoder, input| filter(decoder, input, depth + 1))?;
    Ok(Filter::Relation(Box::new(RelationTest { relation: relation.name.clone(), way, quantifiers })))
}

/// `some`, `every`, `none` and `count`, of `TwinListWhere`, `RelationWhere` and the list filters of types.
pub(super) fn quantifiers(
    decoder: &mut Decoder<'_>,
    keys: &Map<String, Json>,
    inner: &mut dyn FnMut(&mut Decoder<'_>, &Json) -> Result<Filter, ApiError>,
) -> Result<Vec<Quantifier>, ApiError> {
    let mut all = Vec::new();
    type Kind = (&'static str, fn(Filter) -> Quantifier);
    let kinds: [Kind; 3] = [("some", Quantifier::Some), ("every", Quantifier::Every), ("none", Quantifier::None)];
    for (key, kind) in kinds {
        if let Some(input) = keys.get(key) {
            decoder.term()?;
            all.push(kind(decoder.inside(key, |decoder| inner(decoder, input))?));
        }
    }
    if let Some(input) = keys.get("count") {
        all.push(Quantifier::Count(decoder.inside("count", |decoder| matches::count(decoder, input))?));
    }
    Ok(all)
}
