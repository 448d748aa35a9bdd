//! What leaves for the world outside once it is committed: what rules ask others to do, alarms and events as MQTT shows them.
//!
//! What was asked for stays in its twin until it is done, so nothing is lost by a crash, nor where more comes than the queue takes: then all twins
//! are looked through for what they still wait for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use tokio::sync::{Notify, mpsc, oneshot};
use xxhash_rust::xxh3::xxh3_64;

use crate::alarm::{Change, FloodFact, Identity, Raise, What, payload, topic};
use crate::catalog::CONTAINS;
use crate::catalog::binding::{INPUT_TOPICS, Source};
use crate::ingress::{Address, Lane, Line, Outcome, Packet, Settled};
use crate::reading::{Timestamp, TwinNo};
use crate::rule::{Ask, Fact, Request, Target};
use crate::twin::{Ending, Event, Happened, Numbered, Pending, Raised, State};

use super::Runtime;
use super::door::TwinLane;
use super::resident::Resident;
use super::twin_actor::TwinMsg;

/// What waits to leave. Beyond it alarms and events are not told to who listens at the moment, and requests are found again in their twins.
const WAITING_MAX: usize = 65_536;
/// How often it is seen whether something was missed, when nothing else comes.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub enum Outgoing {
    Asked(Arc<Resident>, Box<Request>),
    /// An alarm of this rule has changed like this.
    Alarm(Arc<Resident>, SmolStr, Vec<Change>),
    /// Alarms below it were counted.
    Counted(Arc<Resident>, Vec<Raise>),
    Happened(Arc<Resident>, Box<Happened>),
}

impl Outgoing {
    /// What events of one entry let out. Of an alarm that changes several times, the last is told.
    pub fn all(resident: &Arc<Resident>, events: &[Event]) -> Vec<Outgoing> {
        let mut all: Vec<Outgoing> = Vec::new();
        for outgoing in events.iter().filter_map(|event| Outgoing::of(resident, event)) {
            let Outgoing::Alarm(_, rule, changes) = &outgoing else {
                all.push(outgoing);
                continue;
            };
            let known = all.iter_mut().find_map(|known| match known {
                Outgoing::Alarm(_, of, known) if of == rule => Some(known),
                Outgoing::Asked(..) | Outgoing::Alarm(..) | Outgoing::Counted(..) | Outgoing::Happened(..) => None,
            });
            match known {
                Some(known) => known.extend(changes.iter().cloned()),
                None => all.push(outgoing),
            }
        }
        all
    }

    fn of(resident: &Arc<Resident>, event: &Event) -> Option<Outgoing> {
        if let Event::Asked(request) = event {
            return Some(Outgoing::Asked(resident.clone(), request.clone()));
        }
        if let Event::Happened(happened) = event {
            return Some(Outgoing::Happened(resident.clone(), happened.clone()));
        }
        if let Event::Flood(fact) = event
            && let FloodFact::Raised(raises) = &**fact
        {
            return Some(Outgoing::Counted(resident.clone(), raises.clone()));
        }
        let Event::Watched { rule, fact } = event else { return None };
        if let Fact::Alarm(change) = &**fact { Some(Outgoing::Alarm(resident.clone(), rule.clone(), vec![change.clone()])) } else { None }
    }
}

/// A call of somebody else's endpoint. `ended` is called once; with `None` it has not been done and is to be asked for again later.
pub struct Call {
    pub hook: SmolStr,
    pub key: SmolStr,
    pub body: Vec<u8>,
    pub asked_at: Timestamp,
    pub ended: Box<dyn FnOnce(Option<Ending>) + Send>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("hook", &self.hook).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The ways out; each belongs to an edge.
pub trait Outlet: fmt::Debug + Send + Sync {
    fn publish(&self, topic: &str, payload: &[u8], retain: bool);
    /// Never waits.
    fn call(&self, call: Call);
}

#[derive(Debug)]
pub struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    waiting: Mutex<Option<mpsc::Receiver<Outgoing>>>,
    /// How much of it has not been dealt with.
    leaving: AtomicUsize,
    /// Something did not fit.
    missed: AtomicBool,
    outlet: OnceLock<Arc<dyn Outlet>>,
    opened: Notify,
    /// Keys of what is under way.
    under_way: Mutex<HashSet<SmolStr>>,
}

impl Default for Outbox {
    fn default() -> Outbox {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        Outbox {
            queue,
            waiting: Mutex::new(Some(waiting)),
            leaving: AtomicUsize::new(0),
            missed: AtomicBool::new(false),
            outlet: OnceLock::new(),
            opened: Notify::new(),
            under_way: Mutex::new(HashSet::new()),
        }
    }
}

impl Outbox {
    /// From the gate: never waits.
    pub(super) fn offer(&self, outgoing: Outgoing) {
        self.leaving.fetch_add(1, Ordering::AcqRel);
        if self.queue.try_send(outgoing).is_err() {
            self.leaving.fetch_sub(1, Ordering::AcqRel);
            self.missed.store(true, Ordering::Release);
        }
    }

    /// It was not done: it stays with its twin, and is found again there.
    fn put_back(&self, key: &str) {
        self.under_way.lock().remove(key);
        self.missed.store(true, Ordering::Release);
    }

    /// From here on things leave.
    pub fn open(&self, outlet: Arc<dyn Outlet>) {
        if self.outlet.set(outlet).is_ok() {
            self.opened.notify_one();
        }
    }

    /// What was let out and has not been handed on.
    pub fn leaving(&self) -> usize {
        self.leaving.load(Ordering::Acquire)
    }

    /// Requests under way to somebody else.
    pub fn under_way(&self) -> usize {
        self.under_way.lock().len()
    }
}

pub(super) async fn run(runtime: Weak<Runtime>) {
    let Some(outbox) = runtime.upgrade().map(|runtime| runtime.shared.outbox.clone()) else { return };
    let Some(mut waiting) = outbox.waiting.lock().take() else { return };
    outbox.opened.notified().await;
    let Some(outlet) = outbox.outlet.get().cloned() else { return };
    if let Some(runtime) = runtime.upgrade() {
        Courier { runtime: &runtime, outlet: &outlet }.look_through(true).await;
    }
    loop {
        let next = tokio::time::timeout(LOOK_EVERY, waiting.recv()).await;
        let Some(runtime) = runtime.upgrade() else { return };
        let courier = Courier { runtime: &runtime, outlet: &outlet };
        match next {
            Ok(Some(outgoing)) => {
                courier.take_out(outgoing).await;
                outbox.leaving.fetch_sub(1, Ordering::AcqRel);
            }
            Ok(None) => return,
            Err(_) => {}
        }
        if outbox.missed.swap(false, Ordering::AcqRel) {
            courier.look_through(false).await;
        }
    }
}

pub(super) struct Courier<'a> {
    pub(super) runtime: &'a Arc<Runtime>,
    outlet: &'a Arc<dyn Outlet>,
}

impl Courier<'_> {
    /// What twins still wait for. After a start nobody knows what became of it.
    async fn look_through(&self, is_start: bool) {
        self.count_again();
        for resident in self.runtime.shared.directory.all() {
            let state = resident.cell.state();
            if state.flood.is_some() {
                self.is_area(&resident);
            }
            for Pending { request, at } in state.asked.iter() {
                let Request { key, ask } = request;
                if is_start && self.is_once_only(&resident, ask) {
                    self.end(&resident, key, Ending::Unknown);
                } else {
                    self.ask(&resident, Request { key: key.clone(), ask: ask.clone() }, *at).await;
                }
            }
        }
    }

    /// A command that is not to be given twice.
    fn is_once_only(&self, resident: &Arc<Resident>, ask: &Ask) -> bool {
        let Ask::Command { name, target, .. } = ask else { return false };
        let Some(target) = self.target(resident, target) else { return false };
        let layout = target.cell.state().layout.0.clone();
        !layout.logic.commands.iter().any(|command| *command.name == **name && command.idempotent)
    }

    async fn take_out(&self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Asked(resident, request) => {
                let at = resident.cell.state().asked.get(&request.key).map(|pending| pending.at);
                self.ask(&resident, *request, at.unwrap_or_else(|| self.runtime.shared.clock.now())).await;
            }
            Outgoing::Counted(resident, raises) => self.mark(&resident, &raises),
            Outgoing::Alarm(resident, rule, changes) => {
                self.count(&resident, &rule, &changes);
                // What MQTT shows of it does not say that it came in a flood.
                if changes.iter().all(|change| matches!(change.what, What::Flooded { .. })) {
                    return;
                }
                let (topic, payload) = alarm_message(&resident.cell.state(), &rule);
                self.outlet.publish(&topic, payload.as_bytes(), true);
            }
            // What a device has said, its listeners have heard from it.
            Outgoing::Happened(_, happened) if happened.rule.is_none() => {}
            Outgoing::Happened(resident, happened) => {
                let topic = format!("pollux/{}/events/{}", resident.id, happened.event);
                let body = happened.body.unwrap_or_else(|| json!({}));
                self.outlet.publish(&topic, body.to_string().as_bytes(), false);
            }
        }
    }

    async fn ask(&self, resident: &Arc<Resident>, request: Request, at: Timestamp) {
        let Request { key, ask } = request;
        if !self.runtime.shared.outbox.under_way.lock().insert(key.clone()) {
            return;
        }
        if self.is_grouped(resident, &key, &ask).await {
            return self.end(resident, &key, Ending::Grouped);
        }
        match ask {
            // Done on the twin itself; neither waits here.
            Ask::Set { .. } | Ask::Emit { .. } => self.end(resident, &key, Ending::Done),
            Ask::Publish { topic, payload, retain, .. } => {
                let payload = text(payload.unwrap_or(Json::Null));
                self.outlet.publish(&topic, &payload, retain);
                let is_input = topic.strip_prefix(INPUT_TOPICS).is_some_and(|rest| rest.starts_with('/'));
                match if is_input { self.take_in(&topic, payload, &key, at).await } else { Some(Ending::Done) } {
                    Some(ending) => self.end(resident, &key, ending),
                    None => self.runtime.shared.outbox.put_back(&key),
                }
            }
            Ask::Webhook { name, body } => {
                let (runtime, twin, of) = (Arc::downgrade(self.runtime), resident.clone(), key.clone());
                let ended = Box::new(move |ending| match (runtime.upgrade(), ending) {
                    (Some(runtime), Some(ending)) => end(&runtime, &twin, &of, ending),
                    (Some(runtime), None) => runtime.shared.outbox.put_back(&of),
                    (None, _) => {}
                });
                let body = body.unwrap_or(Json::Null).to_string().into_bytes();
                self.outlet.call(Call { hook: name, key, body, asked_at: at, ended });
            }
            Ask::Command { name, args, target } => {
                let ending = self.command(resident, &key, &name, &Json::Object(args), &target);
                self.end(resident, &key, ending);
            }
            Ask::Raise { target, id, severity, text } => {
                let text = text.unwrap_or_else(|| smol_str::format_smolstr!("{id} of {}", resident.id));
                let raised = Raised { key: key.clone(), id, severity, text, is_over: false, by: resident.id.clone(), at };
                self.raise(resident, &key, &target, raised).await;
            }
            Ask::Lower { target, id } => {
                let (severity, text) = (crate::alarm::Severity::Warning, SmolStr::default());
                let raised = Raised { key: key.clone(), id, severity, text, is_over: true, by: resident.id.clone(), at };
                self.raise(resident, &key, &target, raised).await;
            }
        }
    }

    /// What a detector sends to an input of ours comes in like a message of a device, with an id, so that it is heard once. It counts as done when
    /// it is in the journal; `None`: nobody has dealt with it.
    async fn take_in(&self, topic: &str, payload: Vec<u8>, key: &SmolStr, at: Timestamp) -> Option<Ending> {
        let mut lane = TwinLane::new(self.runtime.clone(), Source::Embedded);
        if !lane.is_routed(topic) {
            return Some(Ending::Done);
        }
        let packet =
            Packet { address: Address::Topic(topic.to_owned().into()), payload: payload.into(), received: self.runtime.shared.clock.now() };
        let line = Line::new();
        lane.offer_one(&packet, Some(Numbered { id: key.clone(), sent: at }), None, line.issue());
        lane.flush();
        let mut settled = Vec::new();
        while settled.is_empty() {
            line.settled().await;
            line.take(&mut settled);
        }
        match settled.pop().map(|(_, settled)| settled) {
            Some(Settled::Done(Outcome::Committed { .. })) => Some(Ending::Done),
            Some(Settled::Done(Outcome::Rejected { refused, .. })) => Some(Ending::Failed(refused.message.clone())),
            Some(Settled::Done(Outcome::Dropped) | Settled::Again(_)) | None => None,
        }
    }

    fn command(&self, resident: &Arc<Resident>, key: &str, name: &str, args: &Json, target: &Target) -> Ending {
        let Some(twin) = self.target(resident, target) else { return Ending::Failed(nobody(target)) };
        let layout = twin.cell.state().layout.0.clone();
        if !layout.logic.commands.iter().any(|command| *command.name == *name) {
            return Ending::Failed(format!("`{}` is a {}, which has no command `{name}`", twin.id, layout.name));
        }
        let topic = format!("pollux/{}/commands/{name}/{:016x}", twin.id, xxh3_64(key.as_bytes()));
        self.outlet.publish(&topic, json!({ "request": args }).to_string().as_bytes(), false);
        Ending::Done
    }

    /// It counts as done when it is behind the other twin's in the journal.
    async fn raise(&self, resident: &Arc<Resident>, key: &SmolStr, target: &Target, raised: Raised) {
        let Some(twin) = self.target(resident, target) else { return self.end(resident, key, Ending::Failed(nobody(target))) };
        let (taken, answer) = oneshot::channel();
        self.runtime.shared.directory.send(&twin, TwinMsg::Raised(Box::new(raised), taken));
        match answer.await {
            Ok(()) => self.end(resident, key, Ending::Done),
            // Its actor went down: it stays with the twin that asks, and is asked for again.
            Err(_) => self.runtime.shared.outbox.put_back(key),
        }
    }

    fn target(&self, resident: &Arc<Resident>, target: &Target) -> Option<Arc<Resident>> {
        let directory = &self.runtime.shared.directory;
        let now = self.runtime.shared.clock.now();
        let mut found: Option<TwinNo> = None;
        match target {
            Target::This => return Some(resident.clone()),
            Target::Parent => self.runtime.committed.each_in(resident.no, &mut |edge| {
                if &*edge.relation == CONTAINS && edge.holds_at(now) {
                    found = Some(edge.from);
                }
            }),
            Target::Related(relation) => self.runtime.committed.each_out(resident.no, &mut |edge| {
                if *edge.relation == **relation && edge.holds_at(now) {
                    found = found.or(Some(edge.to));
                }
            }),
        }
        found.and_then(|no| directory.by_no(no))
    }

    fn end(&self, resident: &Arc<Resident>, key: &SmolStr, ending: Ending) {
        end(self.runtime, resident, key, ending);
    }
}

fn end(runtime: &Arc<Runtime>, resident: &Arc<Resident>, key: &SmolStr, ending: Ending) {
    runtime.shared.outbox.under_way.lock().remove(key);
    runtime.shared.directory.send(resident, TwinMsg::Ended(key.clone(), ending));
}

fn nobody(target: &Target) -> String {
    match target {
        Target::This => "the twin is gone".to_owned(),
        Target::Parent => "the twin has no parent".to_owned(),
        Target::Related(relation) => format!("the twin has no `{relation}`"),
    }
}

/// Texts as they are, everything else as JSON.
fn text(payload: Json) -> Vec<u8> {
    match payload {
        Json::String(text) => text.into_bytes(),
        Json::Null => Vec::new(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => other.to_string().into_bytes(),
    }
}

/// What a subscriber sees of the alarm of a rule: nothing once it is closed.
fn alarm_message(state: &State, rule: &str) -> (String, String) {
    let (name, key) = rule.split_once(':').unwrap_or((rule, ""));
    let identity = Identity { rule: name.into(), key: key.into() };
    let shown = state.watches.find(rule).and_then(|watch| watch.alarm.open.as_ref());
    let shown = shown.map(|open| payload(&state.id, &identity, open)).unwrap_or_default();
    (topic(&state.id, &identity), shown)
}

impl Runtime {
    /// The alarms that are open, as messages for whoever subscribes to them.
    pub fn each_alarm_message(&self, each: &mut dyn FnMut(&str, &[u8])) {
        for cell in self.alarmed() {
            let state = cell.state();
            for (rule, _) in state.watches.iter() {
                let (topic, payload) = alarm_message(&state, rule);
                if !payload.is_empty() {
                    each(&topic, payload.as_bytes());
                }
            }
        }
    }

    /// Opens the ways out: what rules have asked for leaves from here on.
    pub fn let_out(&self, outlet: Arc<dyn Outlet>) {
        self.shared.outbox.open(outlet);
    }
}
