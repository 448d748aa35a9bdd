//! What comes out of checking: a tree that can be evaluated, and all that the rest of the program must know of it.

use std::sync::Arc;

use super::kind::Shape;
use super::problem::Problem;
use super::scope::Operand;
use super::tree::Tree;

#[derive(Debug, Clone)]
pub struct Checked {
    pub source: Arc<str>,
    pub tree: Tree,
    /// What it reads, in the order of the operands.
    pub dependencies: Box<[Dependency]>,
    pub warnings: Vec<Problem>,
    /// Nodes times the lengths of the lists they are evaluated for.
    pub cost: u64,
    /// The same for every way to write the same thing: spaces, brackets, quotes and comments do not matter.
    pub meaning: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    pub operand: Operand,
    pub uses: Uses,
}

/// What of an operand is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    pub value: bool,
    /// The value before: the twin must keep it.
    pub previous: bool,
    /// Whether it changed in this evaluation: false again in the next.
    pub changed: bool,
    /// Its time, its quality, or whether it is there.
    pub about: bool,
}

impl Uses {
    /// What either of two needs.
    #[must_use]
    pub fn with(self, other: Uses) -> Uses {
        Uses {
            value: self.value || other.value,
            previous: self.previous || other.previous,
            changed: self.changed || other.changed,
            about: self.about || other.about,
        }
    }
}

impl Checked {
    /// Kind and unit of what it gives.
    pub fn shape(&self) -> &Shape {
        &self.tree.shape
    }

    /// Whether anything in it moves with readings. What does not need not be evaluated at each of them.
    pub fn is_live(&self) -> bool {
        self.tree.is_live()
    }

    pub fn reads(&self, operand: Operand) -> bool {
        self.dependencies.iter().any(|dependency| dependency.operand == operand)
    }
}
