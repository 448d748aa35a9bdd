//! What happens to alarms, and the events of types: what lists of alarms and logs of events follow.

use smol_str::SmolStr;

use crate::alarm;
use crate::reading::{Seq, Timestamp, TwinId, TwinNo};
use crate::rule;
use crate::twin::{Entry, Event, Fact, Happened};

use super::change::{Placed, Position};
use super::facts::Names;
use super::memory::{After, Occurrences};

#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    pub position: Position,
    pub twin: TwinNo,
    pub id: TwinId,
    /// When it was recorded.
    pub at: Timestamp,
    pub what: Occurred,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Occurred {
    Alarm {
        rule: SmolStr,
        change: Box<alarm::Change>,
        /// `None`: it was closed before anybody knew it, or nothing was open.
        after: Option<After>,
    },
    Event(Box<Happened>),
}

impl Placed for Happening {
    fn position(&self) -> Position {
        self.position
    }
}

/// In order. The place of each is that of its event within the entry, so cursors outlive a new version that tells more.
///
/// Of a twin that is deleted by now and whose creation is forgotten nothing is told: it has no name any more.
pub fn happenings_of(seq: Seq, entry: &Entry, names: &dyn Names, known: &mut Occurrences) -> Vec<Happening> {
    let (mut found, mut index) = (Vec::new(), 0_u32);
    for fact in &entry.facts {
        let Fact::Happened { no, events, .. } = fact else { continue };
        for event in events {
            let position = Position { seq, index };
            index = index.saturating_add(1);
            let what = match event {
                Event::Watched { rule, fact } => match &**fact {
                    rule::Fact::Alarm(change) => {
                        let after = known.take(*no, rule, change, names);
                        // Only its actions are wanted, nobody sees it.
                        if after.as_ref().is_some_and(|after| !after.occurrence.shown) {
                            continue;
                        }
                        Occurred::Alarm { rule: rule.clone(), change: Box::new(change.clone()), after }
                    }
                    rule::Fact::Rule(_) | rule::Fact::Detector(_) => continue,
                },
                Event::Happened(happened) => Occurred::Event(happened.clone()),
                Event::Read(_)
                | Event::Heard(_)
                | Event::Rejected(_)
                | Event::PropertySet { .. }
                | Event::Described { .. }
                | Event::Relaid(_)
                | Event::Numbered(_)
                | Event::Rested
                | Event::Renamed(_)
                | Event::Desired { .. }
                | Event::Computed { .. }
                | Event::Measured(_)
                | Event::Turned { .. }
                | Event::Asked(_)
                | Event::Ended { .. }
                | Event::Troubled(_)
                | Event::Switched { .. }
                | Event::Tuned { .. }
                | Event::Released { .. }
                | Event::Viewed { .. }
                | Event::TakenOut(_)
                | Event::Flood(_)
                | Event::Moved { .. } => continue,
            };
            if let Some(id) = name(*no, entry, names) {
                found.push(Happening { position, twin: *no, id, at: entry.at, what });
            }
        }
    }
    found
}

fn name(twin: TwinNo, entry: &Entry, names: &dyn Names) -> Option<TwinId> {
    let here = entry.facts.iter().find_map(|fact| match fact {
        Fact::Created { no, id, .. } if *no == twin => Some(id.clone()),
        Fact::Deleted(deleted) if deleted.no == twin => Some(deleted.id.clone()),
        Fact::Happened { .. }
        | Fact::TypeKnown(_)
        | Fact::Created { .. }
        | Fact::Deleted(_)
        | Fact::EdgeBegun(_)
        | Fact::EdgeEnded { .. }
        | Fact::Refused(_)
        | Fact::Edited(_) => None,
    });
    here.or_else(|| names.id(twin))
}
