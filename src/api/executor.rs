//! The API as transports see it: a request comes in, is prepared against the schema of the moment, and runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::{Stream, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::catalog::Catalog;
use crate::ingress::{Door, Permits};
use crate::reading::{Now, Seq};
use crate::runtime::Runtime;

use super::access::{Bounds, CursorKey, Trees};
use super::build::QUERY;
use super::engine::{self, Ctx, ReceiptAsked, RequestContext};
use super::error::{ApiError, Code};
use super::limits::Limits;
use super::meter::Meter;
use super::prepare::{Chosen, Operation, Preparer, TextHash, Trusted};
use super::publish::Publish;
use super::request::{Answer, Caller, OperationKind, Outcome, Request};
use super::revision::{Choice, Parts, Revision, View};
use super::session::{Lasting, Session};
use super::types::issue::{Issue, Severity};
use super::types::job::Jobs;
use super::types::system::SchemaRevision;

/// How long a request waits for its turn while the most that may run are running.
const TURN_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long a request waits until what it names by `afterSeq` can be read.
const AFTER_WAIT_MAX: Duration = Duration::from_secs(5);
/// Answers to introspection that are kept, and their bytes: of a thousand types, each has many megabytes.
const INTROSPECTIONS_MAX: usize = 16;
const INTROSPECTION_BYTES_KEPT_MAX: usize = 128 << 20;
/// An answer to introspection may be so much longer than the schema as text, if that is more than other answers may have.
const INTROSPECTION_BYTES_PER_SDL_BYTE: usize = 8;

/// What the API is made of.
pub struct Config {
    pub limits: Limits,
    pub choice: Choice,
    /// With these no other documents run.
    pub trusted: Option<Trusted>,
    pub door: Arc<dyn Door>,
    pub permits: Arc<Permits>,
    /// What an acknowledgement promises: `fsync` or `os`.
    pub durability: &'static str,
    /// Cursors of pages are signed with it; kept, they outlive a restart.
    pub cursor_secret: [u8; 32],
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("choice", &self.choice).field("durability", &self.durability).finish_non_exhaustive()
    }
}

/// One per program. Each operation takes the schema that is in force when it begins, and keeps it.
pub struct Api {
    current: ArcSwap<Revision>,
    /// What is to be said of the revision in force, for those who wait for the next.
    changed: watch::Sender<Arc<SchemaRevision>>,
    parts: Parts,
    clock: Now,
    turns: Arc<Semaphore>,
    requests: AtomicU64,
    /// Answers by what they depend on, the latest last.
    introspections: Mutex<Vec<(TextHash, Answer)>>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("revision", &self.current.load().number).finish_non_exhaustive()
    }
}

/// A request that can run.
#[derive(Debug)]
pub struct Prepared {
    view: Arc<View>,
    view_name: Option<String>,
    revision: u64,
    operation: Operation,
    request: Request,
    caller: Caller,
    /// What the request asked for in `extensions.pollux`.
    wishes: Wishes,
    began: Instant,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wishes {
    receipt: bool,
    after: Option<Seq>,
}

impl Prepared {
    pub fn kind(&self) -> OperationKind {
        self.operation.kind
    }
}

impl Api {
    /// `catalog` is that of the files, with its twins.
    pub fn new(runtime: Arc<Runtime>, catalog: &Catalog, config: Config) -> Result<Api, Vec<Issue>> {
        let clock = runtime.shared.clock.0.clone();
        let now = clock();
        let Config { limits, choice, trusted, door, permits, durability, cursor_secret } = config;
        let none = SchemaRevision { revision: 0, hash: String::new(), at: now, issues: Vec::new() };
        let (changed, schema_changes) = watch::channel(Arc::new(none));
        let turns = Arc::new(Semaphore::new(limits.operations_in_flight_max));
        let bounds = Bounds { page_max: limits.page_max, filter_terms_max: limits.filter_terms_max, ..Bounds::default() };
        let lasting = Lasting {
            door,
            permits,
            preparer: Arc::new(Preparer::new(limits, trusted)),
            meter: Meter::default(),
            jobs: Jobs::default(),
            trees: Trees::default(),
            cursor_key: CursorKey::new(cursor_secret),
            bounds,
            schema_changes,
            durability,
            publisher: OnceLock::new(),
        };
        let parts = Parts { lasting: Arc::new(lasting), runtime, choice, started: now };
        let first = Revision::new(1, now, catalog, parts.clone())?;
        changed.send_replace(first.default_view().services.schema.clone());
        Ok(Api {
            current: ArcSwap::from_pointee(first),
            changed,
            turns,
            parts,
            clock,
            requests: AtomicU64::new(1),
            introspections: Mutex::default(),
        })
    }

    fn preparer(&self) -> &Preparer {
        &self.parts.lasting.preparer
    }

    pub fn limits(&self) -> &Limits {
        self.preparer().limits()
    }

    pub fn revision(&self) -> Arc<Revision> {
        self.current.load_full()
    }

    /// Rings when another revision is in force, or when issues of this one have changed.
    pub fn changes(&self) -> watch::Receiver<Arc<SchemaRevision>> {
        self.changed.subscribe()
    }

    /// The revision that an edited catalog would give. It is not in force yet.
    pub fn revise(&self, catalog: &Catalog) -> Result<Revision, Vec<Issue>> {
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Revision::new(self.current.load().number + 1, (self.clock)(), catalog, self.parts.clone())
        }));
        made.unwrap_or_else(|_| Err(vec![Issue::new("INTERNAL", Severity::Major, "making the schema has crashed; the log says where")]))
    }

    /// From now on operations run against it; those that run already go on as they began.
    pub fn adopt(&self, next: Revision) {
        let said = next.default_view().services.schema.clone();
        self.current.store(Arc::new(next));
        self.introspections.lock().clear();
        self.changed.send_replace(said);
    }

    /// An edit could not be taken over: the revision stays, and says why.
    pub fn keep(&self, issues: Vec<Issue>) {
        let said = SchemaRevision::clone(&self.current.load().default_view().services.schema);
        self.changed.send_replace(Arc::new(SchemaRevision { issues, ..said }));
    }

    /// From now on types can be published.
    pub fn publish_through(&self, publisher: &Arc<dyn Publish>) {
        // The publisher holds the API, so it is not held back.
        self.parts.lasting.publisher.set(Arc::downgrade(publisher)).ok();
    }

    pub fn sdl(&self, view: Option<&str>) -> Result<(Arc<str>, String), ApiError> {
        let view = self.current.load().view(view)?;
        Ok((view.sdl.clone(), view.hash.to_string()))
    }

    /// What a socket is told when it is let in.
    pub fn ack(&self) -> Json {
        json!({ "schemaRevision": self.current.load().number.to_string(), "limits": self.limits() })
    }

    /// Everything that can be refused before anything runs.
    pub async fn prepare(&self, view_name: Option<&str>, request: Request, caller: &Caller) -> Result<Prepared, Vec<ApiError>> {
        let began = Instant::now();
        let revision = self.current.load_full();
        let view = revision.view(view_name).map_err(|error| vec![error])?;
        let (chosen, wishes) = self.choose(&view, &request).map_err(|errors| self.name(errors))?;
        let operation = self.preparer().finish(&chosen, &request, caller).map_err(|refused| self.name(refused.errors))?;
        super::roles::check(&view.built, &operation, caller).map_err(|error| self.name(vec![error]))?;
        let view_name = view_name.map(str::to_owned);
        Ok(Prepared { view, view_name, revision: revision.number, operation, request, caller: caller.clone(), wishes, began })
    }

    fn choose(&self, view: &View, request: &Request) -> Result<(Chosen, Wishes), Vec<ApiError>> {
        let wishes = wishes(request).map_err(|error| vec![error])?;
        let chosen = self.preparer().choose(&view.checker, request).map_err(|refused| refused.errors)?;
        Ok((chosen, wishes))
    }

    /// Gives errors a request id, by which the log line is found.
    fn name(&self, mut errors: Vec<ApiError>) -> Vec<ApiError> {
        let id = self.request_id();
        errors.iter_mut().for_each(|error| error.request_id = Some(id.clone()));
        errors
    }

    fn request_id(&self) -> String {
        format!("r{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Queries and mutations.
    pub async fn execute(&self, prepared: Prepared) -> Answer {
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WAIT_MAX, self.turns.acquire()).await else {
            let limit = self.limits().operations_in_flight_max as u64;
            let error = ApiError {
                limit: Some(("operations_in_flight_max", limit)),
                ..ApiError::new(Code::Unavailable, "too many operations are running")
            };
            return Answer::refused(self.name(vec![error.hint("try again in a moment")]));
        };
        if prepared.operation.root.is_empty() {
            return Answer::executed(bytes::Bytes::from_static(br#"{"data":{}}"#));
        }
        let key = prepared.operation.is_introspection_only().then(|| prepared.operation.answer_key());
        if let Some(known) = key.and_then(|key| self.known_introspection(key)) {
            return known;
        }
        if let Err(error) = self.catch_up(prepared.wishes.after).await {
            return Answer::refused(self.name(vec![error]));
        }
        let Prepared { view, operation, caller, wishes, began, .. } = prepared;
        let time_max = match operation.kind {
            OperationKind::Mutation => self.limits().mutation_time_max(),
            OperationKind::Query if operation.root.iter().any(|field| is_analytic(&view, &field.name)) => {
                self.limits().analytics_time_max()
            }
            OperationKind::Query | OperationKind::Subscription => self.limits().query_time_max(),
        };
        let mut ctx = self.context(&view, caller).deadline(began + time_max);
        if key.is_some() {
            // What the schema is must be told whole, however large it is; the answer is kept, so it is made once.
            ctx.response_bytes_max = ctx.response_bytes_max.max(view.sdl.len().saturating_mul(INTROSPECTION_BYTES_PER_SDL_BYTE));
        }
        ctx.receipt_asked = wishes.receipt.then_some(ReceiptAsked { since: began, cost: operation.cost.cost });
        let order: Vec<String> = operation.root.iter().map(|field| field.key.clone()).collect();
        let answer = engine::run(&view.built, operation.document, &order, serde_json::Map::new(), Arc::new(ctx)).await;
        if let (Some(key), Outcome::Executed) = (key, &answer.outcome) {
            self.keep_introspection(key, &answer);
        }
        answer
    }

    /// A subscription, from its first item to its end; it ends when the schema no longer has what it selects.
    pub fn subscribe(self: &Arc<Api>, prepared: Prepared) -> impl Stream<Item = Answer> + Send + 'static {
        super::running::run(self.clone(), prepared)
    }

    /// One run of a subscription against one schema.
    pub(super) fn stream(&self, prepared: Prepared, resync: bool) -> impl Stream<Item = Answer> + Send + 'static + use<> {
        let Prepared { view, operation, caller, request, .. } = prepared;
        let mut ctx = self.context(&view, caller);
        ctx.resume_after = request.resume_after;
        ctx.resync = resync;
        let ctx: Ctx = Arc::new(ctx);
        engine::run_stream(&view.built, operation.document, serde_json::Map::new(), ctx).boxed()
    }

    fn context(&self, view: &View, caller: Caller) -> RequestContext {
        let session = Session::new(view.services.clone(), (self.clock)());
        let twins_read = session.twins_read.clone();
        let mut ctx = RequestContext::new(caller, self.request_id(), Arc::new(session));
        ctx.receipt.twins_read = twins_read;
        ctx.response_bytes_max = self.limits().response_bytes_max;
        ctx.receipt.seq.store(view.services.runtime.view().seq().0, Ordering::Relaxed);
        ctx
    }

    pub(super) async fn catch_up(&self, after: Option<Seq>) -> Result<(), ApiError> {
        let Some(seq) = after else { return Ok(()) };
        if self.parts.runtime.wait_for(seq, true, AFTER_WAIT_MAX).await {
            return Ok(());
        }
        let error = ApiError::new(Code::Timeout, format!("commit {seq} is not to be read yet"));
        Err(error.hint("is `afterSeq` from another Pollux? if not, try again"))
    }

    fn known_introspection(&self, key: TextHash) -> Option<Answer> {
        self.introspections.lock().iter().find(|(known, _)| *known == key).map(|(_, answer)| answer.clone())
    }

    fn keep_introspection(&self, key: TextHash, answer: &Answer) {
        let mut kept = self.introspections.lock();
        kept.push((key, answer.clone()));
        let bytes = |kept: &[(TextHash, Answer)]| kept.iter().map(|(_, answer)| answer.body.len()).sum::<usize>();
        while kept.len() > INTROSPECTIONS_MAX || bytes(&kept) > INTROSPECTION_BYTES_KEPT_MAX {
            kept.remove(0);
        }
    }

    /// The same request against the schema in force now, if that is another one.
    pub(super) async fn prepare_again(&self, prepared: &Again) -> Result<Prepared, Vec<ApiError>> {
        self.prepare(prepared.view_name.as_deref(), prepared.request.clone(), &prepared.caller).await
    }
}

/// What it takes to prepare a request once more.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) view_name: Option<String>,
    pub(super) request: Request,
    pub(super) caller: Caller,
    pub(super) hash: TextHash,
    pub(super) revision: u64,
    pub(super) after: Option<Seq>,
}

impl Prepared {
    pub(super) fn again(&self) -> Again {
        Again {
            view_name: self.view_name.clone(),
            request: self.request.clone(),
            caller: self.caller.clone(),
            hash: self.view.hash,
            revision: self.revision,
            after: self.wishes.after,
        }
    }

    pub(super) fn schema(&self) -> TextHash {
        self.view.hash
    }
}

fn is_analytic(view: &View, field: &str) -> bool {
    view.built.field(QUERY, field).is_some_and(|info| info.is_analytic)
}

/// `extensions: {"pollux": {"receipt": true, "afterSeq": "812"}}`
fn wishes(request: &Request) -> Result<Wishes, ApiError> {
    let Some(ours) = request.extensions.get("pollux") else { return Ok(Wishes::default()) };
    let receipt = ours.get("receipt").and_then(Json::as_bool).unwrap_or(false);
    let after = match ours.get("afterSeq") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => Some(text.parse().map(Seq).map_err(|_| bad_seq())?),
        Some(value) => Some(value.as_u64().map(Seq).ok_or_else(bad_seq)?),
    };
    Ok(Wishes { receipt, after })
}

fn bad_seq() -> ApiError {
    ApiError::bad_input("`extensions.pollux.afterSeq` is the `seq` of a payload: a whole number, or its text")
}
