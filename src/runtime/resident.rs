//! One registered twin as the runtime knows it: where it lives now, and what can be seen of its actor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;
use ractor::ActorRef;
use serde::Serialize;

use crate::journal::checkpoint;
use crate::reading::{Seq, Timestamp, TwinId, TwinNo};
use crate::twin::{Deleted, Twin};
use crate::view::Cell;

use super::held::Checkpoint;
use super::twin_actor::TwinMsg;

/// Mail that waits while a twin is being woken or rebuilt, in messages. Deliveries are bounded by permits before they come here.
pub const WAITING_MAX: usize = 65_536;

#[derive(Debug)]
pub struct Resident {
    pub no: TwinNo,
    pub id: TwinId,
    pub cell: Arc<Cell>,
    /// The twin above it in the primary hierarchy; 0 for a root.
    parent: AtomicU32,
    residence: Mutex<Residence>,
    /// Mail that was sent and not yet dealt with.
    queued: AtomicU32,
    /// Seconds since 1970 of the latest mail.
    last_mail: AtomicU32,
    /// Where it stands in the list of changes that the projector has not taken; guarded by that list's lock.
    pub dirty_at: AtomicU32,
    /// The first commit that no stored checkpoint of this twin contains; 0 if there is none.
    pub unsaved_since: AtomicU64,
    troubles: Mutex<Option<Box<Troubles>>>,
    /// When time alone is going to wake it, in microseconds; `i64::MAX`: never.
    wakes_at: AtomicI64,
    /// It stands among those that have an alarm, and among those that had one.
    pub(super) alarmed: AtomicBool,
    pub(super) once_alarmed: AtomicBool,
    /// The gatherer has yet to look at what it has become.
    pub(super) gathered: AtomicBool,
    /// It was deleted: nothing reaches it any more.
    gone: AtomicBool,
}

/// Where a twin lives.
#[derive(Debug)]
pub enum Residence {
    /// No actor: the twin is here, as it was when it went to rest.
    Resting(Twin),
    /// An actor is on its way; mail waits in order.
    Waking(Box<VecDeque<TwinMsg>>),
    Awake(ActorRef<TwinMsg>),
    /// It has crashed too often and is left alone until the time.
    Faulted {
        until: Timestamp,
    },
}

/// What went wrong with a twin's actor.
#[derive(Debug, Clone, Default)]
struct Troubles {
    restarts: u32,
    last_error: String,
    recent: VecDeque<Timestamp>,
    /// A twin right below it has a fault.
    below: Option<TwinId>,
}

/// What `observe()` answers.
#[derive(Debug, Clone, Serialize)]
pub struct Observation {
    pub state: &'static str,
    pub mailbox: u32,
    pub revision: u64,
    pub restarts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_below: Option<String>,
}

/// What to do after mail was handed in.
#[derive(Debug)]
pub enum Sent {
    /// It is in the mailbox, or waits for the actor that is on its way.
    Delivered,
    /// The twin was resting: give it to an actor. The mail waits for that.
    Wake(Box<Twin>),
    /// The actor is gone without a word: rebuild the twin.
    Revive,
    /// The twin has a fault or too much mail waits; the mail was dropped and its receipts say so.
    Refused,
}

impl Resident {
    pub fn new(cell: Arc<Cell>, twin: Twin, parent: TwinNo) -> Resident {
        Resident {
            no: twin.state.no,
            id: twin.state.id.clone(),
            cell,
            parent: AtomicU32::new(parent.0),
            residence: Mutex::new(Residence::Resting(twin)),
            queued: AtomicU32::new(0),
            last_mail: AtomicU32::new(0),
            dirty_at: AtomicU32::new(u32::MAX),
            unsaved_since: AtomicU64::new(0),
            troubles: Mutex::new(None),
            wakes_at: AtomicI64::new(i64::MAX),
            alarmed: AtomicBool::new(false),
            once_alarmed: AtomicBool::new(false),
            gathered: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// Notes that it is to be woken at this time, if that is earlier than so far; gives back when it would have been.
    pub fn wake_earlier(&self, due: Timestamp) -> Option<Timestamp> {
        let before = self.wakes_at.fetch_min(due.0, Ordering::AcqRel);
        (before > due.0).then_some(Timestamp(before))
    }

    /// Whether this is the time for which it was armed last; from here on it is not armed.
    pub fn wakes_at(&self, at: Timestamp) -> bool {
        self.wakes_at.compare_exchange(at.0, i64::MAX, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// After its deletion was written. Mail that waits is dropped: its senders try again and hear that nobody knows the twin.
    pub fn end(&self) {
        self.gone.store(true, Ordering::Release);
        let mut residence = self.residence.lock();
        if let Residence::Waking(waiting) = &mut *residence {
            let dropped = std::mem::take(waiting);
            drop(residence);
            drop(dropped);
        }
    }

    /// What a start must know of it once it is deleted, in place of a checkpoint.
    pub fn remains(&self, seq: Seq) -> Checkpoint {
        let state = self.cell.state();
        let deleted = Deleted { no: self.no, id: self.id.clone(), applied: state.applied };
        let mut bytes = Vec::with_capacity(64);
        checkpoint::encode_deleted(&deleted, &mut bytes);
        Checkpoint { no: self.no, cell: self.cell.clone(), seq, bytes }
    }

    /// The resting twin itself, to be changed together with others; mail waits until it is given back. `None`: it does not rest.
    pub fn take_resting(&self) -> Option<Box<Twin>> {
        let mut residence = self.residence.lock();
        match std::mem::replace(&mut *residence, Residence::Waking(Box::default())) {
            Residence::Resting(twin) => Some(Box::new(twin)),
            other @ (Residence::Waking(_) | Residence::Awake(_) | Residence::Faulted { .. }) => {
                *residence = other;
                None
            }
        }
    }

    /// Back to rest; or the twin again, to be given to an actor because mail has come for it.
    pub fn give_back(&self, twin: Box<Twin>) -> Option<Box<Twin>> {
        let mut residence = self.residence.lock();
        match &*residence {
            Residence::Waking(waiting) if !waiting.is_empty() => Some(twin),
            Residence::Waking(_) => {
                *residence = Residence::Resting(*twin);
                None
            }
            // Only who took it changes where it lives meanwhile.
            Residence::Resting(_) | Residence::Awake(_) | Residence::Faulted { .. } => None,
        }
    }

    pub fn parent(&self) -> TwinNo {
        TwinNo(self.parent.load(Ordering::Acquire))
    }

    pub fn set_parent(&self, parent: TwinNo) {
        self.parent.store(parent.0, Ordering::Release);
    }

    /// Hands in mail; it is dealt with in the order in which it was handed in.
    pub fn send(&self, msg: TwinMsg, now: Timestamp) -> Sent {
        self.touch(now);
        let mut residence = self.residence.lock();
        if self.is_gone() {
            return Sent::Refused;
        }
        match &mut *residence {
            Residence::Awake(actor) => {
                self.queued.fetch_add(1, Ordering::AcqRel);
                let Err(refused) = actor.send_message(msg) else { return Sent::Delivered };
                self.queued.store(0, Ordering::Release);
                let waiting = match refused {
                    ractor::MessagingErr::SendErr(msg) => VecDeque::from([msg]),
                    ractor::MessagingErr::ChannelClosed | ractor::MessagingErr::InvalidActorType => VecDeque::new(),
                };
                *residence = Residence::Waking(Box::new(waiting));
                Sent::Revive
            }
            Residence::Waking(waiting) if waiting.len() < WAITING_MAX => {
                waiting.push_back(msg);
                Sent::Delivered
            }
            Residence::Waking(_) => Sent::Refused,
            Residence::Faulted { until } if now < *until => Sent::Refused,
            Residence::Resting(_) | Residence::Faulted { .. } => {
                match std::mem::replace(&mut *residence, Residence::Waking(Box::new(VecDeque::from([msg])))) {
                    Residence::Resting(twin) => Sent::Wake(Box::new(twin)),
                    Residence::Waking(_) | Residence::Awake(_) | Residence::Faulted { .. } => Sent::Revive,
                }
            }
        }
    }

    /// Mail that does not count as somebody asking for the twin; only to an actor that is there.
    pub fn send_quietly(&self, msg: TwinMsg) {
        if let Residence::Awake(actor) = &*self.residence.lock() {
            self.queued.fetch_add(1, Ordering::AcqRel);
            if actor.send_message(msg).is_err() {
                // It has just died; whoever writes to it next has it rebuilt.
                self.queued.store(0, Ordering::Release);
            }
        }
    }

    fn touch(&self, now: Timestamp) {
        self.last_mail.store(seconds(now), Ordering::Relaxed);
    }

    /// Seconds since 1970.
    pub fn last_mail(&self) -> u32 {
        self.last_mail.load(Ordering::Relaxed)
    }

    /// Whether nothing was sent to it since `before`.
    pub fn is_idle(&self, before: Timestamp) -> bool {
        self.last_mail.load(Ordering::Relaxed) < seconds(before)
    }

    /// The actor is there: what waited goes into its mailbox, in order, before anything newer.
    pub fn settle_in(&self, actor: ActorRef<TwinMsg>) {
        let mut residence = self.residence.lock();
        let waiting = match std::mem::replace(&mut *residence, Residence::Awake(actor.clone())) {
            Residence::Waking(waiting) => *waiting,
            Residence::Resting(_) | Residence::Awake(_) | Residence::Faulted { .. } => VecDeque::new(),
        };
        self.queued.store(u32::try_from(waiting.len()).unwrap_or(u32::MAX), Ordering::Release);
        for msg in waiting {
            if actor.send_message(msg).is_err() {
                // It died at once; its supervisor knows. Receipts of mail that is dropped here ask for another try.
                break;
            }
        }
    }

    /// Called by its own actor, which stops if the answer is yes: with mail behind the present one it must stay.
    pub fn go_to_rest(&self, twin: &Twin) -> bool {
        let mut residence = self.residence.lock();
        if self.queued.load(Ordering::Acquire) > 1 || !matches!(*residence, Residence::Awake(_)) {
            return false;
        }
        self.queued.store(0, Ordering::Release);
        *residence = Residence::Resting(twin.clone());
        true
    }

    /// The actor has dealt with one message.
    /// Mail that was sent and not yet dealt with.
    pub fn mail(&self) -> u32 {
        self.queued.load(Ordering::Acquire)
    }

    pub fn dealt(&self) {
        self.queued.fetch_update(Ordering::AcqRel, Ordering::Acquire, |queued| queued.checked_sub(1)).ok();
    }

    /// Runs `f` on the twin if it is resting; its actor cannot start meanwhile.
    pub fn while_resting<T>(&self, f: impl FnOnce(&mut Twin) -> T) -> Option<T> {
        match &mut *self.residence.lock() {
            Residence::Resting(twin) => Some(f(twin)),
            Residence::Waking(_) | Residence::Awake(_) | Residence::Faulted { .. } => None,
        }
    }

    pub fn actor(&self) -> Option<ActorRef<TwinMsg>> {
        match &*self.residence.lock() {
            Residence::Awake(actor) => Some(actor.clone()),
            Residence::Resting(_) | Residence::Waking(_) | Residence::Faulted { .. } => None,
        }
    }

    /// Its actor has crashed. Says whether it may be rebuilt now, or has to be left alone until the time given.
    pub fn fell(&self, error: &str, now: Timestamp, restarts_max: usize, window: std::time::Duration, rest: std::time::Duration) -> bool {
        let mut troubles = self.troubles.lock();
        let troubles = troubles.get_or_insert_default();
        troubles.restarts += 1;
        troubles.last_error = error.chars().take(400).collect();
        troubles.recent.push_back(now);
        while troubles.recent.front().is_some_and(|first| *first < now.minus(window)) {
            troubles.recent.pop_front();
        }
        let may_restart = troubles.recent.len() <= restarts_max && !self.is_gone();
        let mut residence = self.residence.lock();
        self.queued.store(0, Ordering::Release);
        if !may_restart {
            *residence = Residence::Faulted { until: now.plus(rest) };
        } else if !matches!(*residence, Residence::Waking(_)) {
            *residence = Residence::Waking(Box::default());
        }
        may_restart
    }

    /// It could not be rebuilt: it is left alone for a while.
    pub fn give_up(&self, error: &str, until: Timestamp) {
        self.troubles.lock().get_or_insert_default().last_error = error.chars().take(400).collect();
        *self.residence.lock() = Residence::Faulted { until };
    }

    pub fn set_fault_below(&self, below: Option<TwinId>) {
        let mut troubles = self.troubles.lock();
        match (below, &mut *troubles) {
            (None, None) => {}
            (below, troubles) => troubles.get_or_insert_default().below = below,
        }
    }

    pub fn state_name(&self) -> &'static str {
        match &*self.residence.lock() {
            Residence::Resting(_) => "RESTING",
            Residence::Waking(_) => "WAKING",
            Residence::Awake(_) => "AWAKE",
            Residence::Faulted { .. } => "FAULTED",
        }
    }

    pub fn observe(&self) -> Observation {
        let state = self.state_name();
        let troubles = self.troubles.lock().as_deref().cloned().unwrap_or_default();
        Observation {
            state,
            mailbox: self.queued.load(Ordering::Acquire),
            revision: self.cell.state().revision.0,
            restarts: troubles.restarts,
            last_error: (!troubles.last_error.is_empty()).then_some(troubles.last_error),
            fault_below: troubles.below.map(|id| id.to_string()),
        }
    }
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.0.div_euclid(1_000_000)).unwrap_or(0)
}
