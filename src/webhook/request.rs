//! One attempt: from a delivery to a request, from an answer to a verdict. The only file that touches the network.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

use super::Delivery;
use super::config::{HookConfig, InvalidHook};
use super::signature::sign;
use super::verdict::{Answer, Failure, Verdict, judge};
use crate::reading::Timestamp;

const USER_AGENT: &str = concat!("pollux/", env!("CARGO_PKG_VERSION"));
/// What is read of an answer, so that its connection can be used again; one with more to say is hung up on.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Connections to one host that are kept although nothing is sent.
const IDLE_CONNECTIONS_MAX: usize = 8;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TIMESTAMP: HeaderName = HeaderName::from_static("pollux-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("pollux-signature");

/// One client for all hooks. It trusts the machine's certificates and the usual authorities, for containers that have none of their own.
pub(super) fn client() -> Result<Client, InvalidHook> {
    // A proxy would come from the environment, which only `config` reads.
    let client = Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).no_proxy().pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
    client.build().map_err(|error| InvalidHook::Client(innermost(&error)))
}

pub(super) async fn attempt(client: &Client, config: &HookConfig, delivery: &Delivery, now: Timestamp) -> Verdict {
    match request(client, config, delivery, now).send().await {
        Ok(response) => read(response, now).await,
        Err(error) if error.is_builder() => {
            Verdict::Refused { status: None, why: format!("the request cannot be made: {}", innermost(&error)) }
        }
        Err(error) => Verdict::Again(Failure::without_answer(cause(&error, config.timeout))),
    }
}

fn request(client: &Client, config: &HookConfig, delivery: &Delivery, now: Timestamp) -> RequestBuilder {
    let seconds = now.0.div_euclid(1_000_000);
    let mut request = client
        .post(config.url.url())
        .headers(config.headers.map())
        .header(CONTENT_TYPE, "application/json")
        .header(KEY, visible(&delivery.key))
        .header(TIMESTAMP, seconds)
        .timeout(config.timeout)
        .body(delivery.body.clone());
    if let Some(secret) = &config.secret {
        request = request.header(SIGNATURE, sign(secret, seconds, &delivery.body));
    }
    if let Some(authorization) = config.authorization() {
        request = request.header(AUTHORIZATION, authorization);
    }
    request
}

/// A header carries visible ASCII; all else, and the sign of this escape itself, is written as in a URL, so that keys stay different.
fn visible(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

async fn read(mut response: Response, now: Timestamp) -> Verdict {
    let mut body = Vec::new();
    // The status has decided: an answer that breaks off is as good as a whole one.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]);
        if body.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    let headers = response.headers();
    let answer = Answer {
        status: response.status().as_u16(),
        retry_after: text(headers, &RETRY_AFTER),
        location: text(headers, &LOCATION),
        body: &body,
    };
    judge(&answer, now)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// In words, without the URL, whose path may be a secret.
fn cause(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        format!("no answer within {timeout:?}")
    } else if error.is_connect() {
        format!("cannot connect: {}", innermost(error))
    } else {
        format!("the connection broke: {}", innermost(error))
    }
}

/// What went wrong first: the layers around it only say that something did.
fn innermost(error: &reqwest::Error) -> String {
    let mut source: Option<&dyn Error> = error.source();
    let mut text = None;
    while let Some(error) = source {
        text = Some(error.to_string());
        source = error.source();
    }
    text.unwrap_or_else(|| "no more is known".to_owned())
}
