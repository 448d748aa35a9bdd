//! The letters of an expression: blanks, symbols, words, numbers. It stands where the next one is to be read.

use crate::rule::detector::Scalar;

use super::parse::SyntaxError;

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// In bytes, always between two characters.
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Cursor<'t> {
        Cursor { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes it if it comes next, blanks aside.
    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        self.skip_blanks();
        self.eat_here(symbol)
    }

    /// Takes it if it comes next, with no blanks before it.
    pub(super) fn eat_here(&mut self, symbol: &str) -> bool {
        let comes = self.rest().starts_with(symbol);
        self.at += if comes { symbol.len() } else { 0 };
        comes
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), SyntaxError> {
        if self.eat(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, or nothing.
    pub(super) fn word(&mut self) -> &'t str {
        match self.rest().chars().next() {
            Some(first) if first.is_ascii_alphabetic() || first == '_' => self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'),
            Some(_) | None => "",
        }
    }

    /// An integer or a decimal; it begins with a digit.
    pub(super) fn number(&mut self) -> Result<Scalar, SyntaxError> {
        let start = *self;
        self.take_while(|c| c.is_ascii_digit());
        let mut is_decimal = false;
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
            is_decimal = true;
        }
        is_decimal |= self.exponent();
        let text = start.rest().get(..self.at - start.at).unwrap_or_default();
        let glued = self.rest().starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let read = match is_decimal {
            true => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Scalar::Double),
            false => text.parse().ok().map(Scalar::Int),
        };
        read.filter(|_| !glued).ok_or_else(|| {
            let shown: String = start.rest().chars().take(24).take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
            start.fails(format!("`{shown}` is not a number: write 12 or 12.5, at most {} as a whole number", i64::MAX))
        })
    }

    /// `e3`, `E-3`
    fn exponent(&mut self) -> bool {
        let mut ahead = *self;
        if !(ahead.eat_here("e") || ahead.eat_here("E")) {
            return false;
        }
        let _signed = ahead.eat_here("-") || ahead.eat_here("+");
        let has_digits = !ahead.take_while(|c| c.is_ascii_digit()).is_empty();
        if has_digits {
            *self = ahead;
        }
        has_digits
    }

    pub(super) fn fails(&self, message: String) -> SyntaxError {
        SyntaxError { at: self.text.get(..self.at).unwrap_or_default().chars().count(), message }
    }

    pub(super) fn expected(&self, what: &str) -> SyntaxError {
        let mut ahead = *self;
        ahead.skip_blanks();
        let found: String = ahead.rest().chars().take(12).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        ahead.fails(format!("expected {what}, found {found}"))
    }
}
