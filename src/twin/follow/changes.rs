//! What has changed, as each sees it who looks: those who do not wait, and each view.

use smallvec::SmallVec;

use crate::reading::{SlotNo, Timestamp};
use crate::twin::views::passed;

use super::{Follower, Moment};

/// The numbers of slots that have changed, each once.
pub(super) type Changed = SmallVec<[u16; 8]>;

/// Slots, for those who see the twin as it is, and by view.
#[derive(Debug, Default)]
pub(super) struct Changes {
    direct: Changed,
    /// Empty where a type has none, or where nothing changed in them.
    views: Vec<Changed>,
}

impl Changes {
    pub(super) fn of(view: Option<u16>, changed: Changed) -> Changes {
        match view {
            None => Changes { direct: changed, views: Vec::new() },
            Some(_) => {
                let mut changes = Changes::default();
                *changes.seen_by_mut(view) = changed;
                changes
            }
        }
    }

    /// All slots for everybody.
    pub(super) fn everything(slots: &[u16], views: usize) -> Changes {
        Changes { direct: slots.into(), views: vec![slots.into(); views] }
    }

    pub(super) fn seen_by(&self, view: Option<u16>) -> &[u16] {
        match view {
            None => &self.direct,
            Some(view) => self.views.get(usize::from(view)).map_or(&[], SmallVec::as_slice),
        }
    }

    pub(super) fn seen_by_mut(&mut self, view: Option<u16>) -> &mut Changed {
        let Some(view) = view else { return &mut self.direct };
        let view = usize::from(view);
        if self.views.len() <= view {
            self.views.resize_with(view + 1, Changed::new);
        }
        &mut self.views[view]
    }

    fn count(&self) -> usize {
        self.direct.len() + self.views.iter().map(SmallVec::len).sum::<usize>()
    }

    pub(super) fn clear(&mut self) {
        self.direct.clear();
        self.views.iter_mut().for_each(SmallVec::clear);
    }
}

impl Follower<'_> {
    /// Computed values and windows after a change, for all who see it. Each turn but the last adds a slot for somebody.
    pub(super) fn spread(&mut self, changes: &mut Changes, moment: Moment<'_>) {
        self.take_notice(changes.seen_by_mut(moment.view));
        let views = u16::try_from(self.layout.logic.views.len()).unwrap_or(u16::MAX);
        if views == 0 {
            return self.run_wave(&mut changes.direct, moment);
        }
        loop {
            self.share(changes, views);
            let before = changes.count();
            for view in std::iter::once(None).chain((0..views).map(Some)) {
                if !changes.seen_by(view).is_empty() {
                    let moment = self.moment_in(view, moment);
                    self.run_wave(changes.seen_by_mut(view), moment);
                }
            }
            if changes.count() == before {
                return;
            }
        }
    }

    /// What a view has no value of its own for is the same for everybody.
    fn share(&self, changes: &mut Changes, views: u16) {
        let logic = &self.layout.logic;
        let all = || std::iter::once(None).chain((0..views).map(Some));
        let has = |view: Option<u16>, slot: u16| view.and_then(|view| logic.view(view)).is_some_and(|spec| spec.has(SlotNo(slot)));
        for from in all() {
            let common: Vec<u16> = changes.seen_by(from).iter().copied().filter(|slot| !has(from, *slot)).collect();
            for to in all().filter(|to| *to != from && !common.is_empty()) {
                let seen = changes.seen_by_mut(to);
                for slot in common.iter().filter(|slot| !has(to, **slot)) {
                    if !seen.contains(slot) {
                        seen.push(*slot);
                    }
                }
            }
        }
    }

    /// The same moment for those who see another view: there it is as late as the view has come.
    pub(super) fn moment_in<'m>(&self, view: Option<u16>, moment: Moment<'m>) -> Moment<'m> {
        if view == moment.view {
            return moment;
        }
        Moment { view, at: self.time_in(view, moment.at), stale: &[], is_timed: false, ..moment }
    }

    /// The instant to which a view has come; `otherwise` where nobody waits, or nothing was ever heard.
    pub(super) fn time_in(&self, view: Option<u16>, otherwise: Timestamp) -> Timestamp {
        let spec = view.and_then(|view| self.layout.logic.view(view));
        spec.and_then(|spec| passed(&self.twin.state, spec, self.now)).unwrap_or(otherwise)
    }
}
