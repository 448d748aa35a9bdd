//! Names: members, parameters, what is above, variables of comprehensions; and the fields of structures.

use std::sync::Arc;

use crate::source::{did_you_mean, list_some};

use super::super::datum::Datum;
use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::scope::{Above, Operand, Refusal, Resolved};
use super::super::syntax::{Form, Syntax};
use super::super::tree::{Op, Read, Tree};
use super::Checker;

/// Names with a point behind which something other than members stands.
const ROOTS: [&str; 5] = ["params", "twin", "alarm", "vars", "old"];

enum Named {
    Operand(Resolved),
    Local(u8, Shape),
    Now,
    Number(f64),
}

impl Checker<'_> {
    pub(super) fn name(&mut self, syntax: &Syntax) -> Option<Tree> {
        let span = syntax.span;
        match self.named(syntax)? {
            Some(Named::Operand(resolved)) => Some(self.read(resolved, span)),
            Some(Named::Local(number, shape)) => Some(Tree::new(Op::Local(number), span, shape)),
            Some(Named::Now) => {
                self.uses(Operand::Now, |uses| uses.value = true);
                Some(Tree::new(Op::Now, span, Shape::new(Kind::Timestamp)))
            }
            Some(Named::Number(number)) => Some(Tree::constant(Datum::Double(number), span, Shape::new(Kind::Double))),
            None => self.selected(syntax),
        }
    }

    /// `None` if a problem was told; `Some(None)` if it is no name, but may be the field of something.
    fn named(&mut self, syntax: &Syntax) -> Option<Option<Named>> {
        if let Some((of_type, rest)) = ancestor(syntax) {
            return self.above(Above::Ancestor(of_type), &rest, syntax.span).map(|resolved| Some(Named::Operand(resolved)));
        }
        let Some(path) = syntax.path() else { return Some(None) };
        match self.lookup(syntax, &path)? {
            Some(named) => Some(Some(named)),
            None if self.knows_root(syntax, &path) => Some(None),
            None => self.unknown(&path, syntax.span),
        }
    }

    fn read(&mut self, resolved: Resolved, span: Span) -> Tree {
        let Resolved { operand, shape, is_live, least, greatest } = resolved;
        self.uses(operand, |uses| uses.value = true);
        Tree::new(Op::Read(Read { operand, is_live, least, greatest }), span, shape)
    }

    /// A name that must be that of something held: for `previous(x)` and the like.
    pub(super) fn operand(&mut self, function: &str, syntax: &Syntax) -> Option<(Operand, Shape)> {
        if let Some(Named::Operand(resolved)) = self.named(syntax)? {
            return Some((resolved.operand, resolved.shape));
        }
        let message = format!("types do not fit: `{function}` takes the name of a member, `{}` is not one", self.shown(syntax.span));
        self.refuse(Problem::new("E703", syntax.span, message).hint("give the expression a name under `computed`"))
    }

    /// As [`Checker::operand`], if it is one at all.
    pub(super) fn operand_or_none(&mut self, syntax: &Syntax) -> Option<Operand> {
        let path = syntax.path()?;
        if self.knows(syntax, &path)
            && let Some(Named::Operand(resolved)) = self.lookup(syntax, &path)?
        {
            Some(resolved.operand)
        } else {
            None
        }
    }

    /// As [`Checker::named`], but `Some(None)` if there is no such name at all.
    fn lookup(&mut self, syntax: &Syntax, path: &[&str]) -> Option<Option<Named>> {
        if begins_with_this(syntax) && self.subject.is_none() {
            return Some(self.scope.resolve(path).map(Named::Operand));
        }
        if let [only] = path
            && let Some(local) = self.local(only)
        {
            return Some(Some(local));
        }
        if let ["math", constant @ ("pi" | "e")] = path {
            return Some(Some(Named::Number(if *constant == "pi" { std::f64::consts::PI } else { std::f64::consts::E })));
        }
        if let Some(subject) = self.subject {
            return self.member_of_other(subject, path, syntax.span);
        }
        match path {
            ["now"] => Some(Some(Named::Now)),
            ["parent", rest @ ..] if !rest.is_empty() => {
                self.above(Above::Parent, rest, syntax.span).map(|resolved| Some(Named::Operand(resolved)))
            }
            _ => Some(self.scope.resolve(path).map(Named::Operand)),
        }
    }

    fn member_of_other(&mut self, subject: &str, path: &[&str], span: Span) -> Option<Option<Named>> {
        match path {
            [own, rest @ ..] if *own == subject && !rest.is_empty() => Some(self.of_other(rest).map(Named::Operand)),
            [root, ..] if self.local(root).is_some() => Some(None),
            _ => {
                let what =
                    if path == [subject] { format!("`{subject}` is a twin") } else { format!("`{}` cannot be read here", path.join(".")) };
                let message = format!("{what}: the body of a fold may use only members of `{subject}` and constants");
                self.refuse(Problem::new("E702", span, message))
            }
        }
    }

    /// `p.severity` is short for `p.twin.severity`, if the type has no member of that name.
    fn of_other(&mut self, path: &[&str]) -> Option<Resolved> {
        self.scope.resolve(path).or_else(|| match path {
            [attribute] => self.scope.resolve(&["twin", attribute]),
            _ => None,
        })
    }

    fn local(&self, name: &str) -> Option<Named> {
        let place = self.locals.iter().rposition(|(own, _)| **own == *name)?;
        Some(Named::Local(u8::try_from(place).ok()?, self.locals[place].1.clone()))
    }

    fn above(&mut self, above: Above<'_>, path: &[&str], span: Span) -> Option<Resolved> {
        match self.scope.above(above, path) {
            Ok(resolved) => Some(resolved),
            Err(refusal) => self.refused(refusal, span),
        }
    }

    pub(super) fn refused<T>(&mut self, refusal: Refusal, span: Span) -> Option<T> {
        self.refuse(Problem::new(refusal.code, span, refusal.message).maybe_hint(refusal.hint))
    }

    fn knows(&mut self, syntax: &Syntax, path: &[&str]) -> bool {
        match (path, self.subject) {
            ([root, ..], _) if self.local(root).is_some() && !begins_with_this(syntax) => path.len() == 1,
            ([own, rest @ ..], Some(subject)) => *own == subject && !rest.is_empty() && self.of_other(rest).is_some(),
            (["parent", rest @ ..], None) if !begins_with_this(syntax) => self.scope.above(Above::Parent, rest).is_ok(),
            (_, _) => self.scope.resolve(path).is_some(),
        }
    }

    /// Whether the path begins with something that is known, of which the rest may be fields.
    fn knows_root(&mut self, syntax: &Syntax, path: &[&str]) -> bool {
        (1..path.len()).any(|length| self.knows(syntax, &path[..length]))
    }

    /// `target.field`, where all of it together is no name.
    fn selected(&mut self, syntax: &Syntax) -> Option<Tree> {
        let Form::Select { target, field, field_span } = &syntax.form else { return None };
        let target = self.tree(target)?;
        self.field(target, field, *field_span, syntax.span)
    }

    pub(super) fn field(&mut self, target: Tree, field: &str, field_span: Span, span: Span) -> Option<Tree> {
        let shape = match &target.shape.kind {
            Kind::Any => Shape::new(Kind::Any),
            Kind::Map(values) => (**values).clone(),
            Kind::Object(fields) => match fields.iter().find(|(name, _)| **name == *field) {
                Some((_, shape)) => shape.clone(),
                None => {
                    let names = || fields.iter().map(|(name, _)| &**name);
                    let meant = did_you_mean(field, names()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                    let message = format!("`{}` has no field `{field}`{meant} It has: {}", self.shown(target.span), list_some(names()));
                    return self.refuse(Problem::new("E702", field_span, message));
                }
            },
            Kind::Bool
            | Kind::Int
            | Kind::Double
            | Kind::Text
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Enum(_)
            | Kind::List(_)
            | Kind::Geo => {
                let message = format!("`{}` is {}: it has no fields", self.shown(target.span), target.shape);
                return self.refuse(Problem::new("E702", field_span, message));
            }
        };
        Some(Tree::made(Op::Field(Box::new(target), Arc::from(field)), span, shape))
    }

    fn unknown<T>(&mut self, path: &[&str], span: Span) -> Option<T> {
        let name = path.join(".");
        if matches!(path, ["children" | "related", ..]) {
            let message = format!("`{name}` is no value: other twins are folded");
            return self.refuse(Problem::new("E702", span, message).hint("children('Pump').count(p, p.temperature > 80)"));
        }
        if let (["parent" | "params" | "twin" | "alarm" | "vars" | "this"], None) = (path, self.subject) {
            let message = format!("`{name}` is no value: read one of its members");
            return self.refuse(Problem::new("E702", span, message).hint(format!("{name}.x")));
        }
        let names = self.scope.names();
        let written = |own: &str| if let Some(subject) = self.subject { format!("{subject}.{own}") } else { own.to_owned() };
        let names: Vec<String> = names.iter().map(|own| written(own)).collect();
        let root = path.first().copied().unwrap_or_default();
        let (owner, mut same): (String, Vec<&str>) = if ROOTS.contains(&root) && self.subject.is_none() {
            (format!("`{root}` has"), names.iter().map(String::as_str).filter(|own| own.split('.').next() == Some(root)).collect())
        } else {
            let is_member = |own: &&str| !ROOTS.iter().any(|root| own.split('.').next() == Some(*root) && own.contains('.'));
            (format!("Members of {}", self.scope.owner()), names.iter().map(String::as_str).filter(is_member).collect())
        };
        same.sort_unstable();
        let meant = did_you_mean(&name, same.iter().copied());
        if root == "params" {
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            return self.refuse(
                Problem::new("E711", span, format!("{name} is not declared{meant}"))
                    .maybe_hint((!same.is_empty()).then(|| format!("declared: {}", list_some(same.iter().copied())))),
            );
        }
        let question = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_else(|| ".".to_owned());
        let message = format!("unknown name `{name}`{question} {owner}: {}", list_some(same.iter().copied()));
        let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
        self.refuse(Problem::new("E702", span, message).maybe_hint(hint))
    }
}

fn begins_with_this(syntax: &Syntax) -> bool {
    let mut syntax = syntax;
    while let Form::Select { target, .. } = &syntax.form {
        syntax = target;
    }
    syntax.name() == Some("this")
}

/// `ancestor('Site').x`: the type, and the path behind it.
fn ancestor(syntax: &Syntax) -> Option<(&str, Vec<&str>)> {
    let mut path = Vec::new();
    let mut syntax = syntax;
    while let Form::Select { target, field, .. } = &syntax.form {
        path.push(&**field);
        syntax = target;
    }
    path.reverse();
    let Form::Call(call) = &syntax.form else { return None };
    match (&call.target, &*call.function, call.arguments.as_slice()) {
        (None, "ancestor", [only]) => Some((&**only.text()?, path)),
        _ => None,
    }
}
