//! What an answer means for a delivery: done, to be tried again, or not wanted.

use std::time::Duration;

use reqwest::StatusCode;

use crate::reading::Timestamp;

/// Characters of an answer that are kept for people to read.
const EXCERPT_CHARS_MAX: usize = 200;

/// What is looked at in an answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) retry_after: Option<&'a str>,
    pub(super) location: Option<&'a str>,
    /// How the body begins.
    pub(super) body: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Done { status: u16 },
    Again(Failure),
    Refused { status: Option<u16>, why: String },
}

/// A failure that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// `None`: there was no answer.
    pub(super) status: Option<u16>,
    pub(super) why: String,
    /// How long the receiver wants to be left alone.
    pub(super) asked: Option<Duration>,
}

impl Failure {
    pub(super) fn without_answer(why: String) -> Failure {
        Failure { status: None, why, asked: None }
    }
}

/// `now` is for a `Retry-After` that names an instant.
pub(super) fn judge(answer: &Answer<'_>, now: Timestamp) -> Verdict {
    let status = answer.status;
    match status {
        200..=299 => Verdict::Done { status },
        408 | 425 | 429 | 500..=599 => {
            let asked = answer.retry_after.and_then(|text| retry_after(text, now));
            Verdict::Again(Failure { status: Some(status), why: said(answer), asked })
        }
        300..=399 => {
            let to = answer.location.map(|location| format!(" to {}", excerpt(location.as_bytes()))).unwrap_or_default();
            let why = format!("{} redirects{to}; redirects are not followed: write the new URL in pollux.toml", named(status));
            Verdict::Refused { status: Some(status), why }
        }
        _ => Verdict::Refused { status: Some(status), why: said(answer) },
    }
}

/// Seconds, or an HTTP date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let micros = instant.as_microsecond().saturating_sub(now.0);
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

fn said(answer: &Answer<'_>) -> String {
    let words = excerpt(answer.body);
    if words.is_empty() { named(answer.status) } else { format!("{}: {words}", named(answer.status)) }
}

fn named(status: u16) -> String {
    let name = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    name.map_or_else(|| status.to_string(), |name| format!("{status} {name}"))
}

/// One line that can be printed, whatever came.
fn excerpt(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(EXCERPT_CHARS_MAX * 4)];
    let text = String::from_utf8_lossy(begin).replace(char::is_control, " ");
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut excerpt: String = words.chars().take(EXCERPT_CHARS_MAX).collect();
    if words.chars().count() > EXCERPT_CHARS_MAX || begin.len() < bytes.len() {
        excerpt.push('…');
    }
    excerpt
}
