//! `ActorInfo`: the actor behind a twin, for those who run the system.

use super::issue::{Issue, Severity};
use crate::api::build::{Out, SchemaBuilder};
use crate::runtime::resident::Observation;

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Observation>("ActorInfo", "The actor of a twin, as it is at this moment.")
        .value("state", "String!", "AWAKE, RESTING, WAKING or FAULTED.", |actor, _| actor.state)
        .value("mailbox", "Int!", "Messages that were sent to it and not dealt with.", |actor, _| {
            Out::Int(i32::try_from(actor.mailbox).unwrap_or(i32::MAX))
        })
        .value("restarts", "Int!", "How often it was rebuilt after a crash, since the program began.", |actor, _| {
            Out::Int(i32::try_from(actor.restarts).unwrap_or(i32::MAX))
        })
        .value("lastError", "Issue", "Why it crashed last.", |actor, _| {
            let message = actor.last_error.clone();
            message.map(|message| Out::object(Issue::new("ACTOR_CRASHED", Severity::Major, message)))
        })
        .value("resident", "Boolean!", "Whether it is in memory with its mailbox; otherwise the next message wakes it.", |actor, _| {
            actor.state == "AWAKE"
        });
}
