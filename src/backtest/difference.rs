//! What another rule would have made of the same data, occurrence by occurrence.

use super::tale::Outcome;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Added,
    Removed,
    /// It is there both times, raised or cleared at another instant.
    Moved,
}

/// Of one rule on one twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference<'a> {
    Added(&'a Outcome),
    Removed(&'a Outcome),
    Moved { was: &'a Outcome, is: &'a Outcome },
}

impl<'a> Difference<'a> {
    pub fn kind(&self) -> Kind {
        match self {
            Difference::Added(_) => Kind::Added,
            Difference::Removed(_) => Kind::Removed,
            Difference::Moved { .. } => Kind::Moved,
        }
    }

    /// The one to show, and that of before where there are both.
    pub fn sides(&self) -> (&'a Outcome, Option<&'a Outcome>) {
        match self {
            Difference::Added(outcome) | Difference::Removed(outcome) => (outcome, None),
            Difference::Moved { was, is } => (is, Some(was)),
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Moved => "moved",
        }
    }
}

/// Both in the order of their raises. Those raised at one instant are the same one; of the others, those that were active at the same time.
pub fn differences<'a>(was: &'a [Outcome], is: &'a [Outcome]) -> Vec<Difference<'a>> {
    let same = pair(was.iter().collect(), is.iter().collect(), |was, is| was.raised_at == is.raised_at);
    let near = pair(same.removed, same.added, touch);
    let kept = same.both.into_iter().chain(near.both);
    let moved = kept.filter(|(was, is)| was.raised_at != is.raised_at || was.cleared_at != is.cleared_at);
    let mut found: Vec<Difference<'_>> = moved.map(|(was, is)| Difference::Moved { was, is }).collect();
    found.extend(near.removed.into_iter().map(Difference::Removed));
    found.extend(near.added.into_iter().map(Difference::Added));
    found.sort_by_key(|difference| (difference.sides().0.raised_at, difference.kind()));
    found
}

struct Paired<'a> {
    both: Vec<(&'a Outcome, &'a Outcome)>,
    removed: Vec<&'a Outcome>,
    added: Vec<&'a Outcome>,
}

/// Goes through both lists once; what has no partner is passed by whichever was raised first.
fn pair<'a>(was: Vec<&'a Outcome>, is: Vec<&'a Outcome>, is_pair: impl Fn(&Outcome, &Outcome) -> bool) -> Paired<'a> {
    let mut paired = Paired { both: Vec::new(), removed: Vec::new(), added: Vec::new() };
    let (mut old, mut new) = (was.into_iter().peekable(), is.into_iter().peekable());
    while let (Some(was), Some(is)) = (old.peek().copied(), new.peek().copied()) {
        if is_pair(was, is) {
            paired.both.push((was, is));
            old.next();
            new.next();
        } else if was.raised_at <= is.raised_at {
            paired.removed.extend(old.next());
        } else {
            paired.added.extend(new.next());
        }
    }
    paired.removed.extend(old);
    paired.added.extend(new);
    paired
}

fn touch(a: &Outcome, b: &Outcome) -> bool {
    let is_over = |first: &Outcome, then: &Outcome| first.ended_at().is_some_and(|ended| ended <= then.raised_at);
    !is_over(a, b) && !is_over(b, a)
}
