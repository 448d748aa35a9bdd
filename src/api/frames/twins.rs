//! Frames of whole twins: everything selected of each twin that has changed, and the ids of those that have left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::feed::{Feed, Watch};
use crate::reading::{Seq, Timestamp, TwinId};
use crate::view::View;

use super::members::{Members, Touched};
use super::pace::{Pace, instant_of};
use super::{Choice, Conflation, FrameKind, Interest, Rate, Seen, Turn};

#[derive(Debug, Clone)]
pub struct TwinFrame {
    pub kind: FrameKind,
    /// Everything up to this commit is in it; some of it may be newer.
    pub seq: Seq,
    pub at: Timestamp,
    /// Updates of selected twins that are in it and cannot be told apart any more.
    pub coalesced: u64,
    /// By id.
    pub twins: Vec<Seen>,
    pub removed: Vec<TwinId>,
    pub truncated: bool,
}

#[derive(Debug)]
pub struct TwinFrames {
    members: Members,
    interest: Interest,
    pace: Pace,
    is_begun: bool,
    /// What the client has.
    sent: BTreeMap<TwinId, Sent>,
    /// When something that the client has becomes stale.
    ripe: BTreeSet<(Timestamp, TwinId)>,
    was_truncated: bool,
    /// Updates since the last frame.
    updates: u64,
}

#[derive(Debug)]
struct Sent {
    seen: Seen,
    ripens: Option<Timestamp>,
}

impl TwinFrames {
    pub fn new(feed: &Arc<Feed>, view: Arc<View>, choice: Choice, interest: Interest, rate: Rate) -> TwinFrames {
        TwinFrames {
            members: Members::new(feed, view, choice),
            interest,
            pace: Pace::new(rate),
            is_begun: false,
            sent: BTreeMap::new(),
            ripe: BTreeSet::new(),
            was_truncated: false,
            updates: 0,
        }
    }

    fn snapshot(&mut self, wall: Timestamp) -> TwinFrame {
        let seq = self.members.view.seq();
        self.members.begin(wall);
        (self.is_begun, self.updates) = (true, 0);
        self.sent.clear();
        self.ripe.clear();
        let twins: Vec<Seen> = self.members.shown().map(|(_, seen)| seen.clone()).collect();
        twins.iter().for_each(|seen| self.note(seen, wall));
        self.was_truncated = self.members.is_truncated();
        let truncated = self.was_truncated;
        TwinFrame { kind: FrameKind::Snapshot, seq, at: wall, coalesced: 0, twins, removed: Vec::new(), truncated }
    }

    fn resync(&mut self, wall: Timestamp) -> TwinFrame {
        self.is_begun = false;
        let (seq, truncated) = (self.members.view.seq(), false);
        TwinFrame { kind: FrameKind::Resync, seq, at: wall, coalesced: 0, twins: Vec::new(), removed: Vec::new(), truncated }
    }

    fn delta(&mut self, seq: Seq, touched: Touched, wall: Timestamp) -> Option<TwinFrame> {
        self.updates += touched.updates;
        let mut ids = touched.ids;
        let ripe = self.take_ripe(wall);
        ids.extend(ripe.iter().cloned());
        if touched.membership {
            ids.extend(self.members.shown().map(|(id, _)| id).filter(|id| !self.sent.contains_key(*id)).cloned());
            ids.extend(self.sent.keys().filter(|id| self.members.shown_twin(id).is_none()).cloned());
        }
        let (mut twins, mut removed) = (Vec::new(), Vec::new());
        for id in ids {
            match (self.members.shown_twin(&id), self.sent.get(&id)) {
                (Some(now), Some(before)) => {
                    if ripe.contains(&id) || self.interest.differs(&before.seen.state, &now.state) {
                        twins.push(now.clone());
                    }
                }
                (Some(now), None) => twins.push(now.clone()),
                (None, Some(_)) => removed.push(id),
                (None, None) => {}
            }
        }
        let truncated = self.members.is_truncated();
        if twins.is_empty() && removed.is_empty() && truncated == self.was_truncated {
            return None;
        }
        twins.iter().for_each(|seen| self.note(seen, wall));
        removed.iter().for_each(|id| self.forget(id));
        self.was_truncated = truncated;
        let coalesced = std::mem::take(&mut self.updates).saturating_sub(twins.len() as u64);
        Some(TwinFrame { kind: FrameKind::Delta, seq, at: wall, coalesced, twins, removed, truncated })
    }

    /// The client gets this one.
    fn note(&mut self, seen: &Seen, wall: Timestamp) {
        let id = &seen.state.id;
        self.forget(id);
        let ripens = self.interest.ripens(&seen.state, wall);
        self.ripe.extend(ripens.map(|ripens| (ripens, id.clone())));
        self.sent.insert(id.clone(), Sent { seen: seen.clone(), ripens });
    }

    fn forget(&mut self, id: &TwinId) {
        if let Some(ripens) = self.sent.remove(id).and_then(|sent| sent.ripens) {
            self.ripe.remove(&(ripens, id.clone()));
        }
    }

    /// Twins of which something has become stale since the client was told.
    fn take_ripe(&mut self, wall: Timestamp) -> BTreeSet<TwinId> {
        let mut taken = BTreeSet::new();
        while self.ripe.first().is_some_and(|(then, _)| *then <= wall) {
            taken.extend(self.ripe.pop_first().map(|(_, id)| id));
        }
        taken
    }

    fn deadline(&self, now: Instant, wall: Timestamp) -> Option<Instant> {
        let ripe = self.ripe.first().map(|(then, _)| *then);
        let next = ripe.into_iter().chain(self.members.rescan_at()).min();
        next.map(|then| instant_of(then, now, wall))
    }
}

impl Conflation for TwinFrames {
    type Frame = TwinFrame;

    fn poll(&mut self, now: Instant, wall: Timestamp) -> Turn<TwinFrame> {
        if !self.is_begun {
            self.pace.sent(now);
            return Turn::Frame(self.snapshot(wall));
        }
        if let Some(until) = self.pace.holds_until(now) {
            return Turn::Sleep(until);
        }
        let seq = self.members.view.seq();
        let touched = self.members.look(wall);
        if touched.resync {
            return Turn::Frame(self.resync(wall));
        }
        let any = touched.any;
        match self.delta(seq, touched, wall) {
            Some(frame) => {
                self.pace.sent(now);
                Turn::Frame(frame)
            }
            None if any => Turn::Sleep(self.pace.looked_in_vain(now)),
            None => Turn::Listen(self.deadline(now, wall)),
        }
    }

    fn begin_anew(&mut self, wall: Timestamp) -> TwinFrame {
        self.resync(wall)
    }

    fn watch(&self) -> &Watch {
        &self.members.watch
    }
}
