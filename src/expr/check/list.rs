//! Lists, maps, what is in them, and the comprehensions over lists.

use super::super::bounds::LIST_ITEMS_MAX;
use super::super::datum::Datum;
use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::syntax::{Call, Form, Syntax};
use super::super::tree::{Comparison, Comprehension, How, Op, Tree};
use super::Checker;
use super::arithmetic::named;

impl Checker<'_> {
    pub(super) fn list(&mut self, items: &[Syntax], span: Span) -> Option<Tree> {
        let trees = self.trees(items)?;
        let items_max = u16::try_from(trees.len()).ok();
        if trees.is_empty() {
            return Some(Tree::constant(Datum::List([].into()), span, Shape::list(Shape::new(Kind::Any), Some(0))));
        }
        // Of several kinds it is a list all the same, for payloads.
        let (trees, shape) = if self.common(&trees).is_some() {
            self.alike(trees, span)?
        } else {
            (trees.into_iter().map(named).collect(), Shape::new(Kind::Any))
        };
        Some(Tree::made(Op::List(trees.into()), span, Shape::list(shape, items_max)))
    }

    pub(super) fn map(&mut self, entries: &[(Syntax, Syntax)], span: Span) -> Option<Tree> {
        let mut made = Vec::with_capacity(entries.len());
        let mut is_whole = true;
        for (key, value) in entries {
            let (key, value) = (self.text_argument(key), self.tree(value));
            match (key, value) {
                (Some(key), Some(value)) => made.push((key, value)),
                _ => is_whole = false,
            }
        }
        if !is_whole {
            return None;
        }
        let fields: Option<Vec<(Box<str>, Shape)>> = made
            .iter()
            .map(|(key, value)| match key.as_constant() {
                Some(Datum::Text(name)) => Some(((**name).into(), value.shape.clone())),
                _ => None,
            })
            .collect();
        let kind = fields.map_or_else(|| Kind::Map(Shape::new(Kind::Any).into()), |fields| Kind::Object(fields.into()));
        Some(Tree::new(Op::Map(made.into()), span, Shape::new(kind)))
    }

    pub(super) fn index(&mut self, target: &Syntax, index: &Syntax, span: Span) -> Option<Tree> {
        let (target, index) = (self.tree(target), self.tree(index));
        let (target, index) = (target?, index?);
        match (&target.shape.kind, &index.shape.kind) {
            (Kind::List(list), Kind::Int) => {
                let shape = list.items.clone();
                Some(Tree::made(Op::Item(Box::new([target, index])), span, shape))
            }
            (Kind::Any, Kind::Int) => Some(Tree::made(Op::Item(Box::new([target, index])), span, Shape::new(Kind::Any))),
            (Kind::Map(values), Kind::Text) => {
                let shape = (**values).clone();
                Some(Tree::made(Op::Entry(Box::new([target, index])), span, shape))
            }
            (Kind::Any, Kind::Text) => Some(Tree::made(Op::Entry(Box::new([target, index])), span, Shape::new(Kind::Any))),
            (Kind::Object(_), Kind::Text) => match index.as_constant().cloned() {
                Some(Datum::Text(name)) => self.field(target, &name, index.span, span),
                _ => {
                    let message = "types do not fit: the field of an object must be a constant text";
                    self.refuse(Problem::new("E703", index.span, message))
                }
            },
            _ => {
                let message =
                    format!("types do not fit: `{}` is {}, which has nothing at {}", self.shown(target.span), target.shape, index.shape);
                self.refuse(Problem::new("E703", index.span, message))
            }
        }
    }

    /// Among items that stand there each is compared by itself, in its unit or as the name of an enum's value.
    pub(super) fn is_in(&mut self, item: &Syntax, list: &Syntax, span: Span) -> Option<Tree> {
        let item = self.tree(item);
        if let Form::List(items) = &list.form {
            let items: Vec<Option<Tree>> = items.iter().map(|own| self.tree(own)).collect();
            let item = item?;
            let compared: Vec<Option<Tree>> = items
                .into_iter()
                .map(|own| {
                    let own = own?;
                    let place = own.span;
                    self.comparison(Comparison::Equal, item.clone(), own, place)
                })
                .collect();
            let compared: Option<Vec<Tree>> = compared.into_iter().collect();
            let compared = compared?;
            if compared.is_empty() {
                return Some(Tree::constant(Datum::Bool(false), span, Shape::new(Kind::Bool)));
            }
            return Some(Tree::made(Op::Or(compared.into()), span, Shape::new(Kind::Bool)));
        }
        let list = self.tree(list);
        let (item, list) = (named(item?), list?);
        let op = match (&list.shape.kind, &item.shape.kind) {
            (Kind::List(_), _) => Op::In(Box::new([item, list])),
            (Kind::Map(_) | Kind::Object(_), Kind::Text) => Op::HasKey(Box::new([list, item])),
            (Kind::Any, _) => Op::In(Box::new([item, list])),
            _ => {
                let message =
                    format!("types do not fit: `in` looks in a list or the keys of a map, `{}` is {}", self.shown(list.span), list.shape);
                return self.refuse(Problem::new("E703", list.span, message));
            }
        };
        Some(Tree::made(op, span, Shape::new(Kind::Bool)))
    }

    /// `list.exists(x, …)`
    pub(super) fn comprehension(&mut self, how: How, list: &Syntax, call: &Call, span: Span) -> Option<Tree> {
        let list = self.tree(list);
        let (variable, filter, body) = match call.arguments.as_slice() {
            [variable, body] => (variable, None, body),
            [variable, filter, body] if how == How::Map => (variable, Some(filter), body),
            _ => {
                return self.arity(
                    call,
                    if how == How::Map { "a variable, a condition if need be, and a value" } else { "a variable and a condition" },
                );
            }
        };
        let Some(name) = variable.name() else {
            let message = "types do not fit: the first argument names the item, as in list.exists(x, x > 3)";
            return self.refuse(Problem::new("E703", variable.span, message));
        };
        let list = list?;
        let (items, items_max) = if let Kind::List(list) = &list.shape.kind {
            (list.items.clone(), list.items_max)
        } else if list.shape.kind == Kind::Any {
            (Shape::new(Kind::Any), None)
        } else {
            let message = format!("types do not fit: `{}` goes over a list, `{}` is {}", call.function, self.shown(list.span), list.shape);
            return self.refuse(Problem::new("E703", list.span, message));
        };
        let local = u8::try_from(self.locals.len()).ok()?;
        self.locals.push((name.into(), items.clone()));
        let filter = filter.map(|filter| self.condition(filter, "the condition of `map`"));
        let body = if how == How::Map { self.tree(body) } else { self.condition(body, &format!("the body of `{}`", call.function)) };
        self.locals.pop();
        let (filter, body) = (filter.map_or(Some(None), |filter| filter.map(Some))?, body?);
        let shape = match how {
            How::All | How::Exists | How::ExistsOne => Shape::new(Kind::Bool),
            How::Map => Shape::list(body.shape.clone(), items_max),
            How::Filter => Shape::list(items, items_max),
        };
        let items_max = items_max.unwrap_or(LIST_ITEMS_MAX as u16).min(LIST_ITEMS_MAX as u16);
        Some(Tree::new(Op::Over(Box::new(Comprehension { how, list, filter, body, local, items_max })), span, shape))
    }
}
