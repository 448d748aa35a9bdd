//! What a twin keeps of its rules and their alarms: nothing until one of them has something to say.

use std::sync::{Arc, LazyLock};

use smol_str::SmolStr;

use crate::alarm::{Occurrence, OutOfService, Severity};
use crate::rule::{Fact, Watch};

static AT_REST: LazyLock<Watch> = LazyLock::new(Watch::default);

/// By the id of the rule, in order. Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watches(Option<Arc<Vec<(SmolStr, Watch)>>>);

impl Watches {
    pub fn restore(mut watches: Vec<(SmolStr, Watch)>) -> Watches {
        watches.sort_by(|(a, _), (b, _)| a.cmp(b));
        Watches(Some(watches).filter(|watches| !watches.is_empty()).map(Arc::new))
    }

    /// Of a rule of which nothing is kept: as at the beginning.
    pub fn get(&self, rule: &str) -> &Watch {
        self.find(rule).unwrap_or(&AT_REST)
    }

    pub fn find(&self, rule: &str) -> Option<&Watch> {
        let watches = self.0.as_deref()?;
        let place = watches.binary_search_by(|(known, _)| known.as_str().cmp(rule)).ok()?;
        Some(&watches[place].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &Watch)> {
        self.0.iter().flat_map(|watches| watches.iter()).map(|(rule, watch)| (rule, watch))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The worst of the open alarms that nothing suppresses. `twin` is the twin's own being out of service.
    pub(super) fn severity(&self, twin: Option<&OutOfService>) -> Option<Severity> {
        crate::alarm::worst_severity(self.iter().map(|(_, watch)| &watch.alarm), twin)
    }

    /// Gives back the occurrence that this closed.
    pub(super) fn apply(&mut self, rule: &SmolStr, fact: &Fact) -> Option<Occurrence> {
        let watches = Arc::make_mut(self.0.get_or_insert_default());
        let closed = match watches.binary_search_by(|(known, _)| known.cmp(rule)) {
            Ok(place) => {
                let closed = watches[place].1.apply(fact);
                if watches[place].1.is_default() {
                    watches.remove(place);
                }
                closed
            }
            Err(place) => {
                let mut watch = Watch::default();
                let closed = watch.apply(fact);
                if !watch.is_default() {
                    watches.insert(place, (rule.clone(), watch));
                }
                closed
            }
        };
        if watches.is_empty() {
            self.0 = None;
        }
        closed
    }
}
