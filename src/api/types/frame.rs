//! Frames of live selections: `TwinFrame` for whole twins, `ReadingFrame` for single values in columns.

use super::twin::{many, session};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::frames::{ReadingFrame, TwinFrame};

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "FrameKind",
        "What a frame is to what was sent before.",
        &[
            ("SNAPSHOT", "Everything that is selected."),
            ("DELTA", "What has changed since the last frame."),
            ("RESYNC", "Drop what you have: a SNAPSHOT follows."),
        ],
    );
    declare_twins(schema, "TwinFrame", "twins", "Twin");
    let count = |count: u64| Out::Int(i32::try_from(count).unwrap_or(i32::MAX));
    schema
        .object::<ReadingFrame>("ReadingFrame", "Values in columns: a SNAPSHOT carries `keys`, a DELTA addresses them by `index`.")
        .value("kind", "FrameKind!", "", |frame, _| frame.kind.name())
        .value("seq", "Long!", "Every commit up to here is in it.", |frame, _| frame.seq.0)
        .value("at", "DateTime!", "", |frame, _| Out::print(frame.at))
        .value("coalesced", "Int!", "Updates that were folded into others.", move |frame, _| count(frame.coalesced))
        .value("keys", "JSON", "With a SNAPSHOT, the twin and property of each column: `[[\"mixer-1\", \"speed\"], …]`.", |frame, _| {
            Out::Json(frame.keys_json())
        })
        .value("index", "JSON", "With a DELTA, which columns `t` and `v` are about: `[3, 17]`.", |frame, _| Out::Json(frame.index_json()))
        .value("t", "TimeArray!", "Event times.", |frame, _| Out::Json(frame.t_json()))
        .value("v", "JSON!", "Values; null where there is none.", |frame, _| Out::Json(frame.v_json()))
        .value(
            "q",
            "JSON",
            "What is not GOOD, by place in `keys`: `{\"17\": \"BAD\"}`. `STALE` is a good value that is too old.",
            |frame, _| Out::Json(frame.q_json()),
        )
        .value("truncated", "Boolean!", "More series are selected than are sent: select less.", |frame, _| frame.truncated);
}

/// A frame whose twins stand under `field` as `node`.
pub fn declare_twins(schema: &mut SchemaBuilder, name: &str, field: &str, node: &str) {
    schema
        .object::<TwinFrame>(name, "What of a live selection is new.")
        .value("kind", "FrameKind!", "", |frame, _| frame.kind.name())
        .value("seq", "Long!", "Every commit up to here is in it.", |frame, _| frame.seq.0)
        .value("at", "DateTime!", "", |frame, _| Out::print(frame.at))
        .value("coalesced", "Int!", "Updates that were folded into others.", |frame, _| {
            Out::Int(i32::try_from(frame.coalesced).unwrap_or(i32::MAX))
        })
        .field(field, &format!("[{node}!]!"), "With a SNAPSHOT all, with a DELTA those that have changed, each whole.")
        .now(|frame, _, ctx| Ok(many(session(ctx)?, frame.twins.clone())))
        .value("removed", "[ID!]!", "Those that were there and are no more.", |frame, _| {
            Out::list(frame.removed.iter().map(ToString::to_string))
        })
        .value("truncated", "Boolean!", "More twins match than are sent: narrow the filter, or use `readings`.", |frame, _| {
            frame.truncated
        });
}
