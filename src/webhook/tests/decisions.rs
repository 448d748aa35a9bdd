//! What is decided without a network: verdicts, pauses, signatures, and what a setting may be.

use std::time::Duration;

use crate::reading::Timestamp;
use crate::webhook::back_off::BackOff;
use crate::webhook::verdict::{Answer, Verdict, judge};
use crate::webhook::{Headers, HookConfig, HookUrl, sign};

const NOW: &str = "2026-01-11T05:40:00Z";

fn check(answer: Answer<'_>, expected: &str) {
    let shown = match judge(&answer, Timestamp::parse_rfc3339(NOW).unwrap()) {
        Verdict::Done { status } => format!("done {status}"),
        Verdict::Again(failure) => format!("again {:?} {}", failure.asked, failure.why),
        Verdict::Refused { why, .. } => format!("refused {why}"),
    };
    assert_eq!(shown, expected);
}

fn status(status: u16) -> Answer<'static> {
    Answer { status, ..Answer::default() }
}

#[test]
fn answers() {
    check(status(200), "done 200");
    check(status(204), "done 204");
    for (code, name) in [(408, "Request Timeout"), (425, "Too Early"), (429, "Too Many Requests"), (500, "Internal Server Error")] {
        check(status(code), &format!("again None {code} {name}"));
    }
    check(status(599), "again None 599");
    check(Answer { body: b" down for\r\nrepairs \x07", ..status(503) }, "again None 503 Service Unavailable: down for repairs");
    check(Answer { body: b"{\"error\": \"no asset\"}", ..status(400) }, "refused 400 Bad Request: {\"error\": \"no asset\"}");
    check(status(410), "refused 410 Gone");
    check(status(600), "refused 600");
    check(
        Answer { location: Some("https://new.example/"), ..status(301) },
        "refused 301 Moved Permanently redirects to https://new.example/; redirects are not followed: write the new URL in pollux.toml",
    );
}

#[test]
fn a_long_answer_is_cut() {
    let long = "ä".repeat(1_000);
    check(Answer { body: long.as_bytes(), ..status(400) }, &format!("refused 400 Bad Request: {}…", "ä".repeat(200)));
    check(Answer { body: &[0xff; 900], ..status(400) }, &format!("refused 400 Bad Request: {}…", "\u{fffd}".repeat(200)));
}

#[test]
fn receivers_ask_for_a_pause() {
    let asked = |text| Answer { retry_after: Some(text), ..status(429) };
    check(asked("120"), "again Some(120s) 429 Too Many Requests");
    check(asked("Sun, 11 Jan 2026 05:41:30 GMT"), "again Some(90s) 429 Too Many Requests");
    check(asked("Sun, 11 Jan 2026 05:00:00 GMT"), "again Some(0ns) 429 Too Many Requests");
    check(asked("soon"), "again None 429 Too Many Requests");
    check(asked("-5"), "again None 429 Too Many Requests");
    check(asked("99999999999999999999999"), "again None 429 Too Many Requests");
}

#[test]
fn pauses_double_and_are_scattered() {
    let back_off = BackOff::default();
    for failed in 1..200 {
        let whole = Duration::from_secs(1u64.checked_shl(failed - 1).unwrap_or(u64::MAX).clamp(1, 300));
        let pauses: Vec<Duration> = (0..50).map(|n| back_off.pause(&format!("pump-{n}/hot/1/1/0"), failed, None)).collect();
        assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{failed}: {pauses:?}");
        assert!(pauses.iter().max() > pauses.iter().min().map(|least| least.mul_f64(1.5)).as_ref(), "{failed}: they come together");
    }
    assert_eq!(back_off.pause("a", 3, None), back_off.pause("a", 3, None));
    assert_ne!(back_off.pause("a", 9, None), back_off.pause("a", 10, None));
}

#[test]
fn a_receiver_gets_at_most_an_hour() {
    let back_off = BackOff::default();
    let asked = |seconds| back_off.pause("a", 1, Some(Duration::from_secs(seconds)));
    assert_eq!(asked(0), back_off.pause("a", 1, None));
    assert_eq!(asked(600), Duration::from_secs(600));
    assert_eq!(asked(u64::MAX), Duration::from_secs(3600));
}

/// Computed with another program: `printf '1768110000.{"a":1}' | openssl dgst -sha256 -hmac hush`.
#[test]
fn signature() {
    assert_eq!(sign(b"hush", 1_768_110_000, b"{\"a\":1}"), "v1=84181e4c357e4000e49a3cece15a1b7e59d46ca1b2f55c9e36262a78ad1b36f0");
    assert_ne!(sign(b"hush", 1_768_110_001, b"{\"a\":1}"), sign(b"hush", 1_768_110_000, b"{\"a\":1}"));
}

#[test]
fn urls() {
    let refusal = |text| HookUrl::parse(text).map_or_else(|error| error.to_string(), |url| url.to_string());
    assert_eq!(refusal("https://plant.example/hooks/1?a=b"), "https://plant.example/hooks/1?a=b");
    assert_eq!(refusal("http://[::1]:8080"), "http://[::1]:8080/");
    for (text, expected) in [
        ("plant.example/hook", "it is not a URL as in"),
        ("https://", "it is not a URL as in"),
        ("ftp://plant.example", "`ftp:` is not a way to call a webhook"),
        ("https://me:hush@plant.example", "a user and password do not belong into the URL"),
        ("https://plant.example/#part", "the part behind `#` is never sent"),
    ] {
        assert!(refusal(text).starts_with(expected), "{text}: {}", refusal(text));
    }
}

#[test]
fn headers() {
    let refusal = |name: &str, value: &str| Headers::parse([(name.to_owned(), value.to_owned())]).err().unwrap_or_default();
    assert_eq!(refusal("X-Plant", "north"), "");
    for (name, value, expected) in [
        ("x y", "a", "`x y` cannot be the name of a header"),
        ("x", "a\r\nb: c", "the value of the header `x` must be printable text"),
        ("Authorization", "Bearer x", "a workspace holds no secrets"),
        ("pollux-anything", "x", "the header `pollux-anything` is set by Pollux itself"),
        ("Content-Length", "1", "the header `Content-Length` is set by Pollux itself"),
    ] {
        assert!(refusal(name, value).starts_with(expected), "{name}: {}", refusal(name, value));
    }
    let twice = Headers::parse([("X-A", "1"), ("x-a", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(twice.err().unwrap_or_default(), "the header `x-a` stands twice");
    let many = Headers::parse((0..17).map(|n| (format!("x-{n}"), String::new())));
    assert_eq!(many.err().unwrap_or_default(), "there are 17 headers; the limit is 16");
}

#[test]
fn secrets_are_not_printed() {
    let url = HookUrl::parse("https://plant.example/T0K3N").unwrap();
    let config = HookConfig { secret: Some(b"hush".to_vec()), token: Some("quiet".to_owned()), ..HookConfig::new("m", url) };
    assert_eq!(format!("{config:?}"), "HookConfig { name: \"m\", .. }");
}
