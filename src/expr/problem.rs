//! What is wrong with an expression, and where in its text.

use std::fmt;
use std::ops::Range;

/// One problem. Codes are those of `rules.md`, section 15; those with a `W` are warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the expression's text. Whoever knows where the text stands in a file adds its offset.
    pub span: Range<usize>,
    pub code: &'static str,
    pub message: String,
    /// What to do; stands beside the caret.
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(code: &'static str, span: impl Into<Range<usize>>, message: impl Into<String>) -> Problem {
        Problem { span: span.into(), code, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Problem {
        self.hint = hint;
        self
    }

    pub fn is_warning(&self) -> bool {
        self.code.starts_with('W')
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}..{}]: {}", self.code, self.span.start, self.span.end, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Bytes of the source text, in little room: a text has at most 4,096.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    pub start: u16,
    pub end: u16,
}

impl Span {
    pub fn new(range: Range<usize>) -> Span {
        let short = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Span { start: short(range.start), end: short(range.end.max(range.start)) }
    }

    pub fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }

    /// From the start of the first to the end of the last.
    #[must_use]
    pub fn with(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text it stands for; empty if it is not of this text.
    pub fn of(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Range<usize> {
        span.range()
    }
}

/// `4,312`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
