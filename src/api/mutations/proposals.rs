//! Unknown senders in quarantine become twins.

use super::ingest::{self, Ingested};
use super::{edit, replay};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::session::Session;
use crate::api::types::issue::UserError;
use crate::api::types::payload::{Payload, TwinPayload};
use crate::api::types::proposal;
use crate::api::types::rejection::RejectionNode;
use crate::api::types::twin::session;
use crate::reading::Seq;
use crate::runtime::edit::{CreateTwin, ExternalId};
use crate::runtime::quarantine::UnknownSender;

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .mutation()
        .field("acceptProposal", "TwinPayload!", ACCEPT)
        .arg("id", "ID!")
        .arg("type", "String!")
        .arg_doc("A type of the workspace; `matches` says which know what it sends.")
        .arg("twin", "ID!")
        .arg_doc("The id of the new twin. Where messages carry the id of a twin, it must be that: `source`.")
        .arg("parent", "ID")
        .arg_doc("What contains it; a root when absent.")
        .resolve(|_, args, ctx| async move { accept(&ctx, &args).await.map(Out::object) })
        .role(Role::Modeller);
}

const ACCEPT: &str = "Makes a twin of an unknown sender and takes in its messages that were kept whole, as of when they came. Sent again, it is refused: \
                      the sender is known.";

async fn accept(ctx: &RequestContext, args: &Args) -> Result<TwinPayload, ApiError> {
    let session = session(ctx)?;
    let id = args.required_text("id")?;
    let Some(proposal) = proposal::find(session, id).await? else {
        let shown: String = id.chars().take(60).collect();
        return Ok(refused("id", format!("there is no proposal `{shown}`, or its sender is known by now")));
    };
    let (sender, twin) = (&*proposal.sender, args.required_text("twin")?);
    if sender.namespace.is_none() && sender.name != twin {
        return Ok(refused("twin", format!("its messages are for the twin `{}`: it must have that id", sender.name)));
    }
    let create = CreateTwin {
        id: Some(twin.to_owned()),
        type_name: args.required_text("type")?.to_owned(),
        parent: args.text("parent").map(str::to_owned),
        external_ids: sender.namespace.iter().map(|namespace| ExternalId { namespace: namespace.clone(), value: sender.name.clone() }).collect(),
        ..CreateTwin::default()
    };
    let made = edit::create(ctx, create, None, <[String]>::to_vec).await?;
    let Some(created) = made.seq else { return Ok(made) };
    let taken = take_in(session, sender).await;
    let seq = ingest::told(session, taken).seq.map_or(created, |seq: Seq| seq.max(created));
    Ok(Payload::done(seq, session.by_id(twin)))
}

/// The oldest first, by the way they came.
async fn take_in(session: &Session, sender: &UnknownSender) -> Ingested {
    let whole = sender.rows.iter().rev().cloned().map(RejectionNode).filter(RejectionNode::is_whole);
    let packets: Vec<_> = whole.filter_map(|node| replay::packet_of(session, &node)).map(|(_, packet)| packet).collect();
    ingest::send(session, sender.binding.source.clone(), &packets).await
}

fn refused(argument: &str, message: String) -> TwinPayload {
    Payload::refused(vec![UserError::new("NOT_APPLICABLE", &[argument], message)], None)
}
