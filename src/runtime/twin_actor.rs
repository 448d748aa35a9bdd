//! A twin's actor: a page around the pure `twin` module. It steps, applies in memory at once, hands its events to the journal and goes on.

use std::borrow::Cow;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use smol_str::SmolStr;
use tokio::sync::oneshot;

use crate::alarm::{Raise, Verdict};
use crate::catalog::Layout;
use crate::catalog::stored::carry_over;
use crate::codec::EventSaid;
use crate::ingress::{Fault, Receipt, Refused, Tally};
use crate::journal::{Journal, checkpoint, record};
use crate::reading::{Group, Reading, Seq, Timestamp};
use crate::twin::{
    Description, Ending, Event, Flooded, Forced, Gathered, Input, Managed, Numbered, Raised, Received, Rejection, Told, Twin, step,
};

use super::clock::Clock;
use super::edit::Hold;
use super::held::{Aside, Change, Checkpoint, Held, Settling};
use super::layouts::Layouts;
use super::outbox::Outgoing;
use super::resident::Resident;
use super::tallies::Tallies;
use super::wakes::Wakes;

#[derive(Debug)]
pub enum TwinMsg {
    /// In the order in which they came in.
    Ingest(Vec<Delivery>),
    Describe(Description),
    Retype(Arc<Layout>),
    /// Somebody changes it together with others: wait for what becomes of it.
    Hold(Hold),
    /// Something of it may be due by time alone.
    Wake,
    /// Somebody does something to one of its alarms; the answer says what became of it, once it is committed.
    Tell(Box<Told>, oneshot::Sender<Verdict>),
    /// Somebody does something to one of its rules, or to it as a whole; the answer says what became of it.
    Manage(Box<Managed>, oneshot::Sender<Verdict>),
    /// Somebody sets one of its detectors; the answer says why not, if it was refused.
    Force(Box<Forced>, oneshot::Sender<Option<String>>),
    /// What it asked somebody else to do has ended.
    Ended(SmolStr, Ending),
    /// Its roll-ups say something else.
    Gathered(Vec<Gathered>),
    /// Another twin raises an alarm on it; the answer comes once that is in the journal's buffer.
    Raised(Box<Raised>, oneshot::Sender<()>),
    /// Alarms below it were raised.
    Counted(Vec<Raise>),
    /// A notification of an alarm below it is to leave; the answer says whether it is kept back, and comes once that is in the journal's buffer.
    Grouped(GroupedKey, oneshot::Sender<bool>),
    /// One of its alarms came in a flood.
    Flooded(Box<Flooded>),
    /// Hand a copy of yourself through the gate, to be stored.
    Save,
    /// Go to rest if nothing else has come.
    Rest,
}

/// Which notification, and for whom.
#[derive(Debug)]
pub struct GroupedKey {
    pub key: SmolStr,
    /// The webhook; nothing for what is published.
    pub receiver: SmolStr,
}

/// What one packet says to one twin.
#[derive(Debug)]
pub struct Delivery {
    pub received: Received,
    /// The form of the type by which it was read, by its fingerprint.
    pub layout: u64,
    pub groups: Vec<Group>,
    /// The id of the message that says so.
    pub message: Option<Numbered>,
    /// Events that are said to have happened.
    pub events: Vec<EventSaid>,
    /// Parts of the packet that could not be used.
    pub rejections: Vec<Rejection>,
    /// Further ones, which are only counted.
    pub unstored: usize,
    /// What the sender is told of the first of them.
    pub refused: Option<Arc<Refused>>,
    /// Values nothing asks for.
    pub unmapped: u16,
    pub receipt: Receipt,
}

#[derive(Debug)]
pub struct TwinActor {
    pub resident: Arc<Resident>,
    pub journal: Journal<Held>,
    pub clock: Clock,
    pub tallies: Arc<Tallies>,
    pub layouts: Arc<Layouts>,
    pub wakes: Arc<Wakes>,
}

impl Actor for TwinActor {
    type Msg = TwinMsg;
    type State = Twin;
    type Arguments = Box<Twin>;

    async fn pre_start(&self, _me: ActorRef<TwinMsg>, twin: Box<Twin>) -> Result<Twin, ActorProcessingErr> {
        Ok(*twin)
    }

    /// One message, one page. Awaits room in the journal's buffer; never the disk, the network or another actor. Held for a change of several
    /// twins, it awaits the editor, which is bounded in time.
    async fn handle(&self, me: ActorRef<TwinMsg>, msg: TwinMsg, twin: &mut Twin) -> Result<(), ActorProcessingErr> {
        let msg = match msg {
            TwinMsg::Hold(hold) => {
                if hold.out(twin).await {
                    me.stop(None);
                }
                self.resident.dealt();
                return Ok(());
            }
            other @ (TwinMsg::Ingest(_)
            | TwinMsg::Describe(_)
            | TwinMsg::Retype(_)
            | TwinMsg::Wake
            | TwinMsg::Tell(..)
            | TwinMsg::Manage(..)
            | TwinMsg::Force(..)
            | TwinMsg::Ended(..)
            | TwinMsg::Raised(..)
            | TwinMsg::Gathered(_)
            | TwinMsg::Counted(_)
            | TwinMsg::Grouped(..)
            | TwinMsg::Flooded(_)
            | TwinMsg::Save
            | TwinMsg::Rest) => other,
        };
        let at = self.clock.now();
        let mut work = Work::new(twin, at);
        let (mut rests, mut said): (bool, Option<Said>) = (false, None);
        match msg {
            TwinMsg::Ingest(deliveries) => deliveries.into_iter().for_each(|delivery| work.deliver(delivery, &self.layouts)),
            TwinMsg::Describe(description) => work.take_in(&Input::Described(description)).drop_tally(),
            TwinMsg::Retype(layout) => work.take_in(&Input::Retyped(layout)).drop_tally(),
            TwinMsg::Wake => work.take_in(&Input::Woken { started: self.wakes.started }).drop_tally(),
            TwinMsg::Tell(told, answer) => said = work.answer(&Input::Told(told), answer),
            TwinMsg::Manage(managed, answer) => said = work.answer(&Input::Managed(*managed), answer),
            TwinMsg::Force(forced, answer) => said = Some(work.force(&Input::Forced(forced), answer)),
            TwinMsg::Ended(key, ending) => work.take_in(&Input::Ended { key, ending }).drop_tally(),
            TwinMsg::Gathered(gathered) => work.take_in(&Input::Gathered(gathered)).drop_tally(),
            TwinMsg::Raised(raised, answer) => {
                work.take_in(&Input::Raised(raised)).drop_tally();
                // Whoever waited for it may have gone.
                said = Some(Box::new(move || {
                    answer.send(()).ok();
                }));
            }
            TwinMsg::Counted(raises) => work.take_in(&Input::Counted(raises)).drop_tally(),
            TwinMsg::Grouped(GroupedKey { key, receiver }, answer) => {
                work.take_in(&Input::Grouped { key, receiver }).drop_tally();
                let is_grouped = work.grouped;
                said = Some(Box::new(move || {
                    answer.send(is_grouped).ok();
                }));
            }
            TwinMsg::Flooded(flooded) => work.take_in(&Input::Flooded(flooded)).drop_tally(),
            // Dealt with above: it is nothing that the twin decides.
            TwinMsg::Hold(_) => {}
            TwinMsg::Save => work.saves = true,
            TwinMsg::Rest => {
                work.take_in(&Input::Idle).drop_tally();
                rests = true;
            }
        }
        let Work { before, events, receipts, saves, total, in_views: (late, replaced), .. } = work;
        self.tallies.count(total);
        self.tallies.count_in_views(late, replaced);
        let held = Held {
            change: (!events.is_empty()).then(|| Change { resident: self.resident.clone(), state: twin.state.clone() }),
            receipts,
            is_change: events.iter().any(Event::is_change),
            aside: aside(&self.resident, &events, saves.then(|| self.checkpoint(twin))),
        };
        let encode = |out: &mut Vec<u8>| {
            if !events.is_empty() {
                record::encode_start(at, out);
                record::encode_happened(at, self.resident.no, before, &events, out);
            }
        };
        self.journal.append(encode, held).await?;
        // Not before: whoever hears of it waits for the disk next, and must not be ahead of what it is about.
        if let Some(said) = said {
            said();
        }
        let waits = !twin.state.layout.logic.is_empty() || twin.state.out_of_service.is_some() || twin.state.flood.is_some();
        if waits && let Some(due) = twin.due(at, self.wakes.started) {
            self.wakes.arm(&self.resident, due);
        }
        if rests && self.resident.go_to_rest(twin) {
            me.stop(None);
        } else {
            self.resident.dealt();
        }
        Ok(())
    }
}

impl TwinActor {
    fn checkpoint(&self, twin: &Twin) -> Checkpoint {
        let mut bytes = Vec::with_capacity(512);
        checkpoint::encode_twin(twin, &mut bytes);
        Checkpoint { no: twin.state.no, cell: self.resident.cell.clone(), seq: Seq(0), bytes }
    }
}

/// An answer that is given once what it is about is in the journal's buffer; whoever waits for it may have gone.
type Said = Box<dyn FnOnce() + Send>;

/// One message being dealt with: all its events go into one entry.
struct Work<'a> {
    twin: &'a mut Twin,
    at: Timestamp,
    before: crate::reading::Revision,
    events: Vec<Event>,
    receipts: Vec<Settling>,
    total: Tally,
    /// Readings that were too late for a view, and that took the place of another one in it.
    in_views: (u16, u16),
    saves: bool,
    /// What became of what somebody did to an alarm or a rule.
    told: Option<Verdict>,
    /// Why something that was wanted was refused.
    refused: Option<String>,
    /// A notification is kept back.
    grouped: bool,
}

impl<'a> Work<'a> {
    fn new(twin: &'a mut Twin, at: Timestamp) -> Work<'a> {
        let before = twin.state.revision;
        Work {
            twin,
            at,
            before,
            events: Vec::new(),
            receipts: Vec::new(),
            total: Tally::default(),
            in_views: (0, 0),
            saves: false,
            told: None,
            refused: None,
            grouped: false,
        }
    }

    fn take_in(&mut self, input: &Input) -> StepTally {
        let step = step(self.twin, input, self.at);
        self.told = step.told;
        self.refused = step.refused;
        let (late, replaced) = self.in_views;
        self.in_views = (late.saturating_add(step.tally.late_for_view), replaced.saturating_add(step.tally.replaced_in_view));
        self.grouped = step.grouped;
        if self.events.is_empty() {
            self.events = step.events;
        } else {
            self.events.extend(step.events);
        }
        StepTally(step.tally)
    }

    /// What somebody does to an alarm or a rule, and what became of it.
    fn answer(&mut self, input: &Input, answer: oneshot::Sender<Verdict>) -> Option<Said> {
        self.take_in(input).drop_tally();
        let verdict = self.told.take()?;
        // Whoever has asked may have gone.
        Some(Box::new(move || {
            answer.send(verdict).ok();
        }))
    }

    /// Somebody sets a detector, and hears why not.
    fn force(&mut self, input: &Input, answer: oneshot::Sender<Option<String>>) -> Said {
        self.take_in(input).drop_tally();
        let refused = self.refused.take();
        Box::new(move || {
            answer.send(refused).ok();
        })
    }

    fn deliver(&mut self, delivery: Delivery, layouts: &Layouts) {
        let Delivery { received, layout, mut groups, message, events, rejections, unstored, mut refused, unmapped, receipt } = delivery;
        let mut tally = Tally { unmapped, rejected: u16::try_from(unstored).unwrap_or(u16::MAX), ..Tally::default() };
        let form = &self.twin.state.layout;
        if layout != form.fingerprint {
            // It was under way while the type was edited.
            groups = layouts.get(layout).map(|old| carried(groups, &old, form)).unwrap_or_default();
        }
        for group in groups {
            let begun = self.events.len();
            let input = match message.clone() {
                None => Input::Readings { group, received },
                Some(message) => Input::Message { message, group, received },
            };
            tally.add(self.take_in(&input).into());
            // The twin itself may refuse a reading: one that contradicts an earlier one, if its type wants that.
            if refused.is_none() {
                refused = self.events[begun..].iter().find_map(refusal);
            }
        }
        for EventSaid { name, time, body } in events {
            tally.add(self.take_in(&Input::happened(&self.twin.state.layout, name, time, body, received)).into());
        }
        for rejection in rejections {
            tally.add(self.take_in(&Input::Refused(Box::new(rejection))).into());
        }
        self.total.add(tally);
        self.receipts.push(Settling { receipt, tally, refused });
    }
}

struct StepTally(crate::twin::Tally);

impl StepTally {
    /// For inputs that carry no readings.
    fn drop_tally(self) {}
}

impl From<StepTally> for Tally {
    fn from(StepTally(tally): StepTally) -> Tally {
        let crate::twin::Tally { new, duplicate, conflict, out_of_order, too_old, late, rejected, late_for_view: _, replaced_in_view: _ } =
            tally;
        Tally { new, duplicate, conflict, out_of_order, too_old, late, rejected, unmapped: 0 }
    }
}

/// Readings that were read by another form of the type, as far as they have a place in this one.
fn carried(groups: Vec<Group>, old: &Layout, new: &Layout) -> Vec<Group> {
    let routes = carry_over(old, new);
    let carry = |reading: Reading| {
        let (slot, carry) = routes.iter().find(|(_, carry)| carry.from == reading.slot)?;
        Some(Reading { slot: *slot, value: carry.convert(&reading.value)?, ..reading })
    };
    let group = |group: Group| Group { readings: group.readings.into_iter().filter_map(carry).collect(), ..group };
    groups.into_iter().map(group).filter(|group| !group.readings.is_empty()).collect()
}

/// What the sender is told of a reading that the twin itself refused.
fn refusal(event: &Event) -> Option<Arc<Refused>> {
    let rejection = event.rejection()?;
    let code = match &rejection.code {
        Cow::Borrowed(code) => code,
        Cow::Owned(_) => "REJECTED",
    };
    Some(Arc::new(Refused { fault: Fault::Payload, code, message: rejection.message.clone() }))
}

/// The rare part of what waits for the commit, if there is any.
fn aside(resident: &Arc<Resident>, events: &[Event], checkpoint: Option<Checkpoint>) -> Option<Box<Aside>> {
    let rejections: Vec<Rejection> = events.iter().filter_map(Event::rejection).cloned().collect();
    let outgoing: Vec<Outgoing> = Outgoing::all(resident, events);
    if rejections.is_empty() && outgoing.is_empty() && checkpoint.is_none() {
        return None;
    }
    Some(Box::new(Aside { rejections, outgoing, checkpoint, ..Aside::default() }))
}
