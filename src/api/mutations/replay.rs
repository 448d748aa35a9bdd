//! What was refused once, offered again: when the twin has been created, the binding mended, the type changed.

use super::ingest::{self, Ingested};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::session::Session;
use crate::api::types::issue::UserError;
use crate::api::types::payload::Payload;
use crate::api::types::rejection::{self, RejectionNode};
use crate::api::types::twin::session;
use crate::catalog::binding::Source;
use crate::ingress::{Address, Packet};
use crate::reading::TwinId;
use crate::twin::Rejection;

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .mutation()
        .field("replayRejection", "IngestPayload!", REPLAY)
        .arg("id", "ID!")
        .resolve(|_, args, ctx| async move { replay(&ctx, args).await.map(Out::object) })
        .role(Role::Operator);
}

const REPLAY: &str = "Offers a refused message again, as it came in and as of when it did; `replayable` says whether it was kept whole. What of it was \
                      taken before is known. Sent again, all of it is known.";

async fn replay(ctx: &RequestContext, args: Args) -> Result<Payload<Ingested>, ApiError> {
    let session = session(ctx)?;
    let id = args.required_text("id")?;
    let found = match id.strip_prefix("rejection/") {
        Some(place) => rejection::find(session, place).await?,
        None => None,
    };
    let Some(node) = found else {
        let shown: String = id.chars().take(60).collect();
        return Ok(refused(format!("there is no rejection `{shown}`, or not any more")));
    };
    if !node.is_whole() {
        return Ok(refused("its payload was not kept whole: only the device can send it again".to_owned()));
    }
    let Some((source, packet)) = packet_of(session, &node) else {
        return Ok(refused("it did not come from outside: there is no way to send it again".to_owned()));
    };
    let ingested = ingest::send(session, source, &[packet]).await;
    Ok(ingest::told(session, ingested))
}

fn refused(message: String) -> Payload<Ingested> {
    ingest::refused(UserError::new("NOT_APPLICABLE", &["id"], message))
}

/// As it came in.
pub(super) fn packet_of(session: &Session, node: &RejectionNode) -> Option<(Source, Packet)> {
    let Rejection { address, excerpt, at, .. } = &node.0.rejection;
    let (source, address) = match address.strip_prefix("/ingest") {
        Some("") => (Source::Http, Address::Envelope),
        Some(path) => match path.strip_prefix("/topic/") {
            Some(topic) => (Source::Http, Address::Topic(topic.to_owned().into())),
            None => (Source::Http, Address::Twin(TwinId::parse(path.strip_prefix('/')?).ok()?)),
        },
        None if address.is_empty() => return None,
        None => (source_of(session, address), Address::Topic(address.clone().into())),
    };
    Some((source, Packet { address, payload: excerpt.clone().into(), received: *at }))
}

/// The broker whose bindings know the topic: a rejection does not say which one brought it.
fn source_of(session: &Session, topic: &str) -> Source {
    let bindings = session.runtime().bindings.load();
    let knows = |source: &Source| bindings.router(source).route_bytes(topic.as_bytes()).is_ok();
    let mut brokers = bindings.catalog.bindings.iter().map(|binding| &binding.source).filter(|source| matches!(source, Source::Broker(_)));
    match knows(&Source::Embedded) {
        true => Source::Embedded,
        false => brokers.find(|source| knows(source)).cloned().unwrap_or(Source::Embedded),
    }
}
