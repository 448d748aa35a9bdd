//! Folds over other twins: `children('Pump').count(p, p.temperature > 80)`. No list of twins is ever built: a fold is handed to the scope,
//! which keeps it as a hidden roll-up, and what is left in the tree is one operand.

use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::scope::{Aggregate, Fold, Over, Resolved};
use super::super::syntax::{Call, Form, Parsed, Syntax};
use super::super::tree::Tree;
use super::Checker;

const AGGREGATES: [(&str, Aggregate); 8] = [
    ("count", Aggregate::Count),
    ("exists", Aggregate::Exists),
    ("all", Aggregate::All),
    ("sum", Aggregate::Sum),
    ("avg", Aggregate::Avg),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("worst", Aggregate::Worst),
];

impl Checker<'_> {
    /// `children`, `children('Pump')`, `related('fedBy', 'Tank')`. `None` if it is anything else; `Some(None)` if a problem was told.
    pub(super) fn twins(&mut self, syntax: &Syntax) -> Option<Option<Over>> {
        if syntax.name() == Some("children") && self.locals.iter().all(|(name, _)| &**name != "children") {
            return Some(Some(Over::Children { of_type: None }));
        }
        let Form::Call(call) = &syntax.form else { return None };
        if call.target.is_some() || !matches!(&*call.function, "children" | "related") {
            return None;
        }
        let names: Option<Vec<Box<str>>> = call.arguments.iter().map(|argument| argument.text().map(|text| (**text).into())).collect();
        let Some(names) = names else {
            let message = format!("types do not fit: `{}` takes quoted names", call.function);
            return Some(self.refuse(Problem::new("E703", syntax.span, message).hint("children('Pump'), related('fedBy', 'Tank')")));
        };
        Some(match (&*call.function, names.as_slice()) {
            ("children", []) => Some(Over::Children { of_type: None }),
            ("children", [of_type]) => Some(Over::Children { of_type: Some(of_type.clone()) }),
            ("related", [relation]) => Some(Over::Related { relation: relation.clone(), of_type: None }),
            ("related", [relation, of_type]) => Some(Over::Related { relation: relation.clone(), of_type: Some(of_type.clone()) }),
            ("children", _) => self.arity(call, "a type if need be"),
            _ => self.arity(call, "a relation, and a type if need be"),
        })
    }

    pub(super) fn fold(&mut self, over: &Over, call: &Call, span: Span) -> Option<Tree> {
        let Some((_, aggregate)) = AGGREGATES.iter().find(|(name, _)| *name == &*call.function) else {
            let message =
                format!("unknown function `{}`; twins are folded by count, exists, all, sum, avg, min, max, worst", call.function);
            return self.refuse(Problem::new("E706", call.function_span, message));
        };
        if self.subject.is_some() || !self.locals.is_empty() {
            let message = "a fold cannot stand inside of another or of a comprehension";
            return self.refuse(Problem::new("E702", span, message).hint("give the inner one a name under `rollups` of its type"));
        }
        let body = match call.arguments.as_slice() {
            [] if *aggregate == Aggregate::Count => None,
            [subject, body] => match subject.name() {
                Some(subject) => Some((subject, body)),
                None => return self.arity(call, "a name for the other twin and an expression of its members"),
            },
            _ => return self.arity(call, "a name for the other twin and an expression of its members"),
        };
        let mut others = match self.scope.others(over) {
            Ok(others) => others,
            Err(refusal) => {
                let place = call.target.as_ref().map_or(span, |target| target.span);
                return self.refused(refusal, place);
            }
        };
        let checked = match body {
            None => None,
            Some((subject, body)) => {
                let mut inner = Checker::new(self.source, &mut *others);
                inner.subject = Some(subject);
                let tree = inner.tree(body).and_then(|tree| inner.folded(*aggregate, tree));
                let parsed = Parsed { source: self.source.into(), root: body.clone() };
                match inner.finish(tree, &parsed, body) {
                    Ok(mut checked) => {
                        self.warnings.append(&mut checked.warnings);
                        Some(checked)
                    }
                    Err(problems) => {
                        self.problems.extend(problems);
                        return None;
                    }
                }
            }
        };
        let shape = result(*aggregate, checked.as_ref().map(|checked| checked.shape()));
        let fold = Fold { aggregate: *aggregate, over: over.clone(), body: checked, shape: shape.clone() };
        match self.scope.keep(fold) {
            Ok(operand) => Some(self.read_quoted(Resolved::new(operand, shape), span)),
            Err(refusal) => self.refused(refusal, span),
        }
    }

    /// Whether the body is what the aggregate folds.
    fn folded(&mut self, aggregate: Aggregate, tree: Tree) -> Option<Tree> {
        let (fits, needed) = match aggregate {
            Aggregate::Count | Aggregate::Exists | Aggregate::All => (tree.shape.kind == Kind::Bool, "a condition"),
            Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => (tree.shape.is_number(), "a number"),
            Aggregate::Worst => (matches!(tree.shape.kind, Kind::Enum(_)), "a severity"),
        };
        if fits {
            return Some(tree);
        }
        let message = format!("types do not fit: {needed} is folded here, `{}` is {}", self.shown(tree.span), tree.shape);
        self.refuse(Problem::new("E703", tree.span, message))
    }
}

fn result(aggregate: Aggregate, body: Option<&Shape>) -> Shape {
    match (aggregate, body) {
        (Aggregate::Count, _) => Shape::new(Kind::Int),
        (Aggregate::Exists | Aggregate::All, _) => Shape::new(Kind::Bool),
        (Aggregate::Worst, Some(body)) => body.clone(),
        (Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max, Some(body)) => Shape { kind: Kind::Double, ..body.clone() },
        (_, None) => Shape::new(Kind::Double),
    }
}
