//! What an expression was made of when it was evaluated: the operands of its comparisons and calls, and everything it read.

use crate::reading::unit::Unit;

use super::bounds::{EVIDENCE_CHARS_MAX, EVIDENCE_MAX};
use super::checked::Checked;
use super::datum::{Datum, Known};
use super::eval::Evaluation;
use super::kind::Kind;
use super::problem::Span;
use super::scope::{Environment, Operand};
use super::tree::{Op, Tree};

/// One part of an expression and what it was worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// As it was written.
    pub expr: Box<str>,
    pub span: Span,
    /// In its own unit; an enum by its name.
    pub value: Known<Datum>,
    pub unit: Option<Unit>,
    /// If the part is a single name: whoever holds it knows its time, its quality and where it came from.
    pub operand: Option<Operand>,
}

impl Checked {
    /// In the order of the text. At most 64; what is constant is not told.
    pub fn evidence(&self, environment: &dyn Environment) -> Vec<Evidence> {
        let mut parts: Vec<&Tree> = Vec::new();
        collect(&self.tree, &mut parts);
        parts.sort_by_key(|part| (part.span.start, part.span.end));
        parts.dedup_by_key(|part| part.span);
        let told = parts.into_iter().take(EVIDENCE_MAX).map(|part| {
            let value = Evaluation::new(environment).value(part);
            let value = value.map(|datum| if let Kind::Enum(names) = &part.shape.kind { datum.named(names) } else { datum });
            let expr = shortened(part.span.of(&self.source));
            Evidence { expr, span: part.span, value, unit: part.shape.unit().cloned(), operand: operand(part) }
        });
        told.collect()
    }
}

fn shortened(text: &str) -> Box<str> {
    match text.char_indices().nth(EVIDENCE_CHARS_MAX) {
        None => text.into(),
        Some((cut, _)) => format!("{}…", &text[..cut]).into(),
    }
}

fn collect<'a>(tree: &'a Tree, parts: &mut Vec<&'a Tree>) {
    if operand(tree).is_some() {
        note(tree, parts);
        return;
    }
    let tells_its_operands = matches!(
        tree.op,
        Op::Compare(_)
            | Op::Call(..)
            | Op::Matches(..)
            | Op::Calendar(..)
            | Op::In(_)
            | Op::HasKey(_)
            | Op::Known(_)
            | Op::OrElse(_)
            | Op::Over(_)
    );
    for child in tree.children() {
        if tells_its_operands {
            note(child, parts);
        }
        collect(child, parts);
    }
}

/// Without the conversions that the checker put around it, and only if it can be evaluated by itself.
fn note<'a>(tree: &'a Tree, parts: &mut Vec<&'a Tree>) {
    let mut own = tree;
    while let Op::Convert(_, inner) | Op::ToDouble(inner) | Op::ToName(_, inner) = &own.op
        && inner.span == own.span
    {
        own = inner;
    }
    if own.as_constant().is_none() && !has_local(own) {
        parts.push(own);
    }
}

fn has_local(tree: &Tree) -> bool {
    if let Op::Over(over) = &tree.op {
        // Its variables are bound within it, if it stands in no other comprehension.
        return over.local > 0 || has_local(&over.list);
    }
    matches!(tree.op, Op::Local(_)) || tree.children().into_iter().any(has_local)
}

fn operand(tree: &Tree) -> Option<Operand> {
    if let Op::Read(read) = &tree.op {
        return Some(read.operand);
    }
    if let Op::Previous(operand) | Op::Changed(operand) | Op::TimeOf(operand) | Op::Quality(operand) | Op::IsThere(operand) = &tree.op {
        return Some(*operand);
    }
    matches!(tree.op, Op::Now).then_some(Operand::Now)
}
