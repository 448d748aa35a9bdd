//! What one request carries along: who asks, until when, what it has cost, and what went wrong.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::faults::Faults;
use crate::api::error::{ApiError, Code};
use crate::api::request::Caller;

/// How resolvers hold it.
pub type Ctx = Arc<RequestContext>;

/// One request, or one running subscription.
pub struct RequestContext {
    pub caller: Caller,
    pub request_id: String,
    /// After it the whole request fails with `TIMEOUT`.
    pub deadline: Option<Instant>,
    pub response_bytes_max: usize,
    pub receipt: Receipt,
    /// The client wants to see it.
    pub receipt_asked: Option<ReceiptAsked>,
    /// Where a lossless stream goes on, whatever its argument `after` says.
    pub resume_after: Option<String>,
    /// The client has had items of another schema: a stream of frames begins with `RESYNC`.
    pub resync: bool,
    /// What resolvers have read so far and would read again.
    memo: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
    /// What the resolvers work with; the application knows the type.
    services: Arc<dyn Any + Send + Sync>,
    pub(in crate::api) faults: Faults,
    /// Where the stream stands with the item that is being resolved.
    pub(in crate::api) cursor: Mutex<Option<String>>,
}

/// What a request has read. Resolvers count; the answer tells it where the client asks for a receipt.
#[derive(Debug, Default)]
pub struct Receipt {
    /// Counted by the session that reads them.
    pub twins_read: Arc<AtomicU64>,
    pub store_statements: AtomicU64,
    /// The newest commit that the whole answer is sure to contain.
    pub seq: AtomicU64,
    pub store_seq: AtomicU64,
}

/// What is known of a request before it runs.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptAsked {
    pub since: Instant,
    pub cost: u64,
}

impl Receipt {
    pub fn count_twins(&self, count: u64) {
        self.twins_read.fetch_add(count, Ordering::Relaxed);
    }

    pub fn count_statement(&self) {
        self.store_statements.fetch_add(1, Ordering::Relaxed);
    }
}

pub const RESPONSE_BYTES_MAX: usize = 32 << 20;

impl RequestContext {
    pub fn new<S: Any + Send + Sync>(caller: Caller, request_id: String, services: Arc<S>) -> RequestContext {
        RequestContext {
            caller,
            request_id,
            deadline: None,
            response_bytes_max: RESPONSE_BYTES_MAX,
            receipt: Receipt::default(),
            receipt_asked: None,
            resume_after: None,
            resync: false,
            memo: Mutex::new(None),
            services,
            faults: Faults::default(),
            cursor: Mutex::new(None),
        }
    }

    pub fn deadline(mut self, deadline: Instant) -> RequestContext {
        self.deadline = Some(deadline);
        self
    }

    /// What resolvers keep for each other within one request, or one item of a stream: a twin is read once, and all its fields come from
    /// one revision. There is one memo, so all resolvers name the same type.
    pub fn memo<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut memo = self.memo.lock();
        if let Some(known) = memo.as_ref().and_then(|memo| memo.clone().downcast::<T>().ok()) {
            return known;
        }
        let fresh = Arc::new(T::default());
        *memo = Some(fresh.clone());
        fresh
    }

    /// An item is done; the next one sees what is then.
    pub(super) fn forget(&self) {
        *self.memo.lock() = None;
    }

    /// The services the request was begun with.
    pub fn services<S: Any>(&self) -> Result<&S, ApiError> {
        self.services
            .downcast_ref::<S>()
            .ok_or_else(|| ApiError::new(Code::Internal, format!("the request has no services of the type {}", std::any::type_name::<S>())))
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("caller", &self.caller).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}
