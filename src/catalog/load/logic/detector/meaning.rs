//! What of a detector cannot change without its beginning anew: its states and what they ask and set, and the names that its places stand for.
//! What its actions and its alarm say may change while it runs.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::logic::Said;
use crate::rule::Expression;
use crate::rule::detector::{ActionDraft, DetectorDraft, Duration, EntryDraft, Mode, Scalar};

use super::steps::meaning_of;

/// A hash of the meaning, written out: it is the same in every build, so that an upgrade does not set detectors back.
pub(super) fn meaning(draft: &DetectorDraft, said: &[Said]) -> u64 {
    let mut text = String::new();
    let mode = match draft.mode {
        Mode::Batch => "batch",
        Mode::Serial => "serial",
    };
    line(&mut text, &[mode, &draft.initial]);
    // With what value it begins may change: that counts from the next beginning on.
    for variable in &draft.variables {
        line(&mut text, &["variable", &variable.name, variable.initial.as_ref().map_or("", kind)]);
    }
    for timer in draft.names().timers {
        line(&mut text, &["timer", &timer]);
    }
    for state in &draft.states {
        line(&mut text, &["state", &state.name]);
        for (phase, entries) in [("onEnter", &state.on_enter), ("onInput", &state.on_input), ("onExit", &state.on_exit)] {
            entries.iter().for_each(|entry| write_entry(&mut text, phase, entry, said));
        }
    }
    xxh3_64(text.as_bytes())
}

fn kind(value: &Scalar) -> &'static str {
    match value {
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) => "int",
        Scalar::Double(_) => "double",
        Scalar::Text(_) => "text",
        Scalar::Timestamp(_) => "timestamp",
        Scalar::Duration(_) => "duration",
    }
}

fn line(text: &mut String, parts: &[&str]) {
    // Writing into a text does not fail.
    let _written = writeln!(text, "{}", parts.join(" "));
}

fn write_entry(text: &mut String, phase: &str, entry: &EntryDraft, said: &[Said]) {
    let written = |expression: Expression| format!("{:032x}", meaning_of(said, expression));
    let when = entry.when.map_or_else(|| "always".to_owned(), written);
    line(text, &[phase, &when, entry.goto.as_deref().unwrap_or("-")]);
    for action in &entry.actions {
        match action {
            ActionDraft::Set { variable, value } => line(text, &["set", variable, &written(*value)]),
            ActionDraft::Start { timer, duration: Duration::Fixed(length) } => {
                line(text, &["start", timer, &length.as_micros().to_string()]);
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
