//! Texts with expressions in them: `{temperature} is above {params.hi}`. Two braces stand for one.

use super::bounds::{TEMPLATE_PARTS_MAX, TEXT_BYTES_MAX};
use super::check::{Expect, check};
use super::checked::{Checked, Dependency};
use super::compiler::Compiler;
use super::datum::Datum;
use super::eval::text_of_number;
use super::kind::Kind;
use super::problem::Problem;
use super::scope::{Environment, Scope};

/// What stands for a value that is not known.
const UNKNOWN: &str = "unknown";
/// Digits after the point where the type does not say how many.
const DECIMALS: i32 = 3;

#[derive(Debug, Clone)]
pub struct Template {
    parts: Box<[Part]>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(Box<str>),
    Value(Checked),
}

impl Template {
    /// Problems are placed in the text of the template.
    pub fn compile(text: &str, compiler: &Compiler, scope: &mut dyn Scope) -> Result<Template, Vec<Problem>> {
        let pieces = split(text).map_err(|problem| vec![problem])?;
        if pieces.len() > TEMPLATE_PARTS_MAX {
            let message = format!("the text is too large ({} parts of {TEMPLATE_PARTS_MAX})", pieces.len());
            return Err(vec![Problem::new("E707", 0..text.len(), message)]);
        }
        let (mut parts, mut problems) = (Vec::with_capacity(pieces.len()), Vec::new());
        for piece in pieces {
            let (start, source) = match piece {
                Piece::Text(text) => {
                    parts.push(Part::Text(text.into()));
                    continue;
                }
                Piece::Expression(start, source) => (start, source),
            };
            match compiler.parse(source).and_then(|parsed| check(&parsed, scope, Expect::Anything)) {
                Ok(checked) => parts.push(Part::Value(checked)),
                Err(own) => problems.extend(own.into_iter().map(|problem| shifted(problem, start))),
            }
        }
        if problems.is_empty() { Ok(Template { parts: parts.into() }) } else { Err(problems) }
    }

    /// With units and decimals; what is not known says so. At most 16 KiB.
    pub fn render(&self, environment: &dyn Environment) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Value(checked) => text.push_str(&rendered(checked, environment)),
            }
        }
        if text.len() > TEXT_BYTES_MAX {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        }
        text
    }

    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.expressions().flat_map(|checked| checked.dependencies.iter())
    }

    /// Its expressions, in the order of the text.
    pub fn expressions(&self) -> impl Iterator<Item = &Checked> {
        self.parts.iter().filter_map(|part| if let Part::Value(checked) = part { Some(checked) } else { None })
    }
}

enum Piece<'a> {
    Text(String),
    Expression(usize, &'a str),
}

fn split(text: &str) -> Result<Vec<Piece<'_>>, Problem> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(brace) = ["{{", "}}"].into_iter().find(|brace| rest.starts_with(brace)) {
            plain.push_str(&brace[..1]);
            at += 2;
        } else if rest.starts_with('{') {
            let end = closing(text, at)?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Expression(at + 1, &text[at + 1..end]));
            at = end + 1;
        } else if rest.starts_with('}') {
            let message = "the text does not parse: `}` closes nothing";
            return Err(Problem::new("E701", at..at + 1, message).hint("}} stands for a brace"));
        } else {
            let length = rest.find(['{', '}']).unwrap_or(rest.len());
            plain.push_str(&rest[..length]);
            at += length;
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The brace that closes the one at `open`, past braces of maps and in texts.
fn closing(text: &str, open: usize) -> Result<usize, Problem> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut characters = text[open..].char_indices();
    while let Some((offset, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(own), _) if own == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 1 => return Ok(open + offset),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    Err(Problem::new("E701", open..open + 1, "the text does not parse: `{` is never closed").hint("{{ stands for a brace"))
}

fn shifted(problem: Problem, by: usize) -> Problem {
    let span = problem.span.start + by..problem.span.end + by;
    Problem { span, ..problem }
}

fn rendered(checked: &Checked, environment: &dyn Environment) -> String {
    let shape = checked.shape();
    let Ok(datum) = checked.tree.evaluate(environment) else { return UNKNOWN.to_owned() };
    let datum = if let Kind::Enum(names) = &shape.kind { datum.named(names) } else { datum };
    let value = if let Datum::Double(number) = datum {
        rounded(number, shape.decimals)
    } else {
        let json = datum.to_json();
        json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
    };
    match shape.unit() {
        Some(unit) => format!("{value} {unit}"),
        None => value,
    }
}

fn rounded(number: f64, decimals: Option<u8>) -> String {
    if let Some(decimals) = decimals {
        return format!("{number:.*}", usize::from(decimals));
    }
    let magnitude = number.abs();
    if !(1.0..1e12).contains(&magnitude) {
        // Small numbers keep three digits that count; huge ones their exponent.
        let scientific = format!("{number:.2e}");
        return scientific.parse().map_or(scientific, text_of_number);
    }
    let scale = libm::pow(10.0, f64::from(DECIMALS));
    text_of_number((number * scale).round() / scale)
}
