//! When a rule speaks: its hours (`active`), or its only instants (`at`).

use crate::rule::{
    Cron, INSTANTS_EVERY_MIN, Instants, InvalidCron, InvalidSchedule, Period, Schedule, Weekday, parse_time_of_day, zone, zone_names,
};
use crate::source::keys::{ACTIVE, AT};
use crate::source::{Code, Diagnostic, Diagnostics, Fields, Node, Span, codes, did_you_mean, expect_text};

use super::part_of;

const ALL_DAYS: [u8; 7] = [0, 1, 2, 3, 4, 5, 6];

/// `{days: [MON, FRI], from: "06:00", to: "22:00", zone: Europe/Berlin}`, or a list of such.
pub(super) fn hours(node: &Node, problems: &mut Diagnostics) -> Option<Schedule> {
    let mut periods = Vec::new();
    let mut zone_of_all = None;
    for item in node.items_or_one() {
        let fields = Fields::read(&ACTIVE, item, "`active`", problems)?;
        let days = match fields.get("days") {
            Some(node) => days(node, problems)?,
            None => ALL_DAYS.map(Weekday).to_vec(),
        };
        let time = |key: &str, default: &str, problems: &mut Diagnostics| {
            let text = fields.text(key, problems).unwrap_or(default);
            let span = fields.get(key).map_or(fields.span, |node| node.span);
            parse_time_of_day(text).map_err(|error| problems.push(invalid(&error, span))).ok()
        };
        let (from, to) = (time("from", "00:00", problems)?, time("to", "24:00", problems)?);
        if let Some(node) = fields.get("zone") {
            zone_of_all = Some(zone_named(node, problems)?);
        }
        periods.push(Period::new(&days, from, to));
    }
    let zone = zone_of_all.unwrap_or(jiff::tz::TimeZone::UTC);
    Schedule::new(periods, zone).map_err(|error| problems.push(invalid(&error, node.span))).ok()
}

fn days(node: &Node, problems: &mut Diagnostics) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for item in node.items_or_one() {
        let text = expect_text(item, "a day", problems)?;
        days.push(Weekday::parse(text).map_err(|error| problems.push(invalid(&error, item.span))).ok()?);
    }
    Some(days)
}

/// `{cron: "0 6 * * 1", zone: Europe/Berlin}` or `{every: 1h}`
pub(super) fn instants(node: &Node, problems: &mut Diagnostics) -> Option<Instants> {
    let fields = Fields::read(&AT, node, "`at`", problems)?;
    if let Some(every) = fields.get("every") {
        let period = fields.duration("every", problems)?;
        let other = ["cron", "zone"].into_iter().find_map(|key| fields.entry(key));
        let wrong = match other {
            Some(other) => Some((other.key.span, format!("`{}` and `every` do not go together: keep one", other.key.text))),
            None if period < INSTANTS_EVERY_MIN => Some((every.span, "`every` is one second at least".to_owned())),
            None => None,
        };
        return match wrong {
            Some((span, message)) => {
                problems.push(Diagnostic::new(&codes::RULE_SCHEDULE, span, message));
                None
            }
            None => Some(Instants::Every(period)),
        };
    }
    let text = fields.text("cron", problems).or_else(|| {
        fields.require("cron", problems);
        None
    })?;
    let written = fields.get("cron")?;
    let wrong = |error: InvalidCron| {
        problems.push(Diagnostic::new(&codes::RULE_SCHEDULE, part_of(written, &error.place(text)), error.to_string()));
    };
    let cron = Cron::parse(text).map_err(wrong).ok()?;
    let zone = match fields.get("zone") {
        Some(node) => zone_named(node, problems)?,
        None => jiff::tz::TimeZone::UTC,
    };
    Some(Instants::Cron { cron: Box::new(cron), zone })
}

fn zone_named(node: &Node, problems: &mut Diagnostics) -> Option<jiff::tz::TimeZone> {
    let text = expect_text(node, "`zone`", problems)?;
    let wrong = |error: InvalidSchedule| {
        let zones = zone_names();
        problems.push(invalid(&error, node.span).suggest(did_you_mean(text, zones.iter().map(String::as_str))));
    };
    zone(text).map_err(wrong).ok()
}

fn invalid(error: &InvalidSchedule, span: Span) -> Diagnostic {
    let code: &'static Code = match error {
        InvalidSchedule::Zone(_) => &codes::WINDOW_SHAPE,
        InvalidSchedule::TimeOfDay(_) | InvalidSchedule::Day(_) | InvalidSchedule::Periods(_) => &codes::RULE_SCHEDULE,
    };
    Diagnostic::new(code, span, error.to_string())
}
