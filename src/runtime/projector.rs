//! The graph store follows the gate: consistent cuts of what has changed, each in one transaction with its position; and checkpoints, so that
//! the journal before them can go. It is a follower: however slow the store is, nothing waits for it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::journal::checkpoint;
use crate::reading::{Seq, Timestamp, TwinNo};
use crate::store::{AnswerRow, Batch, CheckpointRow, DeletedRow, EdgeRow, RejectionRow, Store, TwinRow};
use crate::twin::{Edge, Edited, Event, Fact, Rejection, Twin};

use super::branch::Shared;
use super::held::{Aside, Checkpoint, Held};
use super::rebuild::{self, Rebuilder};
use super::release::{Changes, EdgeChange, Followers, REJECTIONS_WAITING_MAX};
use super::resident::Resident;
use super::structure::SharedGraph;
use super::twin_actor::TwinMsg;

/// Twins in one transaction of the store. A larger cut takes several; only the last of them moves the position.
const TWINS_PER_BATCH_MAX: usize = 2_000;
const CHECKPOINTS_PER_BATCH_MAX: usize = 5_000;
/// How long to leave a store alone that has just failed: from the first to the last.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The share of the time that projecting may take, so that a fleet in motion does not starve ingest of processors: one part in so many.
const DUTY_PARTS: u32 = 4;

#[derive(Debug)]
pub(super) struct Projector {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Store,
    pub(super) followers: Arc<Followers>,
    pub(super) graph: SharedGraph,
    pub(super) rebuilder: Arc<Rebuilder>,
    pub(super) progress: Arc<Progress>,
}

/// How far the store is, for the health page and for whoever waits.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The store says the same as the view as of this commit.
    pub(super) position: AtomicU64,
    /// Every twin's stored checkpoint contains all commits up to this one.
    pub(super) saved_upto: Arc<AtomicU64>,
    pub(super) batches: AtomicU64,
    pub(super) failing: Mutex<Option<String>>,
    /// Set to finish: project and save what there is, then end.
    pub(super) finishing: AtomicBool,
    pub(super) hurry: Notify,
    /// Rung for everybody when the position has moved.
    pub(super) moved: Notify,
    /// When the store had answered up to which commit; the journal may forget what is long enough ago.
    passed: Mutex<VecDeque<(tokio::time::Instant, Seq)>>,
    /// Microseconds spent on a store that did not answer, since the projector last paused.
    lost: AtomicU64,
    /// Rung once the projector has ended.
    pub(super) finished: Notify,
}

type Rejections = Vec<(Seq, Rejection)>;

/// What is not coalesced.
#[derive(Debug, Default)]
struct Rare {
    edges: Vec<EdgeChange>,
    rejections: Rejections,
    deleted: Vec<DeletedRow>,
    answers: Vec<AnswerRow>,
}

/// One round of checkpoints: of all twins that had changed by `upto`.
#[derive(Debug)]
struct Round {
    upto: Seq,
    missing: HashMap<TwinNo, Arc<Resident>>,
}

impl Projector {
    pub(super) async fn run(self) {
        Box::pin(self.follow()).await;
        self.progress.finished.notify_one();
    }

    async fn follow(&self) {
        let config = &self.shared.config;
        let mut round: Option<Round> = None;
        let mut since_round = Duration::ZERO;
        loop {
            let finishing = self.progress.finishing.load(Ordering::Acquire);
            let cut = std::mem::take(&mut *self.followers.changes.lock());
            let began = tokio::time::Instant::now();
            Box::pin(self.project(cut, &mut round)).await;
            // Waiting for a store that is away is no work, and must not put off what has gathered meanwhile.
            let lost = Duration::from_micros(self.progress.lost.swap(0, Ordering::Relaxed));
            let spent = began.elapsed().saturating_sub(lost);
            self.let_the_journal_forget();
            if finishing && round.is_none() {
                round = self.begin_round().await;
                if round.is_none() && self.nothing_waits() {
                    return;
                }
            }
            if let Some(current) = round.take_if(|round| round.missing.is_empty()) {
                self.finish_round(current.upto).await;
                if finishing && self.nothing_waits() {
                    return;
                }
            }
            let pause = if finishing { Duration::from_millis(1) } else { config.project_every.max(spent * (DUTY_PARTS - 1)) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.progress.hurry.notified() => {}
            }
            since_round += began.elapsed();
            if since_round >= config.checkpoint_every && !finishing {
                since_round = Duration::ZERO;
                round = match round {
                    None => self.begin_round().await,
                    // A twin that crashed lost the request; it is asked again.
                    Some(unfinished) => {
                        self.ask(unfinished.missing.values()).await;
                        Some(unfinished)
                    }
                };
            }
        }
    }

    fn nothing_waits(&self) -> bool {
        let changes = self.followers.changes.lock();
        changes.twins.is_empty()
            && changes.edges.is_empty()
            && changes.rejections.is_empty()
            && changes.checkpoints.is_empty()
            && changes.unsaved.is_empty()
            && changes.deleted.is_empty()
            && changes.answers.is_empty()
    }

    /// Writes one cut, as often as it takes.
    async fn project(&self, cut: Changes, round: &mut Option<Round>) {
        let Changes { upto, twins, types, edges, rejections, checkpoints, deleted, answers, unsaved, overflowed } = cut;
        let mut rare = Rare { edges, rejections, deleted, answers };
        if !unsaved.is_empty() {
            // Not ours to deal with: the next round takes them.
            self.followers.changes.lock().unsaved.extend(unsaved);
        }
        if overflowed {
            rare = self.insist("reading the journal again", || std::future::ready(self.read_again(upto))).await;
        }
        if upto > Seq(0) {
            let Rare { edges, rejections, deleted, answers } = rare;
            let (mut deleted, mut answers) = (Some(deleted), Some(answers));
            let mut batch = Batch { types, edges: self.edge_rows(edges), rejections: rejection_rows(rejections), ..Batch::default() };
            let mut rest = twins.as_slice();
            loop {
                let (now, later) = rest.split_at(rest.len().min(TWINS_PER_BATCH_MAX));
                batch.twins = now.iter().map(|(_, state, seq)| TwinRow::of(state, *seq)).collect();
                batch.upto = later.is_empty().then_some(upto);
                if later.is_empty() {
                    batch.deleted = deleted.take().unwrap_or_default();
                    batch.answers = answers.take().unwrap_or_default();
                }
                self.insist("projecting", || self.store.project(&batch)).await;
                self.progress.batches.fetch_add(1, Ordering::Relaxed);
                if later.is_empty() {
                    break;
                }
                (rest, batch) = (later, Batch::default());
            }
            self.progress.position.store(upto.0, Ordering::Release);
            self.progress.moved.notify_waiters();
        }
        for rows in checkpoints.chunks(CHECKPOINTS_PER_BATCH_MAX) {
            let rows: Vec<CheckpointRow> =
                rows.iter().map(|row| CheckpointRow { no: row.no, seq: row.seq, bytes: row.bytes.clone() }).collect();
            self.insist("saving checkpoints", || self.store.save_checkpoints(&rows)).await;
            if let Some(round) = round {
                rows.iter().for_each(|row| drop(round.missing.remove(&row.no)));
            }
        }
    }

    /// A store that fails is left alone for a while, longer each time; what is to be written waits here, and what changes meanwhile is coalesced.
    async fn insist<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(&self, doing: &str, attempt: impl Fn() -> F) -> T {
        let mut pause = PAUSE_MIN;
        loop {
            let began = tokio::time::Instant::now();
            match attempt().await {
                Ok(done) => {
                    if self.progress.failing.lock().take().is_some() {
                        info!("the graph store answers again");
                    }
                    return done;
                }
                Err(error) => {
                    let text = format!("{doing}: {error}");
                    if self.progress.failing.lock().replace(text.clone()).as_ref() != Some(&text) {
                        warn!(error = %error, "{doing} failed; the journal keeps everything until the graph store answers");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    let lost = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.progress.lost.fetch_add(lost, Ordering::Relaxed);
                }
            }
        }
    }

    /// More rare changes came than wait in memory: the journal has them all.
    fn read_again(&self, upto: Seq) -> Result<Rare, rebuild::Error> {
        let mut rare = Rare::default();
        let mut newest = VecDeque::new();
        let position = Seq(self.progress.position.load(Ordering::Acquire));
        self.rebuilder.each_fact(position, &mut |seq, at, fact| {
            if seq > upto {
                return ControlFlow::Break(());
            }
            match fact {
                Fact::EdgeBegun(edge) => rare.edges.push(EdgeChange::Begun(seq, *edge)),
                Fact::EdgeEnded { edge, .. } => rare.edges.push(EdgeChange::Ended { edge, seq }),
                Fact::Refused(rejection) => newest.push_back((seq, *rejection)),
                Fact::Happened { events, .. } => newest.extend(events.into_iter().filter_map(rejected).map(|rejection| (seq, rejection))),
                Fact::Deleted(deleted) => rare.deleted.push(DeletedRow { no: deleted.no, id: deleted.id, at, seq }),
                Fact::Edited(edited) => rare.answers.extend(answer_row(seq, at, *edited)),
                Fact::TypeKnown(_) | Fact::Created { .. } => {}
            }
            let excess = newest.len().saturating_sub(REJECTIONS_WAITING_MAX);
            newest.drain(..excess);
            ControlFlow::Continue(())
        })?;
        rare.rejections = newest.into();
        Ok(rare)
    }

    fn edge_rows(&self, edges: Vec<EdgeChange>) -> Vec<EdgeRow> {
        let graph = self.graph.lock();
        let row = |change| match change {
            EdgeChange::Begun(seq, edge) => Some((edge, seq)),
            EdgeChange::Ended { edge, seq } => graph.edge(edge).map(|edge| (edge.as_ref().clone(), seq)),
        };
        let ends = |(edge, seq): (Edge, Seq)| {
            // Also those of twins that are no more: their edges end, and the past is asked for.
            let (from, to) = (self.shared.directory.id_of(edge.from)?, self.shared.directory.id_of(edge.to)?);
            Some(EdgeRow { from, to, edge, seq })
        };
        edges.into_iter().filter_map(row).filter_map(ends).collect()
    }

    /// Asks every twin that has changed since its last checkpoint for a new one. `None`: nothing has.
    async fn begin_round(&self) -> Option<Round> {
        let (upto, unsaved) = {
            let mut changes = self.followers.changes.lock();
            let unsaved = std::mem::take(&mut changes.unsaved);
            unsaved.iter().for_each(|resident| resident.unsaved_since.store(0, Ordering::Relaxed));
            (changes.upto.max(Seq(self.progress.position.load(Ordering::Acquire))), unsaved)
        };
        if unsaved.is_empty() {
            return None;
        }
        self.ask(unsaved.iter()).await;
        Some(Round { upto, missing: unsaved.into_iter().map(|resident| (resident.no, resident)).collect() })
    }

    async fn ask(&self, residents: impl Iterator<Item = &Arc<Resident>>) {
        for resident in residents {
            if resident.is_gone() {
                let aside = Aside { checkpoint: Some(resident.remains(Seq(0))), ..Aside::default() };
                let held = Held { aside: Some(Box::new(aside)), ..Held::default() };
                self.shared.journal.append(|_| {}, held).await.ok();
                continue;
            }
            match resident.while_resting(|twin| encode(twin, resident)) {
                Some(checkpoint) => {
                    let aside = Aside { checkpoint: Some(checkpoint), ..Aside::default() };
                    let held = Held { aside: Some(Box::new(aside)), ..Held::default() };
                    // Closed means that we are about to end; the journal has it all.
                    self.shared.journal.append(|_| {}, held).await.ok();
                }
                None => self.shared.directory.send(resident, TwinMsg::Save),
            }
        }
    }

    async fn finish_round(&self, upto: Seq) {
        self.insist("saving the position of the checkpoints", || self.store.save_upto(upto)).await;
        self.progress.saved_upto.store(upto.0, Ordering::Release);
        let passed = Seq(upto.0.min(self.progress.position.load(Ordering::Acquire)));
        self.progress.passed.lock().push_back((tokio::time::Instant::now(), passed));
        self.insist("trimming rejections", || self.store.trim_rejections()).await;
        let oldest = self.followers.answers.lock().dropped_before();
        if let Some(oldest) = oldest {
            self.insist("trimming answers", || self.store.forget_answers_before(oldest)).await;
        }
    }

    /// What the store has answered is on its disk for certain only some time later.
    fn let_the_journal_forget(&self) {
        let now = tokio::time::Instant::now();
        let mut passed = self.progress.passed.lock();
        while let Some((_, seq)) = passed.pop_front_if(|(then, _)| now.duration_since(*then) >= self.store.surely_synced_after()) {
            self.shared.journal.forget_before(Seq(seq.0 + 1));
        }
    }
}

fn encode(twin: &Twin, resident: &Resident) -> Checkpoint {
    let mut bytes = Vec::with_capacity(512);
    checkpoint::encode_twin(twin, &mut bytes);
    Checkpoint { no: twin.state.no, cell: resident.cell.clone(), seq: Seq(0), bytes }
}

/// The answer that an entry keeps, if it keeps one.
pub(super) fn answer_row(seq: Seq, at: Timestamp, edited: Edited) -> Option<AnswerRow> {
    let Edited { by, keyed } = edited;
    keyed.map(|keyed| AnswerRow { seq, at, by, keyed })
}

fn rejected(event: Event) -> Option<Rejection> {
    match event {
        Event::Rejected(rejection) => Some(*rejection),
        Event::Read(_)
        | Event::Heard(_)
        | Event::Numbered(_)
        | Event::PropertySet { .. }
        | Event::Described { .. }
        | Event::Relaid(_)
        | Event::Rested
        | Event::Renamed(_)
        | Event::Desired { .. }
        | Event::Computed { .. }
        | Event::Measured(_)
        | Event::Released { .. }
        | Event::Viewed { .. }
        | Event::Turned { .. }
        | Event::Happened(_)
        | Event::Asked(_)
        | Event::Ended { .. }
        | Event::Troubled(_)
        | Event::Switched { .. }
        | Event::Tuned { .. }
        | Event::TakenOut(_)
        | Event::Flood(_)
        | Event::Watched { .. }
        | Event::Moved { .. } => None,
    }
}

fn rejection_rows(rejections: Rejections) -> Vec<RejectionRow> {
    let mut rows: Vec<RejectionRow> = Vec::with_capacity(rejections.len());
    for (seq, rejection) in rejections {
        let part = rows.last().filter(|row| row.seq == seq).map_or(0, |row| row.part + 1);
        rows.push(RejectionRow { seq, part, rejection });
    }
    rows
}
