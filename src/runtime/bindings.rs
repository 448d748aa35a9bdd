//! The bindings of a catalog, made ready: a router for each source, and payload maps compiled for each type that meets them.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use parking_lot::RwLock;

use crate::catalog::binding::Source;
use crate::catalog::{Binding, Catalog, Layout};
use crate::codec::{Mapped, Router};

/// Compiled maps that are kept: one for each pair of binding and type that has met.
const MAPS_MAX: usize = 100_000;

/// The binding's id and the layout's fingerprint.
type Pair = (Arc<str>, u64);

#[derive(Debug)]
pub struct Bindings {
    pub catalog: Arc<Catalog>,
    routers: HashMap<Source, Router>,
    /// For sources without bindings: native topics only.
    native: Router,
    maps: RwLock<HashMap<Pair, Arc<Mapped>>>,
}

impl Bindings {
    pub fn new(catalog: Arc<Catalog>) -> Bindings {
        let mut routers = HashMap::new();
        for binding in &catalog.bindings {
            routers.entry(binding.source.clone()).or_insert_with(|| Router::new(&binding.source, &catalog.bindings));
        }
        Bindings { catalog, routers, native: Router::default(), maps: RwLock::default() }
    }

    pub fn router(&self, source: &Source) -> &Router {
        self.routers.get(source).unwrap_or(&self.native)
    }

    /// The payload map of a binding for a type.
    pub fn mapped(&self, binding: &Arc<Binding>, layout: &Arc<Layout>) -> Arc<Mapped> {
        let key = (binding.id.clone(), layout.fingerprint);
        if let Some(known) = self.maps.read().get(&key).filter(|known| Arc::ptr_eq(known.layout(), layout)) {
            return known.clone();
        }
        let compiled = Arc::new(Mapped::compile(binding, layout));
        let mut maps = self.maps.write();
        if maps.len() >= MAPS_MAX {
            maps.clear();
        }
        maps.insert(key, compiled.clone());
        compiled
    }
}
