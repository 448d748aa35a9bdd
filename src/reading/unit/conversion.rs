//! From one unit to another: a factor and, for temperatures, a shift, rounded once at the end.

use serde::{Deserialize, Serialize};

use super::ratio::Ratio;

/// How a number changes when its unit does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Form {
    Identity,
    /// `(value * times + plus) / over`; all three are whole numbers that a double holds exactly.
    Whole {
        times: f64,
        plus: f64,
        over: f64,
    },
    /// `value * (high + low)`: a factor with pi in it, or one too long for whole numbers, to twice the precision of a double.
    Long {
        high: f64,
        low: f64,
    },
}

/// Whole numbers up to here are doubles without loss.
const WHOLE_MAX: u128 = 1 << 53;
/// Pi, to twice the precision of a double.
const PI: Long = Long { high: std::f64::consts::PI, low: 1.224_646_799_147_353_2e-16 };

impl Conversion {
    pub const IDENTITY: Conversion = Conversion { form: Form::Identity };

    pub fn is_identity(&self) -> bool {
        self.form == Form::Identity
    }

    /// `value * factor + shift`. `None` where a shift cannot be kept exactly; no pair of units in the table needs that.
    pub(super) fn new(factor: Ratio, shift: Ratio) -> Option<Conversion> {
        if factor == Ratio::ONE && shift.numerator == 0 {
            return Some(Conversion::IDENTITY);
        }
        if let Some(form) = whole(factor, shift) {
            return Some(Conversion { form });
        }
        if shift.numerator != 0 {
            return None;
        }
        let Long { high, low } = Long::of(factor);
        (high.is_finite() && high != 0.0).then_some(Conversion { form: Form::Long { high, low } })
    }

    /// Where exact numbers ran out of bits.
    pub(super) fn inexact(factor: f64) -> Option<Conversion> {
        (factor.is_finite() && factor != 0.0).then_some(Conversion { form: Form::Long { high: factor, low: 0.0 } })
    }

    /// The number in the other unit: the double nearest to the true result, except where that overflows.
    pub fn apply(&self, value: f64) -> f64 {
        match self.form {
            Form::Identity => value,
            Form::Whole { times, plus, over } => {
                let product = Long::product(value, times);
                let exact = product.plus(plus).over(over);
                if exact.is_finite() { exact } else { value * (times / over) + plus / over }
            }
            Form::Long { high, low } => {
                let product = Long::product(value, high);
                let exact = product.high + value.mul_add(low, product.low);
                if exact.is_finite() { exact } else { value * high }
            }
        }
    }
}

fn whole(factor: Ratio, shift: Ratio) -> Option<Form> {
    if factor.pi != 0 {
        return None;
    }
    let times = factor.numerator.checked_mul(shift.denominator)?;
    let plus = shift.numerator.checked_mul(factor.denominator)?;
    let over = factor.denominator.checked_mul(shift.denominator)?;
    // Lowest terms again: 9/5 and 32/1 need no more, but 5/9 and 160/9 share the nine.
    let common = [times, plus, over].into_iter().fold(0i128, gcd);
    let exact = |number: i128| (number.unsigned_abs() <= WHOLE_MAX).then_some(number as f64);
    Some(Form::Whole { times: exact(times / common)?, plus: exact(plus / common)?, over: exact(over / common)? })
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a.wrapping_rem(b)) }
}

/// A sum of two doubles that do not overlap.
#[derive(Clone, Copy)]
struct Long {
    high: f64,
    low: f64,
}

impl Long {
    fn of(ratio: Ratio) -> Long {
        let mut value = Long::whole(ratio.numerator).divided(Long::whole(ratio.denominator));
        for _ in 0..ratio.pi.max(0) {
            value = value.times(PI);
        }
        for _ in ratio.pi.min(0)..0 {
            value = value.divided(PI);
        }
        value
    }

    fn whole(number: i128) -> Long {
        let high = number as f64;
        Long { high, low: number.saturating_sub(high as i128) as f64 }
    }

    fn product(a: f64, b: f64) -> Long {
        let high = a * b;
        Long { high, low: a.mul_add(b, -high) }
    }

    fn sum(a: f64, b: f64) -> Long {
        let high = a + b;
        let part = high - a;
        Long { high, low: (a - (high - part)) + (b - part) }
    }

    fn times(self, other: Long) -> Long {
        let product = Long::product(self.high, other.high);
        Long::sum(product.high, product.low + self.high * other.low + self.low * other.high)
    }

    fn plus(self, number: f64) -> Long {
        let sum = Long::sum(self.high, number);
        Long::sum(sum.high, sum.low + self.low)
    }

    fn divided(self, other: Long) -> Long {
        let first = self.high / other.high;
        let taken = other.times(Long { high: first, low: 0.0 });
        let rest = (self.high - taken.high) + (self.low - taken.low);
        Long::sum(first, rest / other.high)
    }

    fn over(self, number: f64) -> f64 {
        let first = self.high / number;
        first + ((-first).mul_add(number, self.high) + self.low) / number
    }
}
