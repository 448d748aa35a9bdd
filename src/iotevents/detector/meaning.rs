//! What of a detector cannot change without its beginning anew: its states, and what they ask and set. What it sends may change while it runs.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use crate::rule::Expression;
use crate::rule::detector::{ActionDraft, DetectorDraft, Duration, EntryDraft, Mode};

use super::super::expression::{Step, Term};

/// A hash of the meaning, written out: it is the same in every build, so that an upgrade does not set detectors back.
pub(super) fn meaning(draft: &DetectorDraft, terms: &[Term], key: Option<&[Step]>) -> u64 {
    let mut text = String::new();
    let mode = match draft.mode {
        Mode::Batch => "BATCH",
        Mode::Serial => "SERIAL",
    };
    line(&mut text, &[mode, &draft.initial]);
    for step in key.unwrap_or_default() {
        match step {
            Step::Name(name) => line(&mut text, &["key", name]),
            Step::Index(index) => line(&mut text, &["key", &format!("[{index}]")]),
        }
    }
    for state in &draft.states {
        line(&mut text, &["state", &state.name]);
        for (phase, entries) in [("onEnter", &state.on_enter), ("onInput", &state.on_input), ("onExit", &state.on_exit)] {
            entries.iter().for_each(|entry| write_entry(&mut text, phase, entry, terms));
        }
    }
    xxh3_64(text.as_bytes())
}

/// Parts are told apart by a character that stands in no name.
fn line(text: &mut String, parts: &[&str]) {
    // Writing into a text does not fail.
    let _written = writeln!(text, "{}", parts.join("\u{1f}"));
}

fn write_entry(text: &mut String, phase: &str, entry: &EntryDraft, terms: &[Term]) {
    let written = |expression: Expression| terms.get(usize::from(expression.0)).map(Term::to_string).unwrap_or_default();
    let when = entry.when.map(written).unwrap_or_default();
    line(text, &[phase, &when, entry.goto.as_deref().unwrap_or_default()]);
    for action in &entry.actions {
        match action {
            ActionDraft::Set { variable, value } => line(text, &["set", variable, &written(*value)]),
            ActionDraft::Start { timer, duration: Duration::Fixed(length) } => {
                line(text, &["start", timer, &length.as_micros().to_string()])
            }
            ActionDraft::Start { timer, duration: Duration::Seconds(seconds) } => line(text, &["start", timer, &written(*seconds)]),
            ActionDraft::Reset { timer } => line(text, &["reset", timer]),
            ActionDraft::Stop { timer } => line(text, &["stop", timer]),
            ActionDraft::Raise { .. } => line(text, &["raise"]),
            ActionDraft::Clear => line(text, &["clear"]),
            ActionDraft::Act { .. } => {}
        }
    }
}
