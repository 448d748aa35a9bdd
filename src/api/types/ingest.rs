//! `IngestTrace`: what would become of a message.

use super::issue::{Issue, Severity};
use super::reading::SlotNode;
use super::twin::session;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::session::Seen;
use crate::reading::Problem;
use crate::runtime::preview::{Preview, PreviewStep};

/// The largest payload that is looked at.
const PAYLOAD_BYTES_MAX: usize = 256 << 10;

#[derive(Debug)]
struct Trace {
    preview: Preview,
    /// The members that the message is about, as they would be.
    readings: Vec<SlotNode>,
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Trace>("IngestTrace", "What would become of a message. Nothing was changed.")
        .value("accepted", "Boolean!", "Whether some of it would be kept.", |trace, _| trace.preview.is_accepted())
        .value("steps", "[IngestStep!]!", "The way it would take.", |trace, _| Out::objects(trace.preview.steps.iter().cloned()))
        .value("readings", "[Reading!]!", "What its twin would hold of it then.", |trace, _| Out::objects(trace.readings.iter().cloned()))
        .value("issues", "[Issue!]!", "What could not be used, and why.", |trace, _| {
            Out::objects(trace.preview.problems.iter().map(issue))
        });
    schema
        .object::<PreviewStep>("IngestStep", "One step of a message's way.")
        .value("stage", "String!", "`route`, `binding`, `decode`, `twin` or `refused`.", |step, _| step.stage)
        .value("outcome", "String!", "", |step, _| step.outcome)
        .value("detail", "JSON", "", |step, _| Out::json(step.detail.clone()));
}

fn issue(problem: &Problem) -> Issue {
    let path = problem.field.as_ref().map(|field| field.split('.').map(str::to_owned).collect());
    Issue { path, ..Issue::new(problem.code, Severity::Warning, problem.message.clone()) }
}

/// `previewIngest(topic:, payload:)`
pub fn root(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let (topic, payload) = (args.required_text("topic")?, args.required_text("payload")?);
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(ApiError::bad_input(format!("`payload` is longer than {PAYLOAD_BYTES_MAX} bytes")));
    }
    let session = session(ctx)?;
    let preview = session.runtime().preview(topic, payload.as_bytes());
    let readings = preview.after.as_ref().map(|(state, slots)| {
        let seen = Seen { state: state.clone(), seq: session.runtime().view().seq() };
        let mut members: Vec<u16> = slots.iter().filter_map(|slot| state.layout.slots.get(slot.index())).map(|spec| spec.member).collect();
        members.dedup();
        let members = members.into_iter().filter_map(|member| state.layout.members.get(usize::from(member)));
        members.map(|member| SlotNode::of_member(seen.clone(), member)).collect()
    });
    Ok(Out::object(Trace { readings: readings.unwrap_or_default(), preview }))
}
