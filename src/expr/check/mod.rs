//! The checker: names, kinds, units and cost of an expression, before it ever runs. What passes cannot fail later; it can only be unknown.
//!
//! It goes on behind a problem where the rest still makes sense, so that one look shows several. A part that is wrong is `None` to those
//! above it, who then stay silent about it.

mod arithmetic;
mod call;
mod compare;
mod fold;
mod list;
mod math;
mod name;
mod range;
mod state;
mod text;
mod time;

use std::collections::BTreeMap;
use std::thread;

use super::bounds::{COST_MAX, PROBLEMS_MAX};
use super::checked::{Checked, Dependency, Uses};
use super::datum::Datum;
use super::kind::{Kind, Shape};
use super::normal;
use super::problem::{Problem, Span, grouped};
use super::scope::{Operand, Scope};
use super::syntax::{Form, Parsed, Syntax};
use super::tree::{Op, Tree};

/// Room for the deepest tree and the largest pattern, many times over, in a debug build.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What the place where an expression stands wants of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expect<'a> {
    Anything,
    /// `when`: true or false. The name of the key is for the message.
    Condition(&'a str),
    /// A value for the member of that name. The tree converts to its unit.
    Value {
        name: &'a str,
        shape: &'a Shape,
    },
}

/// A text parsed becomes a tree that can be evaluated, or a list of what is wrong with it.
pub fn check(parsed: &Parsed, scope: &mut dyn Scope, expect: Expect<'_>) -> Result<Checked, Vec<Problem>> {
    // It follows the tree down, and compiling a pattern or asking for a time zone takes room as well: all of it where there is room,
    // whatever the caller has left. A thread costs a fraction of what the parser did.
    let checked = thread::scope(|threads| {
        let roomy = thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
        roomy.spawn_scoped(threads, || check_here(parsed, scope, expect)).ok()?.join().ok()
    });
    checked.unwrap_or_else(|| {
        let message = "the expression is too large: there is no memory to check it in";
        Err(vec![Problem::new("E707", parsed.root.span, message)])
    })
}

fn check_here(parsed: &Parsed, scope: &mut dyn Scope, expect: Expect<'_>) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker::new(&parsed.source, scope);
    let tree = checker.tree(&parsed.root).and_then(|tree| checker.expected(tree, expect));
    checker.finish(tree, parsed, &parsed.root)
}

pub(super) struct Checker<'a> {
    source: &'a str,
    scope: &'a mut dyn Scope,
    /// In the body of a fold: the name that stands for the other twin. Nothing else may be read there.
    subject: Option<&'a str>,
    /// Variables of the comprehensions around, the outermost first.
    locals: Vec<(Box<str>, Shape)>,
    dependencies: BTreeMap<Operand, Uses>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn new(source: &'a str, scope: &'a mut dyn Scope) -> Checker<'a> {
        Checker {
            source,
            scope,
            subject: None,
            locals: Vec::new(),
            dependencies: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn finish(mut self, tree: Option<Tree>, parsed: &Parsed, root: &Syntax) -> Result<Checked, Vec<Problem>> {
        let cost = tree.as_ref().map_or(0, Tree::cost);
        if cost > COST_MAX {
            let message = format!("the expression is too costly ({} of {})", grouped(cost), grouped(COST_MAX));
            self.problems.push(Problem::new("E707", root.span, message).hint("say maxItems on the list, or fold less"));
        }
        let Some(tree) = tree.filter(|_| self.problems.is_empty()) else {
            self.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
            self.problems.dedup();
            self.problems.truncate(PROBLEMS_MAX);
            return Err(self.problems);
        };
        let dependencies = self.dependencies.into_iter().map(|(operand, uses)| Dependency { operand, uses }).collect();
        let meaning = normal::meaning(root);
        Ok(Checked { source: parsed.source.clone(), tree, dependencies, warnings: self.warnings, cost, meaning })
    }

    fn tree(&mut self, syntax: &Syntax) -> Option<Tree> {
        let span = syntax.span;
        match &syntax.form {
            Form::Null => Some(Tree::constant(Datum::Null, span, Shape::new(Kind::Any))),
            Form::Bool(truth) => Some(Tree::constant(Datum::Bool(*truth), span, Shape::new(Kind::Bool))),
            Form::Int(number) => Some(Tree::constant(Datum::Int(*number), span, Shape::new(Kind::Int))),
            Form::Double(number) => Some(Tree::constant(Datum::Double(*number), span, Shape::new(Kind::Double))),
            Form::Text(text) => Some(Tree::constant(Datum::Text(text.clone()), span, Shape::new(Kind::Text))),
            Form::Name(_) | Form::Select { .. } => self.name(syntax),
            Form::Index(target, index) => self.index(target, index, span),
            Form::Call(call) => self.call(call, span),
            Form::Not(only) => {
                let only = self.condition(only, "what `!` turns around")?;
                Some(Tree::made(Op::Not(Box::new(only)), span, Shape::new(Kind::Bool)))
            }
            Form::Negate(only) => self.negate(only, span),
            Form::And(terms) => {
                let terms = self.conditions(terms, "each side of `&&`")?;
                Some(Tree::made(Op::And(terms), span, Shape::new(Kind::Bool)))
            }
            Form::Or(terms) => {
                let terms = self.conditions(terms, "each side of `||`")?;
                Some(Tree::made(Op::Or(terms), span, Shape::new(Kind::Bool)))
            }
            Form::Binary { operator, left, right } => self.binary(*operator, left, right, span),
            Form::If(three) => self.choice(three, span),
            Form::List(items) => self.list(items, span),
            Form::Map(entries) => self.map(entries, span),
        }
    }

    /// All of them, so that each can tell what is wrong with it.
    fn trees(&mut self, syntaxes: &[Syntax]) -> Option<Vec<Tree>> {
        let trees: Vec<Option<Tree>> = syntaxes.iter().map(|syntax| self.tree(syntax)).collect();
        trees.into_iter().collect()
    }

    fn conditions(&mut self, terms: &[Syntax], what: &str) -> Option<Box<[Tree]>> {
        let trees: Vec<Option<Tree>> = terms.iter().map(|term| self.condition(term, what)).collect();
        trees.into_iter().collect()
    }

    fn condition(&mut self, syntax: &Syntax, what: &str) -> Option<Tree> {
        let tree = self.tree(syntax)?;
        if tree.shape.kind == Kind::Bool {
            return Some(tree);
        }
        let message = format!("types do not fit: {what} must be true or false, `{}` is {}", self.shown(tree.span), tree.shape);
        let hint = if tree.shape.kind == Kind::Any { "bool(…) reads it as one" } else { "compare it with something" };
        self.refuse(Problem::new("E703", tree.span, message).hint(hint))
    }

    fn choice(&mut self, three: &[Syntax; 3], span: Span) -> Option<Tree> {
        let condition = self.condition(&three[0], "the condition of `? :`");
        let values = self.trees(&three[1..]);
        let (condition, values) = (condition?, values?);
        let (values, shape) = self.alike(values, span)?;
        let [yes, no] = <[Tree; 2]>::try_from(values).ok()?;
        Some(Tree::made(Op::If(Box::new([condition, yes, no])), span, shape))
    }

    fn expected(&mut self, tree: Tree, expect: Expect<'_>) -> Option<Tree> {
        match expect {
            Expect::Anything => Some(tree),
            Expect::Condition(_) if tree.shape.kind == Kind::Bool => {
                if let Some(Datum::Bool(truth)) = tree.as_constant() {
                    self.warn(Problem::new("W731", tree.span, format!("always {truth}: nothing in it can change")));
                }
                Some(tree)
            }
            Expect::Condition(key) => {
                let message = format!("`{key}` must be true or false; this is {}", tree.shape);
                self.refuse(Problem::new("E704", tree.span, message).hint("compare it with something?"))
            }
            Expect::Value { name, shape } => self.fitted(tree, name, shape),
        }
    }

    fn refuse<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    fn warn(&mut self, problem: Problem) {
        self.warnings.push(problem);
    }

    /// The text of a part for messages, cut where it is long.
    fn shown(&self, span: Span) -> String {
        const CHARS_MAX: usize = 60;
        let text = span.of(self.source);
        match text.char_indices().nth(CHARS_MAX) {
            None => text.to_owned(),
            Some((cut, _)) => format!("{}…", &text[..cut]),
        }
    }

    fn uses(&mut self, operand: Operand, mark: impl FnOnce(&mut Uses)) {
        mark(self.dependencies.entry(operand).or_default());
    }
}
