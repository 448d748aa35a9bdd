//! A comparison with what one slot of one layout holds, asked of a column or of a state.

use std::time::Duration;

use crate::catalog::layout::{SlotSpec, ValueType};
use crate::reading::{Quality, SlotNo, Timestamp};
use crate::view::Word;

use super::filter::{Check, Compare};
use super::predicate::Truth;
use super::text::TextTest;

#[derive(Debug)]
pub(super) struct SlotTest {
    pub(super) slot: SlotNo,
    /// None if a column would not help.
    pub(super) column: Option<usize>,
    pub(super) compare: SlotCompare,
    pub(super) is_null: Option<bool>,
    pub(super) quality: Option<Vec<Quality>>,
    pub(super) stale: Option<bool>,
    pub(super) stale_after: Option<Duration>,
    pub(super) older_than: Option<i64>,
}

#[derive(Debug)]
pub(super) enum SlotCompare {
    Nothing,
    /// The value is of a kind that such a comparison says nothing of.
    Never,
    Float(Vec<Check<f64>>),
    /// Of a whole number, with numbers that need not be whole.
    FloatOfInt(Vec<Check<f64>>),
    Int(Vec<Check<i64>>),
    Text(TextTest),
}

pub(super) fn slot_compare(spec: &SlotSpec, compare: &Compare) -> SlotCompare {
    match (compare, &spec.value_type) {
        (Compare::Nothing, _) => SlotCompare::Nothing,
        (Compare::Number { checks, unit }, ValueType::Double | ValueType::Decimal | ValueType::Int) => {
            let conversion = match (unit, &spec.unit) {
                (Some(unit), Some(own)) => unit.conversion_to(own),
                (Some(_), None) => None,
                (None, _) => Some(crate::reading::unit::Conversion::IDENTITY),
            };
            let Some(conversion) = conversion else { return SlotCompare::Never };
            let checks = checks.iter().map(|check| check.map(|number| conversion.apply(*number))).collect();
            if matches!(spec.value_type, ValueType::Int) { SlotCompare::FloatOfInt(checks) } else { SlotCompare::Float(checks) }
        }
        (Compare::Time(checks), ValueType::Timestamp) => SlotCompare::Int(checks.clone()),
        (Compare::Bool(wanted), ValueType::Bool) => SlotCompare::Int(vec![Check::Eq(i64::from(*wanted))]),
        (Compare::Enum(checks), ValueType::Enum(values)) => {
            // A value that this version of the type does not have is nobody's.
            let place = |name: &str| values.iter().position(|value| &*value.name == name).map_or(-1, |place| place as i64);
            SlotCompare::Int(checks.iter().map(|check| check.map(|name| place(name))).collect())
        }
        (Compare::Text(test), ValueType::Enum(values)) => {
            let passing = (0_i64..).zip(values.iter()).filter(|(_, value)| test.holds(&value.name)).map(|(place, _)| place).collect();
            SlotCompare::Int(vec![Check::In(passing)])
        }
        (Compare::Text(test), ValueType::String | ValueType::Unit { .. }) => SlotCompare::Text(test.clone()),
        (Compare::Number { .. } | Compare::Time(_) | Compare::Bool(_) | Compare::Enum(_) | Compare::Text(_), _) => SlotCompare::Never,
    }
}

impl SlotTest {
    pub(super) fn of_missing(&self) -> Truth {
        self.facts(false, Quality::Missing, Timestamp(i64::MIN), Timestamp(i64::MIN)).and(|| match self.compare {
            SlotCompare::Nothing => Truth::True,
            SlotCompare::Never | SlotCompare::Float(_) | SlotCompare::FloatOfInt(_) | SlotCompare::Int(_) | SlotCompare::Text(_) => {
                Truth::Unknown
            }
        })
    }

    /// `text`: none if only its beginning is known.
    pub(super) fn ask(&self, word: Word, text: Option<&str>, now: Timestamp) -> Truth {
        if !word.has_value() {
            return self.of_missing();
        }
        let facts = self.facts(true, word.quality(), word.received(), now);
        facts.and(|| {
            if matches!(self.compare, SlotCompare::Nothing) {
                return Truth::True;
            }
            if word.quality() == Quality::Bad {
                return Truth::Unknown;
            }
            match (&self.compare, text) {
                (SlotCompare::Nothing, _) => Truth::True,
                (SlotCompare::Never, _) => Truth::Unknown,
                (SlotCompare::Float(checks), _) => {
                    let value = f64::from_bits(word.bits);
                    Truth::of(checks.iter().all(|check| check.holds(&value)))
                }
                (SlotCompare::FloatOfInt(checks), _) => {
                    let value = word.bits as i64 as f64;
                    Truth::of(checks.iter().all(|check| check.holds(&value)))
                }
                (SlotCompare::Int(checks), _) => {
                    let value = word.bits as i64;
                    Truth::of(checks.iter().all(|check| check.holds(&value)))
                }
                (SlotCompare::Text(test), Some(text)) => Truth::of(test.holds(text)),
                (SlotCompare::Text(test), None) if !test.may_begin(word.bits) => Truth::False,
                (SlotCompare::Text(_), None) => Truth::Open,
            }
        })
    }

    /// What can be said of any value, missing or not.
    pub(super) fn facts(&self, has_value: bool, quality: Quality, received: Timestamp, now: Timestamp) -> Truth {
        let is_stale = has_value && self.stale_after.is_some_and(|age| now > received.plus(age));
        let fits = self.is_null.is_none_or(|wanted| wanted != has_value)
            && self.quality.as_ref().is_none_or(|wanted| wanted.contains(&quality))
            && self.stale.is_none_or(|wanted| wanted == is_stale);
        match self.older_than {
            _ if !fits => Truth::False,
            Some(_) if !has_value => Truth::Unknown,
            Some(age) => Truth::of(now.0.saturating_sub(age) > received.0),
            None => Truth::True,
        }
    }
}
