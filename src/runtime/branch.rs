//! Supervision along the primary hierarchy, without its price: in ractor the end of an actor takes down all that is linked below it, so a twin's
//! actor is always a leaf. Each twin with children has a branch beside it, which holds the actors of those children and their branches.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorStatus, RpcReplyPort, SupervisionEvent};
use tracing::{error, warn};

use crate::journal::Journal;
use crate::reading::TwinNo;
use crate::twin::Twin;

use super::Config;
use super::clock::Clock;
use super::directory::Directory;
use super::held::Held;
use super::layouts::Layouts;
use super::resident::Resident;
use super::tallies::Tallies;
use super::twin_actor::TwinActor;

#[derive(Debug)]
pub enum BranchMsg {
    /// Give this twin an actor.
    Adopt(Arc<Resident>, Box<Twin>),
    /// The twin has moved here: its actor is yours from now on.
    TakeOver(Arc<Resident>, RpcReplyPort<()>),
    /// The actor is another branch's now.
    Release(ActorId),
    /// Start the branch of one of your children.
    Grow(TwinNo, RpcReplyPort<ActorRef<BranchMsg>>),
}

/// The branch beside one twin; the root branch has no twin.
#[derive(Debug, Clone)]
pub struct Branch {
    pub no: TwinNo,
    pub shared: Arc<Shared>,
}

/// What every branch needs to start and watch twins.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub clock: Clock,
    pub directory: Arc<Directory>,
    pub journal: Journal<Held>,
    pub tallies: Arc<Tallies>,
    pub layouts: Arc<Layouts>,
    pub restarts: std::sync::atomic::AtomicU64,
    pub wakes: Arc<super::wakes::Wakes>,
    pub outbox: Arc<super::outbox::Outbox>,
}

#[derive(Debug, Default)]
pub struct BranchState {
    twins: HashMap<ActorId, Arc<Resident>>,
}

impl Actor for Branch {
    type Msg = BranchMsg;
    type State = BranchState;
    type Arguments = ();

    async fn pre_start(&self, _me: ActorRef<BranchMsg>, (): ()) -> Result<BranchState, ActorProcessingErr> {
        Ok(BranchState { twins: HashMap::new() })
    }

    async fn handle(&self, me: ActorRef<BranchMsg>, msg: BranchMsg, state: &mut BranchState) -> Result<(), ActorProcessingErr> {
        match msg {
            BranchMsg::Adopt(resident, twin) => self.adopt(&me, resident, twin, state).await,
            BranchMsg::TakeOver(resident, done) => {
                take_over(&me, &resident, state);
                // The warden may have given up waiting.
                done.send(()).ok();
            }
            BranchMsg::Release(actor) => drop(state.twins.remove(&actor)),
            BranchMsg::Grow(no, reply) => {
                let branch = Branch { no, shared: self.shared.clone() };
                let (grown, _) = Actor::spawn_linked(None, branch, (), me.get_cell()).await?;
                // The warden may have given up waiting; the branch is there all the same and is found dead or alive at the next try.
                reply.send(grown).ok();
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _me: ActorRef<BranchMsg>,
        event: SupervisionEvent,
        state: &mut BranchState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => match state.twins.remove(&cell.get_id()) {
                Some(resident) => self.fallen(&resident, &error.to_string()),
                None => error!(branch = self.no.0, %error, "a branch has crashed; its twins are rebuilt when they are next asked for"),
            },
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                state.twins.remove(&cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

/// Known before it is linked, so that its end finds one of the two branches; and if it has ended meanwhile, nobody will say so.
fn take_over(me: &ActorRef<BranchMsg>, resident: &Arc<Resident>, state: &mut BranchState) {
    let Some(actor) = resident.actor() else { return };
    let (actor, id) = (actor.get_cell(), actor.get_id());
    let before = actor.try_get_supervisor();
    if before.as_ref().is_some_and(|before| before.get_id() == me.get_id()) {
        return;
    }
    state.twins.insert(id, resident.clone());
    change_supervisor(&actor, &me.get_cell());
    if let Some(before) = before {
        before.send_message(BranchMsg::Release(id)).ok();
    }
    if !matches!(actor.get_status(), ActorStatus::Running | ActorStatus::Starting | ActorStatus::Unstarted) {
        state.twins.remove(&id);
    }
}

pub(super) fn change_supervisor(actor: &ActorCell, to: &ActorCell) {
    if let Some(before) = actor.try_get_supervisor() {
        actor.unlink(before);
    }
    actor.link(to.clone());
}

impl Branch {
    async fn adopt(&self, me: &ActorRef<BranchMsg>, resident: Arc<Resident>, twin: Box<Twin>, state: &mut BranchState) {
        let Shared { clock, journal, tallies, layouts, wakes, config, .. } = &*self.shared;
        let actor = TwinActor {
            resident: resident.clone(),
            journal: journal.clone(),
            clock: clock.clone(),
            tallies: tallies.clone(),
            layouts: layouts.clone(),
            wakes: wakes.clone(),
        };
        match Actor::spawn_linked(None, actor, twin, me.get_cell()).await {
            Ok((actor, _)) => {
                state.twins.insert(actor.get_id(), resident.clone());
                resident.settle_in(actor);
                self.tell_parent(&resident, None);
            }
            Err(error) => resident.give_up(&error.to_string(), clock.now().plus(config.fault_rest)),
        }
    }

    fn fallen(&self, resident: &Arc<Resident>, error: &str) {
        let Shared { clock, config, directory, restarts, .. } = &*self.shared;
        restarts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.tell_parent(resident, Some(resident.id.clone()));
        if resident.fell(error, clock.now(), config.restarts_max, config.restart_window, config.fault_rest) {
            warn!(twin = %resident.id, error, "a twin has crashed and is rebuilt from what is committed");
            directory.revive(resident.clone());
        } else {
            error!(twin = %resident.id, error, "a twin keeps crashing and is left alone for {:?}", config.fault_rest);
        }
    }

    fn tell_parent(&self, resident: &Resident, fault: Option<crate::reading::TwinId>) {
        if let Some(parent) = self.shared.directory.by_no(resident.parent()) {
            parent.set_fault_below(fault);
        }
    }
}
