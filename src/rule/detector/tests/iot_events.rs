//! As much of the expressions of AWS IoT Events, and of its files, as the published samples need: enough to run them unedited.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration as Time;

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::rule::detector::{
    ActionDraft, DetectorDraft, Duration, EntryDraft, Evaluator, Mode, Names, Reads, Scalar, Scope, StateDraft, TriggerKind, VariableSpec,
};
use crate::rule::{Ask, Expression, Truth};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Constant(Scalar),
    Input(Vec<String>),
    Variable(SmolStr),
    Timeout(SmolStr),
    CurrentInput(String),
    TriggerType(String),
    Operation(&'static str, Box<Term>, Box<Term>),
}

const OPERATORS: [&[&str]; 5] = [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"]];

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let eaten = self.rest.strip_prefix(token).map(|rest| self.rest = rest);
        eaten.is_some()
    }

    fn binary(&mut self, tightness: usize) -> Term {
        let Some(operators) = OPERATORS.get(tightness) else { return self.primary() };
        let mut left = self.binary(tightness + 1);
        while let Some(operator) = operators.iter().find(|operator| self.eat(operator)) {
            left = Term::Operation(operator, Box::new(left), Box::new(self.binary(tightness + 1)));
        }
        left
    }

    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = ["'", "\""].into_iter().find(|quote| self.eat(quote))?;
        let (text, rest) = self.rest.split_once(quote).unwrap();
        self.rest = rest;
        Some(text.to_owned())
    }

    fn primary(&mut self) -> Term {
        if self.eat("(") {
            let inner = self.binary(0);
            assert!(self.eat(")"));
            return inner;
        }
        if self.eat("$input.") {
            return Term::Input(self.word().split('.').map(str::to_owned).collect());
        }
        if self.eat("$variable.") {
            return Term::Variable(self.word().into());
        }
        if let Some(text) = self.quoted() {
            return Term::Constant(Scalar::Text(text.into()));
        }
        let word = self.word();
        match word.as_str() {
            "true" | "false" => Term::Constant(Scalar::Bool(word == "true")),
            "timeout" | "currentInput" | "triggerType" => {
                assert!(self.eat("("));
                let argument = self.quoted().unwrap();
                assert!(self.eat(")"));
                match word.as_str() {
                    "timeout" => Term::Timeout(argument.into()),
                    "currentInput" => Term::CurrentInput(argument),
                    _ => Term::TriggerType(argument),
                }
            }
            number if number.contains('.') => Term::Constant(Scalar::Double(number.parse().unwrap())),
            number => Term::Constant(Scalar::Int(number.parse().unwrap_or_else(|_| panic!("`{number}` is no number")))),
        }
    }
}

pub(super) fn parse(text: &str) -> Term {
    let mut parser = Parser { rest: text };
    let term = parser.binary(0);
    assert!(parser.rest.trim().is_empty(), "left over: {}", parser.rest);
    term
}

impl Term {
    fn reads(&self, reads: &mut Reads) {
        match self {
            Term::Variable(name) => reads.variables.push(name.clone()),
            Term::Timeout(name) => reads.timeouts.push(name.clone()),
            Term::Operation(_, left, right) => {
                left.reads(reads);
                right.reads(reads);
            }
            Term::Constant(_) | Term::Input(_) | Term::CurrentInput(_) | Term::TriggerType(_) => {}
        }
    }
}

/// An imported detector: its definition and its expressions.
#[derive(Debug, Default)]
pub(super) struct Imported {
    pub(super) draft: DetectorDraft,
    pub(super) names: Names,
    pub(super) terms: Vec<Term>,
    pub(super) reads: BTreeMap<Expression, Reads>,
    /// What is sent out: kind and the last part of the target, by place.
    pub(super) actions: Vec<(String, String)>,
}

impl Imported {
    pub(super) fn read(json: &Json) -> Imported {
        let json = json.get("detectorModel").unwrap_or(json);
        let definition = &json["detectorModelDefinition"];
        let mut imported = Imported::default();
        imported.draft.mode = Mode::Batch;
        imported.draft.initial = text(&definition["initialStateName"]);
        for state in list(&definition["states"]) {
            let phase = |imported: &mut Imported, phase: &str| {
                let lists = ["events", "transitionEvents"].map(|key| list(&state[phase][key]));
                lists.into_iter().flatten().map(|entry| imported.entry(entry)).collect::<Vec<_>>()
            };
            let (on_enter, on_input, on_exit) =
                (phase(&mut imported, "onEnter"), phase(&mut imported, "onInput"), phase(&mut imported, "onExit"));
            imported.draft.states.push(StateDraft { name: text(&state["stateName"]), on_enter, on_input, on_exit });
        }
        imported.names = imported.draft.names();
        imported
    }

    pub(super) fn expression(&mut self, source: &str) -> Expression {
        let term = parse(source);
        let mut reads = Reads::default();
        term.reads(&mut reads);
        let expression = Expression(u16::try_from(self.terms.len()).unwrap());
        self.terms.push(term);
        self.reads.insert(expression, reads);
        expression
    }

    fn entry(&mut self, entry: &Json) -> EntryDraft {
        EntryDraft {
            name: text(&entry["eventName"]),
            when: entry["condition"].as_str().map(|condition| self.expression(condition)),
            actions: list(&entry["actions"]).iter().map(|action| self.action(action)).collect(),
            evaluates: Vec::new(),
            goto: entry["nextState"].as_str().map(SmolStr::new),
        }
    }

    fn action(&mut self, action: &Json) -> ActionDraft {
        let (kind, body) = action.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "setVariable" => {
                let variable = text(&body["variableName"]);
                if !self.draft.variables.iter().any(|own| own.name == variable) {
                    self.draft.variables.push(VariableSpec { name: variable.clone(), initial: None, typed: false });
                }
                ActionDraft::Set { variable, value: self.expression(body["value"].as_str().unwrap()) }
            }
            "setTimer" => {
                let seconds = Time::from_secs(body["seconds"].as_u64().unwrap());
                ActionDraft::Start { timer: text(&body["timerName"]), duration: Duration::Fixed(seconds) }
            }
            "resetTimer" => ActionDraft::Reset { timer: text(&body["timerName"]) },
            "clearTimer" => ActionDraft::Stop { timer: text(&body["timerName"]) },
            _ => {
                let target = body["targetArn"].as_str().unwrap();
                self.actions.push((kind.clone(), target.rsplit(':').next().unwrap().to_owned()));
                ActionDraft::Act { action: u8::try_from(self.actions.len() - 1).unwrap() }
            }
        }
    }
}

fn text(json: &Json) -> SmolStr {
    SmolStr::new(json.as_str().unwrap())
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

/// The sticky inputs of one instance, and the one that caused this evaluation.
#[derive(Debug)]
pub(super) struct Instance<'a> {
    pub(super) imported: &'a Imported,
    pub(super) inputs: BTreeMap<String, Json>,
    pub(super) current: RefCell<Option<String>>,
}

impl Instance<'_> {
    /// `None`: undefined or invalid.
    fn term(&self, term: &Term, scope: &Scope<'_>) -> Option<Scalar> {
        let place = |names: &[SmolStr], name: &SmolStr| names.iter().position(|own| own == name).map(|place| u8::try_from(place).unwrap());
        match term {
            Term::Constant(constant) => Some(constant.clone()),
            Term::Input(path) => {
                let payload = self.inputs.get(&path[0])?;
                scalar(path[1..].iter().try_fold(payload, |json, step| json.get(step))?)
            }
            Term::Variable(name) => scope.variable(place(&self.imported.names.variables, name)?).cloned(),
            Term::Timeout(name) => Some(Scalar::Bool(place(&self.imported.names.timers, name).is_some_and(|timer| scope.timeout(timer)))),
            Term::CurrentInput(name) => {
                Some(Scalar::Bool(scope.trigger == TriggerKind::Input && self.current.borrow().as_ref() == Some(name)))
            }
            Term::TriggerType(name) => {
                let own = if scope.trigger == TriggerKind::Input { "Message" } else { "Timer" };
                Some(Scalar::Bool(name.eq_ignore_ascii_case(own)))
            }
            Term::Operation(operator, left, right) => self.operation(operator, left, right, scope),
        }
    }

    fn operation(&self, operator: &str, left: &Term, right: &Term, scope: &Scope<'_>) -> Option<Scalar> {
        let left = self.term(left, scope);
        match (operator, &left) {
            ("||", Some(Scalar::Bool(true))) => return Some(Scalar::Bool(true)),
            ("&&", Some(Scalar::Bool(false))) => return Some(Scalar::Bool(false)),
            _ => {}
        }
        let right = self.term(right, scope);
        let boolean = |side: &Option<Scalar>| matches!(side, Some(Scalar::Bool(true)));
        if operator == "||" {
            return Some(Scalar::Bool(boolean(&left) || boolean(&right)));
        }
        if operator == "!=" && (left.is_none() || right.is_none()) {
            return Some(Scalar::Bool(true));
        }
        let (left, right) = (left?, right?);
        let ordering = match (&left, &right) {
            (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
            _ => number(&left)?.partial_cmp(&number(&right)?),
        };
        match (operator, left, right) {
            ("+", Scalar::Int(left), Scalar::Int(right)) => Some(Scalar::Int(left.checked_add(right)?)),
            ("-", Scalar::Int(left), Scalar::Int(right)) => Some(Scalar::Int(left.checked_sub(right)?)),
            ("+", left, right) => Some(Scalar::Double(number(&left)? + number(&right)?)),
            ("-", left, right) => Some(Scalar::Double(number(&left)? - number(&right)?)),
            ("&&", Scalar::Bool(left), Scalar::Bool(right)) => Some(Scalar::Bool(left && right)),
            ("==", ..) => Some(Scalar::Bool(ordering?.is_eq())),
            ("!=", ..) => Some(Scalar::Bool(ordering?.is_ne())),
            ("<", ..) => Some(Scalar::Bool(ordering?.is_lt())),
            (">", ..) => Some(Scalar::Bool(ordering?.is_gt())),
            ("<=", ..) => Some(Scalar::Bool(ordering?.is_le())),
            (">=", ..) => Some(Scalar::Bool(ordering?.is_ge())),
            _ => None,
        }
    }
}

fn number(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Int(value) => Some(*value as f64),
        Scalar::Double(value) => Some(*value),
        Scalar::Bool(value) => Some(f64::from(u8::from(*value))),
        Scalar::Text(_) | Scalar::Timestamp(_) | Scalar::Duration(_) => None,
    }
}

fn scalar(json: &Json) -> Option<Scalar> {
    match json {
        Json::Bool(value) => Some(Scalar::Bool(*value)),
        Json::Number(value) => value.as_i64().map(Scalar::Int).or_else(|| value.as_f64().map(Scalar::Double)),
        Json::String(value) => Some(Scalar::Text(value.into())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

impl Evaluator for Instance<'_> {
    fn condition(&self, expression: Expression, scope: &Scope<'_>) -> Truth {
        match self.term(&self.imported.terms[usize::from(expression.0)], scope) {
            Some(Scalar::Bool(truth)) => Some(truth),
            _ => None,
        }
    }

    fn value(&self, expression: Expression, scope: &Scope<'_>) -> Option<Scalar> {
        self.term(&self.imported.terms[usize::from(expression.0)], scope)
    }

    fn text(&self, expression: Expression, scope: &Scope<'_>) -> SmolStr {
        SmolStr::new(format!("{:?}", self.value(expression, scope)))
    }

    fn ask(&self, action: u8, _entry: &str, _scope: &Scope<'_>) -> Result<Ask, Expression> {
        let (kind, target) = &self.imported.actions[usize::from(action)];
        Ok(Ask::Webhook { name: SmolStr::new(format!("{kind}/{target}")), body: None })
    }
}
