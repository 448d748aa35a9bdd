//! The root of subscriptions.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep_until};

use crate::feed::ChangeKind;
use crate::reading::TwinId;

use super::build::{Args, Item, Out, SchemaBuilder, Selection};
use super::engine::{Ctx, RequestContext};
use super::error::{ApiError, Code};
use super::frames::{Choice, Filter, ReadingFrames, ReadingSelection, SeriesChoice, TwinFrames, frames};
use super::live::{Condition, bounded, interest, rate};
use super::session::Session;
use super::streams::{ChangeFilter, StreamName, changes, decode_cursor};
use super::types::system::{SchemaRevision, SystemNode};
use super::types::twin::session;
use super::types::{alarm, event, job};

/// Series that a subscription by `where` has twins for, unless it says so.
const SERIES_TWINS: usize = 1_000;

pub fn declare(schema: &mut SchemaBuilder) {
    const RATE: &str = "Frames per second at most; see `rate_hz_max` in `Query.system.limits`.";
    schema.input("ReadingSelect", "Which values.").field("twins", "[TwinSeries!]").field("where", "WhereSeries").one_of();
    schema.input("TwinSeries", "Values of one twin.").field("twin", "ID!").field("properties", "[String!]!");
    schema
        .input("WhereSeries", "Values of the twins that match, as far as their types have them.")
        .field("where", "TwinWhere!")
        .field("properties", "[String!]!")
        .field("limit", "Int = 1000")
        .doc("Twins, by id.");
    let mut root = schema.subscription();
    root.stream("twin", "TwinFrame!", "One twin, live. It may come and go: a frame says so.")
        .arg("id", "ID!")
        .arg("maxRateHz", "Float = 4")
        .arg_doc(RATE)
        .subscribe(|args, ctx| async move {
            let ids = args.text("id").and_then(|id| TwinId::parse(id).ok()).into_iter().collect();
            twin_frames(&ctx, &args, Choice::Twins { ids, filter: None }, &args.selection.below("twins"))
        });
    root.stream("twins", "TwinFrame!", "All twins that match, live.")
        .arg("where", "TwinWhere")
        .arg("limit", "Int = 500")
        .arg_doc("Twins, by id; `truncated` says that more match.")
        .arg("maxRateHz", "Float = 4")
        .arg_doc(RATE)
        .subscribe(|args, ctx| async move {
            let limits = &session(&ctx)?.services.limits;
            let limit = bounded("limit", args.integer("limit"), 500, "frame_twins_max", limits.frame_twins_max)?;
            let choice = Choice::Matching { filter: Arc::new(Condition::of_where(&ctx, &args)?), limit };
            twin_frames(&ctx, &args, choice, &args.selection.below("twins"))
        });
    root.stream("readings", "ReadingFrame!", "Single values in columns: thousands of series at the cost of a few arrays.")
        .arg("select", "ReadingSelect!")
        .arg("maxRateHz", "Float = 4")
        .arg_doc(RATE)
        .arg("minDelta", "Float")
        .arg_doc("A number closer than this to the one that was sent last is not sent. A change of quality or staleness always is.")
        .subscribe(|args, ctx| async move { reading_frames(&ctx, &args) });
    root.stream(
        "changes",
        "ChangeItem!",
        "Every change of twins and relations, once and in order. Deletions come whatever `where` says: who knows what was.",
    )
    .arg("where", "TwinWhere")
    .arg("kinds", "[ChangeKind!]")
    .arg("after", "String")
    .arg_doc("The `cursor` of the last item that arrived; without it the stream begins now.")
    .subscribe(|args, ctx| async move { change_items(ctx, &args) });
    root.stream(
        "alarmChanges",
        "AlarmItem!",
        "Everything that happens to alarms, once and in order. Of what is not known any more all is told, whatever `where` says.",
    )
    .arg("where", "AlarmWhere")
    .arg("after", "String")
    .arg_doc("The `cursor` of the last item that arrived; without it the stream begins now.")
    .subscribe(|args, ctx| async move { alarm::alarm_items(ctx, &args) });
    root.stream("events", "EventItem!", "The events of types, as devices and rules tell them, once and in order.")
        .arg("where", "EventWhere")
        .arg("after", "String")
        .arg_doc("The `cursor` of the last item that arrived; without it the stream begins now.")
        .subscribe(|args, ctx| async move { event::event_items(ctx, &args) });
    root.stream("jobUpdates", "Job!", "A job, whenever it has come further; ends with it.")
        .arg("id", "ID!")
        .subscribe(|args, ctx| async move { job::updates(&ctx, &args) });
    root.stream("schemaChanged", "SchemaRevision!", "Each time that the types of the workspace have changed.")
        .subscribe(|_, ctx| async move { schema_changes(&ctx) });
    root.stream("system", "System!", "The system's numbers, while they change.")
        .arg("maxRateHz", "Float = 1")
        .arg_doc(RATE)
        .subscribe(|args, ctx| async move { system(ctx, &args) });
}

/// Frames of twins, `selected` of each.
pub fn twin_frames(
    ctx: &Ctx,
    args: &Args,
    choice: Choice,
    selected: &Selection,
) -> Result<impl Stream<Item = Result<Out, ApiError>> + Send + use<>, ApiError> {
    let runtime = session(ctx)?.runtime().clone();
    let machine = TwinFrames::new(runtime.feed(), runtime.view_shared(), choice, interest(selected), rate(ctx, args)?);
    let ctx = ctx.clone();
    Ok(frames(machine, runtime.shared.clock.0.clone(), ctx.resync).map(move |frame| {
        let session = session(&ctx)?;
        session.renew();
        frame.twins.iter().for_each(|seen| session.show(seen));
        Ok(Out::object(frame))
    }))
}

fn reading_frames(ctx: &Ctx, args: &Args) -> Result<impl Stream<Item = Result<Out, ApiError>> + Send + use<>, ApiError> {
    let session = session(ctx)?;
    let (runtime, limits) = (session.runtime().clone(), &session.services.limits);
    let select = args.get("select").and_then(Json::as_object).and_then(|select| select.iter().next());
    let series = match select {
        Some((kind, twins)) if kind == "twins" => {
            SeriesChoice::Twins(twins.as_array().into_iter().flatten().filter_map(twin_series).collect())
        }
        Some((_, by)) => {
            let limit = bounded("limit", by.get("limit").and_then(Json::as_i64), SERIES_TWINS, "frame_twins_max", limits.frame_twins_max)?;
            let input = by.get("where").cloned();
            let decode =
                move |access: &super::access::Access<'_>| super::access::decode_twin_where(access, "select.where.where", input.as_ref());
            let filter: Arc<dyn Filter> = Arc::new(Condition::new(ctx, crate::feed::Types::All, Arc::new(decode))?);
            SeriesChoice::Matching { filter, names: names(by), limit }
        }
        None => return Err(ApiError::bad_input("`select` needs `twins` or `where`")),
    };
    let delta_min = args.number("minDelta");
    if delta_min.is_some_and(|delta| delta < 0.0) {
        return Err(ApiError::bad_input("`minDelta` is below 0"));
    }
    let selection = ReadingSelection { series, delta_min, series_max: limits.series_per_subscription_max };
    if let SeriesChoice::Twins(twins) = &selection.series {
        let count: usize = twins.iter().map(|(_, names)| names.len()).sum();
        let max = limits.series_per_subscription_max;
        if count > max {
            let message = format!("{count} series are selected; a subscription has at most {max}");
            return Err(ApiError::limit("series_per_subscription_max", max as u64, message).hint("spread them over several subscriptions"));
        }
    }
    let machine = ReadingFrames::new(runtime.feed(), runtime.view_shared(), selection, rate(ctx, args)?);
    let ctx = ctx.clone();
    Ok(frames(machine, runtime.shared.clock.0.clone(), ctx.resync).map(move |frame| {
        self::session(&ctx)?.renew();
        Ok(Out::object(frame))
    }))
}

fn twin_series(series: &Json) -> Option<(TwinId, Vec<Box<str>>)> {
    let id = TwinId::parse(series.get("twin")?.as_str()?).ok()?;
    Some((id, names(series)))
}

fn names(of: &Json) -> Vec<Box<str>> {
    of.get("properties").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(Into::into).collect()
}

fn change_items(ctx: Ctx, args: &Args) -> Result<impl Stream<Item = Result<Item, ApiError>> + Send + use<>, ApiError> {
    let runtime = session(&ctx)?.runtime().clone();
    // A stream that goes on knows better than its argument where it was.
    let after = ctx.resume_after.as_deref().or_else(|| args.text("after"));
    let after = after.map(|after| decode_cursor(StreamName::Changes, after)).transpose()?;
    let kinds = args.texts("kinds").unwrap_or_default().into_iter().filter_map(ChangeKind::parse).collect();
    let mut filter = ChangeFilter { kinds, twin: None };
    if args.get("where").is_some() {
        let condition = Condition::of_where(&ctx, args)?;
        let clock = runtime.shared.clock.clone();
        // What a deleted twin was nobody knows any more: a client that shows it must hear of it all the same.
        filter.twin = Some(Arc::new(move |change, state| match state {
            Some(state) => condition.matches(state, clock.now()),
            None => change.kind == ChangeKind::Deleted,
        }));
    }
    Ok(changes(runtime, after, filter).map(move |item| {
        let item = item?;
        session(&ctx)?.renew();
        let cursor = Some(item.cursor.clone());
        Ok(Item { value: Out::object(item), cursor })
    }))
}

fn schema_changes(ctx: &Ctx) -> Result<impl Stream<Item = Result<Out, ApiError>> + Send + use<>, ApiError> {
    let mut revisions = session(ctx)?.services.lasting.schema_changes.clone();
    revisions.mark_unchanged();
    Ok(stream::unfold(revisions, |mut revisions| async move {
        revisions.changed().await.ok()?;
        let revision = SchemaRevision::clone(&revisions.borrow_and_update());
        Some((Ok(Out::object(revision)), revisions))
    }))
}

/// A frame at once, then whenever something is new, at most so often.
fn system(ctx: Ctx, args: &Args) -> Result<impl Stream<Item = Result<Out, ApiError>> + Send + use<>, ApiError> {
    let every = rate(&ctx, args)?.every();
    let first = Instant::now();
    Ok(stream::unfold((ctx, None, first), move |(ctx, mut before, mut next)| async move {
        loop {
            sleep_until(next).await;
            next = Instant::now() + every;
            let node = match renewed(&ctx) {
                Ok(node) => node,
                Err(error) => return Some((Err(error), (ctx, before, next))),
            };
            let now = Some(node.sameness());
            if now != before {
                before = now;
                return Some((Ok(Out::object(node)), (ctx, before, next)));
            }
        }
    }))
}

fn renewed(ctx: &RequestContext) -> Result<SystemNode, ApiError> {
    let session: &Session = session(ctx)?;
    session.renew();
    Ok(SystemNode::of(session))
}

/// What is asked for is not there.
pub fn not_found(what: &str, id: &str) -> ApiError {
    let id: String = id.chars().take(60).collect();
    ApiError::new(Code::NotFound, format!("there is no {what} `{id}`"))
}
