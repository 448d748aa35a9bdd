//! The functions. Transcendental ones come from one pinned library, so that every machine gives the same last bit.

use std::sync::Arc;

use super::super::datum::{Datum, Known, Why};
use super::super::kind::Kind;
use super::super::tree::{Function, Tree};
use super::{Evaluation, convert, geo, text};

impl Evaluation<'_> {
    pub(super) fn call(&mut self, function: Function, arguments: &[Tree], tree: &Tree) -> Known<Datum> {
        // One function each, so that a deep tree takes little stack.
        match function {
            Function::Size => self.of_value(arguments, size),
            Function::ToInt => self.of_value(arguments, convert::to_int),
            Function::ToDouble => self.of_value(arguments, convert::to_double),
            Function::ToText => self.of_value(arguments, convert::to_text),
            Function::ToBool => self.of_value(arguments, convert::to_bool),
            Function::ToTimestamp => self.of_value(arguments, convert::to_timestamp),
            Function::ToDuration => self.of_value(arguments, convert::to_duration),
            Function::LowerAscii => self.changed_text(argument(arguments, 0)?, str::to_ascii_lowercase),
            Function::UpperAscii => self.changed_text(argument(arguments, 0)?, str::to_ascii_uppercase),
            Function::Trim => self.changed_text(argument(arguments, 0)?, |text| text.trim().to_owned()),
            Function::Contains => self.two_texts(arguments, |text, part| text.contains(part)),
            Function::StartsWith => self.two_texts(arguments, |text, part| text.starts_with(part)),
            Function::EndsWith => self.two_texts(arguments, |text, part| text.ends_with(part)),
            Function::Substring => self.substring(arguments),
            Function::Replace => self.replaced(arguments),
            Function::Distance | Function::Inside => self.of_places(function, arguments),
            Function::Abs | Function::Sign if tree.shape.kind == Kind::Int => self.of_int(function, argument(arguments, 0)?),
            Function::Greatest | Function::Least | Function::Clamp if tree.shape.kind == Kind::Int => self.chosen_int(function, arguments),
            Function::Greatest | Function::Least | Function::Clamp => self.chosen(function, arguments),
            Function::Pow => self.two_numbers(arguments, libm::pow),
            Function::Atan2 => self.two_numbers(arguments, libm::atan2),
            Function::Hypot => self.two_numbers(arguments, libm::hypot),
            Function::IsFinite => self.double(argument(arguments, 0)?).map(|_| Datum::Bool(true)),
            Function::Abs => self.one_number(arguments, f64::abs),
            Function::Ceil => self.one_number(arguments, f64::ceil),
            Function::Floor => self.one_number(arguments, f64::floor),
            Function::Round => self.one_number(arguments, f64::round),
            Function::Trunc => self.one_number(arguments, f64::trunc),
            Function::Sign => self.one_number(arguments, |value| if value == 0.0 { 0.0 } else { value.signum() }),
            Function::Sqrt => self.one_number(arguments, f64::sqrt),
            Function::Exp => self.one_number(arguments, libm::exp),
            Function::Ln => self.one_number(arguments, libm::log),
            Function::Log10 => self.one_number(arguments, libm::log10),
            Function::Sin => self.one_number(arguments, libm::sin),
            Function::Cos => self.one_number(arguments, libm::cos),
            Function::Tan => self.one_number(arguments, libm::tan),
        }
    }

    fn of_value(&mut self, arguments: &[Tree], read: fn(&Datum) -> Known<Datum>) -> Known<Datum> {
        read(&self.value(argument(arguments, 0)?)?)
    }

    fn of_places(&mut self, function: Function, arguments: &[Tree]) -> Known<Datum> {
        let from = self.value(argument(arguments, 0)?)?;
        let to = self.value(argument(arguments, 1)?)?;
        if function == Function::Distance {
            geo::distance(&from, &to).and_then(number)
        } else {
            geo::is_inside(&from, &to).map(Datum::Bool)
        }
    }

    fn substring(&mut self, arguments: &[Tree]) -> Known<Datum> {
        let start = self.index(argument(arguments, 1)?)?;
        let end = arguments.get(2).map(|end| self.index(end)).transpose()?;
        self.with_text(argument(arguments, 0)?, |whole| text::substring(whole, start, end))?
    }

    fn replaced(&mut self, arguments: &[Tree]) -> Known<Datum> {
        let limit = arguments.get(3).map_or(Ok(-1), |limit| self.index(limit))?;
        let old = self.text(argument(arguments, 1)?)?;
        let new = self.text(argument(arguments, 2)?)?;
        self.with_text(argument(arguments, 0)?, |whole| text::replace(whole, &old, &new, limit))?
    }

    fn of_int(&mut self, function: Function, tree: &Tree) -> Known<Datum> {
        let number = self.index(tree)?;
        if function == Function::Sign {
            return Ok(Datum::Int(number.signum()));
        }
        number.checked_abs().map(Datum::Int).ok_or_else(|| Why::Overflow.into())
    }

    fn chosen(&mut self, function: Function, arguments: &[Tree]) -> Known<Datum> {
        let mut best = self.double(argument(arguments, 0)?)?;
        for (place, other) in arguments.iter().enumerate().skip(1) {
            let other = self.double(other)?;
            // The second of `clamp` is its least value, the third its greatest.
            let wants_greater = function == Function::Greatest || function == Function::Clamp && place == 1;
            let is_better = if wants_greater { other > best } else { other < best };
            best = if is_better { other } else { best };
        }
        number(best)
    }

    fn chosen_int(&mut self, function: Function, arguments: &[Tree]) -> Known<Datum> {
        let mut numbers = Vec::with_capacity(arguments.len());
        for argument in arguments {
            numbers.push(self.index(argument)?);
        }
        let chosen = match (function, numbers.as_slice()) {
            (Function::Clamp, [value, low, high]) => Some((*value).max(*low).min(*high)),
            (Function::Greatest, all) => all.iter().max().copied(),
            (_, all) => all.iter().min().copied(),
        };
        chosen.map(Datum::Int).ok_or_else(|| Why::NotConvertible.into())
    }

    fn index(&mut self, tree: &Tree) -> Known<i64> {
        if let Datum::Int(index) = self.value(tree)? { Ok(index) } else { Err(Why::NotConvertible.into()) }
    }

    fn one_number(&mut self, arguments: &[Tree], function: fn(f64) -> f64) -> Known<Datum> {
        number(function(self.double(argument(arguments, 0)?)?))
    }

    fn two_numbers(&mut self, arguments: &[Tree], function: fn(f64, f64) -> f64) -> Known<Datum> {
        let left = self.double(argument(arguments, 0)?)?;
        number(function(left, self.double(argument(arguments, 1)?)?))
    }

    fn two_texts(&mut self, arguments: &[Tree], function: fn(&str, &str) -> bool) -> Known<Datum> {
        let part = self.text(argument(arguments, 1)?)?;
        self.with_text(argument(arguments, 0)?, |text| Datum::Bool(function(text, &part)))
    }

    fn changed_text(&mut self, text: &Tree, function: fn(&str) -> String) -> Known<Datum> {
        self.with_text(text, |text| Datum::Text(Arc::from(function(text))))
    }
}

/// The checker counts arguments; one that is missing all the same makes the call unknown.
fn argument(arguments: &[Tree], place: usize) -> Known<&Tree> {
    arguments.get(place).ok_or_else(|| Why::NotConvertible.into())
}

fn number(number: f64) -> Known<Datum> {
    if number.is_finite() { Ok(Datum::Double(number)) } else { Err(Why::NotFinite.into()) }
}

/// Characters of a text, items of a list, entries of a map.
fn size(datum: &Datum) -> Known<Datum> {
    let size = match datum {
        Datum::Text(text) => Some(text.chars().count()),
        Datum::List(items) => Some(items.len()),
        Datum::Map(entries) => Some(entries.len()),
        Datum::Json(json) => {
            let of_list = json.as_array().map(Vec::len);
            of_list.or_else(|| json.as_object().map(serde_json::Map::len)).or_else(|| json.as_str().map(|text| text.chars().count()))
        }
        Datum::Null | Datum::Bool(_) | Datum::Int(_) | Datum::Double(_) | Datum::Timestamp(_) | Datum::Duration(_) | Datum::Enum(_) => None,
    };
    size.and_then(|size| i64::try_from(size).ok()).map(Datum::Int).ok_or_else(|| Why::NotConvertible.into())
}
