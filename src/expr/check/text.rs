//! Functions of text. Patterns are compiled here, once, by an engine whose time is linear in the text.

use regex::RegexBuilder;

use super::super::bounds::PATTERN_BYTES_MAX;
use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::syntax::{Call, Syntax};
use super::super::tree::{Function, Op, Tree};
use super::Checker;
use super::arithmetic::named;

impl Checker<'_> {
    pub(super) fn text_argument(&mut self, syntax: &Syntax) -> Option<Tree> {
        let tree = named(self.tree(syntax)?);
        if tree.shape.kind == Kind::Text {
            return Some(tree);
        }
        let message = format!("types do not fit: text is needed here, `{}` is {}", self.shown(tree.span), tree.shape);
        self.refuse(Problem::new("E703", tree.span, message).hint("string(…) makes text of it"))
    }

    pub(super) fn int_argument(&mut self, syntax: &Syntax) -> Option<Tree> {
        let tree = self.tree(syntax)?;
        if tree.shape.kind == Kind::Int {
            return Some(tree);
        }
        let message = format!("types do not fit: a whole number is needed here, `{}` is {}", self.shown(tree.span), tree.shape);
        self.refuse(Problem::new("E703", tree.span, message))
    }

    pub(super) fn text_function(&mut self, function: Function, target: &Syntax, call: &Call, span: Span) -> Option<Tree> {
        let takes_none = matches!(function, Function::LowerAscii | Function::UpperAscii | Function::Trim);
        let texts = if takes_none { 0 } else { 1 + usize::from(function == Function::Replace) };
        let limit_max = usize::from(function == Function::Replace);
        if !(texts..=texts + limit_max).contains(&call.arguments.len()) {
            let takes = ["nothing", "a text", "two texts, and how often if need be"][texts];
            return self.arity(call, takes);
        }
        let mut arguments = vec![self.text_argument(target)];
        arguments.extend(call.arguments[..texts].iter().map(|argument| self.text_argument(argument)).collect::<Vec<_>>());
        arguments.extend(call.arguments[texts..].iter().map(|argument| self.int_argument(argument)).collect::<Vec<_>>());
        let arguments: Option<Vec<Tree>> = arguments.into_iter().collect();
        let kind = if matches!(function, Function::Contains | Function::StartsWith | Function::EndsWith) { Kind::Bool } else { Kind::Text };
        Some(Tree::made(Op::Call(function, arguments?.into()), span, Shape::new(kind)))
    }

    pub(super) fn substring(&mut self, target: &Syntax, call: &Call, span: Span) -> Option<Tree> {
        if !(1..=2).contains(&call.arguments.len()) {
            return self.arity(call, "a start, and an end if need be");
        }
        let mut arguments = vec![self.text_argument(target)];
        arguments.extend(call.arguments.iter().map(|argument| self.int_argument(argument)).collect::<Vec<_>>());
        let arguments: Option<Vec<Tree>> = arguments.into_iter().collect();
        Some(Tree::made(Op::Call(Function::Substring, arguments?.into()), span, Shape::new(Kind::Text)))
    }

    pub(super) fn matches(&mut self, text: &Syntax, pattern: &Syntax, span: Span) -> Option<Tree> {
        let text = self.text_argument(text);
        let Some(written) = pattern.text() else {
            let message = "types do not fit: the pattern of `matches` must be a constant text";
            return self.refuse(Problem::new("E703", pattern.span, message));
        };
        match RegexBuilder::new(written).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build() {
            Ok(pattern) => Some(Tree::made(Op::Matches(Box::new(text?), pattern), span, Shape::new(Kind::Bool))),
            Err(error) => {
                let said = error.to_string();
                let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.refuse(Problem::new("E703", pattern.span, format!("the pattern does not compile: {reason}")))
            }
        }
    }
}
