//! `AlarmFigures`: how alarms of an area do as a whole.

use smol_str::SmolStr;

use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::types::range::Range;
use crate::api::types::rule;
use crate::api::types::twin::{one, session};
use crate::reading::{Timestamp, format_duration};
use crate::runtime::{AlarmFigures, AreaFlood};

#[derive(Debug, Clone)]
struct FiguresNode {
    told: AlarmFigures,
    floods: Vec<AreaFlood>,
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<FiguresNode>("AlarmFigures", "How the alarms of an area do as a whole, by those that were raised in a stretch of time.")
        .value("perTenMinutes", "Float!", "The mean. ISA-18.2 asks for one or two.", |node, _| node.told.figures.per_ten_minutes)
        .value("peakPerTenMinutes", "Int!", "", |node, _| whole(node.told.figures.peak_per_ten_minutes))
        .value("floodShare", "Float!", "The share of the time in which they came in a flood: from more than 10 in 10 minutes to fewer than 5.", |node, _| {
            node.told.figures.flood_share
        })
        .value("chattering", "Int!", "Alarms that were raised 3 times within a minute.", |node, _| whole(node.told.figures.chattering))
        .value("standing", "Int!", "Those that had been active for more than 24 hours at the end, whenever they were raised.", |node, _| {
            whole(node.told.figures.standing)
        })
        .value("meanTimeToAcknowledge", "Duration", "Of those that somebody has acknowledged.", |node, _| {
            let mean = node.told.figures.mean_time_to_acknowledge;
            mean.map(|mean| format_duration(i64::try_from(mean.as_micros()).unwrap_or(i64::MAX)))
        })
        .value("frequent", "[RuleCount!]!", "The ten rules that raised most.", |node, _| {
            Out::objects(node.told.figures.frequent.iter().cloned())
        })
        .value(
            "completeSince",
            "DateTime!",
            "From when on nothing is missing: the start of the program, or later where very many came. Of what was raised before, only those are counted that were open then.",
            |node, _| Out::print(node.told.complete_since),
        )
        .value("floods", "[AlarmFlood!]!", "The floods that are on now, here and below.", |node, _| Out::objects(node.floods.iter().cloned()));
    schema
        .object::<(SmolStr, u32)>("RuleCount", "How often a rule raised.")
        .value("rule", "Rule", "Null where its type does not have it any more, and of alarms from outside.", |(name, _), ctx| {
            rule::find(session(ctx).ok()?, name).map(Out::object)
        })
        .value("name", "String!", "`TYPE.ID`", |(name, _), _| name.to_string())
        .value("count", "Int!", "", |(_, count), _| whole(*count));
    schema
        .object::<AreaFlood>(
            "AlarmFlood",
            "Alarms of an area come faster than people can follow. Notifications are told in sums meanwhile.",
        )
        .value("twinId", "ID!", "The area.", |flood, _| flood.area.to_string())
        .field("twin", "Twin", "")
        .now(|flood, _, ctx| {
            let session = session(ctx)?;
            Ok(session.by_id(flood.area.as_str()).map_or(Out::Null, |seen| one(session, seen)))
        })
        .value("since", "DateTime!", "", |flood, _| Out::print(flood.ongoing.since))
        .value("firstOutId", "ID!", "The id of the alarm that came first.", |flood, _| flood.ongoing.first_out.to_string())
        .field("firstOut", "Alarm", "The alarm that came first; null where it is not open any more.")
        .now(|flood, _, ctx| {
            let place = flood.ongoing.first_out.strip_prefix("alarm/").unwrap_or_default();
            Ok(super::find(session(ctx)?, place).map_or(Out::Null, Out::object))
        })
        .value("raised", "Int!", "How many there were until now.", |flood, _| whole(flood.ongoing.raised))
        .value("notices", "Int!", "How often people were told in sums.", |flood, _| whole(flood.ongoing.notices));
}

fn whole(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// `alarmFigures(under:, range:)`; null where there is no such twin.
pub fn figures(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let (now, under): (Timestamp, _) = (session.now(), args.text("under"));
    let Range { from, to } = Range::read(args, "range", now)?;
    let runtime = session.runtime();
    let Some(told) = runtime.alarm_figures(under, from, to) else { return Ok(Out::Null) };
    Ok(Out::object(FiguresNode { told, floods: runtime.floods(under) }))
}
