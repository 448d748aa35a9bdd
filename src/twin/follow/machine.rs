//! What the expressions of a detector see: the twin at one moment, and the machine as it stands.

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::catalog::detector::{EnumNames, Imported, Own, datum};
use crate::catalog::logic::{RuleSpec, Said};
use crate::expr::{Checked, Datum, Environment, Kind, Known, Operand, Unknown, Why};
use crate::iotevents::detector::Inputs;
use crate::reading::{Quality, SlotNo, Timestamp, Value};
use crate::rule::detector::{Evaluator, Scalar, Scope, TriggerKind};
use crate::rule::{Ask, Expression, Truth};

use super::environment::Surroundings;
use super::voice::said;

/// A detector of ours on one twin, for one evaluation.
pub(super) struct Machine<'a> {
    pub spec: &'a RuleSpec,
    pub own: &'a Own,
    pub surroundings: Surroundings<'a>,
}

impl Machine<'_> {
    fn checked(&self, expression: Expression) -> Option<&Checked> {
        match self.spec.said.get(usize::from(expression.0))? {
            Said::Value(checked) => Some(checked),
            Said::Text(_) => None,
        }
    }

    fn within<'s>(&'s self, scope: &'s Scope<'s>) -> Within<'s> {
        Within { outer: &self.surroundings, enums: &self.own.enums, scope }
    }
}

impl Evaluator for Machine<'_> {
    fn condition(&self, expression: Expression, scope: &Scope<'_>) -> Truth {
        self.checked(expression)?.tree.is_true(&self.within(scope)).ok()
    }

    fn value(&self, expression: Expression, scope: &Scope<'_>) -> Option<Scalar> {
        let checked = self.checked(expression)?;
        let value = checked.tree.evaluate(&self.within(scope)).ok()?;
        scalar(if let Kind::Enum(names) = &checked.shape().kind { value.named(names) } else { value })
    }

    fn text(&self, expression: Expression, scope: &Scope<'_>) -> SmolStr {
        match self.spec.said.get(usize::from(expression.0)) {
            Some(Said::Text(template)) => template.render(&self.within(scope)).into(),
            Some(Said::Value(_)) | None => SmolStr::default(),
        }
    }

    fn ask(&self, action: u8, _entry: &str, scope: &Scope<'_>) -> Result<Ask, Expression> {
        let action = self.spec.rule.actions.get(usize::from(action)).ok_or(Expression(u16::MAX))?;
        let within = self.within(scope);
        action.kind.ask(&|expression| said(self.spec, expression, &within))
    }
}

fn scalar(value: Datum) -> Option<Scalar> {
    match value {
        Datum::Bool(value) => Some(Scalar::Bool(value)),
        Datum::Int(value) => Some(Scalar::Int(value)),
        Datum::Double(value) => Some(Scalar::Double(value)),
        Datum::Text(value) => Some(Scalar::Text(SmolStr::new(&value))),
        Datum::Timestamp(value) => Some(Scalar::Timestamp(value)),
        Datum::Duration(micros) => Some(Scalar::Duration(micros)),
        Datum::Null | Datum::Enum(_) | Datum::List(_) | Datum::Map(_) | Datum::Json(_) => None,
    }
}

/// The surroundings with the variables and timers of the machine.
struct Within<'a> {
    outer: &'a Surroundings<'a>,
    enums: &'a [Option<EnumNames>],
    scope: &'a Scope<'a>,
}

impl Within<'_> {
    fn variable(&self, no: u16) -> Option<Datum> {
        let value = self.scope.variable(u8::try_from(no).ok()?)?;
        match (self.enums.get(usize::from(no)), value) {
            (Some(Some(names)), Scalar::Text(text)) => {
                let place = names.iter().position(|name| **name == **text)?;
                u16::try_from(place).ok().map(Datum::Enum)
            }
            (_, value) => Some(datum(value)),
        }
    }
}

impl Environment for Within<'_> {
    fn read(&self, operand: Operand) -> Known<Datum> {
        match operand {
            Operand::Variable(no) => self.variable(no).ok_or(Unknown::of(operand, Why::Missing)),
            Operand::Timeout(no) => Ok(Datum::Bool(u8::try_from(no).is_ok_and(|timer| self.scope.timeout(timer)))),
            // What has only become stale has not come in.
            Operand::Caused(slot) => {
                let moment = self.outer.moment;
                Ok(Datum::Bool(moment.changed.contains(&slot) && !moment.stale.contains(&slot)))
            }
            // In the order in which the checker knows them.
            Operand::Trigger => Ok(Datum::Enum(match self.scope.trigger {
                TriggerKind::Input => 0,
                TriggerKind::Timer => 1,
            })),
            Operand::Now => Ok(Datum::Timestamp(self.scope.at)),
            Operand::Slot(_)
            | Operand::Param(_)
            | Operand::Twin(_)
            | Operand::Import(_)
            | Operand::Fold(_)
            | Operand::Alarm(_)
            | Operand::Event(_) => self.outer.read(operand),
        }
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        self.outer.previous(operand)
    }

    fn is_changed(&self, operand: Operand) -> bool {
        self.outer.is_changed(operand)
    }

    fn time_of(&self, operand: Operand) -> Option<Timestamp> {
        self.outer.time_of(operand)
    }

    fn quality(&self, operand: Operand) -> Quality {
        self.outer.quality(operand)
    }

    fn now(&self) -> Timestamp {
        self.scope.at
    }
}

/// The inputs of an imported detector: members that hold whole payloads.
pub(super) struct Payloads<'a> {
    pub imported: &'a Imported,
    pub surroundings: Surroundings<'a>,
    /// The member that the message came for.
    pub current: Option<SlotNo>,
    pub message: Option<&'a str>,
}

impl Payloads<'_> {
    pub(super) fn at(&self, slot: SlotNo) -> Option<&Json> {
        match self.surroundings.state.slot(slot).value.as_ref()? {
            Value::Json(payload) => Some(payload),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Timestamp(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Enum(_)
            | Value::Bytes(_) => None,
        }
    }
}

impl Inputs for Payloads<'_> {
    fn payload(&self, input: &str) -> Option<&Json> {
        self.at(self.imported.slot_of(input)?)
    }

    fn is_current(&self, input: &str) -> bool {
        self.current.is_some() && self.current == self.imported.slot_of(input)
    }

    fn message_id(&self) -> Option<&str> {
        self.message
    }
}
