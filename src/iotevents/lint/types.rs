//! Types, as far as they can be told without any payload: constants have one, variables that of what they are set to, attributes that of what they
//! are compared with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::iotevents::expression::{BinaryOperator, Convert, Function, Piece, Reference, Term, UnaryOperator};
use crate::iotevents::file::PayloadType;
use crate::iotevents::finding::{Findings, Kind};
use crate::rule::detector::Scalar;

use super::view::{UseKind, View};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Type {
    Integer,
    Decimal,
    Text,
    Bool,
}

/// What a term may be; empty: nobody knows.
type Types = BTreeSet<Type>;

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Type::Integer => "Integer",
            Type::Decimal => "Decimal",
            Type::Text => "String",
            Type::Bool => "Boolean",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Type::Integer | Type::Decimal)
    }

    fn mixes_with(self, other: Type) -> bool {
        self == other || (self.is_number() && other.is_number())
    }
}

fn shown(types: &Types) -> String {
    types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let variables = infer(view);
    for (name, types) in variables.iter().filter(|(_, types)| !types.is_empty()) {
        findings.info(Kind::DataType, "", format!("Inferred data types [{}] for $variable.{name}", shown(types)));
        if types.iter().any(|one| types.iter().any(|other| !one.mixes_with(*other))) {
            let message = format!("$variable.{name} is set to values of several types [{}]", shown(types));
            findings.warning(Kind::DataType, "", message);
        }
    }
    let mut checker = Checker { variables: sure(view, variables), wanted: BTreeMap::new(), findings };
    for event in view.events() {
        for (term, place) in event.terms() {
            term.each(&mut |term| checker.operator(term, place));
        }
        if let Some(condition) = &event.condition {
            checker.is_one_of(condition, &[Type::Bool], "a condition is true or false", event.place());
        }
        for used in &event.uses {
            match used.kind {
                UseKind::Duration => {
                    let numbers = [Type::Integer, Type::Decimal];
                    checker.is_one_of(&used.term, &numbers, "a duration is a number of seconds", used.place);
                }
                UseKind::Content(payload) => checker.content(&used.term, payload.kind, used.place),
                UseKind::Value { .. } | UseKind::Parameter => {}
            }
        }
    }
    checker.several_types();
}

/// The types of all variables: as much as follows from what they are set to, also from each other.
fn infer(view: &View<'_>) -> BTreeMap<String, Types> {
    let mut variables: BTreeMap<String, Types> = BTreeMap::new();
    // Each round adds a type to some variable, and there are four.
    loop {
        let mut grew = false;
        for used in view.events().flat_map(|event| &event.uses) {
            let UseKind::Value { variable } = used.kind else { continue };
            let types = types_of(&used.term, &variables);
            let known = variables.entry(variable.to_owned()).or_default();
            let before = known.len();
            known.extend(types);
            grew |= known.len() > before;
        }
        if !grew {
            return variables;
        }
    }
}

/// Without the types of variables that are also set to something nobody knows, such as an attribute.
fn sure(view: &View<'_>, mut variables: BTreeMap<String, Types>) -> BTreeMap<String, Types> {
    loop {
        let values = view.events().flat_map(|event| &event.uses).filter_map(|used| match used.kind {
            UseKind::Value { variable } => Some((variable, &used.term)),
            UseKind::Duration | UseKind::Content(_) | UseKind::Parameter => None,
        });
        let unsure = |variable: &str, term: &Term| {
            types_of(term, &variables).is_empty() && variables.get(variable).is_some_and(|types| !types.is_empty())
        };
        let found: Vec<String> =
            values.filter(|(variable, term)| unsure(variable, term)).map(|(variable, _)| variable.to_owned()).collect();
        if found.is_empty() {
            return variables;
        }
        variables.extend(found.into_iter().map(|variable| (variable, Types::new())));
    }
}

fn types_of(term: &Term, variables: &BTreeMap<String, Types>) -> Types {
    let one = |found: Type| Types::from([found]);
    match term {
        Term::Constant(Scalar::Bool(_)) | Term::Timeout(_) | Term::TriggerType { .. } | Term::CurrentInput(_) => one(Type::Bool),
        Term::Constant(Scalar::Int(_)) => one(Type::Integer),
        Term::Constant(Scalar::Double(_)) => one(Type::Decimal),
        Term::Constant(Scalar::Text(_)) | Term::Template(_) => one(Type::Text),
        Term::Constant(Scalar::Timestamp(_) | Scalar::Duration(_)) | Term::Input { .. } => Types::new(),
        Term::Variable(name) => variables.get(name.as_str()).cloned().unwrap_or_default(),
        Term::Unary(UnaryOperator::Not, _) => one(Type::Bool),
        Term::Unary(UnaryOperator::Complement, _) => one(Type::Integer),
        Term::Unary(UnaryOperator::Negate, inner) => types_of(inner, variables),
        Term::Convert(to, _) => one(match to {
            Convert::Text => Type::Text,
            Convert::Bool => Type::Bool,
            Convert::Decimal => Type::Decimal,
        }),
        Term::Call(function, _) => one(match function {
            Function::IsUndefined | Function::IsNull | Function::StartsWith | Function::EndsWith | Function::Contains => Type::Bool,
            Function::BitOr | Function::BitAnd | Function::BitXor | Function::BitNot => Type::Integer,
        }),
        Term::Binary(operator, left, right) => match operator {
            BinaryOperator::Add | BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide => {
                combined(&types_of(left, variables), &types_of(right, variables))
            }
            BinaryOperator::BitOr | BinaryOperator::BitXor | BinaryOperator::BitAnd => one(Type::Integer),
            BinaryOperator::Or
            | BinaryOperator::And
            | BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual => one(Type::Bool),
        },
    }
}

/// Of a sum: decimal as soon as one side is.
fn combined(left: &Types, right: &Types) -> Types {
    if left.contains(&Type::Text) || right.contains(&Type::Text) {
        return Types::from([Type::Text]);
    }
    let either: Types = left.union(right).copied().collect();
    if left.is_empty() || right.is_empty() {
        return Types::new();
    }
    if either.contains(&Type::Decimal) { Types::from([Type::Decimal]) } else { either }
}

struct Checker<'f> {
    variables: BTreeMap<String, Types>,
    /// As what each reference is used, with the first place of each.
    wanted: BTreeMap<String, BTreeMap<Type, String>>,
    findings: &'f mut Findings,
}

impl Checker<'_> {
    fn is_one_of(&mut self, term: &Term, allowed: &[Type], what: &str, place: &str) {
        let types = types_of(term, &self.variables);
        if !types.is_empty() && !types.iter().any(|one| allowed.contains(one)) {
            self.findings.error(Kind::DataType, place, format!("{what}; `{term}` is of type [{}]", shown(&types)));
        }
    }

    fn operator(&mut self, term: &Term, place: &str) {
        let Term::Binary(operator, left, right) = term else { return };
        let sides = [types_of(left, &self.variables), types_of(right, &self.variables)];
        let allowed: &[Type] = match operator {
            BinaryOperator::Or | BinaryOperator::And => &[Type::Bool],
            BinaryOperator::BitOr | BinaryOperator::BitXor | BinaryOperator::BitAnd => &[Type::Integer],
            BinaryOperator::Equal | BinaryOperator::NotEqual => &[Type::Integer, Type::Decimal, Type::Text, Type::Bool],
            BinaryOperator::Less | BinaryOperator::LessOrEqual | BinaryOperator::Greater | BinaryOperator::GreaterOrEqual => {
                &[Type::Integer, Type::Decimal, Type::Text]
            }
            BinaryOperator::Add => &[Type::Integer, Type::Decimal, Type::Text],
            BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide => &[Type::Integer, Type::Decimal],
        };
        for (side, types) in [left, right].into_iter().zip(&sides) {
            if !types.is_empty() && !types.iter().any(|one| allowed.contains(one)) {
                let message = format!("`{}` does not take `{side}`, which is of type [{}]: in `{term}`", operator.symbol(), shown(types));
                self.findings.error(Kind::DataType, place, message);
                return;
            }
        }
        let mixes = sides[0].iter().any(|one| sides[1].iter().any(|other| one.mixes_with(*other)));
        if sides.iter().all(|types| !types.is_empty()) && !mixes {
            let message = format!("[{}] and [{}] do not mix: `{term}` is invalid, always", shown(&sides[0]), shown(&sides[1]));
            self.findings.error(Kind::DataType, place, message);
        }
        let asks_for_one = !matches!(operator, BinaryOperator::Or | BinaryOperator::And);
        for (side, other) in [(left, &sides[1]), (right, &sides[0])].into_iter().filter(|_| asks_for_one) {
            self.want(side, other, place);
        }
    }

    /// An attribute that stands beside a known type is meant to have it.
    fn want(&mut self, side: &Term, types: &Types, place: &str) {
        if !matches!(side, Term::Input { .. }) || types.len() != 1 {
            return;
        }
        let wanted = self.wanted.entry(side.to_string()).or_default();
        for one in types {
            wanted.entry(*one).or_insert_with(|| place.to_owned());
        }
    }

    fn several_types(&mut self) {
        for (reference, wanted) in &self.wanted {
            let types: Types = wanted.keys().copied().collect();
            let clash = types.iter().any(|one| types.iter().any(|other| !one.mixes_with(*other)));
            if let Some((_, place)) = wanted.iter().last().filter(|_| clash) {
                self.findings.error(Kind::DataType, place, format!("{reference} is used as two types [{}]", shown(&types)));
            }
        }
    }

    fn content(&mut self, term: &Term, kind: PayloadType, place: &str) {
        if kind == PayloadType::Text {
            return;
        }
        let types = types_of(term, &self.variables);
        if !types.is_empty() && !types.contains(&Type::Text) {
            let message = format!("a JSON payload is a text in quotes; `{term}` is of type [{}] and is sent as it is", shown(&types));
            self.findings.warning(Kind::ExpressionSyntax, place, message);
        }
        let Some(trial) = trial(term).filter(|trial| serde_json::from_str::<Json>(trial).is_err()) else { return };
        let message = format!("a JSON payload that is no JSON, and so is never sent: {}", trial.chars().take(60).collect::<String>());
        self.findings.warning(Kind::ExpressionSyntax, place, message);
    }
}

/// A text as it would be sent, with `0` for all that is not known: a number fits into JSON with quotes and without.
fn trial(term: &Term) -> Option<String> {
    if let Term::Constant(Scalar::Text(text)) = term {
        return Some(text.to_string());
    }
    let Term::Template(pieces) = term else { return None };
    let text = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "0" });
    Some(text.collect())
}

/// Whether a reference is to an input: for those who look at names.
pub(super) fn input_of<'a>(reference: &Reference<'a>) -> Option<&'a str> {
    match reference {
        Reference::Input { input, .. } | Reference::CurrentInput(input) => Some(input.as_str()),
        Reference::Variable(_) | Reference::Timeout(_) | Reference::TriggerType { .. } => None,
    }
}
