//! From coerced inputs to filters, orders and groups. What is wrong is said with its place in the input and what to do.

mod matches;
mod order;
mod twin;
mod typed;

use std::fmt::Write;

use serde_json::{Map, Value as Json};

use crate::api::error::ApiError;
use crate::catalog::Catalog;
use crate::reading::Timestamp;
use crate::source::did_you_mean;

use super::filter::{Check, Compare, Filter, ValueTest};
use super::text::TextTest;
use super::{Access, Bounds};

pub use order::{decode_groups, decode_order, decode_typed_groups, decode_typed_order};

/// `TwinWhere`. `name` is that of the argument, for messages.
pub fn decode_twin_where(access: &Access<'_>, name: &str, input: Option<&Json>) -> Result<Filter, ApiError> {
    let Some(input) = input else { return Ok(Filter::EVERYTHING) };
    let mut decoder = Decoder::new(access, name);
    twin::filter(&mut decoder, input, 1)
}

/// The `…Where` of a generated type.
pub fn decode_where(
    access: &Access<'_>,
    plan: &crate::api::names::ViewPlan,
    type_index: usize,
    name: &str,
    input: Option<&Json>,
) -> Result<Filter, ApiError> {
    let Some(input) = input else { return Ok(Filter::EVERYTHING) };
    let mut decoder = Decoder::new(access, name);
    typed::filter(&mut decoder, plan, type_index, input, 1)
}

/// `StringMatch` of a text that is always there.
pub fn decode_text(access: &Access<'_>, name: &str, input: &Json) -> Result<TextTest, ApiError> {
    let mut decoder = Decoder::new(access, name);
    let keys = decoder.object(input)?;
    let mut test = matches::text_test(&mut decoder, keys)?;
    if keys.get("isNull").and_then(Json::as_bool) == Some(true) {
        test.one_of = Some(Vec::new());
    }
    Ok(test)
}

/// `DateTimeMatch` of a time that is always there, in microseconds.
pub fn decode_time(access: &Access<'_>, name: &str, input: &Json) -> Result<Vec<Check<i64>>, ApiError> {
    let test = matches::time(&mut Decoder::new(access, name), input)?;
    let mut checks = if let Compare::Time(checks) = test.compare { checks } else { Vec::new() };
    if test.is_null == Some(true) {
        checks.push(Check::In(Vec::new()));
    }
    Ok(checks)
}

/// Where we are in an input, and how much of its bounds is spent.
#[derive(Debug)]
struct Decoder<'a> {
    catalog: &'a Catalog,
    bounds: &'a Bounds,
    now: Timestamp,
    path: Vec<String>,
    terms: usize,
}

impl<'a> Decoder<'a> {
    fn new(access: &Access<'a>, name: &str) -> Decoder<'a> {
        Decoder { catalog: access.catalog, bounds: access.bounds, now: access.now, path: vec![name.to_owned()], terms: 0 }
    }

    fn inside<T>(&mut self, key: &str, decode: impl FnOnce(&mut Decoder<'a>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        self.path.push(key.to_owned());
        let result = decode(self);
        self.path.pop();
        result
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for (index, step) in self.path.iter().enumerate() {
            let is_number = step.bytes().all(|byte| byte.is_ascii_digit());
            // Writing to a text cannot fail.
            let written = match (index, is_number) {
                (_, true) => write!(place, "[{step}]"),
                (0, false) => write!(place, "{step}"),
                (_, false) => write!(place, ".{step}"),
            };
            written.ok();
        }
        place
    }

    fn error(&self, message: impl std::fmt::Display) -> ApiError {
        ApiError::bad_input(format!("{}: {message}", self.place()))
    }

    fn unknown<'n>(&self, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) -> ApiError {
        let error = self.error(format!("there is no {what} `{name}`"));
        match did_you_mean(name, known) {
            Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
            None => error,
        }
    }

    /// One more test of a value.
    fn term(&mut self) -> Result<(), ApiError> {
        self.terms += 1;
        let max = self.bounds.filter_terms_max;
        if self.terms > max {
            let message = format!("{}: the filter has more than {max} terms", self.path[0]);
            return Err(ApiError::limit("filter_terms_max", max as u64, message).hint("use `in` for many values of one kind, or ask twice"));
        }
        Ok(())
    }

    fn depth(&self, depth: usize) -> Result<(), ApiError> {
        let max = self.bounds.filter_depth_max;
        if depth > max {
            let message = format!("{}: the filter nests more than {max} deep", self.place());
            return Err(ApiError::limit("filter_depth_max", max as u64, message));
        }
        Ok(())
    }

    fn object<'j>(&self, input: &'j Json) -> Result<&'j Map<String, Json>, ApiError> {
        input.as_object().ok_or_else(|| self.error("an input object is needed"))
    }

    fn list<T>(&mut self, input: &Json, mut item: impl FnMut(&mut Decoder<'a>, &Json) -> Result<T, ApiError>) -> Result<Vec<T>, ApiError> {
        match input {
            Json::Array(items) => {
                let numbered = items.iter().enumerate();
                numbered.map(|(index, input)| self.inside(&index.to_string(), |decoder| item(decoder, input))).collect()
            }
            single @ Json::Null
            | single @ Json::Bool(_)
            | single @ Json::Number(_)
            | single @ Json::String(_)
            | single @ Json::Object(_) => Ok(vec![item(self, single)?]),
        }
    }

    /// A list of values that counts as so many terms.
    fn values<T>(
        &mut self,
        input: &Json,
        mut item: impl FnMut(&mut Decoder<'a>, &Json) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        self.list(input, |decoder, input| {
            decoder.term()?;
            item(decoder, input)
        })
    }

    fn text<'j>(&self, input: &'j Json) -> Result<&'j str, ApiError> {
        input.as_str().ok_or_else(|| self.error("a text is needed"))
    }

    fn bool(&self, input: &Json) -> Result<bool, ApiError> {
        input.as_bool().ok_or_else(|| self.error("true or false is needed"))
    }

    fn number(&self, input: &Json) -> Result<f64, ApiError> {
        let number = match input {
            Json::String(text) => text.parse::<f64>().ok(),
            other @ Json::Null | other @ Json::Bool(_) | other @ Json::Number(_) | other @ Json::Array(_) | other @ Json::Object(_) => {
                other.as_f64()
            }
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| self.error("a number is needed"))
    }

    fn whole(&self, input: &Json) -> Result<u32, ApiError> {
        input.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| self.error("a whole number is needed, zero or more"))
    }

    fn relation(&self, name: &str) -> Result<&'a crate::catalog::Relation, ApiError> {
        let relations = &self.catalog.relations;
        self.catalog.relation(name).ok_or_else(|| self.unknown("relation", name, relations.iter().map(|relation| &*relation.name)))
    }

    /// The relation of a hierarchy; the primary one unless named.
    fn hierarchy(&self, input: Option<&Json>) -> Result<std::sync::Arc<str>, ApiError> {
        let Some(input) = input else { return Ok(std::sync::Arc::from(crate::catalog::CONTAINS)) };
        let name = self.text(input)?;
        let hierarchies = || self.catalog.relations.iter().filter(|relation| relation.hierarchy);
        let known = hierarchies().find(|relation| &*relation.name == name);
        known
            .map(|relation| relation.name.clone())
            .ok_or_else(|| self.unknown("hierarchy", name, hierarchies().map(|relation| &*relation.name)))
    }

    fn type_name(&self, name: &str) -> Result<std::sync::Arc<str>, ApiError> {
        let known = || self.catalog.types.iter().map(|layout| &*layout.name);
        self.catalog.layout(name).map(|layout| layout.name.clone()).ok_or_else(|| self.unknown("type", name, known()))
    }

    /// Whether the unit that a test names converts to that of the value, in some type at least.
    fn measures(&self, test: &ValueTest, path: &str) -> Result<(), ApiError> {
        let Compare::Number { unit: Some(unit), .. } = &test.compare else { return Ok(()) };
        let slots = self.catalog.types.iter().filter_map(|layout| layout.slot_by_path(path).map(|slot| layout.slot(slot)));
        let units: Vec<_> = slots.filter_map(|slot| slot.unit.as_ref()).collect();
        match units.first() {
            _ if units.iter().any(|own| unit.conversion_to(own).is_some()) => Ok(()),
            Some(own) => Err(self.error(format!("`{path}` is in {own}, and {unit} does not convert to it"))),
            None => Err(self.error(format!("`{path}` has no unit")).hint("leave out `unit`")),
        }
    }

    /// The path of a value that some type has.
    fn property(&self, path: &str) -> Result<Box<str>, ApiError> {
        let slots = || self.catalog.types.iter().flat_map(|layout| &layout.slots).map(|slot| &*slot.path);
        if slots().any(|slot| slot == path) {
            return Ok(path.into());
        }
        let members = self.catalog.types.iter().flat_map(|layout| &layout.members);
        if let Some(member) = members.into_iter().find(|member| *member.name == *path) {
            let first = slots().find(|slot| slot.strip_prefix(&*member.name).is_some_and(|rest| rest.starts_with('.')));
            let hint = first.map(|first| format!("name one of its parts, such as `{first}`")).unwrap_or_default();
            return Err(self.error(format!("`{path}` has parts and no value of its own")).hint(hint));
        }
        Err(self.unknown("property", path, slots()))
    }
}
