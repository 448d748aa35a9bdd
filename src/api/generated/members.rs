//! Members of types as fields of twins: plain values, readings, settings. Nothing is looked up by name when a request comes.

use std::sync::Arc;

use crate::api::build::{ObjectBuilder, Out};
use crate::api::engine::RequestContext;
use crate::api::names::{FieldPlan, Form, TypePlan, ValuePlan, ViewPlan};
use crate::api::request::Role;
use crate::api::types::twin::TwinNode;
use crate::reading::unit::Unit;

use super::place::{Place, Side};
use super::readings::reading_out;
use super::settings::SettingNode;
use super::text::{member_doc, member_output};
use super::units;
use super::values::slots_out;

/// What the resolver of a member knows.
struct MemberField {
    plan: Arc<ViewPlan>,
    form: Form,
    value: ValuePlan,
    place: Place,
    is_sensitive: bool,
}

pub(super) fn declare(builder: &mut ObjectBuilder<'_, TwinNode>, plan: &Arc<ViewPlan>, ty: &TypePlan, field: &FieldPlan) {
    let member = MemberField {
        plan: plan.clone(),
        form: field.form,
        value: field.value.clone(),
        place: Place::new(&ty.layout, &field.slots),
        is_sensitive: field.is_sensitive,
    };
    let (output, doc) = (member_output(plan, field), member_doc(field, member.place.unit.as_ref()));
    match units::arg_type(plan, field.unit) {
        None => builder.value(&field.name, &output, &doc, move |twin, ctx| member.out(twin, ctx, None)),
        Some(arg) => {
            let unit = field.unit;
            builder.field(&field.name, &output, &doc).arg("unit", arg).now(move |twin, args, ctx| {
                let asked = units::asked(&member.plan, unit, member.place.unit.as_ref(), args)?;
                Ok(member.out(twin, ctx, asked.or_else(|| member.place.unit_if_other(&twin.seen.state))))
            })
        }
    };
    builder.slot(&field.name);
    if let Some(reason) = &field.deprecated {
        builder.deprecated(reason);
    }
}

impl MemberField {
    fn out(&self, twin: &TwinNode, ctx: &RequestContext, asked: Option<Unit>) -> Out {
        let is_shown = !self.is_sensitive || ctx.caller.role >= Role::Operator;
        let state = &twin.seen.state;
        match self.form {
            Form::Plain if !is_shown => Out::Null,
            Form::Plain => match self.place.slots_in(state) {
                Some(slots) => slots_out(&self.plan, &self.value, state, slots, Side::Held, asked.as_ref()),
                None => Out::Null,
            },
            Form::Reading => reading_out(twin, &self.place, asked),
            Form::Setting(_) => Out::object(SettingNode::new(twin, &self.place, is_shown, asked)),
        }
    }
}
