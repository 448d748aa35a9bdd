//! The editor: one change after the other, each planned against what the one before has left. It does not wait for the disk; the caller does.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::HashSet;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tracing::error;

use crate::catalog::{CONTAINS, Catalog};
use crate::reading::TwinNo;
use crate::runtime::Runtime;
use crate::runtime::held::Held;
use crate::runtime::resident::Resident;

use super::commit::Attempt;
use super::grip::Grip;
use super::problem::{IDEMPOTENCY_KEY_REUSED, Problem};
use super::{Edited, Error, Op, Pending, Request, TWINS_MAX};

/// How often a change is planned anew because something came in between.
const ATTEMPTS_MAX: u32 = 10;
/// How long a change waits for room in the journal.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// Until the runtime is gone.
pub(in crate::runtime) async fn run(runtime: Weak<Runtime>, mut requests: mpsc::Receiver<Request>) {
    let mut editor = Editor::default();
    while let Some(request) = requests.recv().await {
        let Some(runtime) = runtime.upgrade() else { return };
        let _turn = runtime.turn.lock().await;
        let worked = AssertUnwindSafe(editor.work(&runtime, &request)).catch_unwind().await;
        match worked {
            // Who asked may have gone away; what is written stands all the same.
            Ok(outcome) => drop(request.reply.send(outcome)),
            Err(_) => error!("the editor has crashed over a change and goes on with the next"),
        }
    }
}

#[derive(Debug, Default)]
struct Editor {
    /// Keys of changes that are written and may not be on disk yet, so that their answers are not known.
    under_way: HashSet<(String, String)>,
}

impl Editor {
    async fn work(&mut self, runtime: &Runtime, request: &Request) -> Result<Pending, Error> {
        if let Some(key) = request.options.key.as_ref().filter(|_| !request.options.dry_run)
            && let Some(answer) = self.answered(runtime, request, key).await?
        {
            return Ok(Pending::Done(answer));
        }
        if sets_unique(&runtime.bindings.load().catalog, request) {
            // Then it is compared with what all others were last committed with.
            runtime.shared.journal.durable().await.map_err(|refused| Error::Unavailable(refused.to_string()))?;
        }
        let mut more = Vec::new();
        for _ in 0..ATTEMPTS_MAX {
            let grips = Grip::all(residents(runtime, &request.ops, &more), &runtime.shared.directory).await?;
            match runtime.attempt(request, grips)? {
                Attempt::Written(edited, commit) => {
                    self.under_way.extend(request.options.key.clone().map(|key| (request.by.clone(), key)));
                    return Ok(Pending::Written(edited, commit));
                }
                Attempt::Done(edited) if request.options.dry_run => return Ok(Pending::Done(edited)),
                Attempt::Done(edited) => {
                    // What makes it so already must be on disk before anyone is told.
                    let seq = runtime.shared.journal.durable().await.map_err(|refused| Error::Unavailable(refused.to_string()))?;
                    return Ok(Pending::Done(Edited { seq, ..edited }));
                }
                Attempt::NoRoom => wait_for_room(runtime).await?,
                Attempt::Again(unheld) => more.extend(unheld),
            }
        }
        Err(Error::Unavailable("the twins of this change do not keep still; try again".to_owned()))
    }

    /// The answer that was given to the same request before.
    async fn answered(&mut self, runtime: &Runtime, request: &Request, key: &str) -> Result<Option<Edited>, Error> {
        if self.under_way.contains(&(request.by.clone(), key.to_owned())) || self.under_way.len() >= super::EDITS_WAITING_MAX {
            runtime.shared.journal.durable().await.map_err(|refused| Error::Unavailable(refused.to_string()))?;
            self.under_way.clear();
        }
        let Some((seq, asked, answer)) = runtime.first_answer(&request.by, key) else { return Ok(None) };
        match serde_json::from_value(answer) {
            Ok(results) if asked == request.asked => Ok(Some(Edited { seq, results, twins: Vec::new(), repeated: true })),
            Ok(_) | Err(_) => {
                let message = format!("the idempotency key `{key}` was used for another request");
                let hint = Some("take a new key for each request, and the same one only to send it again".to_owned());
                let path = vec!["idempotencyKey".to_owned()];
                Err(Error::Refused(vec![Problem { code: IDEMPOTENCY_KEY_REUSED, op: None, path, message, hint }]))
            }
        }
    }
}

/// The journal has room again, or does not get any in time.
async fn wait_for_room(runtime: &Runtime) -> Result<(), Error> {
    let room = runtime.shared.journal.append(|_| {}, Held::default());
    match tokio::time::timeout(ROOM_WAIT_MAX, room).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(refused)) => Err(Error::Unavailable(refused.to_string())),
        Err(_) => Err(Error::Unavailable("too much waits for the disk; try again".to_owned())),
    }
}

/// All existing twins whose state the operations change, each once; those that are not there are found missing by the plan.
fn residents(runtime: &Runtime, ops: &[Op], more: &[Arc<Resident>]) -> Vec<Arc<Resident>> {
    let (directory, graph) = (&runtime.shared.directory, runtime.graph.lock());
    let at = runtime.shared.clock.now();
    let mut known: HashSet<TwinNo> = HashSet::default();
    let mut residents: Vec<Arc<Resident>> = Vec::new();
    residents.extend(more.iter().filter(|resident| !resident.is_gone() && known.insert(resident.no)).cloned());
    for op in ops {
        let (id, subtree) = match op {
            Op::Update(update) => (&update.id, false),
            Op::Move(moved) => (&moved.id, false),
            Op::Delete(delete) => (&delete.id, delete.subtree),
            Op::Create(_) | Op::Relate(_) | Op::Unrelate(_) => continue,
        };
        let mut waiting: Vec<Arc<Resident>> = directory.by_id(id).into_iter().collect();
        while let Some(resident) = waiting.pop() {
            if residents.len() > TWINS_MAX || !known.insert(resident.no) {
                continue;
            }
            if subtree {
                let below = graph.out(resident.no).filter(|edge| &*edge.relation == CONTAINS && edge.valid_to.is_none_or(|end| end > at));
                waiting.extend(below.filter_map(|edge| directory.by_no(edge.to)));
            }
            residents.push(resident);
        }
    }
    residents
}

/// Whether a property is set that may be there once only.
fn sets_unique(catalog: &Catalog, request: &Request) -> bool {
    let unique = |name: &str| {
        let is_it = |layout: &Arc<crate::catalog::Layout>| {
            let member = layout.member(name);
            member.is_some_and(|member| {
                let slots = &layout.slots[usize::from(member.slots.start)..usize::from(member.slots.end)];
                slots.iter().any(|slot| slot.property.as_ref().is_some_and(|rules| rules.unique))
            })
        };
        catalog.types.iter().any(is_it)
    };
    request.ops.iter().any(|op| match op {
        Op::Create(create) => create.set.keys().any(|name| unique(name)),
        Op::Update(update) => update.set.keys().any(|name| unique(name)),
        Op::Move(_) | Op::Delete(_) | Op::Relate(_) | Op::Unrelate(_) => false,
    })
}
