//! Parts of dates. The time zone is constant and looked up here, once.

use std::sync::LazyLock;

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::source::did_you_mean;

use super::super::kind::{Kind, Shape};
use super::super::problem::{Problem, Span};
use super::super::syntax::{Call, Syntax};
use super::super::tree::{Op, Part, Tree};
use super::Checker;

/// The zones that come with the program, not those of the machine: a replay elsewhere must give the same hours.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Checker<'_> {
    pub(super) fn calendar(&mut self, part: Part, target: &Syntax, call: &Call, span: Span) -> Option<Tree> {
        let tree = self.tree(target);
        let zone = match call.arguments.as_slice() {
            [] => Some(TimeZone::UTC),
            [zone] => self.zone(zone),
            _ => return self.arity(call, "a time zone if need be"),
        };
        let (tree, zone) = (tree?, zone?);
        let is_of_day = matches!(part, Part::Hours | Part::Minutes | Part::Seconds | Part::Milliseconds);
        let is_part_of_length = tree.shape.kind == Kind::Duration && is_of_day && call.arguments.is_empty();
        let fits = tree.shape.kind == Kind::Timestamp || is_part_of_length;
        if !fits {
            let message = format!("types do not fit: `{}` takes a timestamp, `{}` is {}", call.function, self.shown(tree.span), tree.shape);
            return self
                .refuse(Problem::new("E703", tree.span, message).hint("timeOf(x) is the time of a reading, now the time of the rule"));
        }
        Some(Tree::made(Op::Calendar(part, Box::new(tree), zone), span, Shape::new(Kind::Int)))
    }

    fn zone(&mut self, syntax: &Syntax) -> Option<TimeZone> {
        let Some(name) = syntax.text() else {
            return self.refuse(
                Problem::new("E703", syntax.span, "types do not fit: a time zone must be a constant text").hint("'Europe/Berlin'"),
            );
        };
        if let Some(zone) = ZONES.get(name).ok().or_else(|| fixed(name)) {
            return Some(zone);
        }
        let names: Vec<String> = ZONES.available().map(|name| name.to_string()).collect();
        let meant = did_you_mean(name, names.iter().map(String::as_str));
        let message = format!("`{name}` is no time zone{}", meant.map(|meant| format!(", {meant}?")).unwrap_or_default());
        self.refuse(Problem::new("E714", syntax.span, message))
    }
}

/// `+02:00`, `-05:30`, `02:00`
fn fixed(name: &str) -> Option<TimeZone> {
    let (sign, rest) = match name.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, name.strip_prefix('+').unwrap_or(name)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, limit: i32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| is_number && *number < limit)
    };
    let seconds = number(hours, 24)? * 3600 + number(minutes, 60)? * 60;
    Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
}
