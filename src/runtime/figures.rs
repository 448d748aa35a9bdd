//! Figures of the alarms of an area, from the occurrences that are kept (`rules.md`, 8.3).

use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};

use crate::alarm::{Figures, Ongoing, Summary, figures};
use crate::reading::{Timestamp, TwinId, TwinNo};

use super::Runtime;
use super::resident::Resident;

/// The stretch of time that the metrics page tells of.
const SHOWN_SPAN: Duration = Duration::from_hours(24);
/// The most areas of which it tells, so that its series stay bounded.
pub const AREAS_SHOWN_MAX: usize = 50;

/// The alarms below a twin over a stretch of time.
#[derive(Debug, Clone)]
pub struct AlarmFigures {
    pub figures: Figures,
    /// Occurrences that were raised and closed before this are not in it.
    pub complete_since: Timestamp,
}

/// A flood that is on.
#[derive(Debug, Clone)]
pub struct AreaFlood {
    pub area: TwinId,
    pub ongoing: Ongoing,
}

/// An area on the metrics page.
#[derive(Debug, Clone)]
pub struct AreaFigures {
    pub area: TwinId,
    pub is_flooded: bool,
    pub figures: Figures,
}

impl Runtime {
    /// Of all twins, or of one with all that are below it now; over `[from, to)` in the time of the data.
    pub fn alarm_figures(&self, under: Option<&str>, from: Timestamp, to: Timestamp) -> Option<AlarmFigures> {
        let (summaries, complete_since) = match under {
            None => self.occurrences.of(|_| true),
            Some(id) => {
                let root = self.shared.directory.by_id(id)?.no;
                let mut known = HashMap::new();
                self.occurrences.of(|twin| *known.entry(twin).or_insert_with(|| self.path_to(twin).contains(&root)))
            }
        };
        let complete_since = complete_since.min(self.shared.clock.now());
        Some(AlarmFigures { figures: figures(&self.standing(summaries), from, to), complete_since })
    }

    /// The floods that are on in areas, by their ids: all, or those of a twin and what is below it.
    pub fn floods(&self, under: Option<&str>) -> Vec<AreaFlood> {
        let root = under.map(|id| self.shared.directory.by_id(id).map(|resident| resident.no));
        let is_wanted = |area: &Arc<Resident>| root.is_none_or(|root| root.is_some_and(|root| self.path_to(area.no).contains(&root)));
        let flooded = self.occurrences.areas().into_iter().filter_map(|no| self.shared.directory.by_no(no)).filter(is_wanted);
        let mut floods: Vec<AreaFlood> = flooded
            .filter_map(|area| {
                let ongoing = area.cell.peek().flood.as_ref()?.ongoing()?.clone();
                Some(AreaFlood { area: area.id.clone(), ongoing })
            })
            .collect();
        floods.sort_by(|a, b| a.area.as_str().cmp(b.area.as_str()));
        floods
    }

    /// For the metrics page: the areas in which alarms were counted, up to [`AREAS_SHOWN_MAX`], and all alarms together.
    pub fn area_figures(&self) -> (Vec<AreaFigures>, Figures) {
        let to = self.shared.clock.now();
        let from = to.minus(SHOWN_SPAN);
        let (all, _) = self.occurrences.of(|_| true);
        let all = self.standing(all);
        let mut paths: HashMap<TwinNo, Vec<TwinNo>> = HashMap::new();
        for one in &all {
            paths.entry(one.twin).or_insert_with(|| self.path_to(one.twin));
        }
        let areas = self.occurrences.areas().into_iter().filter_map(|no| self.shared.directory.by_no(no)).take(AREAS_SHOWN_MAX);
        let each = areas.map(|area| {
            let below: Vec<Summary> = all.iter().filter(|one| paths[&one.twin].contains(&area.no)).cloned().collect();
            let is_flooded = area.cell.peek().flood.as_ref().is_some_and(|flood| flood.ongoing().is_some());
            AreaFigures { area: area.id.clone(), is_flooded, figures: figures(&below, from, to) }
        });
        (each.collect(), figures(&all, from, to))
    }

    /// What a deleted twin left behind stands no more.
    fn standing(&self, mut summaries: Vec<Summary>) -> Vec<Summary> {
        for one in summaries.iter_mut().filter(|one| one.cleared_at.is_none()) {
            if self.shared.directory.by_no(one.twin).is_none() {
                one.cleared_at = Some(one.raised_at);
            }
        }
        summaries
    }
}
