//! One thread that looks after the runs of all hosts: a model that hangs cannot look after itself.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Host, Shared};

/// How often it looks. Time-outs are seconds long.
pub const WATCH_EVERY: Duration = Duration::from_millis(100);

type Watched = Arc<Mutex<Vec<Weak<Shared>>>>;

/// Ends its thread when it is dropped.
#[derive(Debug)]
pub struct Watchdog {
    watched: Watched,
    /// Nothing is ever sent: its end is the word.
    _ends: SyncSender<()>,
}

impl Watchdog {
    pub fn start() -> std::io::Result<Watchdog> {
        let watched = Watched::default();
        let (ends, ended) = sync_channel::<()>(0);
        let own = Arc::clone(&watched);
        let watch = move || {
            while ended.recv_timeout(WATCH_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&own);
            }
        };
        std::thread::Builder::new().name("model-watchdog".to_owned()).spawn(watch)?;
        Ok(Watchdog { watched, _ends: ends })
    }

    /// As long as the host lives.
    pub fn watch(&self, host: &Host) {
        self.watched.lock().push(host.weak());
    }
}

fn look(watched: &Watched) {
    let mut hosts = Vec::new();
    watched.lock().retain(|host| {
        let host = host.upgrade();
        hosts.extend(host.clone());
        host.is_some()
    });
    for host in hosts {
        host.supervise();
    }
}
