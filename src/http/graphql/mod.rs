//! The transports of GraphQL: HTTP, event streams and sockets, exactly as their specifications say. They know media types, status codes, close
//! codes and back-pressure; of the API they know a [`Service`], which prepares a request and runs it.
//!
//! ```text
//! POST, GET /graphql ── exchange ─┬─ one document          (answer: status and headers)
//!                                 └─ an event stream       (sse)
//! /graphql/ws ───────── ws ─────── many operations at once (protocol decides, connection carries)
//! /graphql/schema.graphql
//! ```

mod answer;
mod caller;
mod exchange;
mod negotiate;
mod origin;
mod parameters;
mod schema;
mod service;
mod sse;
#[cfg(test)]
mod tests;
mod ws;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

pub use origin::{NotAnOrigin, Origins};
pub use service::{Sdl, Served, Service};

/// Below this an answer is sent as it is.
const COMPRESS_BYTES_MIN: u16 = 1024;

/// The bounds of the transports, by their names in `[graphql.limits]`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest body of a request, and the largest message on a socket.
    pub body_bytes_max: usize,
    pub sockets_max: usize,
    /// Of callers with credentials.
    pub sockets_per_subject_max: usize,
    pub operations_per_socket_max: usize,
    /// What may wait for a client to take it; beyond it, operations are not asked for more.
    pub outbound_bytes_per_socket_max: usize,
    /// Pages of other origins that may use the API.
    pub origins: Origins,
    pub timing: Timing,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            body_bytes_max: 2 * 1024 * 1024,
            sockets_max: 2000,
            sockets_per_subject_max: 50,
            operations_per_socket_max: 64,
            outbound_bytes_per_socket_max: 1024 * 1024,
            origins: Origins::default(),
            timing: Timing::default(),
        }
    }
}

/// How long the transports wait for what.
#[derive(Debug, Clone)]
pub struct Timing {
    /// For `connection_init`.
    pub init_wait_max: Duration,
    pub ping_every: Duration,
    /// Without any message of the client.
    pub silence_max: Duration,
    /// While the client takes nothing of what waits for it.
    pub stall_max: Duration,
    /// For the client to say goodbye, too.
    pub goodbye_wait_max: Duration,
    /// Between two signs of life on an event stream.
    pub comment_every: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            init_wait_max: Duration::from_secs(5),
            ping_every: Duration::from_secs(15),
            silence_max: Duration::from_secs(30),
            stall_max: Duration::from_secs(30),
            goodbye_wait_max: Duration::from_secs(2),
            comment_every: Duration::from_secs(12),
        }
    }
}

/// What all transports share.
struct Door<S> {
    service: Arc<S>,
    settings: Settings,
    sockets: ws::Seats,
    /// Ends streams and sockets.
    closing: CancellationToken,
    /// Sockets outlive the request they began with; whoever closes the door waits for them here.
    tasks: TaskTracker,
}

pub fn routes<S: Service>(service: Arc<S>, settings: Settings, closing: CancellationToken, tasks: TaskTracker) -> Router {
    let compression = CompressionLayer::new()
        // Answers are made once and read once: what a better level saves is not worth its time.
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(COMPRESS_BYTES_MIN).and(NotForContentType::SSE));
    let body_limit = DefaultBodyLimit::max(settings.body_bytes_max);
    let cors = settings.origins.cors();
    let sockets = ws::Seats::new(settings.sockets_max, settings.sockets_per_subject_max);
    let door = Arc::new(Door { service, settings, sockets, closing, tasks });
    let routes = Router::new()
        .route("/graphql", any(exchange::exchange::<S>))
        .route("/graphql/schema.graphql", get(schema::schema::<S>))
        .layer(compression)
        .layer(body_limit);
    let routes = match cors {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.route("/graphql/ws", get(ws::upgrade::<S>)).with_state(door)
}
