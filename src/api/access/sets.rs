//! Sets of twins by their numbers, and the ways through the graph that make them.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use parking_lot::Mutex;

use crate::api::names::Way;
use crate::reading::{Timestamp, TwinNo};
use crate::runtime::committed::Committed;
use crate::twin::Edge;

/// The committed relations between twins.
pub trait Links: Sync + std::fmt::Debug {
    /// All edges that leave a twin, whenever they hold.
    fn each_out(&self, from: TwinNo, take: &mut dyn FnMut(&Edge));
    fn each_in(&self, to: TwinNo, take: &mut dyn FnMut(&Edge));
    /// Another number whenever an edge has come, gone or changed.
    fn version(&self) -> u64;
}

impl Links for Committed {
    fn each_out(&self, from: TwinNo, take: &mut dyn FnMut(&Edge)) {
        Committed::each_out(self, from, take);
    }

    fn each_in(&self, to: TwinNo, take: &mut dyn FnMut(&Edge)) {
        Committed::each_in(self, to, take);
    }

    fn version(&self) -> u64 {
        Committed::version(self)
    }
}

impl dyn Links + '_ {
    /// The other ends of the edges of one relation that hold at a time.
    pub fn each_other(&self, twin: TwinNo, relation: &str, way: Way, at: Timestamp, take: &mut dyn FnMut(TwinNo)) {
        let is_meant = |edge: &Edge| &*edge.relation == relation && edge.holds_at(at);
        if way != Way::In {
            self.each_out(twin, &mut |edge| {
                if is_meant(edge) {
                    take(edge.to);
                }
            });
        }
        if way != Way::Out {
            self.each_in(twin, &mut |edge| {
                if is_meant(edge) {
                    take(edge.from);
                }
            });
        }
    }

    /// The one above in a hierarchy.
    pub fn parent(&self, twin: TwinNo, hierarchy: &str, at: Timestamp) -> Option<TwinNo> {
        let mut parent = None;
        self.each_other(twin, hierarchy, Way::In, at, &mut |above| parent = Some(above));
        parent
    }

    /// Those above, the nearest first.
    pub fn ancestors(&self, twin: TwinNo, hierarchy: &str, at: Timestamp) -> Vec<TwinNo> {
        let mut above = Vec::new();
        let mut next = self.parent(twin, hierarchy, at);
        while let Some(parent) = next.filter(|_| above.len() < crate::catalog::structure::HIERARCHY_DEPTH_MAX) {
            above.push(parent);
            next = self.parent(parent, hierarchy, at);
        }
        above
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TwinSet {
    words: Vec<u64>,
    count: usize,
}

impl TwinSet {
    pub fn insert(&mut self, no: TwinNo) -> bool {
        let (word, bit) = (no.0 as usize / 64, 1 << (no.0 % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    pub fn contains(&self, no: TwinNo) -> bool {
        self.words.get(no.0 as usize / 64).is_some_and(|word| word & (1 << (no.0 % 64)) != 0)
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// In the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = TwinNo> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(place, word)| {
            let bits = (0..64).filter(move |bit| word & (1_u64 << bit) != 0);
            bits.map(move |bit| TwinNo(place * 64 + bit))
        })
    }
}

impl FromIterator<TwinNo> for TwinSet {
    fn from_iter<I: IntoIterator<Item = TwinNo>>(twins: I) -> TwinSet {
        let mut set = TwinSet::default();
        for no in twins {
            set.insert(no);
        }
        set
    }
}

/// Subtrees that were asked for lately. They hold until the graph changes, or an edge of theirs begins or ends by the clock.
#[derive(Debug, Default)]
pub struct Trees {
    known: Mutex<VecDeque<Tree>>,
}

/// Subtrees that are kept; of a million twins each takes 125 kB.
const TREES_MAX: usize = 32;

#[derive(Debug)]
struct Tree {
    hierarchy: Arc<str>,
    root: TwinNo,
    depth: Option<u32>,
    version: u64,
    /// Asked for at a time in here it is the same.
    from: Timestamp,
    to: Timestamp,
    twins: Arc<TwinSet>,
}

impl Trees {
    /// What lies below a twin, up to `depth` steps down; without itself.
    pub fn below(&self, links: &dyn Links, root: TwinNo, hierarchy: &Arc<str>, depth: Option<u32>, at: Timestamp) -> Arc<TwinSet> {
        let version = links.version();
        let mut known = self.known.lock();
        let is_it = |tree: &&Tree| tree.root == root && tree.depth == depth && tree.hierarchy == *hierarchy;
        if let Some(tree) = known.iter().filter(is_it).find(|tree| tree.version == version && tree.from <= at && at < tree.to) {
            return tree.twins.clone();
        }
        drop(known);
        let (twins, from, to) = descend(links, root, hierarchy, depth, at);
        let twins = Arc::new(twins);
        known = self.known.lock();
        known.retain(|tree| tree.version == version && !is_it(&tree));
        known.truncate(TREES_MAX - 1);
        known.push_front(Tree { hierarchy: hierarchy.clone(), root, depth, version, from, to, twins: twins.clone() });
        twins
    }
}

/// The twins below, and the time in which that stays so if no edge is changed.
fn descend(links: &dyn Links, root: TwinNo, hierarchy: &str, depth: Option<u32>, at: Timestamp) -> (TwinSet, Timestamp, Timestamp) {
    let mut below = TwinSet::default();
    let (mut from, mut to) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let mut level = vec![root];
    let mut steps = 0;
    while !level.is_empty() && depth.is_none_or(|depth| steps < depth) {
        let mut next = Vec::new();
        for twin in level {
            links.each_out(twin, &mut |edge| {
                if &*edge.relation != hierarchy {
                    return;
                }
                let ends = edge.valid_to.unwrap_or(Timestamp(i64::MAX));
                for border in [edge.valid_from, ends] {
                    if border <= at {
                        from = from.max(border);
                    } else {
                        to = to.min(border);
                    }
                }
                if edge.holds_at(at) && below.insert(edge.to) {
                    next.push(edge.to);
                }
            });
        }
        level = next;
        steps += 1;
    }
    (below, from, to)
}

/// The twin at the end of a path of ids (`/plant/mixing/mixer-1`, or an id alone), if every step of it is there.
pub(super) fn resolve(access: &super::Access<'_>, path: &str, hierarchy: &str) -> Option<TwinNo> {
    let ids: Vec<&str> = path.split('/').filter(|id| !id.is_empty()).collect();
    let no = access.view.twin(ids.last()?)?.peek().no;
    if !path.starts_with('/') {
        return Some(no).filter(|_| ids.len() == 1);
    }
    let above = access.links.ancestors(no, hierarchy, access.now);
    let matches = above.len() + 1 == ids.len()
        && above
            .iter()
            .zip(ids.iter().rev().skip(1))
            .all(|(no, id)| access.view.twin_no(*no).is_some_and(|cell| cell.peek().id.as_str() == *id));
    matches.then_some(no)
}

/// `/plant/mixing/mixer-1`
pub(super) fn path_of(access: &super::Access<'_>, twin: TwinNo, hierarchy: &str) -> String {
    let mut path = String::new();
    let above = access.links.ancestors(twin, hierarchy, access.now);
    for no in above.iter().rev().chain([&twin]) {
        if let Some(cell) = access.view.twin_no(*no) {
            path.push('/');
            path.push_str(cell.peek().id.as_str());
        }
    }
    path
}

/// The nearest ancestors by what they are, remembered: siblings have the same.
#[derive(Debug)]
pub(super) struct Nearest<T> {
    known: HashMap<TwinNo, Option<T>>,
}

impl<T: Clone> Nearest<T> {
    pub(super) fn new() -> Nearest<T> {
        Nearest { known: HashMap::new() }
    }

    /// What `find` says of the twin above, asked once for each.
    pub(super) fn of_parent(&mut self, parent: Option<TwinNo>, find: impl FnOnce(TwinNo) -> Option<T>) -> Option<T> {
        let parent = parent?;
        self.known.entry(parent).or_insert_with(|| find(parent)).clone()
    }
}
