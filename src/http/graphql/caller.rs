//! Who asks: the one place where a transport turns credentials into a [`Caller`].

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Map, Value as Json};

use crate::api::{ApiError, Caller};

/// Without authentication the door opens on the loopback only, and who comes there is the local administrator, whatever they carry.
pub(super) fn caller_of(_credentials: Option<&str>) -> Result<Caller, ApiError> {
    Ok(Caller::local())
}

/// `Authorization` of an HTTP request.
pub(super) fn credentials_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()
}

/// `authorization` of the payload of `connection_init`: browsers cannot send headers with a socket.
pub(super) fn credentials_in(payload: Option<&Map<String, Json>>) -> Option<&str> {
    payload?.get("authorization")?.as_str()
}

/// Only who has shown credentials has a share of the sockets; the local administrator has all of them.
pub(super) fn has_share(caller: &Caller) -> bool {
    *caller != Caller::local()
}
