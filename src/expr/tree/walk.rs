//! What can be told of a tree by walking it: its parts, its cost, and whether readings move it.

use super::{Op, Tree};

impl Tree {
    /// Whether anything in it moves with readings.
    pub(in super::super) fn is_live(&self) -> bool {
        let own = match &self.op {
            Op::Read(read) => read.is_live,
            Op::Now | Op::Local(_) | Op::IsThere(_) | Op::Previous(_) | Op::Changed(_) | Op::TimeOf(_) | Op::Quality(_) => true,
            Op::Constant(_)
            | Op::Not(_)
            | Op::And(_)
            | Op::Or(_)
            | Op::If(_)
            | Op::Compare(_)
            | Op::Arithmetic(_)
            | Op::Negate(_)
            | Op::Convert(..)
            | Op::ToDouble(_)
            | Op::ToName(..)
            | Op::Concat(_)
            | Op::In(_)
            | Op::List(_)
            | Op::Map(_)
            | Op::Item(_)
            | Op::Entry(_)
            | Op::Field(..)
            | Op::HasKey(_)
            | Op::Call(..)
            | Op::Matches(..)
            | Op::Calendar(..)
            | Op::Over(_)
            | Op::Known(_)
            | Op::OrElse(_) => false,
        };
        own || self.children().into_iter().any(Tree::is_live)
    }

    pub(in super::super) fn children(&self) -> Vec<&Tree> {
        match &self.op {
            Op::Constant(_)
            | Op::Read(_)
            | Op::Now
            | Op::Local(_)
            | Op::IsThere(_)
            | Op::Previous(_)
            | Op::Changed(_)
            | Op::TimeOf(_)
            | Op::Quality(_) => Vec::new(),
            Op::Not(only)
            | Op::Negate(only)
            | Op::Convert(_, only)
            | Op::ToDouble(only)
            | Op::ToName(_, only)
            | Op::Field(only, _)
            | Op::Matches(only, _)
            | Op::Calendar(_, only, _)
            | Op::Known(only) => vec![only],
            Op::And(all) | Op::Or(all) | Op::List(all) | Op::Call(_, all) => all.iter().collect(),
            Op::If(three) => three.iter().collect(),
            Op::Concat(two) | Op::In(two) | Op::Item(two) | Op::Entry(two) | Op::HasKey(two) | Op::OrElse(two) => two.iter().collect(),
            Op::Compare(compare) => vec![&compare.left, &compare.right],
            Op::Arithmetic(arithmetic) => vec![&arithmetic.left, &arithmetic.right],
            Op::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Op::Over(over) => [Some(&over.list), over.filter.as_ref(), Some(&over.body)].into_iter().flatten().collect(),
        }
    }

    /// Nodes, those of a comprehension's body once per item.
    pub(in super::super) fn cost(&self) -> u64 {
        let below = match &self.op {
            Op::Over(over) => {
                let each = over.body.cost().saturating_add(over.filter.as_ref().map_or(0, Tree::cost));
                over.list.cost().saturating_add(each.saturating_mul(u64::from(over.items_max)))
            }
            // Walks the list it looks in.
            Op::In(two) => two.iter().map(Tree::cost).fold(16, u64::saturating_add),
            Op::Constant(_)
            | Op::Read(_)
            | Op::Now
            | Op::Local(_)
            | Op::Not(_)
            | Op::And(_)
            | Op::Or(_)
            | Op::If(_)
            | Op::Compare(_)
            | Op::Arithmetic(_)
            | Op::Negate(_)
            | Op::Convert(..)
            | Op::ToDouble(_)
            | Op::ToName(..)
            | Op::Concat(_)
            | Op::List(_)
            | Op::Map(_)
            | Op::Item(_)
            | Op::Entry(_)
            | Op::Field(..)
            | Op::HasKey(_)
            | Op::IsThere(_)
            | Op::Call(..)
            | Op::Matches(..)
            | Op::Calendar(..)
            | Op::Known(_)
            | Op::OrElse(_)
            | Op::Previous(_)
            | Op::Changed(_)
            | Op::TimeOf(_)
            | Op::Quality(_) => self.children().into_iter().map(Tree::cost).fold(0, u64::saturating_add),
        };
        below.saturating_add(1)
    }
}
