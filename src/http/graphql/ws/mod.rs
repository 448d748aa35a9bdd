//! `/graphql/ws`: graphql-transport-ws, many operations at once on one socket.

mod connection;
mod message;
mod operations;
mod protocol;
mod seats;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::{ApiError, Code};
use crate::http::listener::Peer;

use super::caller::credentials_of;
use super::parameters::Url;
use super::service::Service;
use super::{Door, answer};
use connection::Guest;
use protocol::Close;
pub(super) use seats::Seats;

const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("graphql-transport-ws");
/// Every socket has buffers of its own for both directions; the library's own defaults would take a quarter of a MiB from each.
const BUFFER_BYTES: usize = 8 * 1024;

pub(super) async fn upgrade<S: Service>(State(door): State<Arc<Door<S>>>, request: Request) -> Response {
    if !door.settings.origins.admit(request.headers(), request.uri()) {
        let error = ApiError::new(Code::Forbidden, "pages of this origin may not open sockets").hint("add it to `origins` in [graphql]");
        return answer::malformed(None, StatusCode::FORBIDDEN, error);
    }
    let view = Url::of(request.uri()).and_then(|url| Ok(url.get("view")?.map(Arc::from)));
    let view = match view {
        Ok(view) => view,
        Err(message) => return answer::malformed(None, StatusCode::BAD_REQUEST, ApiError::bad_input(message)),
    };
    // An unknown view is said now: no operation could run.
    if let Some(Err(error)) = view.as_deref().map(|view: &str| door.service.sdl(Some(view))) {
        return answer::refused(super::negotiate::Media::Response, &[error]);
    }
    let credentials = credentials_of(request.headers()).map(str::to_owned);
    let taken = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.taken.clone()).unwrap_or_default();
    let (mut parts, _body) = request.into_parts();
    let mut socket = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(seat) = door.sockets.take() else {
        let most = door.sockets.sockets_max();
        return answer::busy(ApiError::limit("sockets_max", most as u64, format!("{most} sockets are open already")));
    };
    let speaks_ours = socket.requested_protocols().any(|protocol| *protocol == SUBPROTOCOL);
    // Who speaks another one is let in all the same: a browser shows the reason of a close, but not of a refusal. Clients insist on hearing back
    // a name that they have said.
    let chosen = if speaks_ours { Some(SUBPROTOCOL) } else { socket.requested_protocols().next().cloned() };
    if let Some(chosen) = chosen {
        socket.set_selected_protocol(chosen);
    }
    let bytes_max = door.settings.body_bytes_max;
    let socket =
        socket.max_message_size(bytes_max).max_frame_size(bytes_max).read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    let task = door.tasks.token();
    socket.on_upgrade(async move |socket| {
        let _task = task;
        if speaks_ours {
            connection::serve(socket, door, Guest { view, credentials, taken, seat }).await;
        } else {
            let close = Close { code: 4406, reason: "Subprotocol not acceptable".to_owned() };
            connection::dismiss(socket, close, door.settings.timing.goodbye_wait_max).await;
            drop(seat);
        }
    })
}
