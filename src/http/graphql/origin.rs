//! Which web pages may use the API from a browser: those that Pollux serves itself, and the `origins` of the settings.

use std::fmt;
use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::CorsLayer;

/// How long a browser may remember what it was allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Origins that are allowed beside our own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

/// What is wrong with an entry of `origins`.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAnOrigin(String);

impl std::error::Error for NotAnOrigin {}

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no origin; write it as a browser sends it, like `https://plant.example:8443`, without a path", self.0)
    }
}

impl Origins {
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Origins, NotAnOrigin> {
        let parse = |text: &str| {
            let lower = text.to_ascii_lowercase();
            let is_origin = split(&lower).is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' ']));
            let value = HeaderValue::from_str(&lower).ok().filter(|_| is_origin);
            value.ok_or_else(|| NotAnOrigin(text.to_owned()))
        };
        origins.into_iter().map(parse).collect::<Result<_, _>>().map(Origins)
    }

    /// Browsers do not ask before they open a socket, so the socket looks by itself. What is no browser sends no origin.
    pub(super) fn admit(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else { return false };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|authority| authority.as_str()));
        let is_ours = match (split(&origin), host) {
            (Some((scheme, theirs)), Some(host)) => without_port(scheme, theirs) == without_port(scheme, &host.to_ascii_lowercase()),
            _ => false,
        };
        is_ours || self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    }

    /// `None`: other origins are not allowed, and nothing is said about it.
    pub(super) fn cors(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let headers = [ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("last-event-id")];
        Some(
            CorsLayer::new()
                .allow_origin(self.0.clone())
                .allow_methods([Method::GET, Method::POST])
                .allow_headers(headers)
                .max_age(PREFLIGHT_AGE),
        )
    }
}

fn split(origin: &str) -> Option<(&str, &str)> {
    origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
}

/// Browsers leave the port away where it goes without saying.
fn without_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let implied = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(implied).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(origins: &[&str], origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        Origins::parse(origins.iter().copied()).unwrap().admit(&headers, &Uri::from_static("/graphql/ws"))
    }

    #[test]
    fn admits_its_own_pages_listed_ones_and_what_is_no_browser() {
        assert!(admits(&[], None, "pollux:8080"));
        assert!(admits(&[], Some("http://pollux:8080"), "pollux:8080"));
        assert!(admits(&[], Some("http://Pollux"), "pollux:80"));
        assert!(admits(&[], Some("https://pollux"), "pollux:443"));
        assert!(admits(&["https://Plant.example"], Some("https://plant.example"), "pollux:8080"));
        for foreign in ["http://pollux:8081", "http://evil.example", "https://plant.example.evil.example", "null", "file://", "pollux:8080"]
        {
            assert!(!admits(&["https://plant.example"], Some(foreign), "pollux:8080"), "{foreign}");
        }
    }

    #[test]
    fn takes_origins_alone() {
        for wrong in ["*", "plant.example", "https://", "https://plant.example/", "https://*.example", "ftp://plant.example"] {
            assert_eq!(Origins::parse([wrong]), Err(NotAnOrigin(wrong.to_owned())));
        }
    }
}
