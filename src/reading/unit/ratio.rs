//! Exact factors: a quotient of whole numbers times a power of pi, so that a conversion is rounded once and not three times.

/// `numerator / denominator * pi^pi`, in lowest terms, the denominator positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    pub(super) numerator: i128,
    pub(super) denominator: i128,
    pub(super) pi: i8,
}

impl Ratio {
    pub(super) const ONE: Ratio = Ratio { numerator: 1, denominator: 1, pi: 0 };
    pub(super) const ZERO: Ratio = Ratio { numerator: 0, denominator: 1, pi: 0 };

    fn new(numerator: i128, denominator: i128, pi: i8) -> Option<Ratio> {
        let divisor = greatest_common_divisor(numerator, denominator);
        if denominator == 0 || divisor == 0 {
            return None;
        }
        let sign = denominator.signum();
        Some(Ratio { numerator: numerator / divisor * sign, denominator: denominator / divisor * sign, pi })
    }

    /// `None` where 127 bits do not hold it.
    pub(super) fn times(self, other: Ratio) -> Option<Ratio> {
        let left = Ratio::new(self.numerator, other.denominator, 0)?;
        let right = Ratio::new(other.numerator, self.denominator, 0)?;
        let numerator = left.numerator.checked_mul(right.numerator)?;
        let denominator = left.denominator.checked_mul(right.denominator)?;
        Ratio::new(numerator, denominator, self.pi.checked_add(other.pi)?)
    }

    pub(super) fn inverse(self) -> Option<Ratio> {
        Ratio::new(self.denominator, self.numerator, self.pi.checked_neg()?)
    }

    pub(super) fn over(self, other: Ratio) -> Option<Ratio> {
        self.times(other.inverse()?)
    }

    /// Without pi only: offsets of temperatures have none.
    pub(super) fn minus(self, other: Ratio) -> Option<Ratio> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Ratio::new(left.checked_sub(right)?, self.denominator.checked_mul(other.denominator)?, 0)
    }

    pub(super) fn power(self, exponent: i8) -> Option<Ratio> {
        let base = if exponent < 0 { self.inverse()? } else { self };
        (0..exponent.unsigned_abs()).try_fold(Ratio::ONE, |product, _| product.times(base))
    }

    /// `12.5`, `1e-06`, `5/9`, `pi/180`, `12000*1055.05585262/3600`: numbers and `pi` joined by `*` and `/`, read from left to right.
    pub(super) fn parse(text: &str) -> Option<Ratio> {
        let mut product = Ratio::ONE;
        let mut rest = text;
        let mut divides = false;
        loop {
            let end = rest.find(['*', '/']).unwrap_or(rest.len());
            let term = if &rest[..end] == "pi" { Ratio { pi: 1, ..Ratio::ONE } } else { Ratio::parse_decimal(&rest[..end])? };
            product = if divides { product.over(term)? } else { product.times(term)? };
            let Some(operator) = rest[end..].chars().next() else { return Some(product) };
            divides = operator == '/';
            rest = &rest[end + 1..];
        }
    }

    /// As [`Ratio::parse`], but zero may stand for itself.
    pub(super) fn parse_offset(text: &str) -> Option<Ratio> {
        if text.parse() == Ok(0.0) { Some(Ratio::ZERO) } else { Ratio::parse(text) }
    }

    /// The exact value of a decimal text. Whole numbers of 2^53 and more are taken as the power of two that the text was rounded from.
    fn parse_decimal(text: &str) -> Option<Ratio> {
        let value: f64 = text.parse().ok()?;
        if value.abs() >= 9_007_199_254_740_992.0 {
            return Ratio::new(value as i128, 1, 0);
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        let power = 10i128.checked_pow(scale.unsigned_abs())?;
        if scale < 0 { Ratio::new(digits, power, 0) } else { Ratio::new(digits.checked_mul(power)?, 1, 0) }
    }

    pub(super) fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64 * std::f64::consts::PI.powi(i32::from(self.pi))
    }
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.wrapping_rem(b));
    }
    a.checked_abs().unwrap_or(0)
}
