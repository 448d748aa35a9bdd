//! The first look at a text: is it small and flat enough for the parser, and which bracket closes which.
//!
//! The parser is recursive, so what nests too deep must never reach it. That holds only if brackets inside of texts are told from real ones
//! exactly as the parser's lexer does; so a text that it would not take as one (unterminated, an unknown escape) is refused here.

use super::bounds::{NESTING_MAX, SOURCE_BYTES_MAX};
use super::problem::{Problem, grouped};

/// Brackets of a text that is fit to be parsed.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    /// Opening and closing, by the place of the opening one.
    pairs: Vec<(usize, usize)>,
}

impl Brackets {
    /// Where the bracket that is opened there is closed.
    pub(super) fn closing(&self, open: usize) -> Option<usize> {
        let index = self.pairs.binary_search_by_key(&open, |(start, _)| *start).ok()?;
        Some(self.pairs[index].1)
    }
}

pub(super) fn scan(source: &str) -> Result<Brackets, Problem> {
    if source.len() > SOURCE_BYTES_MAX {
        let cut = source.floor_char_boundary(SOURCE_BYTES_MAX);
        let message =
            format!("the expression is too large ({} bytes of {})", grouped(source.len() as u64), grouped(SOURCE_BYTES_MAX as u64));
        return Err(Problem::new("E707", cut..source.len(), message).hint("make parts of it computed values"));
    }
    if source.trim().is_empty() {
        return Err(Problem::new("E701", 0..source.len(), "the expression does not parse: it is empty"));
    }
    let mut scanner =
        Scanner { bytes: source.as_bytes(), at: 0, open: Vec::new(), pairs: Vec::new(), depth: 0, deepest: 0, too_deep: None };
    scanner.run()?;
    scanner.finish(source)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Place of each open bracket, and the conditions begun within it, which end with it.
    open: Vec<(usize, usize)>,
    pairs: Vec<(usize, usize)>,
    depth: usize,
    deepest: usize,
    too_deep: Option<usize>,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), Problem> {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b'(' | b'[' | b'{' => {
                    self.open.push((self.at, self.depth));
                    self.deeper();
                }
                b')' | b']' | b'}' => {
                    // One that closes nothing is left for the parser to tell of.
                    if let Some((start, depth)) = self.open.pop() {
                        self.pairs.push((start, self.at));
                        self.depth = depth;
                    }
                }
                b'?' => self.deeper(),
                b'/' if self.bytes.get(self.at + 1) == Some(&b'/') => {
                    self.at += self.bytes[self.at..].iter().take_while(|byte| **byte != b'\n').count();
                    continue;
                }
                b'\'' | b'"' => {
                    self.text(byte)?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    fn deeper(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > NESTING_MAX && self.too_deep.is_none() {
            self.too_deep = Some(self.at);
        }
    }

    fn finish(mut self, source: &str) -> Result<Brackets, Problem> {
        if let Some(at) = self.too_deep {
            let message = format!("the expression is too deep ({} of {NESTING_MAX})", self.deepest);
            return Err(Problem::new("E707", at..at + 1, message).hint("make parts of it computed values"));
        }
        if let Some((open, _)) = self.open.first() {
            let bracket = &source[*open..=*open];
            return Err(Problem::new("E701", *open..open + 1, format!("the expression does not parse: `{bracket}` is never closed")));
        }
        self.pairs.sort_unstable();
        Ok(Brackets { pairs: self.pairs })
    }

    /// A text from its quote to behind its last one.
    fn text(&mut self, quote: u8) -> Result<(), Problem> {
        let start = self.at;
        let is_triple = self.bytes[start..].starts_with(&[quote; 3]);
        let width = if is_triple { 3 } else { 1 };
        let is_raw = self.is_raw(start);
        let end = &[quote; 3][..width];
        self.at += width;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(end) {
                self.at += width;
                return Ok(());
            }
            match self.bytes[self.at] {
                b'\\' if !is_raw => self.at += self.escape()?,
                b'\n' | b'\r' if !is_triple => break,
                _ => self.at += 1,
            }
        }
        Err(Problem::new("E701", start..start + width, "the expression does not parse: this text has no closing quote"))
    }

    fn is_raw(&self, quote: usize) -> bool {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let word = self.bytes[..quote].iter().rev().take_while(|byte| is_word(byte)).count();
        matches!(&self.bytes[quote - word..quote], [b'r' | b'R'] | [b'b' | b'B', b'r' | b'R'] | [b'r' | b'R', b'b' | b'B'])
    }

    /// How many bytes the escape takes.
    fn escape(&self) -> Result<usize, Problem> {
        let rest = &self.bytes[self.at + 1..];
        let digits = |count: usize, is_digit: fn(&u8) -> bool| rest.get(1..=count).is_some_and(|digits| digits.iter().all(is_digit));
        let length = match rest.first() {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`') => Some(2),
            Some(b'x' | b'X') if digits(2, u8::is_ascii_hexdigit) => Some(4),
            Some(b'u') if digits(4, u8::is_ascii_hexdigit) => Some(6),
            Some(b'U') if digits(8, u8::is_ascii_hexdigit) => Some(10),
            Some(b'0'..=b'3') if digits(2, |digit| matches!(digit, b'0'..=b'7')) => Some(4),
            _ => None,
        };
        length.ok_or_else(|| {
            let message = "the expression does not parse: no escape of CEL begins like this";
            Problem::new("E701", self.at..self.at + 1, message).hint("write \\\\ for a backslash, or r'…' for a text without escapes")
        })
    }
}
