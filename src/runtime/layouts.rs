//! All layouts that anything on disk may have been written under: today's types and earlier forms of them.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use parking_lot::RwLock;

use crate::catalog::Layout;
use crate::catalog::stored::LayoutRecord;

#[derive(Debug, Default)]
pub struct Layouts {
    by_fingerprint: RwLock<HashMap<u64, Arc<Layout>>>,
    /// Those that the journal or the store says of.
    written: RwLock<HashSet<u64>>,
}

impl Layouts {
    pub fn get(&self, fingerprint: u64) -> Option<Arc<Layout>> {
        self.by_fingerprint.read().get(&fingerprint).cloned()
    }

    /// Today's form of a type. What was written under the same form is read with it.
    pub fn expect(&self, layout: &Arc<Layout>) {
        self.by_fingerprint.write().insert(layout.fingerprint, layout.clone());
    }

    /// Today's form is about to be used; whether it has yet to be written down.
    pub fn know(&self, layout: &Arc<Layout>) -> bool {
        self.expect(layout);
        self.written.write().insert(layout.fingerprint)
    }

    pub fn remember(&self, record: &LayoutRecord) {
        self.written.write().insert(record.fingerprint);
        self.by_fingerprint.write().entry(record.fingerprint).or_insert_with(|| Arc::new(record.restore()));
    }
}
