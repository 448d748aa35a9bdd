//! What went wrong in a request, and which parts of the answer became null by it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::api::error::{ApiError, Code, Step};

/// Errors that one answer lists. More say nothing new.
pub(super) const ERRORS_MAX: usize = 200;

#[derive(Debug, Default)]
pub(in crate::api) struct Faults {
    /// Spares all path work while nothing is wrong.
    any: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    errors: Vec<ApiError>,
    left_out: usize,
    /// Fields with an error of their own: each has one, also where it is selected twice.
    failed: HashSet<Vec<Step>>,
    /// Values that may not be null, but have a part that became so.
    poisoned: HashSet<Vec<Step>>,
    /// What became null.
    nulled: HashSet<Vec<Step>>,
}

/// What an answer has to tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub errors: Vec<ApiError>,
    /// In no order. An empty path is all of `data`.
    pub nulled: HashSet<Vec<Step>>,
}

impl Faults {
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Notes the error of a field.
    pub(super) fn record(&self, error: ApiError) {
        self.any.store(true, Ordering::Relaxed);
        let mut inner = self.inner.lock();
        if !inner.failed.insert(error.path.clone()) {
            return;
        }
        if inner.errors.len() < ERRORS_MAX {
            inner.errors.push(error);
        } else {
            inner.left_out += 1;
        }
    }

    pub(super) fn is_poisoned(&self, path: &[Step]) -> bool {
        self.inner.lock().poisoned.contains(path)
    }

    /// The value there is null: if it may not be, what is above it fails as well.
    pub(super) fn make_null(&self, mut path: Vec<Step>, is_non_null: bool) {
        let mut inner = self.inner.lock();
        if is_non_null {
            path.pop();
            inner.nulled.extend(path.is_empty().then(Vec::new));
            inner.poisoned.insert(path);
        } else {
            inner.nulled.insert(path);
        }
    }

    /// Takes it all out: the next item of a stream begins anew.
    pub(super) fn take(&self) -> Told {
        if !self.any.swap(false, Ordering::Relaxed) {
            return Told::default();
        }
        let Inner { mut errors, left_out, nulled, .. } = std::mem::take(&mut *self.inner.lock());
        if left_out > 0 {
            errors.push(ApiError::new(Code::ResourceLimit, format!("{left_out} more errors are not listed")));
        }
        Told { errors, nulled }
    }
}
