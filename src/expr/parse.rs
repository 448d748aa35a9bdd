//! From text to tree with the `cel` crate, which is named here only. It parses; what an expression means is decided by ours.
//!
//! Its parser is given no macros, so `exists`, `has` and the rest arrive as the calls that were written.

use std::sync::Arc;

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::{Env, IdedExpr};

use super::bounds::{DEPTH_MAX, NODES_MAX, PROBLEMS_MAX};
use super::problem::{Problem, Span};
use super::refusal;
use super::scan::{self, Brackets};
use super::syntax::{Call, Form, Operator, Parsed, Syntax};

/// Attempts of the parser to go on behind an error.
const RECOVERIES_MAX: u32 = 8;

const BINARY: [(&str, Operator); 12] = [
    (operators::ADD, Operator::Add),
    (operators::SUBSTRACT, Operator::Subtract),
    (operators::MULTIPLY, Operator::Multiply),
    (operators::DIVIDE, Operator::Divide),
    (operators::MODULO, Operator::Remainder),
    (operators::LESS, Operator::Less),
    (operators::LESS_EQUALS, Operator::LessEqual),
    (operators::GREATER, Operator::Greater),
    (operators::GREATER_EQUALS, Operator::GreaterEqual),
    (operators::EQUALS, Operator::Equal),
    (operators::NOT_EQUALS, Operator::NotEqual),
    (operators::IN, Operator::In),
];

/// To be called on a thread with a large stack.
pub(super) fn parse(source: &str) -> Result<Parsed, Vec<Problem>> {
    let brackets = scan::scan(source).map_err(|problem| vec![problem])?;
    let parser = Env::default().parser().error_recovery_limit(RECOVERIES_MAX);
    match parser.parse_with_source_info(source) {
        Ok((expression, info)) => {
            let mut reader = Reader { source, info: &info, brackets: &brackets, nodes: 0 };
            let root = reader.read(&expression, 0).map_err(|problem| vec![problem])?;
            Ok(Parsed { source: Arc::from(source), root })
        }
        Err(errors) => {
            // What follows a character that is none of the language is only its echo.
            let has_stray = errors.errors.iter().any(|error| refusal::is_stray(&error.msg));
            let mut problems: Vec<Problem> = errors.errors.iter().map(|error| refusal::refused(source, &error.msg, error.pos)).collect();
            problems.dedup_by(|a, b| a.span == b.span);
            problems.truncate(if has_stray { 1 } else { PROBLEMS_MAX });
            Err(problems)
        }
    }
}

struct Reader<'a> {
    source: &'a str,
    info: &'a SourceInfo,
    brackets: &'a Brackets,
    nodes: usize,
}

impl Reader<'_> {
    fn read(&mut self, node: &IdedExpr, depth: usize) -> Result<Syntax, Problem> {
        let token = self.token(node);
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the expression is too large (more than {NODES_MAX} names, literals, operators and calls)");
            return Err(Problem::new("E707", token, message).hint("make parts of it computed values"));
        }
        if depth > DEPTH_MAX {
            let message = format!("the expression is too deep (more than {DEPTH_MAX} steps in one chain)");
            return Err(Problem::new("E707", token, message).hint("group the chain with brackets, or make parts of it computed values"));
        }
        let depth = depth + 1;
        match &node.expr {
            Expr::Literal(literal) => self.literal(literal, token),
            Expr::Ident(name) => {
                let name = name.trim_start_matches('.');
                Ok(Syntax { span: token, form: Form::Name(name.into()) })
            }
            Expr::Select(select) => {
                let target = self.operand(&select.operand, depth)?;
                let field_span = self.word_after(token.end);
                let span = target.span.with(field_span);
                Ok(Syntax { span, form: Form::Select { target: Box::new(target), field: select.field.as_str().into(), field_span } })
            }
            Expr::List(list) => {
                if !list.optional_indices.is_empty() {
                    return Err(optional(token));
                }
                let items = list.elements.iter().map(|item| self.read(item, depth)).collect::<Result<_, _>>()?;
                Ok(Syntax { span: self.bracketed(token), form: Form::List(items) })
            }
            Expr::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        if entry.optional {
                            return Err(optional(token));
                        }
                        entries.push((self.read(&entry.key, depth)?, self.read(&entry.value, depth)?));
                    }
                }
                Ok(Syntax { span: self.bracketed(token), form: Form::Map(entries) })
            }
            Expr::Call(call) => self.call(call, token, depth),
            Expr::Struct(message) => {
                let message = format!("the expression does not parse: there are no messages here, found `{}{{`", message.type_name);
                Err(Problem::new("E701", token, message).hint("a map is written {'name': value}"))
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                Err(Problem::new("E701", token, "the expression does not parse: something is missing here"))
            }
        }
    }

    fn literal(&self, literal: &LiteralValue, token: Span) -> Result<Syntax, Problem> {
        let (is_negative, form) = match literal {
            LiteralValue::Null => (false, Form::Null),
            LiteralValue::Boolean(value) => (false, Form::Bool(*value.inner())),
            LiteralValue::Int(value) => (*value.inner() < 0, Form::Int(*value.inner())),
            LiteralValue::Double(value) => (value.inner().is_sign_negative(), Form::Double(*value.inner())),
            LiteralValue::String(value) => (false, Form::Text(Arc::from(value.inner()))),
            LiteralValue::UInt(value) => match i64::try_from(*value.inner()) {
                Ok(value) => (false, Form::Int(value)),
                Err(_) => {
                    let message = "the expression does not parse: a whole number has at most 63 bits";
                    return Err(Problem::new("E701", token, message));
                }
            },
            LiteralValue::Bytes(_) => return Err(Problem::new("E701", token, "the expression does not parse: there are no bytes here")),
        };
        // The sign is a token of its own.
        let signed = self.source[..usize::from(token.start)].trim_end().strip_suffix('-').map(str::len).filter(|_| is_negative);
        let start = signed.unwrap_or(usize::from(token.start));
        Ok(Syntax { span: Span::new(start..usize::from(token.end)), form })
    }

    fn call(&mut self, call: &CallExpr, token: Span, depth: usize) -> Result<Syntax, Problem> {
        if let Some(target) = &call.target {
            let target = self.operand(target, depth)?;
            return self.function(call, Some(target), token, depth);
        }
        let form = match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [only]) => Form::Not(Box::new(self.operand(only, depth)?)),
            (operators::NEGATE, [only]) => Form::Negate(Box::new(self.operand(only, depth)?)),
            (operators::LOGICAL_AND, [_, _]) => Form::And(self.chain(call, depth)?),
            (operators::LOGICAL_OR, [_, _]) => Form::Or(self.chain(call, depth)?),
            (operators::CONDITIONAL, [condition, yes, no]) => {
                Form::If(Box::new([self.operand(condition, depth)?, self.operand(yes, depth)?, self.operand(no, depth)?]))
            }
            (operators::INDEX, [target, index]) => {
                let target = self.operand(target, depth)?;
                let index = self.read(index, depth)?;
                let span = target.span.with(self.bracketed(token));
                return Ok(Syntax { span, form: Form::Index(Box::new(target), Box::new(index)) });
            }
            (name, [left, right]) => match BINARY.iter().find(|(own, _)| *own == name) {
                Some((_, operator)) => {
                    let left = Box::new(self.operand(left, depth)?);
                    let right = Box::new(self.operand(right, depth)?);
                    Form::Binary { operator: *operator, left, right }
                }
                None => return self.function(call, None, token, depth),
            },
            _ => return self.function(call, None, token, depth),
        };
        let span = match &form {
            Form::Not(only) | Form::Negate(only) => token.with(only.span),
            Form::And(terms) | Form::Or(terms) => terms.iter().fold(token, |span, term| span.with(term.span)),
            Form::Binary { left, right, .. } => left.span.with(right.span),
            Form::If(parts) => parts[0].span.with(parts[2].span),
            Form::Null
            | Form::Bool(_)
            | Form::Int(_)
            | Form::Double(_)
            | Form::Text(_)
            | Form::Name(_)
            | Form::Select { .. }
            | Form::Index(..)
            | Form::Call(_)
            | Form::List(_)
            | Form::Map(_) => token,
        };
        Ok(Syntax { span, form })
    }

    /// The parser makes balanced trees of `a && b && c`; here they are one list again.
    fn chain(&mut self, call: &CallExpr, depth: usize) -> Result<Vec<Syntax>, Problem> {
        let mut terms = Vec::new();
        let mut waiting: Vec<&IdedExpr> = call.args.iter().rev().collect();
        while let Some(term) = waiting.pop() {
            if let Expr::Call(inner) = &term.expr
                && inner.target.is_none()
                && inner.func_name == call.func_name
            {
                waiting.extend(inner.args.iter().rev());
            } else {
                terms.push(self.operand(term, depth)?);
            }
        }
        Ok(terms)
    }

    fn function(&mut self, call: &CallExpr, target: Option<Syntax>, token: Span, depth: usize) -> Result<Syntax, Problem> {
        let arguments = call.args.iter().map(|argument| self.read(argument, depth)).collect::<Result<Vec<_>, _>>()?;
        let function: Box<str> = call.func_name.trim_start_matches('.').into();
        // `a.?b` and `a[?b]` arrive under the names of operators.
        if !function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || function.contains('?') {
            return Err(optional(token));
        }
        let function_span = self.word_before(token.start, &function).unwrap_or(token);
        let start = target.as_ref().map_or(function_span, |target| target.span);
        let span = start.with(self.bracketed(token));
        Ok(Syntax { span, form: Form::Call(Box::new(Call { target, function, function_span, arguments })) })
    }

    /// An operand, whose span takes in the brackets that were put around it.
    fn operand(&mut self, node: &IdedExpr, depth: usize) -> Result<Syntax, Problem> {
        let mut syntax = self.read(node, depth)?;
        loop {
            let (start, end) = (usize::from(syntax.span.start), usize::from(syntax.span.end));
            let Some(open) = self.source[..start].trim_end().strip_suffix('(').map(str::len) else { break };
            let Some(close) = self.brackets.closing(open) else { break };
            let is_around = self.source.get(end..close).is_some_and(|between| between.trim().is_empty());
            // A name before the bracket makes it a call's.
            let is_call = self.source[..open].trim_end().ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            if !is_around || is_call {
                break;
            }
            syntax.span = Span::new(open..close + 1);
        }
        Ok(syntax)
    }

    /// The parser's token of a node: its operator, its bracket, or all of a literal or name.
    fn token(&self, node: &IdedExpr) -> Span {
        let (start, stop) = self.info.offset_for(node.id).unwrap_or_default();
        let (start, stop) = (start as usize, stop as usize);
        Span::new(start.min(self.source.len())..(stop + 1).min(self.source.len()))
    }

    fn bracketed(&self, token: Span) -> Span {
        let close = self.brackets.closing(usize::from(token.start));
        Span::new(usize::from(token.start)..close.map_or(usize::from(token.end), |close| close + 1))
    }

    fn word_after(&self, at: u16) -> Span {
        let rest = &self.source[usize::from(at)..];
        let word = rest.trim_start();
        let start = usize::from(at) + rest.len() - word.len();
        let length = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
        Span::new(start..start + length)
    }

    fn word_before(&self, at: u16, word: &str) -> Option<Span> {
        let before = self.source.get(..usize::from(at))?.trim_end();
        let start = before.strip_suffix(word)?.len();
        Some(Span::new(start..before.len()))
    }
}

fn optional(token: Span) -> Problem {
    Problem::new("E701", token, "the expression does not parse: `?` stands between a condition and its values only")
        .hint("write has(a.b) or orElse(x, d)")
}
