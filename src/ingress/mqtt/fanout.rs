//! Fan-out: hands what has been committed to the connections that have subscribed to it. Never blocks, and costs one load when nobody has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;

use super::frame::Version;
use super::peer::Peer;
use super::subscriptions::Subscriptions;
use super::wire;
use crate::ingress::counters::{Counters, count};

#[derive(Debug)]
pub(super) struct Fanout {
    subscriptions: RwLock<Subscriptions<Subscription>>,
    /// The count of `subscriptions`, readable without its lock.
    count: AtomicUsize,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Subscription {
    peer: Arc<Peer>,
    no_local: bool,
}

/// The same connection has the same peer as long as it lives.
fn key(peer: &Arc<Peer>) -> u64 {
    Arc::as_ptr(peer) as usize as u64
}

impl Fanout {
    pub(super) fn new(counters: Arc<Counters>) -> Fanout {
        Fanout { subscriptions: RwLock::default(), count: AtomicUsize::new(0), counters }
    }

    pub(super) fn subscribe(&self, peer: &Arc<Peer>, filter: &str, no_local: bool) {
        let mut subscriptions = self.subscriptions.write();
        subscriptions.add(filter, key(peer), Subscription { peer: peer.clone(), no_local });
        self.count.store(subscriptions.count(), Ordering::Release);
    }

    pub(super) fn unsubscribe(&self, peer: &Arc<Peer>, filter: &str) -> bool {
        let mut subscriptions = self.subscriptions.write();
        let removed = subscriptions.remove(filter, key(peer));
        self.count.store(subscriptions.count(), Ordering::Release);
        removed
    }

    pub(super) fn is_listened_to(&self) -> bool {
        self.count.load(Ordering::Acquire) != 0
    }

    /// `sender` is the connection that published it, if one did.
    pub(super) fn publish(&self, sender: Option<&Arc<Peer>>, topic: &[u8], payload: &[u8]) {
        if !self.is_listened_to() {
            return;
        }
        let Ok(topic_text) = std::str::from_utf8(topic) else { return };
        let mut receivers: Vec<(u64, &Arc<Peer>)> = Vec::new();
        let subscriptions = self.subscriptions.read();
        subscriptions.matches(topic_text, &mut |key, subscription| {
            let is_own = sender.is_some_and(|sender| Arc::ptr_eq(sender, &subscription.peer));
            if !(is_own && subscription.no_local) {
                receivers.push((key, &subscription.peer));
            }
        });
        // A client with several filters that match gets one copy.
        receivers.sort_unstable_by_key(|(key, _)| *key);
        receivers.dedup_by_key(|(key, _)| *key);
        let mut packets = Packets { topic, payload, v3: None, v5: None };
        let dropped: u64 = receivers.iter().map(|(_, peer)| peer.send(packets.of(peer.version))).sum();
        count(&self.counters.dropped_to_subscribers, dropped);
    }
}

/// The message as a packet of each version, made once and only if somebody wants it.
struct Packets<'a> {
    topic: &'a [u8],
    payload: &'a [u8],
    v3: Option<Bytes>,
    v5: Option<Bytes>,
}

impl Packets<'_> {
    fn of(&mut self, version: Version) -> Bytes {
        let place = match version {
            Version::V3 => &mut self.v3,
            Version::V5 => &mut self.v5,
        };
        place.get_or_insert_with(|| wire::publish(version, self.topic, self.payload, false)).clone()
    }
}
