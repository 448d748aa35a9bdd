//! Wakes twins and rebuilds those that crashed. One task, so that two requests never race to make the same branch.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use ractor::{ActorRef, call_t};
use tokio::sync::mpsc;
use tracing::error;

use crate::reading::TwinNo;
use crate::twin::Twin;

use super::branch::{BranchMsg, Shared, change_supervisor};
use super::directory::Request;
use super::rebuild::Rebuilder;
use super::resident::Resident;

/// How long a branch may take to start another one.
const GROW_MS_MAX: u64 = 10_000;
/// How deep the primary hierarchy may be for supervision; what is deeper hangs on the branch at this depth.
const DEPTH_MAX: usize = 64;

pub(super) struct Warden {
    pub(super) shared: Arc<Shared>,
    pub(super) rebuilder: Arc<Rebuilder>,
    pub(super) root: ActorRef<BranchMsg>,
    pub(super) branches: HashMap<TwinNo, ActorRef<BranchMsg>>,
}

impl Warden {
    pub(super) fn new(shared: Arc<Shared>, rebuilder: Arc<Rebuilder>, root: ActorRef<BranchMsg>) -> Warden {
        Warden { shared, rebuilder, root, branches: HashMap::new() }
    }

    /// Until the directory is gone.
    pub(super) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Rehouse(resident) => self.rehouse(&resident).await,
                Request::Forget(no) => {
                    if let Some(branch) = self.branches.remove(&no) {
                        branch.stop(None);
                    }
                }
                Request::Wake(resident, _) | Request::Revive(resident) if resident.is_gone() => {}
                Request::Wake(resident, twin) => self.house(resident, twin).await,
                Request::Revive(resident) => match self.rebuilder.rebuild(resident.no).await {
                    Ok(twin) => self.house(resident, Box::new(twin)).await,
                    Err(error) => {
                        error!(twin = %resident.id, error = %error, "a crashed twin could not be rebuilt");
                        resident.give_up(&error.to_string(), self.later());
                    }
                },
            }
        }
    }

    /// The actor of a moved twin, and the branch beside it, come under the branch of its new parent. They go on working meanwhile.
    async fn rehouse(&mut self, resident: &Arc<Resident>) {
        let beside = self.branches.get(&resident.no).filter(|branch| is_alive(branch)).cloned();
        if resident.actor().is_none() && beside.is_none() {
            return;
        }
        let Some(branch) = self.branch_of(resident.parent()).await else { return };
        if let Some(beside) = beside {
            change_supervisor(&beside.get_cell(), &branch.get_cell());
        }
        // Waited for, because the old parent's branch may be next to go. A branch that has just died took the actor along; the twin is rebuilt
        // when it is next asked for.
        let taken = call_t!(branch, |done| BranchMsg::TakeOver(resident.clone(), done), GROW_MS_MAX);
        if let Err(error) = taken {
            error!(twin = %resident.id, %error, "a moved twin stays under the branch of its old parent");
        }
    }

    async fn house(&mut self, resident: Arc<Resident>, mut twin: Box<Twin>) {
        // A second try, because a branch that died is only found dead when it is spoken to.
        for _ in 0..2 {
            let Some(branch) = self.branch_of(resident.parent()).await else { continue };
            match branch.send_message(BranchMsg::Adopt(resident.clone(), twin)) {
                Ok(()) => return,
                Err(ractor::MessagingErr::SendErr(BranchMsg::Adopt(_, back))) => {
                    self.branches.retain(|_, known| known.get_id() != branch.get_id());
                    twin = back;
                }
                Err(error) => return resident.give_up(&error.to_string(), self.later()),
            }
        }
        resident.give_up("no branch could be started to supervise this twin", self.later());
    }

    /// The branch beside the twin `no`, started with those above it if need be.
    async fn branch_of(&mut self, no: TwinNo) -> Option<ActorRef<BranchMsg>> {
        let mut missing = Vec::new();
        let mut at = no;
        let mut branch = loop {
            if at == TwinNo::PARTITION || missing.len() == DEPTH_MAX {
                break self.root.clone();
            }
            match self.branches.get(&at) {
                Some(branch) if is_alive(branch) => break branch.clone(),
                Some(_) | None => missing.push(at),
            }
            at = self.shared.directory.by_no(at).map_or(TwinNo::PARTITION, |resident| resident.parent());
        };
        while let Some(no) = missing.pop() {
            branch = match call_t!(branch, BranchMsg::Grow, GROW_MS_MAX, no) {
                Ok(grown) => grown,
                Err(error) => {
                    error!(twin = no.0, error = %error, "a branch could not be started");
                    return None;
                }
            };
            self.branches.insert(no, branch.clone());
        }
        Some(branch)
    }

    fn later(&self) -> crate::reading::Timestamp {
        self.shared.clock.now().plus(self.shared.config.fault_rest)
    }
}

fn is_alive(branch: &ActorRef<BranchMsg>) -> bool {
    matches!(branch.get_status(), ractor::ActorStatus::Running | ractor::ActorStatus::Starting | ractor::ActorStatus::Unstarted)
}

impl std::fmt::Debug for Warden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warden").field("branches", &self.branches.len()).finish_non_exhaustive()
    }
}
