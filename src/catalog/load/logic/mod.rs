//! What a type says follows from its readings: expressions, computed values and rules, from their text to numbered trees.

mod actions;
mod computed;
mod detector;
mod named;
mod params;
mod remote;
mod rollups;
mod rules;
mod schedule;
mod scope;
mod windows;

use crate::expr::{self, Checked, Compiler, Expect, Problem, Scope, Template};
use crate::source::{Diagnostic, Diagnostics, Node, Span, codes, expect_text};

pub(super) use computed::{Declared, Made, Outcome, report_ring};
pub(super) use named::{commands, events};
pub(super) use params::given_constant;
pub(super) use remote::{Contribution, Remote};
pub(super) use rollups::{Read as RollupRead, Wanted, read as rollup};
pub(super) use rules::{Ground, rules};
pub(super) use scope::{Blanks, TypeScope};
pub(super) use windows::Window;

/// Reads expressions. Its thread is started with the first of them.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    compiler: Option<Compiler>,
}

impl Expressions {
    /// The expression that a node says. What is wrong with it is reported at its characters.
    pub(super) fn read(
        &mut self,
        node: &Node,
        what: &str,
        scope: &mut dyn Scope,
        expect: Expect<'_>,
        problems: &mut Diagnostics,
    ) -> Option<Checked> {
        match self.check(&source_of(node, what, problems)?, scope, expect) {
            Ok(checked) => {
                report(node, &checked.warnings, problems);
                Some(checked)
            }
            Err(Some(wrong)) => {
                report(node, &wrong, problems);
                None
            }
            Err(None) => {
                problems.push(no_thread(node.span));
                None
            }
        }
    }

    /// `Err(None)`: there is no thread to read it on.
    fn check(&mut self, source: &str, scope: &mut dyn Scope, expect: Expect<'_>) -> Result<Checked, Option<Vec<Problem>>> {
        let compiler = self.compiler().ok_or(None)?;
        let parsed = compiler.parse(source).map_err(Some)?;
        expr::check(&parsed, scope, expect).map_err(Some)
    }

    /// A text with expressions in braces.
    pub(super) fn template(&mut self, node: &Node, what: &str, scope: &mut dyn Scope, problems: &mut Diagnostics) -> Option<Template> {
        let text = expect_text(node, what, problems)?;
        let Some(compiler) = self.compiler() else {
            problems.push(no_thread(node.span));
            return None;
        };
        match Template::compile(text, compiler, scope) {
            Ok(template) => Some(template),
            Err(wrong) => {
                report(node, &wrong, problems);
                None
            }
        }
    }

    fn compiler(&mut self) -> Option<&Compiler> {
        if self.compiler.is_none() {
            self.compiler = Compiler::start().ok();
        }
        self.compiler.as_ref()
    }
}

/// An expression is text; a number or a boolean in its place is one, too.
fn source_of(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<String> {
    match node.as_scalar() {
        Some(scalar) if !node.is_null() => Some(scalar.text.to_string()),
        Some(_) | None => {
            expect_text(node, what, problems);
            None
        }
    }
}

fn no_thread(span: Span) -> Diagnostic {
    Diagnostic::new(&codes::LIMIT, span, "there is no memory for a thread that reads expressions")
}

/// Problems count bytes of the text, diagnostics characters of the file.
fn report(node: &Node, wrong: &[Problem], problems: &mut Diagnostics) {
    for problem in wrong {
        let span = part_of(node, &problem.span);
        let code = codes::find(problem.code).unwrap_or(&codes::EXPR_SYNTAX);
        let diagnostic = Diagnostic::new(code, span, problem.message.clone());
        problems.push(match &problem.hint {
            Some(hint) => diagnostic.label(hint.clone()),
            None => diagnostic,
        });
    }
}

/// Where these bytes of a text stand in the file.
fn part_of(node: &Node, bytes: &std::ops::Range<usize>) -> Span {
    let text = node.as_scalar().map_or("", |scalar| &*scalar.text);
    let characters = |bytes: usize| text.get(..bytes).map_or(0, |before| before.chars().count());
    let (start, end) = (characters(bytes.start), characters(bytes.end));
    let first = node.char_span(start);
    if end > start + 1 { first.to(node.char_span(end - 1)) } else { first }
}
