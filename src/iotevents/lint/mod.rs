//! What cannot work, or will not work as it looks: AWS's own analysis and ours (`seed-systems.md`, 1.6).
//!
//! An ERROR is what cannot run, or what AWS's analysis calls one. Limits of AWS that are none of ours are warnings.

mod flow;
mod limits;
mod names;
mod references;
mod sticky;
mod structure;
#[cfg(test)]
mod tests;
mod timers;
mod types;
mod view;

use super::detector::{compile, compile_alarm, exceeds};
use super::expression::{Term, parse};
use super::file::{AlarmModel, DetectorModel, Input, Sample};
use super::finding::{Finding, Findings, Kind, Level};
use crate::alarm::Severity;
use view::View;

/// What is known besides the model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    pub inputs: &'a [Input],
    /// Payloads that were seen.
    pub samples: &'a [Sample],
}

/// All there is to say about a model that was read, errors that keep it from running among it. Sorted by kind; of one kind, as they stand in the
/// file.
pub fn lint(file: &str, model: &DetectorModel, beside: &Beside<'_>) -> Vec<Finding> {
    let (_, mut list) = compile(file, model);
    if exceeds(model).is_some() {
        return list;
    }
    let mut findings = Findings::new(file);
    let view = View::new(model);
    structure::check(&view, &mut findings);
    limits::check(&view, &mut findings);
    types::check(&view, &mut findings);
    references::check(&view, beside, &mut findings);
    let reader = names::Reader {
        terms: view.events().flat_map(view::EventView::terms).collect(),
        key: model.key.as_deref(),
        key_place: &model.key_place,
        place: &model.place,
    };
    names::check(&reader, beside, &mut findings);
    timers::check(&view, &mut findings);
    sticky::check(&view, &mut findings);
    join(&mut list, findings);
    list
}

/// The same for an alarm model.
pub fn lint_alarm(file: &str, model: &AlarmModel, beside: &Beside<'_>) -> Vec<Finding> {
    let (_, mut list) = compile_alarm(file, model, Severity::default());
    let mut findings = Findings::new(file);
    let expressions = [("inputProperty", &model.property), ("threshold", &model.threshold)];
    let terms = expressions.map(|(key, text)| (parse(text).ok(), format!("{}.{key}", model.place)));
    let terms: Vec<(&Term, &str)> = terms.iter().filter_map(|(term, place)| Some((term.as_ref()?, place.as_str()))).collect();
    references::check_inputs("Alarm Model Definition", terms.iter().copied(), beside, &mut findings);
    let reader = names::Reader { terms, key: model.key.as_deref(), key_place: &model.key_place, place: &model.place };
    names::check(&reader, beside, &mut findings);
    if let Some(severity) = model.severity {
        let message = format!("severity {severity} is told on as it is; the alarm here has the severity of its rule");
        findings.info(Kind::Import, "severity", message);
    }
    join(&mut list, findings);
    list
}

fn join(list: &mut Vec<Finding>, findings: Findings) {
    for finding in findings.into_list() {
        if !list.contains(&finding) {
            list.push(finding);
        }
    }
    list.sort_by_key(|finding| finding.kind);
}

/// Whether any of them keeps the file from being used.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}
