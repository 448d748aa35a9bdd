//! Lists, maps and objects, and the comprehensions over lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::reading::Timestamp;

use super::super::datum::{Datum, Known, Why};
use super::super::kind::Kind;
use super::super::tree::{Comprehension, How, Op, Tree};
use super::compare::is_equal;
use super::{Evaluation, duration_of_text};

impl Evaluation<'_> {
    pub(super) fn map(&mut self, entries: &[(Tree, Tree)]) -> Known<Datum> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let key = self.text(key)?;
            map.insert(key, self.value(value)?);
        }
        Ok(Datum::Map(Arc::new(map)))
    }

    pub(super) fn item(&mut self, two: &[Tree; 2], kind: &Kind) -> Known<Datum> {
        let list = self.value(&two[0])?;
        let index = if let Datum::Int(index) = self.value(&two[1])? { index } else { return Err(Why::NotConvertible.into()) };
        let index = usize::try_from(index).map_err(|_| Why::NotThere)?;
        if let Datum::Json(json) = &list {
            return read(json.get(index).ok_or(Why::NotThere)?, kind);
        }
        let Datum::List(items) = &list else { return Err(Why::NotConvertible.into()) };
        items.get(index).cloned().ok_or_else(|| Why::NotThere.into())
    }

    pub(super) fn entry(&mut self, two: &[Tree; 2], kind: &Kind) -> Known<Datum> {
        let map = self.value(&two[0])?;
        self.with_text(&two[1], |key| entry(&map, key, kind))?
    }

    pub(super) fn field(&mut self, target: &Tree, name: &str, kind: &Kind) -> Known<Datum> {
        // Down to what is read, so that nothing on the way is copied.
        let (mut root, mut names) = (target, vec![name]);
        while let Op::Field(target, name) = &root.op {
            names.push(name);
            root = target;
        }
        let datum = self.value(root)?;
        if let Datum::Json(json) = &datum {
            let part = names.iter().rev().try_fold(&**json, |json, name| json.get(*name));
            return read(part.ok_or(Why::NotThere)?, kind);
        }
        if root.span == target.span { entry(&datum, name, kind) } else { entry(&self.value(target)?, name, kind) }
    }

    pub(super) fn has_key(&mut self, two: &[Tree; 2]) -> Known<bool> {
        let map = self.value(&two[0])?;
        self.with_text(&two[1], |key| {
            if let Datum::Json(json) = &map {
                return Ok(json.get(key).is_some_and(|value| !value.is_null()));
            }
            if let Datum::Map(entries) = &map { Ok(entries.contains_key(key)) } else { Err(Why::NotConvertible.into()) }
        })?
    }

    pub(super) fn is_in(&mut self, two: &[Tree; 2]) -> Known<bool> {
        let item = self.value(&two[0])?;
        let list = self.value(&two[1])?;
        if let Datum::List(items) = &list {
            return Ok(items.iter().any(|own| is_equal(own, &item)));
        }
        let Datum::Json(json) = &list else { return Err(Why::NotConvertible.into()) };
        match (&**json, &item) {
            (Json::Array(items), _) => Ok(items.iter().any(|own| is_equal(&free(own), &item))),
            (Json::Object(entries), Datum::Text(key)) => Ok(entries.contains_key(&**key)),
            _ => Err(Why::NotConvertible.into()),
        }
    }

    /// Unknown items are not skipped: of `exists` and `all` they leave open what no other item decides.
    pub(super) fn over(&mut self, over: &Comprehension) -> Known<Datum> {
        let items = self.items(&over.list, over.items_max)?;
        debug_assert_eq!(self.locals.len(), usize::from(over.local), "variables are numbered from the outermost comprehension");
        self.locals.push(Err(Why::NotThere.into()));
        let result = self.over_items(over, items);
        self.locals.pop();
        result
    }

    fn over_items(&mut self, over: &Comprehension, items: Vec<Known<Datum>>) -> Known<Datum> {
        let (mut unknown, mut count, mut made) = (None, 0_usize, Vec::new());
        for item in items {
            if let Some(variable) = self.locals.get_mut(usize::from(over.local)) {
                *variable = item.clone();
            }
            if let Some(filter) = &over.filter
                && !self.truth(filter)?
            {
                continue;
            }
            match over.how {
                How::Map => made.push(self.value(&over.body)?),
                How::Filter => {
                    if self.truth(&over.body)? {
                        made.push(item?);
                    }
                }
                How::Exists | How::All | How::ExistsOne => match self.truth(&over.body) {
                    Ok(true) if over.how == How::Exists => return Ok(Datum::Bool(true)),
                    Ok(false) if over.how == How::All => return Ok(Datum::Bool(false)),
                    Ok(truth) => count += usize::from(truth),
                    Err(cause) => unknown = unknown.or(Some(cause)),
                },
            }
        }
        match (over.how, unknown) {
            (How::Map | How::Filter, _) => Ok(Datum::List(made.into())),
            (How::Exists | How::All | How::ExistsOne, Some(cause)) => Err(cause),
            (How::Exists, None) => Ok(Datum::Bool(false)),
            (How::All, None) => Ok(Datum::Bool(true)),
            (How::ExistsOne, None) => Ok(Datum::Bool(count == 1)),
        }
    }

    /// No more than the cost was reckoned for.
    fn items(&mut self, list: &Tree, items_max: u16) -> Known<Vec<Known<Datum>>> {
        let items_max = usize::from(items_max);
        let datum = self.value(list)?;
        let items: Vec<Known<Datum>> = if let Datum::Json(json) = &datum {
            let kind = if let Kind::List(list) = &list.shape.kind { &list.items.kind } else { &Kind::Any };
            let items = json.as_array().ok_or(Why::NotConvertible)?;
            // One more than is allowed is enough to know that there are too many.
            items.iter().take(items_max + 1).map(|item| read(item, kind)).collect()
        } else {
            let Datum::List(items) = &datum else { return Err(Why::NotConvertible.into()) };
            items.iter().take(items_max + 1).cloned().map(Ok).collect()
        };
        if items.len() > items_max { Err(Why::TooLarge.into()) } else { Ok(items) }
    }
}

fn entry(map: &Datum, key: &str, kind: &Kind) -> Known<Datum> {
    if let Datum::Json(json) = map {
        return read(json.get(key).ok_or(Why::NotThere)?, kind);
    }
    let Datum::Map(entries) = map else { return Err(Why::NotConvertible.into()) };
    entries.get(key).cloned().ok_or_else(|| Why::NotThere.into())
}

/// A part of a structure as what its type says it is.
fn read(json: &Json, kind: &Kind) -> Known<Datum> {
    if json.is_null() {
        return Err(Why::NotThere.into());
    }
    let text = || json.as_str().ok_or(Why::NotConvertible);
    let datum = match kind {
        Kind::Bool => json.as_bool().map(Datum::Bool),
        Kind::Int => json.as_i64().map(Datum::Int),
        Kind::Double => json.as_f64().map(Datum::Double),
        Kind::Text => Some(Datum::Text(Arc::from(text()?))),
        Kind::Timestamp => Timestamp::parse_rfc3339(text()?).ok().map(Datum::Timestamp),
        Kind::Duration => duration_of_text(text()?).map(Datum::Duration),
        Kind::Enum(names) => {
            let name = text()?;
            names.iter().position(|own| **own == *name).and_then(|place| u16::try_from(place).ok()).map(Datum::Enum)
        }
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Geo => Some(Datum::Json(Arc::new(json.clone()))),
        Kind::Any => Some(free(json)),
    };
    datum.ok_or_else(|| Why::NotConvertible.into())
}

/// What free JSON is turns out when it is read.
fn free(json: &Json) -> Datum {
    match json {
        Json::Null => Datum::Null,
        Json::Bool(truth) => Datum::Bool(*truth),
        Json::Number(number) => number.as_i64().map(Datum::Int).or_else(|| number.as_f64().map(Datum::Double)).unwrap_or(Datum::Null),
        Json::String(text) => Datum::Text(Arc::from(text.as_str())),
        Json::Array(_) | Json::Object(_) => Datum::Json(Arc::new(json.clone())),
    }
}
