//! The change feed of a whole program: frames and lossless changes while messages come in, and over restarts.

mod changes;
mod frames;

use std::time::Duration;

use futures_util::{Stream, StreamExt};

use crate::support::PATIENCE;

const FILES: [(&str, &str); 2] = [
    (
        "schemas/Pump.yaml",
        "type: Pump\nproperties:\n  note: string\n  size: int\ntelemetry:\n  flow: double\n  heat: double\nrelations:\n  contains: {to: Pump}\n",
    ),
    ("twins/pumps.yaml", "twins:\n- {id: pump-1, type: Pump}\n- {id: pump-2, type: Pump, in: pump-1}\n- {id: pump-3, type: Pump}\n"),
];

/// The next item, which must come.
async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    tokio::time::timeout(PATIENCE, stream.next()).await.expect("an item comes").expect("the stream goes on")
}

/// Whether nothing comes for a while. It can only fail to notice what comes later.
async fn is_silent<S: Stream + Unpin>(stream: &mut S) -> bool {
    tokio::time::timeout(Duration::from_millis(100), stream.next()).await.is_err()
}
