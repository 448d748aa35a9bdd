//! The grammar of composed units: factors with exponents, joined by `.`, `·`, `*` and `/`, with brackets below a stroke.

/// The longest unit, in bytes.
pub const UNIT_BYTES_MAX: usize = 100;
const FACTORS_MAX: usize = 8;
const EXPONENT_MAX: i8 = 9;

/// `m^2` is the text `m` and the exponent 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor<'a> {
    pub(super) text: &'a str,
    pub(super) exponent: i8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Not of the grammar.
    Grammar,
    /// `W/m^2.K`: nobody can know whether the K is above or below the stroke.
    Ambiguous,
}

/// The factors in the order in which they are written; those below a stroke have negative exponents.
pub(super) fn factors(text: &str) -> Result<Vec<Factor<'_>>, Malformed> {
    if text.len() > UNIT_BYTES_MAX {
        return Err(Malformed::Grammar);
    }
    let mut reader = Reader { rest: text, factors: Vec::new(), bracket: Bracket::None, below: false, after_stroke: false };
    reader.read()?;
    Ok(reader.factors)
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Bracket {
    None,
    Open,
}

struct Reader<'a> {
    rest: &'a str,
    factors: Vec<Factor<'a>>,
    bracket: Bracket,
    /// Whether the next factor stands below a stroke.
    below: bool,
    /// Whether a stroke without brackets came before.
    after_stroke: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Malformed> {
        loop {
            if self.below && self.bracket == Bracket::None && self.take(&['(']) {
                self.bracket = Bracket::Open;
            }
            self.factor()?;
            if self.bracket == Bracket::Open && self.take(&[')']) {
                self.bracket = Bracket::None;
                self.below = false;
            }
            if self.rest.is_empty() {
                return if self.bracket == Bracket::None { Ok(()) } else { Err(Malformed::Grammar) };
            }
            self.operator()?;
        }
    }

    fn factor(&mut self) -> Result<(), Malformed> {
        let end = self.rest.find(is_structure).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let exponent = self.exponent()?;
        if text.is_empty() || text != text.trim() || self.factors.len() == FACTORS_MAX {
            return Err(Malformed::Grammar);
        }
        self.factors.push(Factor { text, exponent: if self.below { -exponent } else { exponent } });
        Ok(())
    }

    /// `^2`, `^-1`, `²`, `⁻¹`; 1 if nothing is said.
    fn exponent(&mut self) -> Result<i8, Malformed> {
        let mut digits = String::new();
        if self.take(&['^']) {
            let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
            digits.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
        } else {
            while let Some(digit) = self.rest.chars().next().and_then(superscript) {
                digits.push(digit);
                self.rest = self.rest.strip_prefix(|c| superscript(c).is_some()).unwrap_or_default();
            }
            if digits.is_empty() {
                return Ok(1);
            }
        }
        let exponent: i8 = digits.parse().map_err(|_| Malformed::Grammar)?;
        if exponent == 0 || exponent.unsigned_abs() > EXPONENT_MAX.unsigned_abs() { Err(Malformed::Grammar) } else { Ok(exponent) }
    }

    fn operator(&mut self) -> Result<(), Malformed> {
        if self.take(&['/']) {
            if self.bracket == Bracket::Open {
                return Err(Malformed::Grammar);
            }
            self.below = true;
            self.after_stroke = true;
            return Ok(());
        }
        if !self.take(&['.', '·', '*']) {
            return Err(Malformed::Grammar);
        }
        if self.bracket == Bracket::None && self.after_stroke {
            return Err(Malformed::Ambiguous);
        }
        Ok(())
    }

    fn take(&mut self, any: &[char]) -> bool {
        match self.rest.strip_prefix(any) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

fn is_structure(c: char) -> bool {
    matches!(c, '.' | '·' | '*' | '/' | '^' | '(' | ')') || superscript(c).is_some()
}

fn superscript(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        '⁻' => '-',
        _ => return None,
    })
}
