//! Types and descriptions as the schema writes them.

use crate::api::names::{FieldPlan, Form, ValuePlan, ViewPlan};
use crate::reading::unit::Unit;

/// The type of a bare value: `Float`, `[Float!]`.
pub(super) fn output(plan: &ViewPlan, value: &ValuePlan) -> String {
    listed(value, plan.value_name(value))
}

/// The same in inputs.
pub(super) fn input(plan: &ViewPlan, value: &ValuePlan) -> String {
    listed(value, plan.input_name(value))
}

/// The type of a member as clients select it. Readings and settings are always there, what they hold need not be.
pub(super) fn member_output(plan: &ViewPlan, field: &FieldPlan) -> String {
    match field.form {
        Form::Plain => output(plan, &field.value),
        Form::Reading | Form::Setting(_) => format!("{}!", plan.field_output(field)),
    }
}

fn listed(value: &ValuePlan, name: &str) -> String {
    match value {
        ValuePlan::List(_) => format!("[{name}!]"),
        ValuePlan::Scalar(_) | ValuePlan::Enum(_) | ValuePlan::Object(_) => name.to_owned(),
    }
}

/// A description with the unit that numbers come in.
pub(super) fn unit_doc(doc: &str, unit: Option<&Unit>) -> String {
    match (doc, unit) {
        (doc, None) => doc.to_owned(),
        ("", Some(unit)) => format!("In {unit}."),
        (doc, Some(unit)) => format!("{}. In {unit}.", doc.trim_end_matches('.')),
    }
}

/// What the modeller says of a member, with what a client has to know of it.
pub(super) fn member_doc(field: &FieldPlan, unit: Option<&Unit>) -> String {
    let doc = unit_doc(field.description.as_deref().unwrap_or_default(), unit);
    if !field.is_sensitive {
        return doc;
    }
    let sentence = "Null for roles below operator.";
    if doc.is_empty() { sentence.to_owned() } else { format!("{}. {sentence}", doc.trim_end_matches('.')) }
}
