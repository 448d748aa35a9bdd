//! Calls: which function is meant. A function that does not exist is often a window in disguise.

use crate::source::did_you_mean;

use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::scope::{Quoted, Resolved};
use super::super::syntax::{Call, Syntax};
use super::super::tree::{Function, How, Op, Part, Tree};
use super::Checker;
use super::arithmetic::named;

/// Every name that can be called, for suggestions.
const CALLED: &str = "size int double string bool timestamp duration has known orElse previous changed timeOf quality quantity convert timeout \
     input event children related ancestor contains startsWith endsWith matches lowerAscii upperAscii trim substring replace all exists \
     exists_one map filter getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds \
     getMilliseconds math.abs math.ceil math.floor math.round math.trunc math.sign math.sqrt math.greatest math.least math.isFinite math.pow \
     math.exp math.ln math.log10 math.sin math.cos math.tan math.atan2 math.hypot math.clamp math.pi math.e geo.distance geo.inside";

/// What a window does with its readings, and what else people call it.
const WINDOWS: &str = "count sum avg variance stddev min max first last delta rate slope quantile timeAvg integral timeIn transitions";
const WINDOW_ALIASES: [(&str, &str); 5] =
    [("average", "avg"), ("mean", "avg"), ("median", "quantile"), ("percentile", "quantile"), ("derivative", "rate")];

const TEXT_FUNCTIONS: [(&str, Function); 7] = [
    ("contains", Function::Contains),
    ("startsWith", Function::StartsWith),
    ("endsWith", Function::EndsWith),
    ("lowerAscii", Function::LowerAscii),
    ("upperAscii", Function::UpperAscii),
    ("trim", Function::Trim),
    ("replace", Function::Replace),
];

const PARTS: [(&str, Part); 10] = [
    ("getFullYear", Part::FullYear),
    ("getMonth", Part::Month),
    ("getDate", Part::Date),
    ("getDayOfMonth", Part::DayOfMonth),
    ("getDayOfWeek", Part::DayOfWeek),
    ("getDayOfYear", Part::DayOfYear),
    ("getHours", Part::Hours),
    ("getMinutes", Part::Minutes),
    ("getSeconds", Part::Seconds),
    ("getMilliseconds", Part::Milliseconds),
];

const COMPREHENSIONS: [(&str, How); 6] = [
    ("all", How::All),
    ("exists", How::Exists),
    ("exists_one", How::ExistsOne),
    ("existsOne", How::ExistsOne),
    ("map", How::Map),
    ("filter", How::Filter),
];

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Option<Tree> {
        let Some(target) = &call.target else { return self.global(call, span) };
        match target.name() {
            Some("math") => return self.math(call, span),
            Some("geo") => return self.geo(call, span),
            _ => {}
        }
        if let Some(over) = self.twins(target) {
            return self.fold(&over?, call, span);
        }
        self.method(target, call, span)
    }

    fn global(&mut self, call: &Call, span: Span) -> Option<Tree> {
        match &*call.function {
            "known" | "orElse" | "previous" | "changed" | "timeOf" | "quality" | "has" => self.state(call, span),
            "quantity" | "convert" => self.units(call, span),
            "timeout" => self.quoted(Quoted::Timeout, call, span),
            "input" => self.quoted(Quoted::Input, call, span),
            "event" => self.quoted(Quoted::Event, call, span),
            "size" => self.size(self_argument(call), call, span),
            "matches" => match call.arguments.as_slice() {
                [text, pattern] => self.matches(text, pattern, span),
                _ => self.arity(call, "a text and a pattern"),
            },
            "int" | "double" | "string" | "bool" | "timestamp" | "duration" => self.conversion(call, span),
            "children" | "related" => {
                let message = format!("`{}` is no value: other twins are folded", self.shown(span));
                self.refuse(Problem::new("E702", span, message).hint("children('Pump').count(p, p.temperature > 80)"))
            }
            "ancestor" => {
                let message = "an ancestor is no value: read one of its members";
                self.refuse(Problem::new("E702", span, message).hint("ancestor('Site').setpoint"))
            }
            _ => self.unknown_function(call),
        }
    }

    fn method(&mut self, target: &Syntax, call: &Call, span: Span) -> Option<Tree> {
        if let Some((_, how)) = COMPREHENSIONS.iter().find(|(name, _)| *name == &*call.function) {
            return self.comprehension(*how, target, call, span);
        }
        if let Some((_, function)) = TEXT_FUNCTIONS.iter().find(|(name, _)| *name == &*call.function) {
            return self.text_function(*function, target, call, span);
        }
        if let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == &*call.function) {
            return self.calendar(*part, target, call, span);
        }
        match &*call.function {
            "size" if call.arguments.is_empty() => self.size(Some(target), call, span),
            "substring" => self.substring(target, call, span),
            "matches" => match call.arguments.as_slice() {
                [pattern] => self.matches(target, pattern, span),
                _ => self.arity(call, "a pattern"),
            },
            _ => self.unknown_function(call),
        }
    }

    fn size(&mut self, target: Option<&Syntax>, call: &Call, span: Span) -> Option<Tree> {
        let Some(target) = target else { return self.arity(call, "a text, a list or a map") };
        let tree = named(self.tree(target)?);
        if !matches!(tree.shape.kind, Kind::Text | Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Any) {
            let message = format!("types do not fit: `size` counts a text, a list or a map, `{}` is {}", self.shown(tree.span), tree.shape);
            return self.refuse(Problem::new("E703", tree.span, message));
        }
        Some(Tree::made(Op::Call(Function::Size, Box::new([tree])), span, Shape::new(Kind::Int)))
    }

    fn conversion(&mut self, call: &Call, span: Span) -> Option<Tree> {
        let [only] = call.arguments.as_slice() else { return self.arity(call, "one value") };
        let tree = named(self.tree(only)?);
        let own = &tree.shape.kind;
        let (function, kind, fits) = match &*call.function {
            "int" => (Function::ToInt, Kind::Int, matches!(own, Kind::Int | Kind::Double | Kind::Text | Kind::Timestamp | Kind::Any)),
            "double" => (Function::ToDouble, Kind::Double, matches!(own, Kind::Int | Kind::Double | Kind::Text | Kind::Any)),
            "string" => {
                let fits = !matches!(own, Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Geo);
                (Function::ToText, Kind::Text, fits)
            }
            "bool" => (Function::ToBool, Kind::Bool, matches!(own, Kind::Bool | Kind::Text | Kind::Any)),
            "timestamp" => (Function::ToTimestamp, Kind::Timestamp, matches!(own, Kind::Timestamp | Kind::Text | Kind::Int | Kind::Any)),
            _ => (Function::ToDuration, Kind::Duration, matches!(own, Kind::Duration | Kind::Text | Kind::Any)),
        };
        if !fits {
            let message = format!("types do not fit: `{}` cannot read {}", call.function, tree.shape);
            return self.refuse(Problem::new("E703", tree.span, message));
        }
        let keeps_unit = matches!(kind, Kind::Int | Kind::Double);
        let measure = tree.shape.measure.clone().filter(|_| keeps_unit);
        let was_constant = tree.as_constant().is_some();
        let made = Tree::made(Op::Call(function, Box::new([tree])), span, Shape::new(kind).measured(measure));
        if was_constant && made.as_constant().is_none() {
            let message = format!(
                "types do not fit: `{}` is no {}",
                self.shown(only.span),
                made.shape.kind.describe().trim_start_matches("a ").trim_start_matches("an ")
            );
            return self.refuse(Problem::new("E703", only.span, message));
        }
        Some(made)
    }

    fn quoted(&mut self, what: Quoted, call: &Call, span: Span) -> Option<Tree> {
        let [only] = call.arguments.as_slice() else { return self.arity(call, "a quoted name") };
        let Some(name) = only.text() else {
            let message = format!("types do not fit: `{}` takes a quoted name", call.function);
            return self.refuse(Problem::new("E703", only.span, message).hint(format!("{}('name')", call.function)));
        };
        if self.subject.is_some() {
            return self.refuse(Problem::new(
                "E702",
                span,
                format!("`{}` cannot be read here: the body of a fold may use only members and constants", call.function),
            ));
        }
        match self.scope.quoted(what, name) {
            Ok(operand) => {
                let resolved = Resolved::new(operand, Shape::new(Kind::Bool));
                Some(self.read_quoted(resolved, span))
            }
            Err(refusal) => self.refused(refusal, only.span),
        }
    }

    pub(super) fn arity<T>(&mut self, call: &Call, takes: &str) -> Option<T> {
        let message = format!("types do not fit: `{}` takes {takes}; here are {} arguments", call.function, call.arguments.len());
        self.refuse(Problem::new("E703", call.function_span, message))
    }

    pub(super) fn unknown_function<T>(&mut self, call: &Call) -> Option<T> {
        let target = call.target.as_ref().and_then(Syntax::name).filter(|target| matches!(*target, "math" | "geo"));
        let name = target.map_or_else(|| call.function.to_string(), |target| format!("{target}.{}", call.function));
        let math = format!("math.{name}");
        let span = call.function_span;
        let called = || CALLED.split_whitespace();
        if called().any(|own| own == math) {
            return self.refuse(
                Problem::new("E706", span, format!("unknown function `{name}`; did you mean `{math}`?")).hint(format!("write {math}")),
            );
        }
        let alias = WINDOW_ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, agg)| *agg);
        if let Some(agg) = alias.or_else(|| WINDOWS.split_whitespace().find(|agg| *agg == name)) {
            let message =
                format!("unknown function `{name}`; windows are declared under `computed`: {agg}: {{of: …, agg: {agg}, window: …}}");
            return self.refuse(Problem::new("E706", span, message));
        }
        let meant = did_you_mean(&name, called());
        let message = format!("unknown function `{name}`{}", meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default());
        self.refuse(Problem::new("E706", span, message).maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?"))))
    }
}

fn self_argument(call: &Call) -> Option<&Syntax> {
    if let [only] = call.arguments.as_slice() { Some(only) } else { None }
}
