//! What a trial has shown: as data that is the same on every run, sorted and without any wall time, so that two reports can be compared.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use smol_str::SmolStr;

use crate::catalog::Layout;
use crate::catalog::layout::Section;
use crate::reading::{Timestamp, TwinId};
use crate::source::codes;

use super::difference::{Difference, Kind, differences};
use super::recording::Refused;
use super::run::Side;
use super::selection::Selection;
use super::tale::{Outcome, Readings, RuleTale};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `None`: nothing was recorded.
    pub from: Option<String>,
    pub to: Option<String>,
    pub readings: ReadingReport,
    /// The first of the lines that could not be used.
    pub refused: Vec<String>,
    pub rules: Vec<RuleReport>,
    pub occurrences: Vec<Occurrence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Vec<Differing>>,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadingReport {
    pub total: u64,
    pub new: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub out_of_order: u64,
    pub too_old: u64,
    pub rejected: u64,
    /// Of those above: too late for a window that was over.
    pub late: u64,
    /// Of those above: too late for rules that wait for older readings.
    #[serde(skip_serializing_if = "is_none")]
    pub late_for_view: u64,
    /// Of those above: taken by such rules in the place of another one of the same time.
    #[serde(skip_serializing_if = "is_none")]
    pub replaced_in_view: u64,
    /// Lines of the recording that could not be used.
    pub refused_lines: u64,
}

/// One rule of one type on all its twins.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// `Type.rule`
    pub rule: String,
    #[serde(flatten)]
    pub figures: Figures,
    /// The same of the rule as it stands, where it is compared with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Figures>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub twins: u64,
    pub raises: u64,
    /// Active at the end.
    pub open: u64,
    /// Until the end, where they were active then.
    pub active_seconds: Seconds,
    pub longest_seconds: Seconds,
    /// Of those that have ended.
    pub ended_active_seconds: Seconds,
    pub unknown_seconds: Seconds,
    pub avoided: u64,
    /// Occurrences that came in quick succession.
    pub chattering: u64,
    pub levels_up: u64,
    pub levels_down: u64,
    pub evaluations: u64,
    /// Occurrences that count and are not listed, because there are too many.
    #[serde(skip_serializing_if = "is_none")]
    pub not_listed: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Microseconds, written as seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub i64);

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Occurrence {
    pub twin: String,
    pub rule: String,
    pub no: u32,
    pub severity: &'static str,
    pub first_true_at: String,
    pub raised_at: String,
    pub cleared_at: Option<String>,
    pub closed_at: Option<String>,
    pub closed: Option<&'static str>,
    pub count: u32,
    pub levels_up: u32,
    pub levels_down: u32,
    pub text: String,
    /// The evidence of the raise, as JSON. Reports tell it with differences only.
    #[serde(skip)]
    pub evidence: Option<SmolStr>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Differing {
    #[serde(skip)]
    pub kind: Kind,
    pub difference: &'static str,
    #[serde(flatten)]
    pub occurrence: Occurrence,
    /// When it was raised and cleared before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Occurrence>,
    /// The evidence of the raise.
    pub explain: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain_was: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub code: &'static str,
    pub rule: String,
    pub message: String,
}

/// By the name of the rule, and in it by the twin.
type Tales<'a> = BTreeMap<String, BTreeMap<&'a TwinId, (&'a Arc<Layout>, usize, &'a RuleTale)>>;

impl Report {
    pub(super) fn new(
        sides: &[Side<'_>],
        selection: &Selection,
        span: Option<(Timestamp, Timestamp)>,
        (refused, refused_lines): (Vec<Refused>, u64),
    ) -> Report {
        let end = span.map_or(Timestamp(i64::MIN), |(_, end)| end);
        let tales: Vec<Tales<'_>> = sides.iter().map(|side| tales(side, selection)).collect();
        let (Some(candidate), current) = (tales.first(), tales.get(1)) else { return Report::empty() };
        let none = BTreeMap::new();
        let names: BTreeSet<&String> = tales.iter().flat_map(BTreeMap::keys).collect();
        let mut rules = Vec::new();
        let mut found = Vec::new();
        for name in names {
            let figures = |tales: &Tales<'_>| Figures::of(tales.get(name).unwrap_or(&none).values().map(|(_, _, tale)| *tale), end);
            rules.push(RuleReport { rule: name.clone(), figures: figures(candidate), current: current.map(figures) });
            if let Some(current) = current {
                let (is, was) = (candidate.get(name).unwrap_or(&none), current.get(name).unwrap_or(&none));
                found.extend(differing(name, was, is));
            }
        }
        let mut occurrences: Vec<(Timestamp, Occurrence)> = Vec::new();
        for (name, twins) in candidate {
            for (twin, (_, _, tale)) in twins {
                occurrences.extend(tale.occurrences.iter().map(|outcome| (outcome.raised_at, Occurrence::of(twin, name, outcome))));
            }
        }
        occurrences.sort_by(|(a, one), (b, other)| (a, &one.twin, &one.rule, one.no).cmp(&(b, &other.twin, &other.rule, other.no)));
        found.sort_by(|(a, one), (b, other)| {
            (a, &one.occurrence.twin, &one.occurrence.rule).cmp(&(b, &other.occurrence.twin, &other.occurrence.rule))
        });
        Report {
            from: span.map(|(from, _)| from.to_string()),
            to: span.map(|(_, to)| to.to_string()),
            readings: ReadingReport::of(sides[0].tale.readings, refused_lines),
            refused: refused.iter().map(ToString::to_string).collect(),
            rules,
            occurrences: occurrences.into_iter().map(|(_, occurrence)| occurrence).collect(),
            differences: current.map(|_| found.into_iter().map(|(_, differing)| differing).collect()),
            warnings: if span.is_some() { never_known(&sides[0], candidate) } else { Vec::new() },
        }
    }

    fn empty() -> Report {
        Report {
            from: None,
            to: None,
            readings: ReadingReport::of(Readings::default(), 0),
            refused: Vec::new(),
            rules: Vec::new(),
            occurrences: Vec::new(),
            differences: None,
            warnings: Vec::new(),
        }
    }

    /// Whether another rule would have made a difference.
    pub fn differs(&self) -> bool {
        self.differences.as_ref().is_some_and(|differences| !differences.is_empty())
    }

    /// As JSON, the same text for the same trial.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        text + "\n"
    }
}

fn tales<'a>(side: &'a Side<'_>, selection: &Selection) -> Tales<'a> {
    let mut tales = Tales::new();
    for (twin, layout, place, tale) in side.tale.rules(!selection.names_rules()) {
        let id = &layout.logic.rules[place].rule.id;
        if selection.has_twin(twin) && selection.has_rule(layout, id) {
            tales.entry(format!("{}.{id}", layout.name)).or_default().insert(twin, (layout, place, tale));
        }
    }
    tales
}

fn differing(
    rule: &str,
    was: &BTreeMap<&TwinId, (&Arc<Layout>, usize, &RuleTale)>,
    is: &BTreeMap<&TwinId, (&Arc<Layout>, usize, &RuleTale)>,
) -> Vec<(Timestamp, Differing)> {
    let twins: BTreeSet<&TwinId> = was.keys().chain(is.keys()).copied().collect();
    let occurrences = |side: &BTreeMap<&TwinId, (&Arc<Layout>, usize, &'_ RuleTale)>, twin: &TwinId| -> Vec<Outcome> {
        side.get(twin).map(|(_, _, tale)| tale.occurrences.clone()).unwrap_or_default()
    };
    let mut all = Vec::new();
    for twin in twins {
        let (was, is) = (occurrences(was, twin), occurrences(is, twin));
        all.extend(differences(&was, &is).iter().map(|difference| Differing::of(twin, rule, difference)));
    }
    all
}

/// Rules that saw no value to judge in all that was recorded.
fn never_known(side: &Side<'_>, tales: &Tales<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (name, twins) in tales {
        let Some((layout, place, _)) = twins.values().next() else { continue };
        let spec = &layout.logic.rules[*place];
        if !spec.rule.enabled || twins.values().any(|(_, _, tale)| tale.was_known) {
            continue;
        }
        let heard = |path: &str| {
            let states = twins.keys().filter_map(|twin| side.plant.place(twin.as_str())).map(|place| &side.plant.twin(place).state);
            states.clone().any(|state| state.layout.slot_by_path(path).is_some_and(|slot| state.slot(slot).value.is_some()))
        };
        let missing: Vec<&str> =
            spec.reads.iter().map(|slot| layout.slot(*slot)).map(|slot| &*slot.path).filter(|path| !heard(path)).collect();
        let is_set = |path: &&str| layout.slot_by_path(path).is_some_and(|slot| layout.slot(slot).section == Section::Property);
        let verb = if missing.iter().all(is_set) { "set" } else { "received" };
        let why = match missing.as_slice() {
            [] => "what it reads was never known at one time".to_owned(),
            [one] => format!("{one} was never {verb}"),
            many => format!("{} were never {verb}", many.join(", ")),
        };
        let message = format!("this rule has never been known in the backtest range: {why}");
        warnings.push(Warning { code: codes::NEVER_KNOWN.id, rule: name.clone(), message });
    }
    warnings
}

impl ReadingReport {
    fn of(readings: Readings, refused_lines: u64) -> ReadingReport {
        let Readings { new, duplicate, conflict, out_of_order, too_old, rejected, late, late_for_view, replaced_in_view } = readings;
        let total = readings.total();
        ReadingReport {
            total,
            new,
            duplicate,
            conflict,
            out_of_order,
            too_old,
            rejected,
            late,
            late_for_view,
            replaced_in_view,
            refused_lines,
        }
    }
}

impl Figures {
    fn of<'a>(tales: impl Iterator<Item = &'a RuleTale>, end: Timestamp) -> Figures {
        let mut all = Figures::default();
        for tale in tales {
            all.twins += 1;
            all.raises += tale.raises;
            all.avoided += tale.avoided;
            all.evaluations += tale.evaluations;
            all.unknown_seconds.add(tale.unknown_until(end));
            all.active_seconds.add(tale.untold.active_micros);
            all.ended_active_seconds.add(tale.untold.active_micros);
            all.longest_seconds = all.longest_seconds.max(Seconds(tale.untold.longest_micros));
            all.chattering += tale.untold.chattering;
            all.levels_up += tale.untold.levels_up;
            all.levels_down += tale.untold.levels_down;
            all.not_listed += tale.untold.count.saturating_sub(1);
            for outcome in &tale.occurrences {
                let active = outcome.active_until(end);
                all.active_seconds.add(active);
                all.longest_seconds = all.longest_seconds.max(Seconds(active));
                match outcome.ended_at() {
                    Some(_) => all.ended_active_seconds.add(active),
                    None => all.open += 1,
                }
                all.chattering += u64::from(outcome.chattering);
                all.levels_up += u64::from(outcome.levels_up);
                all.levels_down += u64::from(outcome.levels_down);
            }
        }
        all
    }
}

impl Seconds {
    fn add(&mut self, micros: i64) {
        self.0 = self.0.saturating_add(micros);
    }
}

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1_000_000 {
            0 => serializer.serialize_i64(self.0 / 1_000_000),
            _ => serializer.serialize_f64(self.0 as f64 / 1e6),
        }
    }
}

impl Occurrence {
    fn of(twin: &TwinId, rule: &str, outcome: &Outcome) -> Occurrence {
        let text = |time: Timestamp| time.to_string();
        Occurrence {
            twin: twin.to_string(),
            rule: rule.to_owned(),
            no: outcome.no,
            severity: outcome.severity.as_str(),
            first_true_at: text(outcome.first_true_at),
            raised_at: text(outcome.raised_at),
            cleared_at: outcome.cleared_at.map(text),
            closed_at: outcome.closed_at.map(text),
            closed: outcome.closed.map(|reason| reason.as_str()),
            count: outcome.count,
            levels_up: outcome.levels_up,
            levels_down: outcome.levels_down,
            text: outcome.text.to_string(),
            evidence: outcome.explain.clone(),
        }
    }
}

impl Differing {
    fn of(twin: &TwinId, rule: &str, difference: &Difference<'_>) -> (Timestamp, Differing) {
        let (shown, was) = difference.sides();
        let explain = |outcome: &Outcome| outcome.explain.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let differing = Differing {
            kind: difference.kind(),
            difference: difference.kind().as_str(),
            occurrence: Occurrence::of(twin, rule, shown),
            was: was.map(|was| Occurrence::of(twin, rule, was)),
            explain: explain(shown),
            explain_was: was.and_then(explain),
        };
        (shown.raised_at, differing)
    }
}
