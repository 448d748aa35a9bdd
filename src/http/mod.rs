//! The HTTP door: GraphQL and its console, ingest, health and metrics, and a small read door for `pollux twins` until the GraphQL API stands.

mod admin;
mod graphiql;
pub mod graphql;
mod ingest;
pub mod listener;
mod probes;
mod tag;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::ingress::{Door, Permits};
use crate::runtime::Runtime;
use crate::runtime::clock::Clock;

pub use listener::{Listener, Peer};

#[derive(Debug, Clone)]
pub struct Config {
    /// The most connections at once; further ones wait.
    pub connections_max: usize,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// The most items of one request to `/ingest`.
    pub items_max: usize,
    /// How long a request waits for its commit.
    pub commit_wait_max: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { connections_max: 8_192, body_bytes_max: 8 * 1024 * 1024, items_max: 10_000, commit_wait_max: Duration::from_secs(30) }
    }
}

/// What the routes need.
#[derive(Clone)]
pub struct Site {
    pub config: Config,
    pub runtime: Arc<Runtime>,
    pub door: Arc<dyn Door>,
    pub permits: Arc<Permits>,
    pub clock: Clock,
    /// Renders the metrics page.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("config", &self.config).finish_non_exhaustive()
    }
}

pub fn routes(site: Site) -> Router {
    let body_bytes_max = site.config.body_bytes_max;
    Router::new()
        .route("/ingest", post(ingest::envelopes))
        .route("/ingest/{twin}", post(ingest::native))
        .route("/ingest/topic/{*topic}", post(ingest::topic))
        .route("/healthz", get(probes::alive))
        .route("/readyz", get(probes::ready))
        .route("/metrics", get(probes::metrics))
        .route("/admin/status", get(admin::status))
        .route("/admin/twins", get(admin::twins))
        .route("/admin/twins/{twin}", get(admin::twin))
        .route("/admin/rejections", get(admin::rejections))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(site)
        .merge(graphiql::routes())
}
