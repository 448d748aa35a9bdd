//! One change of many twins, each by itself: some may be refused while the others go through.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use futures_util::{StreamExt, stream};

use crate::api::access::{Links, TwinSet};
use crate::api::names::Way;
use crate::catalog::CONTAINS;
use crate::reading::{Seq, Timestamp, TwinId, TwinNo};
use crate::runtime::Runtime;
use crate::runtime::edit::{DeleteTwin, Edited, Error, Op, Options, Problem, UpdateTwin};

/// Changes on their way at once: the disk takes them in groups.
const AT_ONCE: usize = 64;
/// Deeper than any hierarchy that the catalog lets through.
const DEPTH_MAX: usize = 1_000;

/// What each of the twins is to become.
#[derive(Debug, Clone)]
pub enum Change {
    /// The id is that of each.
    Update(UpdateTwin),
    Delete,
}

impl Change {
    fn op(&self, id: &TwinId) -> Op {
        match self {
            Change::Update(update) => Op::Update(UpdateTwin { id: id.to_string(), ..update.clone() }),
            Change::Delete => Op::Delete(DeleteTwin { id: id.to_string(), ..DeleteTwin::default() }),
        }
    }
}

/// Goes over twins, in parts, and remembers what a later part must know of the earlier ones.
#[derive(Debug)]
pub struct Sweep {
    pub runtime: Arc<Runtime>,
    pub by: String,
    pub change: Change,
    pub dry_run: bool,
    /// Of a dry run of deletions: what would be gone.
    gone: TwinSet,
}

/// What came of one twin.
#[derive(Debug)]
pub enum Swept {
    Changed(Seq, Box<Edited>),
    /// It is so already.
    Same(Seq),
    Refused(Vec<Problem>),
}

impl Sweep {
    pub fn new(runtime: Arc<Runtime>, by: &str, change: Change, dry_run: bool) -> Sweep {
        Sweep { runtime, by: by.to_owned(), change, dry_run, gone: TwinSet::default() }
    }

    /// The twins in the order to go over them: for deletions children before their parents, else as they come.
    pub fn order(&self, twins: Vec<(TwinNo, TwinId)>) -> Vec<(TwinNo, TwinId)> {
        match self.change {
            Change::Update(_) => twins,
            Change::Delete => {
                let now = self.runtime.shared.clock.now();
                let mut depths = Depths { links: &*self.runtime.committed, now, known: HashMap::new() };
                let mut deep: Vec<_> = twins.into_iter().map(|twin| (depths.of(twin.0), twin)).collect();
                deep.sort_by(|(a, _), (b, _)| b.cmp(a));
                deep.into_iter().map(|(_, twin)| twin).collect()
            }
        }
    }

    /// What came of each, in their order. `Err`: our fault, which ends it; what was done before stays done.
    pub async fn go(&mut self, twins: &[(TwinNo, TwinId)]) -> Result<Vec<Swept>, Error> {
        let mut all = Vec::with_capacity(twins.len());
        // The editor takes them in this order: they are sent when the stream first looks at them.
        let edits: Vec<_> = twins.iter().map(|(_, id)| self.edit(id)).collect();
        let mut outcomes = stream::iter(edits).buffered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            all.push(match outcome {
                Ok(edited) if is_same(&edited) && matches!(self.change, Change::Update(_)) => Swept::Same(edited.seq),
                Ok(edited) => Swept::Changed(edited.seq, Box::new(edited)),
                Err(Error::Refused(problems)) => Swept::Refused(problems),
                Err(fault) => return Err(fault),
            });
        }
        drop(outcomes);
        if self.dry_run && matches!(self.change, Change::Delete) {
            self.look_past_children(twins, &mut all);
        }
        Ok(all)
    }

    fn edit(&self, id: &TwinId) -> impl Future<Output = Result<Edited, Error>> + Send + use<> {
        let (op, runtime, by) = (self.change.op(id), self.runtime.clone(), self.by.clone());
        let options = Options { dry_run: self.dry_run, key: None };
        async move { runtime.edit(vec![op], &by, options).await }
    }

    /// Children that go as well are in nobody's way, but a dry run of one twin does not know of the others.
    fn look_past_children(&mut self, twins: &[(TwinNo, TwinId)], all: &mut [Swept]) {
        let now = self.runtime.shared.clock.now();
        let links: &dyn Links = &*self.runtime.committed;
        for ((no, _), swept) in twins.iter().zip(all) {
            if let Swept::Refused(problems) = swept
                && problems.iter().all(|problem| problem.code == "HAS_CHILDREN")
            {
                let mut stays = false;
                links.each_other(*no, CONTAINS, Way::Out, now, &mut |child| stays |= !self.gone.contains(child));
                if !stays {
                    *swept = Swept::Same(self.runtime.view().seq());
                }
            }
            if !matches!(swept, Swept::Refused(_)) {
                self.gone.insert(*no);
            }
        }
    }
}

impl Swept {
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Swept::Changed(seq, _) | Swept::Same(seq) => Some(*seq),
            Swept::Refused(_) => None,
        }
    }
}

fn is_same(edited: &Edited) -> bool {
    edited.twins.iter().all(|change| change.before.as_ref().is_some_and(|before| before.revision == change.after.revision))
}

/// How far twins stand below the root of the primary hierarchy.
struct Depths<'a> {
    links: &'a dyn Links,
    now: Timestamp,
    known: HashMap<TwinNo, usize>,
}

impl Depths<'_> {
    fn of(&mut self, twin: TwinNo) -> usize {
        let mut above = vec![twin];
        let mut depth = 0;
        while above.len() < DEPTH_MAX {
            let last = above[above.len() - 1];
            if let Some(known) = self.known.get(&last) {
                depth = *known;
                break;
            }
            let mut parent = None;
            self.links.each_other(last, CONTAINS, Way::In, self.now, &mut |other| parent = Some(other));
            match parent {
                Some(parent) => above.push(parent),
                None => break,
            }
        }
        // From the top down.
        for (below, twin) in above.iter().rev().enumerate() {
            self.known.insert(*twin, depth + below);
        }
        self.known.get(&twin).copied().unwrap_or(depth)
    }
}
