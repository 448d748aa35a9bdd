//! Where the windows of a shape begin and end, and which of them an instant lies in.

use super::spec::{Closed, Shape, Spec};

impl Spec {
    /// The length of a window that has one.
    pub(super) fn size(&self) -> i64 {
        match self.shape {
            Shape::Tumbling { size, .. } | Shape::Sliding { size, .. } => size,
            Shape::Count { .. } | Shape::Session { .. } | Shape::State | Shape::Since => 0,
        }
    }

    /// Where an instant lies on the grid: a window that is closed at its end has the instant of its end, and not that of its start.
    pub(super) fn key(&self, at: i64) -> i64 {
        let is_closed_at_end = matches!(self.shape, Shape::Tumbling { closed: Closed::End, .. });
        if is_closed_at_end { at.saturating_sub(1) } else { at }
    }

    /// End of the window that begins at `start`.
    pub(super) fn end_of(&self, start: i64) -> i64 {
        self.starts.shift(start, self.size())
    }

    /// End of the window before that one.
    pub(super) fn end_before(&self, start: i64) -> i64 {
        self.end_of(self.starts.floor(start.saturating_sub(1)))
    }

    /// Start of the earliest window that has a key.
    pub(super) fn first_window_over(&self, key: i64) -> i64 {
        let mut start = self.starts.floor(self.starts.shift(key, -self.size()).saturating_sub(1));
        while self.end_of(start) <= key {
            let next = self.starts.next(start);
            if next <= start {
                break;
            }
            start = next;
        }
        start
    }
}

/// The first of `from + step`, `from + 2 step` … that is not before `least`.
pub(super) fn next_multiple(from: i64, step: i64, least: i64) -> i64 {
    let steps = least.saturating_sub(from).max(1).saturating_sub(1) / step.max(1) + 1;
    from.saturating_add(steps.saturating_mul(step))
}
