//! What live selections are made of: conditions on twins, what of a twin is shown, and how often frames go.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::feed::Types;
use crate::reading::Timestamp;
use crate::twin::State;

use super::access::{self, Access, Matcher};
use super::build::{Args, Selection};
use super::engine::RequestContext;
use super::error::ApiError;
use super::frames::{Interest, RESCAN_EVERY, Rate};
use super::request::Role;
use super::session::Services;
use super::types::twin::session;

/// How an input becomes a filter. It is read anew from time to time, because ages count from now.
type Decode = Arc<dyn Fn(&Access<'_>) -> Result<access::Filter, ApiError> + Send + Sync>;

/// A condition on twins, for as long as a subscription lives.
pub struct Condition {
    services: Arc<Services>,
    role: Role,
    types: Types,
    decode: Decode,
    follows_graph: bool,
    follows_time: bool,
    compiled: Mutex<Compiled>,
}

/// The filter with its sets of twins: those hold for one state of the graph.
struct Compiled {
    at: Timestamp,
    graph: u64,
    matcher: Arc<Matcher>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("types", &self.types).field("follows_graph", &self.follows_graph).finish_non_exhaustive()
    }
}

impl Condition {
    /// A filter that cannot be read is told at once.
    pub fn new(ctx: &RequestContext, types: Types, decode: Decode) -> Result<Condition, ApiError> {
        let session = session(ctx)?;
        let (services, role) = (session.services.clone(), ctx.caller.role);
        let access = services.access(session.now(), role);
        let filter = decode(&access)?;
        let (follows_graph, follows_time) = (filter.follows_graph(), filter.follows_time());
        let matcher = Arc::new(Matcher::new(&access, &filter));
        let compiled = Mutex::new(Compiled { at: access.now, graph: access.links.version(), matcher });
        Ok(Condition { services, role, types, decode, follows_graph, follows_time, compiled })
    }

    /// `where` of twins of any type.
    pub fn of_where(ctx: &RequestContext, args: &Args) -> Result<Condition, ApiError> {
        let input = args.get("where").cloned();
        Condition::new(ctx, Types::All, Arc::new(move |access| access::decode_twin_where(access, "where", input.as_ref())))
    }

    fn matcher(&self, access: &Access<'_>) -> Arc<Matcher> {
        let mut compiled = self.compiled.lock();
        let graph = access.links.version();
        let is_old = self.follows_graph && compiled.graph != graph || self.follows_time && access.now >= compiled.at.plus(RESCAN_EVERY);
        if is_old && let Ok(filter) = (self.decode)(access) {
            *compiled = Compiled { at: access.now, graph, matcher: Arc::new(Matcher::new(access, &filter)) };
        }
        compiled.matcher.clone()
    }
}

impl super::frames::Filter for Condition {
    fn matches(&self, state: &State, now: Timestamp) -> bool {
        let access = self.services.access(now, self.role);
        self.matcher(&access).matches(&access, state)
    }

    fn types(&self) -> Types {
        self.types.clone()
    }

    fn follows_graph(&self) -> bool {
        self.follows_graph
    }

    fn follows_time(&self) -> bool {
        self.follows_time
    }
}

/// Fields of `Twin` that every event changes.
const HEAD: [&str; 4] = ["revision", "seq", "updatedAt", "lastSeen"];
const NAMED: [&str; 2] = ["name", "externalIds"];
/// Fields that may show any member.
const ANY_MEMBER: [&str; 3] = ["properties", "readings", "presence"];

/// What of a twin is selected: only changes of that are worth a frame.
pub fn interest(twin: &Selection) -> Interest {
    if twin.fields.iter().any(|field| ANY_MEMBER.contains(&field.name.as_str())) {
        return Interest::all();
    }
    let names = twin.fields.iter().map(|field| Box::from(field.name.as_str()));
    let mut interest = Interest::members(names);
    if twin.fields.iter().any(|field| HEAD.contains(&field.name.as_str())) {
        interest = interest.and_head();
    }
    if twin.fields.iter().any(|field| NAMED.contains(&field.name.as_str())) {
        interest = interest.and_name();
    }
    interest
}

/// The argument `maxRateHz`.
pub fn rate(ctx: &RequestContext, args: &Args) -> Result<Rate, ApiError> {
    let hz = args.number("maxRateHz").unwrap_or(4.0);
    let max = f64::from(session(ctx)?.services.limits.rate_hz_max);
    Rate::of(hz, max).ok_or_else(|| ApiError::bad_input(format!("`maxRateHz` is {hz}; it must be above 0")))
}

/// A number of twins or series, within a bound of `[graphql.limits]`.
pub fn bounded(name: &str, wanted: Option<i64>, default: usize, setting: &'static str, max: usize) -> Result<usize, ApiError> {
    let wanted = wanted.unwrap_or(i64::try_from(default.min(max)).unwrap_or(i64::MAX));
    match usize::try_from(wanted) {
        Ok(0) | Err(_) => Err(ApiError::bad_input(format!("`{name}` is {wanted}; it must be at least 1"))),
        Ok(count) if count > max => {
            let error = ApiError::limit(setting, max as u64, format!("`{name}` is {wanted}; at most {max} are sent"));
            Err(error.hint("filter for fewer, or follow the rest with a second subscription"))
        }
        Ok(count) => Ok(count),
    }
}
