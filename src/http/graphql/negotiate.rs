//! Media types: what a client sends, what it takes, and which of ours fits best.

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};

/// How an answer that is one JSON document is labelled. The older label hides errors from HTTP: it comes with 200 for what cannot run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Response,
    Json,
}

impl Media {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Media::Response => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        }
    }
}

/// What `Accept` says about the media types that we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepts {
    /// The best of the two for one document, if either is accepted.
    pub(super) document: Option<Media>,
    /// An event stream is accepted, and by its name: who takes anything does not expect an answer that never ends.
    pub(super) stream: bool,
    /// An event stream is wanted also for what would fit into one document.
    pub(super) prefers_stream: bool,
}

impl Accepts {
    pub(super) fn of(headers: &HeaderMap) -> Accepts {
        let ranges: Vec<Range<'_>> = list(headers, ACCEPT).filter_map(Range::parse).collect();
        if list(headers, ACCEPT).next().is_none() {
            return Accepts { document: Some(Media::Json), stream: false, prefers_stream: false };
        }
        let response = Rank::of(&ranges, "application", "graphql-response+json");
        let json = Rank::of(&ranges, "application", "json");
        let event_stream = Rank::of(&ranges, "text", "event-stream").filter(|rank| rank.closeness != Closeness::Anything);
        let document = match (response, json) {
            // What the client names is newer; what it merely lets pass may be from before there was a choice.
            (Some(response), Some(json)) if response > json => Some(Media::Response),
            (Some(response), Some(json)) if response == json && response.closeness == Closeness::Named => Some(Media::Response),
            (Some(_), None) => Some(Media::Response),
            (_, json) => json.map(|_| Media::Json),
        };
        let best = response.max(json).map(|rank| rank.quality);
        let prefers_stream = event_stream.is_some_and(|rank| best.is_none_or(|best| rank.quality > best));
        Accepts { document, stream: event_stream.is_some(), prefers_stream }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    /// `application/*`
    Family,
    Named,
}

/// How much a media type is wanted: the higher the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// In thousandths.
    quality: u16,
    closeness: Closeness,
}

impl Rank {
    /// The closest range decides, not the most generous one: `application/json;q=0, */*` refuses JSON.
    fn of(ranges: &[Range<'_>], family: &str, name: &str) -> Option<Rank> {
        let matching = ranges.iter().filter_map(|range| Some(Rank { closeness: range.closeness(family, name)?, quality: range.quality }));
        matching.max_by_key(|rank| (rank.closeness, rank.quality)).filter(|rank| rank.quality > 0)
    }
}

/// One entry of `Accept`.
struct Range<'a> {
    family: &'a str,
    name: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// What cannot be read is as if it were not there.
    fn parse(entry: &'a str) -> Option<Range<'a>> {
        let mut parts = entry.split(';').map(str::trim);
        let (family, name) = parts.next()?.split_once('/')?;
        let mut quality = 1000;
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "q" => quality = thousandths(value.trim())?,
                // We write UTF-8 and nothing else.
                "charset" if !is_utf8(value) => return None,
                _ => {}
            }
        }
        Some(Range { family, name, quality })
    }

    fn closeness(&self, family: &str, name: &str) -> Option<Closeness> {
        if self.family == "*" && self.name == "*" {
            return Some(Closeness::Anything);
        }
        if !self.family.eq_ignore_ascii_case(family) {
            return None;
        }
        match self.name {
            "*" => Some(Closeness::Family),
            named if named.eq_ignore_ascii_case(name) => Some(Closeness::Named),
            _ => None,
        }
    }
}

/// `0.25` → 250.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_short = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: u16 = format!("{fraction:0<3}").parse().ok().filter(|_| is_short)?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

fn is_utf8(charset: &str) -> bool {
    let name = charset.trim().trim_matches('"');
    name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8")
}

fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|entry| !entry.is_empty())
}

/// Whether a body is JSON in UTF-8, uncompressed; if not, what to say. Forms and plain text are refused also because a browser sends those to
/// other sites without asking.
pub(super) fn check_body_type(headers: &HeaderMap) -> Result<(), String> {
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        return Err("a POST needs `Content-Type: application/json`".to_owned());
    };
    let content_type = content_type.to_str().unwrap_or("?");
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Err(format!("`{content_type}` cannot be read; send `application/json`"));
    }
    let charset = parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.trim().eq_ignore_ascii_case("charset"));
    if let Some((_, charset)) = charset.filter(|(_, charset)| !is_utf8(charset)) {
        return Err(format!("the charset `{charset}` cannot be read; send utf-8"));
    }
    let encoding = list(headers, CONTENT_ENCODING).find(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    encoding.map_or(Ok(()), |encoding| Err(format!("the encoding `{encoding}` cannot be read; send the body as it is")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(accept: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let accepts = Accepts::of(&headers);
        let document = match accepts.document {
            Some(Media::Response) => "response",
            Some(Media::Json) => "json",
            None => "-",
        };
        let stream = match (accepts.stream, accepts.prefers_stream) {
            (_, true) => " STREAM",
            (true, false) => " stream",
            (false, false) => "",
        };
        format!("{document}{stream}")
    }

    #[test]
    fn the_best_media_type_is_chosen() {
        let cases = [
            ("", "json"),
            ("*/*", "json"),
            ("application/*", "json"),
            ("application/json", "json"),
            ("APPLICATION/JSON", "json"),
            ("application/json; charset=utf-8", "json"),
            ("application/json; charset=\"UTF-8\"", "json"),
            ("application/json; charset=latin1", "-"),
            ("application/graphql-response+json", "response"),
            ("application/graphql-response+json, application/json", "response"),
            ("application/json, application/graphql-response+json", "response"),
            ("application/graphql-response+json;q=0.5, application/json", "json"),
            ("application/graphql-response+json; charset=utf-8, application/json;q=0.9", "response"),
            ("application/json, */*", "json"),
            ("application/graphql-response+json, */*;q=0.1", "response"),
            ("application/json;q=0, */*", "response"),
            ("application/json;q=0", "-"),
            ("text/html, */*;q=0.8", "json"),
            ("text/html", "-"),
            ("image/png, nonsense", "-"),
            ("application/json;q=2", "-"),
            ("application/json;q=0.1234", "-"),
            ("text/event-stream", "- STREAM"),
            ("text/event-stream, application/json;q=0.5", "json STREAM"),
            ("text/event-stream, */*", "json stream"),
            ("text/*", "- STREAM"),
            (
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
                "response stream",
            ),
        ];
        for (accept, wanted) in cases {
            assert_eq!(accepts(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn a_body_is_json_in_utf8() {
        let check = |content_type: Option<&str>, encoding: Option<&str>| {
            let mut headers = HeaderMap::new();
            content_type.map(|value| headers.insert(CONTENT_TYPE, value.parse().unwrap()));
            encoding.map(|value| headers.insert(CONTENT_ENCODING, value.parse().unwrap()));
            check_body_type(&headers).is_ok()
        };
        for fine in ["application/json", "Application/JSON; Charset=UTF-8", "application/json;charset=\"utf-8\"", "application/json; v=1"] {
            assert!(check(Some(fine), None), "{fine}");
        }
        for wrong in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/graphql",
            "application/json; charset=utf-16",
        ] {
            assert!(!check(Some(wrong), None), "{wrong}");
        }
        assert!(!check(None, None));
        assert!(check(Some("application/json"), Some("identity")));
        assert!(!check(Some("application/json"), Some("gzip")));
    }
}
