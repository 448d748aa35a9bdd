//! Which connection speaks for which client id. A newer one takes the id over.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::peer::{Order, Peer};

#[derive(Debug, Default)]
pub(super) struct Clients {
    by_id: Mutex<HashMap<String, Arc<Peer>>>,
}

impl Clients {
    /// Whoever had the id is told to make way.
    pub(super) fn enter(&self, peer: &Arc<Peer>) {
        let earlier = self.by_id.lock().insert(peer.client_id.clone(), peer.clone());
        if let Some(earlier) = earlier {
            earlier.tell(Order::MakeWay);
        }
    }

    pub(super) fn leave(&self, peer: &Arc<Peer>) {
        let mut by_id = self.by_id.lock();
        if by_id.get(&peer.client_id).is_some_and(|current| Arc::ptr_eq(current, peer)) {
            by_id.remove(&peer.client_id);
        }
    }

    pub(super) fn tell_all(&self, order: Order) {
        let peers: Vec<Arc<Peer>> = self.by_id.lock().values().cloned().collect();
        for peer in peers {
            peer.tell(order);
        }
    }
}
