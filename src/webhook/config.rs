//! The settings of one hook.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use smol_str::SmolStr;

use super::back_off::BackOff;
use super::url::HookUrl;

/// Headers of the user's own on one hook.
const HEADERS_MAX: usize = 16;
const HEADER_BYTES_MAX: usize = 1024;

#[derive(Clone)]
pub struct HookConfig {
    /// What rules call it.
    pub name: SmolStr,
    pub url: HookUrl,
    /// Signs the requests.
    pub secret: Option<Vec<u8>>,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<String>,
    pub headers: Headers,
    /// How long one attempt may take, from connecting to the end of the answer.
    pub timeout: Duration,
    pub in_flight_max: usize,
    /// Deliveries that wait or are under way, and their bytes.
    pub queue_max: usize,
    pub queue_bytes_max: usize,
    /// Counts from [`super::Delivery::asked_at`].
    pub give_up_after: Duration,
    pub back_off: BackOff,
    /// How long requests under way may take to end when the program stops.
    pub stop_wait_max: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidHook {
    #[error("two webhooks have the name `{0}`")]
    NameTwice(SmolStr),
    #[error("webhook `{0}`: the secret is empty; a signature with it says nothing")]
    EmptySecret(SmolStr),
    #[error("webhook `{0}`: the token is empty or holds a character that a header cannot carry")]
    Token(SmolStr),
    #[error("webhook `{name}`: {bound} is 0: nothing would ever be sent")]
    Nothing { name: SmolStr, bound: &'static str },
    #[error("the machine's certificates cannot be used to call webhooks: {0}")]
    Client(String),
}

impl HookConfig {
    /// The usual settings for a hook of that name.
    pub fn new(name: &str, url: HookUrl) -> HookConfig {
        HookConfig {
            name: name.into(),
            url,
            secret: None,
            token: None,
            headers: Headers::default(),
            timeout: Duration::from_secs(10),
            in_flight_max: 4,
            queue_max: 10_000,
            queue_bytes_max: 64 * 1024 * 1024,
            give_up_after: Duration::from_secs(24 * 3600),
            back_off: BackOff::default(),
            stop_wait_max: Duration::from_secs(2),
        }
    }

    pub(super) fn check(&self) -> Result<(), InvalidHook> {
        let bounds = [("in_flight_max", self.in_flight_max), ("queue_max", self.queue_max), ("queue_bytes_max", self.queue_bytes_max)];
        if let Some((bound, _)) = bounds.into_iter().find(|(_, value)| *value == 0) {
            return Err(InvalidHook::Nothing { name: self.name.clone(), bound });
        }
        if self.secret.as_ref().is_some_and(Vec::is_empty) {
            return Err(InvalidHook::EmptySecret(self.name.clone()));
        }
        if self.token.is_some() && self.authorization().is_none() {
            return Err(InvalidHook::Token(self.name.clone()));
        }
        Ok(())
    }

    /// Marked, so that no log of any library shows it.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let token = self.token.as_ref().filter(|token| !token.is_empty())?;
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Secrets stay out of what is printed. A path may be one, too: some receivers know their callers by nothing else.
impl fmt::Debug for HookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookConfig").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Headers of the user's own, checked. They are no place for secrets: they stand in the workspace.
#[derive(Debug, Clone, PartialEq, PartialOrd, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Headers, String> {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            check_header(&name, &value)?;
            if headers.0.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(format!("the header `{name}` stands twice"));
            }
            headers.0.push((name, value));
        }
        match headers.0.len() {
            0..=HEADERS_MAX => Ok(headers),
            count => Err(format!("there are {count} headers; the limit is {HEADERS_MAX}")),
        }
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub(super) fn map(&self) -> HeaderMap {
        let pair = |(name, value): &(String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?));
        self.0.iter().filter_map(pair).collect()
    }
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    if HeaderName::try_from(name).is_err() {
        return Err(format!("`{name}` cannot be the name of a header"));
    }
    if HeaderValue::from_str(value).is_err() || value.len() > HEADER_BYTES_MAX {
        return Err(format!("the value of the header `{name}` must be printable text of at most {HEADER_BYTES_MAX} bytes"));
    }
    if matches!(&*lower, "authorization" | "proxy-authorization" | "cookie") {
        return Err(format!("a workspace holds no secrets, and `{name}` carries one: use token_file or token_env"));
    }
    let is_ours = lower.starts_with("pollux-")
        || matches!(
            &*lower,
            "content-type" | "content-length" | "content-encoding" | "host" | "connection" | "transfer-encoding" | "te" | "trailer"
        )
        || matches!(&*lower, "idempotency-key" | "user-agent" | "upgrade" | "expect" | "keep-alive" | "proxy-connection");
    if is_ours { Err(format!("the header `{name}` is set by Pollux itself")) } else { Ok(()) }
}
