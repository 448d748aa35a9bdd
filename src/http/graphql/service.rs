//! What the transports need of the API, and all they know of it.

use std::sync::Arc;

use futures_util::Stream;
use serde_json::Value as Json;

use crate::api::executor::{Api, Prepared};
use crate::api::{Answer, ApiError, Caller, OperationKind, Request};

/// Runs requests. A transport brings a request and a caller, and carries the answers away.
pub trait Service: Send + Sync + 'static {
    /// A request that can run: parsed, validated, counted, allowed.
    type Prepared: Send + 'static;

    /// The errors are those of a request that cannot run; there is no `data` then.
    fn prepare(
        &self,
        view: Option<&str>,
        request: Request,
        caller: &Caller,
    ) -> impl Future<Output = Result<Self::Prepared, Vec<ApiError>>> + Send;

    fn kind(prepared: &Self::Prepared) -> OperationKind;

    /// For queries and mutations.
    fn execute(&self, prepared: Self::Prepared) -> impl Future<Output = Answer> + Send;

    /// For subscriptions. The operation is complete when the stream ends; to drop it ends the operation.
    fn subscribe(&self, prepared: Self::Prepared) -> impl Stream<Item = Answer> + Send + 'static;

    fn sdl(&self, view: Option<&str>) -> Result<Sdl, ApiError>;

    /// What a socket is told when it is let in: `{schemaRevision, limits}`.
    fn ack(&self) -> Json;
}

/// The printed schema of a view.
#[derive(Debug, Clone)]
pub struct Sdl {
    pub text: Arc<str>,
    pub hash: String,
}

/// The API behind the transports.
#[derive(Debug)]
pub struct Served(pub Arc<Api>);

impl Service for Served {
    type Prepared = Prepared;

    async fn prepare(&self, view: Option<&str>, request: Request, caller: &Caller) -> Result<Prepared, Vec<ApiError>> {
        self.0.prepare(view, request, caller).await
    }

    fn kind(prepared: &Prepared) -> OperationKind {
        prepared.kind()
    }

    async fn execute(&self, prepared: Prepared) -> Answer {
        self.0.execute(prepared).await
    }

    fn subscribe(&self, prepared: Prepared) -> impl Stream<Item = Answer> + Send + 'static {
        self.0.subscribe(prepared)
    }

    fn sdl(&self, view: Option<&str>) -> Result<Sdl, ApiError> {
        self.0.sdl(view).map(|(text, hash)| Sdl { text, hash })
    }

    fn ack(&self) -> Json {
        self.0.ack()
    }
}
