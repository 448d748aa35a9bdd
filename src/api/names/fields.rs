//! The members of a type as fields: their form, what they may be filtered, sorted and grouped by, and how they are written.

use std::sync::Arc;

use foldhash::{HashSet, HashSetExt};

use crate::catalog::Layout;
use crate::catalog::layout::{Member, SlotSpec, Sync};

use super::claims::Claims;
use super::plan::{FieldPlan, Form, Name, Scalar, TypePlan, ValuePlan, Write};
use super::text::capitalised;
use super::values::{Context, Values};

/// Words that are no names of enum values in GraphQL.
const NO_ENUM_VALUES: &[&str] = &["true", "false", "null"];

/// All fields of a type. What it inherits is planned already: the first so many members are those of its parent.
pub(super) fn plan(layout: &Layout, base: Option<&TypePlan>, claims: &mut Claims, values: &mut Values) -> Vec<FieldPlan> {
    let inherited = base.map(|base| base.fields.as_slice()).unwrap_or_default();
    let mut fields = inherited.to_vec();
    for (index, member) in layout.members.iter().enumerate().skip(inherited.len()) {
        fields.push(field(layout, index, member, claims, values));
    }
    fields
}

fn field(layout: &Layout, index: usize, member: &Member, claims: &mut Claims, values: &mut Values) -> FieldPlan {
    let slots = &layout.slots[usize::from(member.slots.start)..usize::from(member.slots.end)];
    let rules = slots.first().and_then(|slot| slot.property.as_ref());
    let sync = rules.map(|rules| rules.sync).unwrap_or_default();
    let is_telemetry = member.section.is_live();
    let is_written = !is_telemetry && sync != Sync::Reported;
    let context = Context { is_telemetry, is_written, unit: slots.first().and_then(|slot| slot.unit.as_ref()) };
    let value = values.value(&member.value_type, &constraints(slots), (&member.declared_by, &capitalised(&member.name)), context, claims);
    let form = match (is_telemetry, sync) {
        (true, _) => Form::Reading,
        (false, Sync::Desired) => Form::Setting(values.setting(&value, claims)),
        (false, Sync::None | Sync::Reported) => Form::Plain,
    };
    let is_unique = rules.is_some_and(|rules| rules.unique);
    FieldPlan {
        name: Arc::from(&*member.name),
        member: index,
        slots: member.slots.clone(),
        declared_by: member.declared_by.clone(),
        unit: values.unit_arg(&member.value_type, context.unit, claims),
        description: member.description.clone().or_else(|| member.title.clone()),
        deprecated: member.deprecated.clone(),
        filter: values.filter(&value, is_telemetry),
        is_sortable: matches!(&value, ValuePlan::Enum(_)) || matches!(&value, ValuePlan::Scalar(scalar) if *scalar != Scalar::Json),
        is_groupable: !is_unique && matches!(&value, ValuePlan::Enum(_) | ValuePlan::Scalar(Scalar::String | Scalar::Boolean)),
        has_stats: matches!(&value, ValuePlan::Scalar(Scalar::Float | Scalar::Int | Scalar::Long)),
        write: rules.filter(|_| is_written).map(|rules| Write {
            is_required: rules.required && rules.default.is_none(),
            is_immutable: rules.immutable,
            is_optional: !rules.required,
        }),
        is_sensitive: rules.is_some_and(|rules| rules.sensitive),
        form,
        value,
    }
}

/// Those of a value that is one slot; the parts of others have their own.
fn constraints(slots: &[SlotSpec]) -> crate::catalog::layout::Constraints {
    slots.first().map(|slot| slot.constraints.clone()).unwrap_or_default()
}

/// Names for the values of an enum or the fields of an object, each once and none of `reserved`: a trailing underscore makes room.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>, reserved: &[&str]) -> Vec<Name> {
    let names: Vec<&str> = names.collect();
    let mut taken: HashSet<String> = HashSet::new();
    let fits = |name: &str| !reserved.contains(&name) && !NO_ENUM_VALUES.contains(&name);
    taken.extend(names.iter().filter(|name| fits(name)).map(|name| (*name).to_owned()));
    let mut rename = |name: &&str| {
        let mut other = (*name).to_owned();
        if fits(name) {
            return Arc::from(other);
        }
        while !fits(&other) || !taken.insert(other.clone()) {
            other.push('_');
        }
        Arc::from(other)
    };
    names.iter().map(&mut rename).collect()
}
