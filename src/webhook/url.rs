//! Where a hook is: an `http://` or `https://` URL, parsed where it is read, so that nothing can be wrong with it later.

use std::fmt;

use reqwest::Url;

/// An absolute URL without credentials and fragment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookUrl(Url);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    #[error("it is not a URL as in \"https://maintenance.example/hooks/pollux\": {0}")]
    Unreadable(String),
    #[error("`{0}:` is not a way to call a webhook: write https:// or http://")]
    Scheme(String),
    #[error("a user and password do not belong into the URL: use token_file or token_env, or let the receiver check the signature")]
    Credentials,
    #[error("the part behind `#` is never sent: leave it out")]
    Fragment,
}

impl HookUrl {
    pub fn parse(text: &str) -> Result<HookUrl, InvalidUrl> {
        let url = Url::parse(text).map_err(|error| InvalidUrl::Unreadable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUrl::Credentials);
        }
        if url.fragment().is_some() {
            return Err(InvalidUrl::Fragment);
        }
        Ok(HookUrl(url))
    }

    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }
}

impl fmt::Display for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
