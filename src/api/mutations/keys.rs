//! Idempotency keys of requests that are more than one change, or none: their answers are kept beside those of single changes, under the same keys.

use std::sync::Arc;

use foldhash::HashSet;
use parking_lot::Mutex;
use serde_json::Value as Json;
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use super::edit;
use crate::api::build::Args;
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::types::issue::UserError;
use crate::api::types::twin::session;
use crate::reading::Seq;
use crate::runtime::edit::KEY_CHARS_MAX;

const ARGUMENT: &str = "idempotencyKey";

/// Keys under which somebody works at this moment, with whose they are.
#[derive(Debug, Default)]
pub struct KeysInUse {
    keys: Arc<Mutex<HashSet<(String, String)>>>,
    freed: Arc<Notify>,
}

/// What is known of a request by its key.
#[derive(Debug)]
pub enum Claim {
    /// It came without a key.
    Without,
    /// It has not been answered before, and nobody else answers it while this lives.
    First(Claimed),
    /// The answer that was given before, and its commit.
    Answered(Seq, Json),
    /// The key cannot be used for it.
    Refused(UserError),
}

#[derive(Debug)]
pub struct Claimed {
    /// Who asks, and the key.
    name: (String, String),
    asked: u64,
    keys: Arc<Mutex<HashSet<(String, String)>>>,
    freed: Arc<Notify>,
}

/// `field` and the arguments, apart from the key, say what is asked for.
pub async fn claim(ctx: &RequestContext, field: &str, args: &Args) -> Result<Claim, ApiError> {
    let Some(key) = args.text(ARGUMENT) else { return Ok(Claim::Without) };
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
        let message = format!("an idempotency key has 1 to {KEY_CHARS_MAX} characters");
        return Ok(Claim::Refused(UserError::new("INVALID_VALUE", &[ARGUMENT], message)));
    }
    let session = session(ctx)?;
    let asked = hash(field, args);
    let name = (ctx.caller.subject.clone(), key.to_owned());
    let claimed = session.services.lasting.jobs.keys.wait_for(name, asked).await;
    Ok(match session.runtime().first_answer(&ctx.caller.subject, key) {
        None => Claim::First(claimed),
        Some((seq, before, answer)) if before == asked => Claim::Answered(seq, answer),
        Some(_) => {
            let message = format!("the idempotency key `{key}` was used for another request");
            let hint = Some("take a new key for each request, and the same one only to send it again".to_owned());
            Claim::Refused(UserError { hint, ..UserError::new("IDEMPOTENCY_KEY_REUSED", &[ARGUMENT], message) })
        }
    })
}

fn hash(field: &str, args: &Args) -> u64 {
    let mut asked = format!("{field} ");
    for (name, value) in args.values.iter().filter(|(name, _)| name.as_str() != ARGUMENT) {
        asked.push_str(&format!("{name}: {value} "));
    }
    xxh3_64(asked.as_bytes())
}

impl Claim {
    /// Keeps the first answer. When this returns, it is on disk.
    pub async fn keep(self, ctx: &RequestContext, answer: impl FnOnce() -> Json) -> Result<(), ApiError> {
        let Claim::First(claimed) = self else { return Ok(()) };
        let (by, key) = &claimed.name;
        let kept = session(ctx)?.runtime().keep_answer(by, key, claimed.asked, answer()).await;
        kept.map(|_| ()).map_err(edit::fault_of)
    }
}

impl KeysInUse {
    /// Until whoever works under this key has ended.
    async fn wait_for(&self, name: (String, String), asked: u64) -> Claimed {
        loop {
            // Made before the look, so that what comes in between is not missed.
            let freed = self.freed.notified();
            if self.keys.lock().insert(name.clone()) {
                return Claimed { name, asked, keys: self.keys.clone(), freed: self.freed.clone() };
            }
            freed.await;
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.name);
        self.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;

    fn args(values: Json) -> Args {
        Args { values: values.as_object().cloned().unwrap_or_default(), ..Args::default() }
    }

    #[test]
    fn what_is_asked_is_all_but_the_key() {
        let first = hash("updateTwins", &args(json!({"where": {}, "idempotencyKey": "a"})));
        assert_eq!(first, hash("updateTwins", &args(json!({"where": {}, "idempotencyKey": "b"}))));
        assert_ne!(first, hash("updateTwins", &args(json!({"where": {"ids": []}}))));
        assert_ne!(first, hash("deleteTwins", &args(json!({"where": {}}))));
    }

    #[tokio::test]
    async fn a_key_has_one_worker_at_a_time() {
        let keys = KeysInUse::default();
        let name = |key: &str| ("me".to_owned(), key.to_owned());
        let first = keys.wait_for(name("a"), 1).await;
        drop(keys.wait_for(name("b"), 1).await);
        let mut second = Box::pin(keys.wait_for(name("a"), 1));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(second.await.name, name("a"));
    }
}
