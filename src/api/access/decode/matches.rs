//! The `…Match` inputs: what is asked of one value.

use serde_json::{Map, Value as Json};

use crate::api::access::filter::{Check, Compare, ValueTest};
use crate::api::access::text::{TextTest, fold, like};
use crate::api::error::ApiError;
use crate::reading::unit::Unit;
use crate::reading::{Quality, Timestamp, parse_duration};

use super::Decoder;

/// `FloatMatch`, `IntMatch` and `FloatReadingMatch`.
pub(super) fn number(decoder: &mut Decoder<'_>, input: &Json) -> Result<ValueTest, ApiError> {
    let keys = decoder.object(input)?;
    let mut test = common(decoder, keys)?;
    let checks = checks(decoder, keys, &mut |decoder, input| decoder.number(input))?;
    let unit = match keys.get("unit") {
        Some(input) => Some(decoder.inside("unit", |decoder| unit(decoder, input))?),
        None => None,
    };
    test.compare = if checks.is_empty() { Compare::Nothing } else { Compare::Number { checks, unit } };
    Ok(test)
}

pub(super) fn count(decoder: &mut Decoder<'_>, input: &Json) -> Result<Vec<Check<f64>>, ApiError> {
    let keys = decoder.object(input)?;
    let mut all = checks(decoder, keys, &mut |decoder, input| decoder.number(input))?;
    // A count is never missing.
    if keys.get("isNull").and_then(Json::as_bool) == Some(true) {
        all.push(Check::In(Vec::new()));
    }
    Ok(all)
}

pub(super) fn text(decoder: &mut Decoder<'_>, input: &Json) -> Result<ValueTest, ApiError> {
    let keys = decoder.object(input)?;
    let mut test = common(decoder, keys)?;
    let texts = text_test(decoder, keys)?;
    test.compare = if texts.asks_nothing() { Compare::Nothing } else { Compare::Text(texts) };
    Ok(test)
}

pub(super) fn text_test(decoder: &mut Decoder<'_>, keys: &Map<String, Json>) -> Result<TextTest, ApiError> {
    let ignore_case = match keys.get("ignoreCase") {
        Some(input) => decoder.inside("ignoreCase", |decoder| decoder.bool(input))?,
        None => false,
    };
    let own = |text: &str| if ignore_case { fold(text) } else { text.to_owned() };
    let mut one = |key: &str| match keys.get(key) {
        Some(input) => decoder.inside(key, |decoder| {
            decoder.term()?;
            decoder.text(input).map(own).map(Some)
        }),
        None => Ok(None),
    };
    let (eq, ne, starts_with, contains) = (one("eq")?, one("ne")?, one("startsWith")?, one("contains")?);
    let pattern = one("like")?;
    let mut many = |key: &str| match keys.get(key) {
        Some(input) => decoder.inside(key, |decoder| decoder.values(input, |decoder, input| decoder.text(input).map(own)).map(Some)),
        None => Ok(None),
    };
    let (one_of, none_of) = (many("in")?, many("notIn")?);
    let like = match pattern {
        Some(pattern) => Some(decoder.inside("like", |decoder| like(&pattern).ok_or_else(|| decoder.error("the pattern is too long")))?),
        None => None,
    };
    Ok(TextTest { eq, ne, one_of, none_of, starts_with, contains, like, ignore_case })
}

pub(super) fn bool(decoder: &mut Decoder<'_>, input: &Json) -> Result<ValueTest, ApiError> {
    let keys = decoder.object(input)?;
    let mut test = common(decoder, keys)?;
    if let Some(input) = keys.get("eq") {
        decoder.term()?;
        test.compare = Compare::Bool(decoder.inside("eq", |decoder| decoder.bool(input))?);
    }
    Ok(test)
}

pub(super) fn time(decoder: &mut Decoder<'_>, input: &Json) -> Result<ValueTest, ApiError> {
    let keys = decoder.object(input)?;
    let mut test = common(decoder, keys)?;
    let mut checks = checks(decoder, keys, &mut |decoder, input| {
        let text = decoder.text(input)?;
        Timestamp::parse_rfc3339(text).map(|time| time.0).map_err(|error| decoder.error(error))
    })?;
    if let Some(input) = keys.get("within") {
        decoder.term()?;
        let span = decoder.inside("within", |decoder| duration(decoder, input))?;
        checks.push(Check::Gte(decoder.now.0.saturating_sub(span)));
    }
    test.compare = if checks.is_empty() { Compare::Nothing } else { Compare::Time(checks) };
    Ok(test)
}

/// The `…Match` of a type's enum. `values` are the names in the API with those of the type.
pub(super) fn enumeration(decoder: &mut Decoder<'_>, input: &Json, values: &[(&str, &str)]) -> Result<ValueTest, ApiError> {
    let keys = decoder.object(input)?;
    let mut test = common(decoder, keys)?;
    let checks = checks(decoder, keys, &mut |decoder, input| {
        let name = decoder.text(input)?;
        let known = values.iter().find(|(api, _)| *api == name);
        known.map(|(_, own)| Box::from(*own)).ok_or_else(|| decoder.unknown("value", name, values.iter().map(|(api, _)| *api)))
    })?;
    test.compare = if checks.is_empty() { Compare::Nothing } else { Compare::Enum(checks) };
    Ok(test)
}

fn checks<T>(
    decoder: &mut Decoder<'_>,
    keys: &Map<String, Json>,
    read: &mut dyn FnMut(&mut Decoder<'_>, &Json) -> Result<T, ApiError>,
) -> Result<Vec<Check<T>>, ApiError> {
    type Kind<T> = (&'static str, fn(T) -> Check<T>);
    let kinds: [Kind<T>; 6] =
        [("eq", Check::Eq), ("ne", Check::Ne), ("gt", Check::Gt), ("gte", Check::Gte), ("lt", Check::Lt), ("lte", Check::Lte)];
    let mut all = Vec::new();
    for (key, kind) in kinds {
        if let Some(input) = keys.get(key) {
            decoder.term()?;
            all.push(kind(decoder.inside(key, |decoder| read(decoder, input))?));
        }
    }
    if let Some(input) = keys.get("in") {
        all.push(Check::In(decoder.inside("in", |decoder| decoder.values(input, |decoder, input| read(decoder, input)))?));
    }
    Ok(all)
}

/// What every match may ask, whatever the value is.
fn common(decoder: &mut Decoder<'_>, keys: &Map<String, Json>) -> Result<ValueTest, ApiError> {
    let mut test = ValueTest::default();
    for (key, to) in [("isNull", &mut test.is_null), ("stale", &mut test.stale)] {
        if let Some(input) = keys.get(key) {
            decoder.term()?;
            *to = Some(decoder.inside(key, |decoder| decoder.bool(input))?);
        }
    }
    if let Some(input) = keys.get("quality") {
        let quality = |decoder: &mut Decoder<'_>, input: &Json| {
            let text = decoder.text(input)?;
            let all = [Quality::Good, Quality::Uncertain, Quality::Bad, Quality::Missing];
            let known = all.into_iter().find(|quality| quality.as_str() == text);
            known.ok_or_else(|| decoder.unknown("quality", text, all.map(Quality::as_str)))
        };
        test.quality = Some(decoder.inside("quality", |decoder| decoder.values(input, quality))?);
    }
    if let Some(input) = keys.get("olderThan") {
        decoder.term()?;
        test.older_than = Some(decoder.inside("olderThan", |decoder| duration(decoder, input))?);
    }
    Ok(test)
}

fn duration(decoder: &Decoder<'_>, input: &Json) -> Result<i64, ApiError> {
    let text = decoder.text(input)?;
    let span = parse_duration(text).and_then(|span| i64::try_from(span.as_micros()).ok());
    span.ok_or_else(|| decoder.error(format!("`{text}` is no duration: write `90s`, `5m` or `PT5M`")))
}

/// A symbol or a name, also as the enums of units write it.
fn unit(decoder: &Decoder<'_>, input: &Json) -> Result<Unit, ApiError> {
    let text = decoder.text(input)?;
    let of_enum = || Unit::named().find(|unit| crate::api::names::unit_constant(unit) == text).cloned();
    Unit::find(text).or_else(of_enum).map_or_else(|| Unit::parse(text).map_err(|error| decoder.error(error)), Ok)
}
