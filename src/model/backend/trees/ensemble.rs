//! The trees of an ensemble out of its parallel lists, checked: every branch leads to a node, no node is reached twice.
//!
//! Runtimes trust these lists more than a file from outside deserves, so they are checked for whichever backend is to run them.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::onnx::Node;

/// How the lists of doubles end, which are tensors.
const AS_TENSOR: &str = "_as_tensor";

#[derive(Debug, Clone)]
pub(super) struct Ensemble {
    /// Where each tree begins.
    pub(super) roots: Vec<u32>,
    nodes: Vec<Branch>,
    pub(super) weights: Vec<Weight>,
    /// Columns that a row must have.
    pub(super) columns: usize,
}

#[derive(Debug, Clone, Copy)]
struct Branch {
    column: u32,
    threshold: f64,
    yes: u32,
    no: u32,
    test: Test,
    missing_is_yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Unlike,
    /// `yes` to `no` are its weights.
    Leaf,
}

/// What a leaf adds to a class or target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    pub(super) id: u32,
    pub(super) weight: f32,
}

/// The names of the lists of leaves.
pub(super) struct Leaves {
    pub(super) treeids: &'static str,
    pub(super) nodeids: &'static str,
    pub(super) ids: &'static str,
    pub(super) weights: &'static str,
}

pub(super) const CLASSES: Leaves =
    Leaves { treeids: "class_treeids", nodeids: "class_nodeids", ids: "class_ids", weights: "class_weights" };
pub(super) const TARGETS: Leaves =
    Leaves { treeids: "target_treeids", nodeids: "target_nodeids", ids: "target_ids", weights: "target_weights" };

impl Ensemble {
    /// `ids` is how many classes or targets there are.
    pub(super) fn read(node: &Node, lists: &Leaves, ids: usize) -> Result<Ensemble, String> {
        if let Some(tensor) = node.attributes.iter().find(|attribute| attribute.name.ends_with(AS_TENSOR)) {
            return Err(format!("`{}`", tensor.name));
        }
        Ensemble::structure(node, lists, ids)
    }

    /// The same, but that numbers may also stand in tensors, which are not read here.
    pub(super) fn structure(node: &Node, lists: &Leaves, ids: usize) -> Result<Ensemble, String> {
        let places = places(node)?;
        let leaves = leaves(node, lists, ids, &places)?;
        let mut ensemble = Ensemble { roots: Vec::new(), nodes: Vec::with_capacity(places.len()), weights: Vec::new(), columns: 0 };
        let trees = node.ints("nodes_treeids");
        let column = |list: &'static str| of_length(list, node.ints(list), trees.len());
        let (columns, yes, no) = (column("nodes_featureids")?, column("nodes_truenodeids")?, column("nodes_falsenodeids")?);
        let thresholds = numbers(node, "nodes_values", trees.len())?;
        let modes = of_length("nodes_modes", node.texts("nodes_modes"), trees.len())?;
        let missing = node.ints("nodes_missing_value_tracks_true");
        for (at, tree) in trees.iter().enumerate() {
            let test = test(&modes[at])?;
            let missing_is_yes = missing.get(at).is_some_and(|tracks| *tracks != 0);
            if test == Test::Leaf {
                let first = index(ensemble.weights.len());
                ensemble.weights.extend(leaves.get(&index(at)).into_iter().flatten());
                let end = index(ensemble.weights.len());
                ensemble.nodes.push(Branch { column: 0, threshold: 0.0, yes: first, no: end, test, missing_is_yes });
                continue;
            }
            let to = |id: i64| {
                places.get(&(*tree, id)).copied().ok_or_else(|| format!("a branch of tree {tree} leads to node {id}, which is not there"))
            };
            let column = u32::try_from(columns[at]).map_err(|_| format!("a branch of tree {tree} asks for column {}", columns[at]))?;
            ensemble.columns = ensemble.columns.max(column as usize + 1);
            let threshold = f64::from(thresholds[at]);
            ensemble.nodes.push(Branch { column, threshold, yes: to(yes[at])?, no: to(no[at])?, test, missing_is_yes });
        }
        ensemble.find_roots()?;
        Ok(ensemble)
    }

    /// A tree begins at the node that no branch leads to. With one such for each tree and no node reached twice there are no rings.
    fn find_roots(&mut self) -> Result<(), String> {
        let mut is_reached = vec![false; self.nodes.len()];
        for branch in self.nodes.iter().filter(|branch| branch.test != Test::Leaf) {
            for to in [branch.yes, branch.no] {
                if std::mem::replace(&mut is_reached[to as usize], true) {
                    return Err("two branches lead to one node".to_owned());
                }
            }
        }
        self.roots = (0..).zip(&is_reached).filter(|(_, reached)| !**reached).map(|(at, _)| at).collect();
        // What lies on a ring is reached from no root.
        let (mut waiting, mut seen) = (self.roots.clone(), 0);
        while let Some(at) = waiting.pop() {
            seen += 1;
            let branch = &self.nodes[at as usize];
            if branch.test != Test::Leaf {
                waiting.extend([branch.yes, branch.no]);
            }
        }
        if seen == self.nodes.len() { Ok(()) } else { Err("branches lead round in a ring".to_owned()) }
    }

    /// The weights of the leaf that a row comes to.
    pub(super) fn leaf(&self, root: u32, row: &[f64]) -> &[Weight] {
        let mut branch = &self.nodes[root as usize];
        loop {
            if branch.test == Test::Leaf {
                return &self.weights[branch.yes as usize..branch.no as usize];
            }
            let value = row.get(branch.column as usize).copied().unwrap_or(f64::NAN);
            let holds = match branch.test {
                Test::AtMost => value <= branch.threshold,
                Test::Below => value < branch.threshold,
                Test::AtLeast => value >= branch.threshold,
                Test::Above => value > branch.threshold,
                Test::Equal => value == branch.threshold,
                Test::Unlike => value != branch.threshold,
                Test::Leaf => false,
            };
            let is_yes = holds || (branch.missing_is_yes && value.is_nan());
            branch = &self.nodes[if is_yes { branch.yes } else { branch.no } as usize];
        }
    }

    /// Which classes or targets any leaf adds to.
    pub(super) fn has_id(&self, id: u32) -> bool {
        self.weights.iter().any(|weight| weight.id == id)
    }
}

fn index(at: usize) -> u32 {
    // A file has at most 16 Mi numbers in its lists.
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Which entry of the lists is which node of which tree.
fn places(node: &Node) -> Result<HashMap<(i64, i64), u32>, String> {
    let trees = node.ints("nodes_treeids");
    let ids = of_length("nodes_nodeids", node.ints("nodes_nodeids"), trees.len())?;
    if trees.is_empty() {
        return Err("it has no trees".to_owned());
    }
    let mut places = HashMap::with_capacity(trees.len());
    for (at, (tree, id)) in trees.iter().zip(ids).enumerate() {
        if places.insert((*tree, *id), index(at)).is_some() {
            return Err(format!("node {id} of tree {tree} stands twice"));
        }
    }
    Ok(places)
}

/// The weights of each leaf, in the order of the file.
fn leaves(node: &Node, lists: &Leaves, ids: usize, places: &HashMap<(i64, i64), u32>) -> Result<HashMap<u32, Vec<Weight>>, String> {
    let trees = node.ints(lists.treeids);
    let nodes = of_length(lists.nodeids, node.ints(lists.nodeids), trees.len())?;
    let of = of_length(lists.ids, node.ints(lists.ids), trees.len())?;
    let weights = numbers(node, lists.weights, trees.len())?;
    let mut leaves: HashMap<u32, Vec<Weight>> = HashMap::new();
    for (at, (tree, own)) in trees.iter().zip(nodes).enumerate() {
        let place = places.get(&(*tree, *own)).ok_or_else(|| format!("a weight is for node {own} of tree {tree}, which is not there"))?;
        let id = u32::try_from(of[at]).ok().filter(|id| (*id as usize) < ids);
        let id = id.ok_or_else(|| format!("a weight is for number {} of {ids}", of[at]))?;
        leaves.entry(*place).or_default().push(Weight { id, weight: weights[at] });
    }
    Ok(leaves)
}

fn numbers<'n>(node: &'n Node, name: &str, length: usize) -> Result<Cow<'n, [f32]>, String> {
    if node.attribute(&format!("{name}{AS_TENSOR}")).is_some() {
        return Ok(Cow::Owned(vec![0.0; length]));
    }
    of_length(name, node.floats(name), length).map(Cow::Borrowed)
}

fn of_length<'l, T>(name: &str, list: &'l [T], length: usize) -> Result<&'l [T], String> {
    if list.len() == length { Ok(list) } else { Err(format!("`{name}` has {} entries, not {length}", list.len())) }
}

fn test(mode: &str) -> Result<Test, String> {
    Ok(match mode {
        "BRANCH_LEQ" => Test::AtMost,
        "BRANCH_LT" => Test::Below,
        "BRANCH_GTE" => Test::AtLeast,
        "BRANCH_GT" => Test::Above,
        "BRANCH_EQ" => Test::Equal,
        "BRANCH_NEQ" => Test::Unlike,
        "LEAF" => Test::Leaf,
        other => return Err(format!("the branches `{other}` are unknown")),
    })
}
