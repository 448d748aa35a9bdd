//! `AlarmItem`: one item of the lossless stream of what happens to alarms.

use std::sync::Arc;

use futures_util::{Stream, StreamExt};

use super::{AlarmFilter, after_change};
use crate::alarm::{Identity, alarm_id};
use crate::api::build::{Args, Item, Out, SchemaBuilder};
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::session::Seen;
use crate::api::streams::{StreamEvent, StreamItem, StreamName, decode_cursor, happenings};
use crate::api::types::change::GapNode;
use crate::api::types::twin::session;
use crate::feed::{Happening, Occurred};

#[derive(Debug)]
struct AlarmItem(StreamItem<Happening>);

impl AlarmItem {
    fn happening(&self) -> Option<&Happening> {
        if let StreamEvent::Item(happening) = &self.0.event { Some(happening) } else { None }
    }

    fn change(&self) -> Option<&crate::alarm::Change> {
        match &self.happening()?.what {
            Occurred::Alarm { change, .. } => Some(change),
            Occurred::Event(_) => None,
        }
    }

    fn rule(&self) -> Option<&str> {
        match &self.happening()?.what {
            Occurred::Alarm { rule, .. } => Some(rule),
            Occurred::Event(_) => None,
        }
    }

    fn alarm_id(&self) -> Option<String> {
        let no = self.change().map(|change| change.no).filter(|no| *no > 0)?;
        let identity = Identity { rule: self.rule()?.into(), key: Default::default() };
        Some(alarm_id(&self.happening()?.id, &identity, no))
    }
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<AlarmItem>("AlarmItem", "An item of the stream of what happens to alarms.")
        .value("kind", "StreamKind!", "", |item, _| item.0.event.kind())
        .value("cursor", "String!", "For `after`: to go on behind this item.", |item, _| item.0.cursor.clone())
        .value("seq", "Long!", "The commit.", |item, _| item.0.seq.0)
        .value("op", "AlarmOp", "With ITEM.", |item, _| item.change().map(|change| change.what.op().as_str()))
        .value("alarmId", "ID", "With ITEM, but for what somebody does to a rule of which no alarm is open.", |item, _| item.alarm_id())
        .value("twinId", "ID", "With ITEM.", |item, _| item.happening().map(|happening| happening.id.to_string()))
        .value("ruleName", "String", "With ITEM.", |item, _| item.rule().map(str::to_owned))
        .value("at", "DateTime", "With ITEM: when it happened, in the time of the data.", |item, _| {
            item.change().map(|change| Out::print(change.at))
        })
        .value("by", "String", "Who did it; null: the rule.", |item, _| item.change().and_then(|change| change.by.as_ref()).map(ToString::to_string))
        .value("comment", "String", "What was said about it.", |item, _| {
            item.change().and_then(|change| change.comment.as_ref()).map(ToString::to_string)
        })
        .field(
            "alarm",
            "Alarm",
            "As it was after this. Of one that was raised before the stream's beginning, as it is now; null if that is closed or its twin gone.",
        )
        .now(|item, _, ctx| {
            let session = session(ctx)?;
            let Some(happening) = item.happening() else { return Ok(Out::Null) };
            let Occurred::Alarm { rule, after: Some(after), .. } = &happening.what else { return Ok(Out::Null) };
            let seen = session.by_id(happening.id.as_str()).filter(|seen| seen.state.no == happening.twin);
            Ok(seen.map_or(Out::Null, |seen| Out::object(after_change(seen, rule, after))))
        })
        .value("gap", "Gap", "With GAP.", |item, _| GapNode::of(&item.0.event).map_or(Out::Null, Out::object));
}

/// `alarmChanges(where:, after:)`
pub fn alarm_items(ctx: Ctx, args: &Args) -> Result<impl Stream<Item = Result<Item, ApiError>> + Send + use<>, ApiError> {
    let runtime = session(&ctx)?.runtime().clone();
    // A stream that goes on knows better than its argument where it was.
    let after = ctx.resume_after.as_deref().or_else(|| args.text("after"));
    let after = after.map(|after| decode_cursor(StreamName::Alarms, after)).transpose()?;
    let (filter, reader) = (AlarmFilter::read(&ctx, args.get("where"))?, runtime.clone());
    let wants = move |happening: &Happening| {
        let Occurred::Alarm { rule, after, .. } = &happening.what else { return false };
        let cell = reader.view().twin(happening.id.as_str());
        match (after, cell) {
            (Some(after), Some(cell)) => {
                let seen = Seen { seq: cell.seq(), state: cell.state() };
                filter.holds(&after_change(seen, rule, after), reader.shared.clock.now())
            }
            // What is not known any more nobody can judge, and a client that shows it must hear of its end.
            (_, _) => filter.hold_identity(happening.id.as_str(), rule),
        }
    };
    Ok(happenings(runtime, StreamName::Alarms, after, Arc::new(wants)).map(move |item| {
        let item = item?;
        session(&ctx)?.renew();
        let cursor = Some(item.cursor.clone());
        Ok(Item { value: Out::object(AlarmItem(item)), cursor })
    }))
}
