//! A report for people.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::backtest::tale::OCCURRENCES_MAX;
use crate::backtest::words::span;

use super::{Differing, Figures, Occurrence, Report};

/// Occurrences and differences that are listed; JSON has all of them.
const LISTED_MAX: usize = 40;
/// Values of an explanation that are shown.
const VALUES_MAX: usize = 8;

impl Report {
    /// As a table, what was different, and the first of the occurrences.
    pub fn to_table(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).map_or_else(|_| String::new(), |()| out)
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        self.write_readings(out)?;
        self.write_rules(out)?;
        match &self.differences {
            Some(differences) => write_differences(differences, out)?,
            None => write_occurrences(&self.occurrences, out)?,
        }
        let not_listed: u64 = self.rules.iter().map(|rule| rule.figures.not_listed).sum();
        if not_listed > 0 {
            writeln!(
                out,
                "{} occurrences are counted and not kept: the most are {}",
                grouped(not_listed),
                grouped(OCCURRENCES_MAX as u64)
            )?;
        }
        for warning in &self.warnings {
            writeln!(out, "\nwarning[{}]: {}: {}", warning.code, warning.rule, warning.message)?;
        }
        Ok(())
    }

    fn write_readings(&self, out: &mut String) -> std::fmt::Result {
        let readings = &self.readings;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(out, "{} readings from {from} to {to}", grouped(readings.total))?,
            _ => write!(out, "no readings")?,
        }
        let outcomes = [
            (readings.new, "new"),
            (readings.duplicate, "duplicate"),
            (readings.conflict, "of a time that had another value"),
            (readings.out_of_order, "out of order"),
            (readings.too_old, "too old"),
            (readings.rejected, "rejected"),
            (readings.late, "too late for a window"),
            (readings.late_for_view, "too late for rules that wait"),
            (readings.replaced_in_view, "in the place of one that waited"),
        ];
        let said: Vec<String> =
            outcomes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
        writeln!(out, "{}{}", if said.is_empty() { "" } else { ": " }, said.join(", "))?;
        if readings.refused_lines > 0 {
            writeln!(out, "{} lines could not be used:", grouped(readings.refused_lines))?;
            self.refused.iter().try_for_each(|refused| writeln!(out, "  {refused}"))?;
            let more = readings.refused_lines.saturating_sub(self.refused.len() as u64);
            if more > 0 {
                writeln!(out, "  … and {} more", grouped(more))?;
            }
        }
        Ok(())
    }

    fn write_rules(&self, out: &mut String) -> std::fmt::Result {
        if self.rules.is_empty() {
            return writeln!(out, "\nno rules");
        }
        let header = ["RULE", "TWINS", "RAISES", "OPEN", "ACTIVE", "LONGEST", "UNKNOWN", "AVOIDED", "CHATTER", "EVALUATIONS"];
        let mut rows = vec![header.map(str::to_owned)];
        for rule in &self.rules {
            rows.push(row(&rule.rule, &rule.figures));
            rows.extend(rule.current.as_ref().map(|current| row("  current", current)));
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        writeln!(out)?;
        for row in &rows {
            let mut line = format!("{:<width$}", row[0], width = widths[0]);
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(line, "  {cell:>width$}")?;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn row(name: &str, figures: &Figures) -> [String; 10] {
    [
        name.to_owned(),
        grouped(figures.twins),
        grouped(figures.raises),
        grouped(figures.open),
        span(figures.active_seconds.0),
        span(figures.longest_seconds.0),
        span(figures.unknown_seconds.0),
        grouped(figures.avoided),
        grouped(figures.chattering),
        grouped(figures.evaluations),
    ]
}

fn write_occurrences(occurrences: &[Occurrence], out: &mut String) -> std::fmt::Result {
    if occurrences.is_empty() {
        return writeln!(out, "\nno alarm was raised");
    }
    writeln!(out)?;
    for occurrence in occurrences.iter().take(LISTED_MAX) {
        writeln!(out, "{}", line(occurrence))?;
    }
    more(occurrences.len(), out)
}

fn write_differences(differences: &[Differing], out: &mut String) -> std::fmt::Result {
    if differences.is_empty() {
        return writeln!(out, "\nno difference: the same alarms were raised and cleared at the same times");
    }
    let count = |kind: &str| differences.iter().filter(|differing| differing.difference == kind).count();
    writeln!(out, "\n{} added, {} removed, {} moved", count("added"), count("removed"), count("moved"))?;
    for differing in differences.iter().take(LISTED_MAX) {
        let sign = match differing.difference {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        writeln!(out, "{sign} {}", line(&differing.occurrence))?;
        if let Some(was) = &differing.was {
            writeln!(out, "    was {}", times(was))?;
        }
        for (what, explain) in [("because", &differing.explain), ("was because", &differing.explain_was)] {
            if let Some(values) = explain.as_ref().and_then(because) {
                writeln!(out, "    {what} {values}")?;
            }
        }
    }
    more(differences.len(), out)
}

fn more(count: usize, out: &mut String) -> std::fmt::Result {
    match count.saturating_sub(LISTED_MAX) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more: --format json has them all"),
    }
}

fn line(occurrence: &Occurrence) -> String {
    let Occurrence { twin, rule, no, severity, text, .. } = occurrence;
    format!("{twin} {rule}/{no} {severity} {}: {text}", times(occurrence))
}

fn times(occurrence: &Occurrence) -> String {
    match (&occurrence.cleared_at, &occurrence.closed) {
        (Some(cleared), _) => format!("{} → {cleared}", occurrence.raised_at),
        (None, Some(reason)) => format!("{} → {} ({reason})", occurrence.raised_at, occurrence.closed_at.as_deref().unwrap_or("?")),
        (None, None) => format!("{} → still active", occurrence.raised_at),
    }
}

/// The condition and the values behind it.
fn because(explain: &Json) -> Option<String> {
    let condition = explain["condition"].as_str()?;
    let value = |part: &Json| {
        let unit = part["unit"].as_str().map(|unit| format!(" {unit}")).unwrap_or_default();
        Some(format!("{} = {}{unit}", part["expr"].as_str()?, part["value"]))
    };
    let values: Vec<String> = explain["values"].as_array()?.iter().filter_map(value).take(VALUES_MAX).collect();
    let by_silence = || format!("nothing was heard; {}", values.join(", "));
    Some(if condition.is_empty() { by_silence() } else { format!("{condition}; {}", values.join(", ")) })
}

/// `1,234,567`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
