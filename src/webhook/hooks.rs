//! All hooks of a workspace under their names.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::Client;
use smol_str::SmolStr;
use tokio_util::sync::CancellationToken;

use super::config::{HookConfig, InvalidHook};
use super::figures::Figures;
use super::hook::Hook;
use super::queue::NoRoom;
use super::{Delivery, Ended, queue, request};
use crate::reading::Now;
use crate::source::{did_you_mean, list_some};

/// Cheap to share behind an `Arc`. Nothing goes out unless [`Hooks::run`] runs.
#[derive(Debug)]
pub struct Hooks {
    hooks: BTreeMap<SmolStr, Hook>,
    client: Client,
}

/// Why a delivery was not taken. Who asked is not told of an end: it may ask again later, under the same key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no webhook `{name}`{hint}")]
    Unknown { name: String, hint: String },
    /// Until some of what waits has been delivered or given up.
    #[error("the queue of the webhook `{name}` is full: {waiting} deliveries wait, see its last error for why")]
    Full { name: String, waiting: usize },
    /// Asking again does not help.
    #[error(
        "a delivery of {bytes} bytes does not fit into the webhook `{name}`, which holds {bytes_max}: say less, or raise its queue_bytes_max"
    )]
    TooLarge { name: String, bytes: usize, bytes_max: usize },
    #[error("the program stops")]
    Stopping,
}

impl Hooks {
    pub fn new(configs: impl IntoIterator<Item = HookConfig>, now: &Now) -> Result<Hooks, InvalidHook> {
        let mut hooks = BTreeMap::new();
        for config in configs {
            config.check()?;
            let name = config.name.clone();
            if hooks.insert(name.clone(), Hook::new(config, now.clone())).is_some() {
                return Err(InvalidHook::NameTwice(name));
            }
        }
        Ok(Hooks { hooks, client: request::client()? })
    }

    pub fn has(&self, name: &str) -> bool {
        self.hooks.contains_key(name)
    }

    /// In alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hooks.keys().map(SmolStr::as_str)
    }

    /// Takes a delivery and returns at once; `ended` is called later, once, from the task that runs the hooks. A delivery whose key is
    /// there already goes out once, and everyone who asked for it is told.
    pub fn send(&self, name: &str, delivery: Delivery, ended: Ended) -> Result<(), Refused> {
        let Some(hook) = self.hooks.get(name) else { return Err(self.unknown(name)) };
        let (bytes, bytes_max) = (queue::size(&delivery), hook.config.queue_bytes_max);
        hook.send(delivery, ended).map_err(|no_room| match no_room {
            NoRoom::Now => Refused::Full { name: name.to_owned(), waiting: hook.figures().waiting },
            NoRoom::Ever => Refused::TooLarge { name: name.to_owned(), bytes, bytes_max },
            NoRoom::Closed => Refused::Stopping,
        })
    }

    /// Delivers until `shutdown`. Then requests under way have a moment to end, and everyone else is told [`super::End::Stopped`].
    /// If this is dropped before, nothing is lost: what was under way goes out again when it runs again.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut running: FuturesUnordered<_> = self.hooks.values().map(|hook| hook.run(&self.client, &shutdown)).collect();
        while running.next().await.is_some() {}
    }

    /// In the order of the names.
    pub fn figures(&self) -> Vec<Figures> {
        self.hooks.values().map(Hook::figures).collect()
    }

    fn unknown(&self, name: &str) -> Refused {
        let hint = match did_you_mean(name, self.names()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if self.hooks.is_empty() => ": pollux.toml has no [[webhook]]".to_owned(),
            None => format!("; pollux.toml has {}", list_some(self.names())),
        };
        Refused::Unknown { name: name.to_owned(), hint }
    }
}
