//! Reckoning with numbers and instants. What overflows, divides by zero or is not finite is unknown.

use crate::reading::Timestamp;

use super::super::datum::{Datum, Known, Why};
use super::super::kind::Kind;
use super::super::tree::{Arithmetic, ArithmeticOperator, On, Op, Tree};
use super::Evaluation;

impl Evaluation<'_> {
    /// A number as a double, in the unit of the tree. Finite.
    pub(in super::super) fn double(&mut self, tree: &Tree) -> Known<f64> {
        // What conditions are made of, most frequent first, without passing through a value.
        if let Op::Read(read) = &tree.op {
            return number(&self.environment.read(read.operand)?);
        }
        if let Op::Constant(datum) = &tree.op {
            return number(datum);
        }
        if let Op::Arithmetic(arithmetic) = &tree.op
            && arithmetic.on == On::Double
        {
            return self.reckoned(arithmetic);
        }
        if let Op::Convert(conversion, only) = &tree.op {
            return finite(conversion.apply(self.double(only)?));
        }
        if let Op::ToDouble(only) = &tree.op {
            return self.double(only);
        }
        number(&self.value(tree)?)
    }

    fn reckoned(&mut self, arithmetic: &Arithmetic) -> Known<f64> {
        let (left, right) = (self.double(&arithmetic.left)?, self.double(&arithmetic.right)?);
        finite(match arithmetic.operator {
            ArithmeticOperator::Add => left + right,
            ArithmeticOperator::Subtract => left - right,
            ArithmeticOperator::Multiply => left * right,
            ArithmeticOperator::Divide | ArithmeticOperator::Remainder if right == 0.0 => return Err(Why::DivisionByZero.into()),
            ArithmeticOperator::Divide => left / right,
            ArithmeticOperator::Remainder => left % right,
        })
    }

    fn int(&mut self, tree: &Tree) -> Known<i64> {
        if let Datum::Int(number) = self.value(tree)? { Ok(number) } else { Err(Why::NotConvertible.into()) }
    }

    pub(super) fn whole(&mut self, arithmetic: &Arithmetic) -> Known<i64> {
        let (left, right) = (self.int(&arithmetic.left)?, self.int(&arithmetic.right)?);
        let result = match arithmetic.operator {
            ArithmeticOperator::Add => left.checked_add(right),
            ArithmeticOperator::Subtract => left.checked_sub(right),
            ArithmeticOperator::Multiply => left.checked_mul(right),
            ArithmeticOperator::Divide | ArithmeticOperator::Remainder if right == 0 => return Err(Why::DivisionByZero.into()),
            ArithmeticOperator::Divide => left.checked_div(right),
            ArithmeticOperator::Remainder => left.checked_rem(right),
        };
        result.ok_or_else(|| Why::Overflow.into())
    }

    /// Microseconds of an instant or a length of time.
    pub(super) fn micros(&mut self, tree: &Tree) -> Known<i64> {
        let datum = self.value(tree)?;
        if let Datum::Timestamp(Timestamp(micros)) | Datum::Duration(micros) = datum { Ok(micros) } else { Err(Why::NotConvertible.into()) }
    }

    pub(super) fn instant(&mut self, arithmetic: &Arithmetic, tree: &Tree) -> Known<Datum> {
        let (left, right) = (self.micros(&arithmetic.left)?, self.micros(&arithmetic.right)?);
        let micros = match arithmetic.operator {
            ArithmeticOperator::Add => left.checked_add(right),
            ArithmeticOperator::Subtract => left.checked_sub(right),
            ArithmeticOperator::Multiply | ArithmeticOperator::Divide | ArithmeticOperator::Remainder => None,
        };
        let micros = micros.ok_or(Why::Overflow)?;
        if tree.shape.kind == Kind::Duration {
            return Ok(Datum::Duration(micros));
        }
        Timestamp::from_micros(micros).map(Datum::Timestamp).ok_or_else(|| Why::Overflow.into())
    }

    pub(super) fn negated(&mut self, only: &Tree) -> Known<Datum> {
        let datum = self.value(only)?;
        if let Datum::Int(number) = datum {
            return number.checked_neg().map(Datum::Int).ok_or_else(|| Why::Overflow.into());
        }
        if let Datum::Duration(micros) = datum {
            return micros.checked_neg().map(Datum::Duration).ok_or_else(|| Why::Overflow.into());
        }
        number(&datum).map(|number| Datum::Double(-number))
    }
}

fn number(datum: &Datum) -> Known<f64> {
    datum.as_number().ok_or_else(|| Why::NotConvertible.into()).and_then(finite)
}

fn finite(number: f64) -> Known<f64> {
    if number.is_finite() { Ok(number) } else { Err(Why::NotFinite.into()) }
}
