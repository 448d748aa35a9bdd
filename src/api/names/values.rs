//! Values of types as values of GraphQL: scalars, and the enums, objects and units that come with them.

use foldhash::HashMap;

use crate::catalog::layout::{Constraints, EnumValue, Field, Leaf, ValueType};
use crate::reading::unit::Unit;

use super::claims::Claims;
use super::fields::distinct;
use super::plan::{EnumPlan, Match, Name, ObjectField, ObjectPlan, Scalar, SettingPlan, UnitArg, UnitPlan, ValuePlan};
use super::text::{capitalised, constant};

/// Where a unit measures several kinds of quantity and the first is not what it is called by.
const KINDS_PREFERRED: &[&str] = &["Power", "Length"];

/// What the values of a view have needed so far.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) enums: Vec<EnumPlan>,
    pub(super) objects: Vec<ObjectPlan>,
    pub(super) units: Vec<UnitPlan>,
    pub(super) settings: Vec<SettingPlan>,
    settings_by_value: HashMap<String, usize>,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) is_telemetry: bool,
    /// Mutations may set it.
    pub(super) is_written: bool,
    pub(super) unit: Option<&'a Unit>,
}

impl Values {
    /// `owner` and `own` together are the name of an enum or object, if it is one.
    pub(super) fn value(
        &mut self,
        value_type: &ValueType,
        constraints: &Constraints,
        (owner, own): (&str, &str),
        context: Context<'_>,
        claims: &mut Claims,
    ) -> ValuePlan {
        match value_type {
            ValueType::Enum(values) => ValuePlan::Enum(self.enumeration(values, (owner, own), context, claims)),
            ValueType::Object(fields) => ValuePlan::Object(self.object(fields, (owner, own), context, claims)),
            ValueType::Array(array) => match &array.items.value_type {
                ValueType::Array(_)
                | ValueType::Map(_)
                | ValueType::Object(_)
                | ValueType::Json
                | ValueType::Geo(_)
                | ValueType::Bytes { .. } => ValuePlan::Scalar(Scalar::Json),
                items @ ValueType::Bool
                | items @ ValueType::Int
                | items @ ValueType::Double
                | items @ ValueType::Decimal
                | items @ ValueType::String
                | items @ ValueType::Timestamp
                | items @ ValueType::Date
                | items @ ValueType::Time
                | items @ ValueType::Duration
                | items @ ValueType::Enum(_)
                | items @ ValueType::Unit { .. } => {
                    ValuePlan::List(Box::new(self.value(items, &array.items.constraints, (owner, own), context, claims)))
                }
            },
            ValueType::Bool => ValuePlan::Scalar(Scalar::Boolean),
            ValueType::Int => ValuePlan::Scalar(if fits_32_bits(constraints) { Scalar::Int } else { Scalar::Long }),
            ValueType::Double => ValuePlan::Scalar(Scalar::Float),
            ValueType::Decimal => ValuePlan::Scalar(Scalar::Decimal),
            ValueType::String | ValueType::Unit { .. } => ValuePlan::Scalar(Scalar::String),
            ValueType::Timestamp => ValuePlan::Scalar(Scalar::DateTime),
            ValueType::Date => ValuePlan::Scalar(Scalar::Date),
            ValueType::Time => ValuePlan::Scalar(Scalar::LocalTime),
            ValueType::Duration => ValuePlan::Scalar(Scalar::Duration),
            ValueType::Geo(_) | ValueType::Bytes { .. } | ValueType::Json | ValueType::Map(_) => ValuePlan::Scalar(Scalar::Json),
        }
    }

    fn enumeration(&mut self, values: &[EnumValue], (owner, own): (&str, &str), context: Context<'_>, claims: &mut Claims) -> usize {
        let name = claims.take(owner, own);
        let plan = EnumPlan {
            reading: context.is_telemetry.then(|| claims.take(&name, "Reading")),
            filter: Some(claims.take(&name, "Match")),
            values: distinct(values.iter().map(|value| &*value.name), &[]),
            words: values.iter().map(|value| Name::from(&*value.name)).collect(),
            name,
        };
        self.enums.push(plan);
        self.enums.len() - 1
    }

    fn object(&mut self, fields: &[Field], (owner, own): (&str, &str), context: Context<'_>, claims: &mut Claims) -> usize {
        let name = claims.take(owner, own);
        let reading = context.is_telemetry.then(|| claims.take(&name, "Reading"));
        let mut planned = Vec::with_capacity(fields.len());
        let mut slot = 0;
        for field in fields {
            let slots = slot..slot + leaves(&field.value);
            slot = slots.end;
            planned.push(self.object_field(field, slots, &name, context, claims));
        }
        let can_filter = planned.iter().any(|field| field.filter.is_some());
        self.objects.push(ObjectPlan {
            reading,
            filter: can_filter.then(|| claims.take(&name, "Where")),
            input: context.is_written.then(|| claims.take(&name, "Input")),
            fields: planned,
            name,
        });
        self.objects.len() - 1
    }

    fn object_field(
        &mut self,
        field: &Field,
        slots: std::ops::Range<u16>,
        owner: &Name,
        context: Context<'_>,
        claims: &mut Claims,
    ) -> ObjectField {
        let Leaf { value_type, unit, constraints } = &field.value;
        // Quality and times are those of the object as a whole: inside it no leaf is a reading of its own.
        let inner = Context { unit: unit.as_ref(), ..context };
        let value = self.value(value_type, constraints, (owner, &capitalised(&field.name)), inner, claims);
        ObjectField {
            name: Name::from(&*field.name),
            slots,
            unit: self.unit_arg(value_type, unit.as_ref(), claims),
            filter: self.filter(&value, context.is_telemetry),
            is_required: field.required,
            value,
        }
    }

    /// What an edge says of itself. It lies in JSON, not in slots.
    pub(super) fn edge_value(&mut self, field: &Field, owner: &str, claims: &mut Claims) -> (ValuePlan, UnitArg) {
        let Leaf { value_type, unit, constraints } = &field.value;
        let context = Context { is_telemetry: false, is_written: true, unit: unit.as_ref() };
        let value = self.value(value_type, constraints, (owner, &capitalised(&field.name)), context, claims);
        (value, self.unit_arg(value_type, unit.as_ref(), claims))
    }

    /// Only numbers with a fraction are converted: a whole number of another unit is seldom whole.
    pub(super) fn unit_arg(&mut self, value_type: &ValueType, unit: Option<&Unit>, claims: &mut Claims) -> UnitArg {
        match (value_type, unit) {
            (ValueType::Double, Some(unit)) => self.unit_of(unit, claims),
            (_, _) => UnitArg::None,
        }
    }

    fn unit_of(&mut self, unit: &Unit, claims: &mut Claims) -> UnitArg {
        let preferred = KINDS_PREFERRED.iter().copied().find(|kind| unit.in_quantity(kind));
        let Some(kind) = preferred.or_else(|| unit.kinds().next()) else { return UnitArg::Text };
        if let Some(known) = self.units.iter().position(|plan| *plan.kind == *kind) {
            return UnitArg::Enum(known);
        }
        let same = Unit::named().filter(|other| other.in_quantity(kind) && other.conversion_to(unit).is_some());
        let values = same.map(|other| (Name::from(constant(other.name())), other.clone())).collect();
        self.units.push(UnitPlan { name: claims.take(kind, "Unit"), kind: kind.into(), values });
        UnitArg::Enum(self.units.len() - 1)
    }

    /// One for all members of the same value.
    pub(super) fn setting(&mut self, value: &ValuePlan, claims: &mut Claims) -> usize {
        let (base, is_list) = match value {
            ValuePlan::List(items) => (self.base_name(items), true),
            ValuePlan::Scalar(_) | ValuePlan::Enum(_) | ValuePlan::Object(_) => (self.base_name(value), false),
        };
        let key = if is_list { format!("{base}List") } else { base };
        if let Some(known) = self.settings_by_value.get(&key) {
            return *known;
        }
        self.settings.push(SettingPlan { name: claims.take(&key, "Setting"), value: value.clone() });
        self.settings_by_value.insert(key, self.settings.len() - 1);
        self.settings.len() - 1
    }

    fn base_name(&self, value: &ValuePlan) -> String {
        match value {
            ValuePlan::Scalar(scalar) => scalar.name().to_owned(),
            ValuePlan::Enum(index) => self.enums[*index].name.to_string(),
            ValuePlan::Object(index) => self.objects[*index].name.to_string(),
            ValuePlan::List(items) => format!("{}List", self.base_name(items)),
        }
    }

    /// The input that filters by it; none for what has no order that an input could ask for.
    pub(super) fn filter(&self, value: &ValuePlan, is_telemetry: bool) -> Option<Match> {
        match value {
            ValuePlan::Scalar(Scalar::Float | Scalar::Int | Scalar::Long | Scalar::Decimal) if is_telemetry => Some(Match::FloatReading),
            ValuePlan::Scalar(Scalar::Float | Scalar::Long | Scalar::Decimal) => Some(Match::Float),
            ValuePlan::Scalar(Scalar::Int) => Some(Match::Int),
            ValuePlan::Scalar(Scalar::Boolean) => Some(Match::Boolean),
            ValuePlan::Scalar(Scalar::String) => Some(Match::String),
            ValuePlan::Scalar(Scalar::DateTime) => Some(Match::DateTime),
            ValuePlan::Scalar(Scalar::Date | Scalar::LocalTime | Scalar::Duration | Scalar::Json) | ValuePlan::List(_) => None,
            ValuePlan::Enum(index) => Some(Match::Enum(*index)),
            ValuePlan::Object(index) => self.objects[*index].filter.as_ref().map(|_| Match::Object(*index)),
        }
    }
}

/// How many slots a value takes.
fn leaves(leaf: &Leaf) -> u16 {
    match &leaf.value_type {
        ValueType::Object(fields) => fields.iter().map(|field| leaves(&field.value)).sum(),
        value_type @ ValueType::Bool
        | value_type @ ValueType::Int
        | value_type @ ValueType::Double
        | value_type @ ValueType::Decimal
        | value_type @ ValueType::String
        | value_type @ ValueType::Timestamp
        | value_type @ ValueType::Date
        | value_type @ ValueType::Time
        | value_type @ ValueType::Duration
        | value_type @ ValueType::Enum(_)
        | value_type @ ValueType::Geo(_)
        | value_type @ ValueType::Bytes { .. }
        | value_type @ ValueType::Unit { .. }
        | value_type @ ValueType::Json
        | value_type @ ValueType::Array(_)
        | value_type @ ValueType::Map(_) => u16::try_from(crate::catalog::load::fixed_items(value_type).unwrap_or(1)).unwrap_or(u16::MAX),
    }
}

fn fits_32_bits(constraints: &Constraints) -> bool {
    let low = constraints.min.or(constraints.exclusive_min);
    let high = constraints.max.or(constraints.exclusive_max);
    low.is_some_and(|low| low >= f64::from(i32::MIN)) && high.is_some_and(|high| high <= f64::from(i32::MAX))
}
