//! A machine as a stream in real time. Nothing is made before it is asked for; what happens meanwhile is folded.

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep_until};

use crate::reading::Now;

use super::{Conflation, Turn};

/// Never ends by itself. With `resync` it takes the place of another stream, whose frames the client is first told to drop.
pub fn frames<M: Conflation>(machine: M, wall: Now, resync: bool) -> impl Stream<Item = M::Frame> {
    unfold((machine, wall, resync), |(mut machine, wall, resync)| async move {
        let frame = match resync {
            true => machine.begin_anew(wall()),
            false => next(&mut machine, &wall).await,
        };
        Some((frame, (machine, wall, false)))
    })
}

async fn next<M: Conflation>(machine: &mut M, wall: &Now) -> M::Frame {
    loop {
        match machine.poll(Instant::now(), wall()) {
            Turn::Frame(frame) => return frame,
            Turn::Sleep(until) => sleep_until(until).await,
            Turn::Listen(None) => machine.watch().changed().await,
            Turn::Listen(Some(until)) => {
                tokio::select! {
                    () = machine.watch().changed() => {}
                    () = sleep_until(until) => {}
                }
            }
        }
    }
}
