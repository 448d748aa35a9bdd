//! A journal as a recording: what came in, entry by entry. Facts say what became of it; what somebody else did is found in them again, and what
//! rules made of it is left out, because they are to do that once more.
//!
//! The journal numbers its twins. Those of whose creation it does not hold the entry any more are named by whoever knows them.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::alarm::{self, Action, CloseReason, What};
use crate::backtest::{Found, Noted, Recorded, Refused, Set};
use crate::catalog::{Catalog, Layout};
use crate::journal::record;
use crate::reading::{Group, Reading, Seq, Timestamp, TwinId, TwinNo};
use crate::rule::{self, detector};
use crate::twin::{Event, Fact, Forced, Input, Managed, Read, Told};

/// Twins and forms of types by what the journal calls them.
#[derive(Debug)]
pub struct Recorder {
    /// The journal, for messages.
    file: Arc<str>,
    twins: HashMap<TwinNo, (TwinId, Arc<Layout>)>,
    layouts: HashMap<u64, Arc<Layout>>,
}

impl Recorder {
    /// Twins are of the types of this catalog, in the forms that these have and had.
    pub fn new(file: Arc<str>, catalog: &Catalog) -> Recorder {
        let layouts = catalog.types.iter().map(|layout| (layout.fingerprint, layout.clone())).collect();
        Recorder { file, twins: HashMap::new(), layouts }
    }

    pub fn layout(&self, fingerprint: u64) -> Option<Arc<Layout>> {
        self.layouts.get(&fingerprint).cloned()
    }

    pub fn know_layout(&mut self, fingerprint: u64, layout: impl FnOnce() -> Arc<Layout>) {
        self.layouts.entry(fingerprint).or_insert_with(layout);
    }

    /// A twin whose creation the journal may not hold any more.
    pub fn know_twin(&mut self, no: TwinNo, id: TwinId, layout: Arc<Layout>) {
        self.twins.insert(no, (id, layout));
    }

    /// What came in by one entry, in order. `more` finds forms of types that are not known here.
    pub fn entry(
        &mut self,
        seq: Seq,
        bytes: &[u8],
        more: record::Layouts<'_>,
        take: &mut dyn FnMut(Found),
    ) -> Result<Timestamp, record::Unreadable> {
        let entry = record::decode(bytes, &|fingerprint| self.layout(fingerprint).or_else(|| more(fingerprint)))?;
        for fact in entry.facts {
            match fact {
                Fact::TypeKnown(record) => self.know_layout(record.fingerprint, || Arc::new(record.restore())),
                Fact::Created { no, id, layout } => {
                    if let Some(layout) = self.layout(layout).or_else(|| more(layout)) {
                        self.twins.insert(no, (id, layout));
                    }
                }
                Fact::Happened { no, events, .. } => match self.twins.get_mut(&no) {
                    Some((id, layout)) => Packets { id, at: entry.at, packet: None, take }.all(layout, events),
                    None => {
                        let message = format!(
                            "twin number {} was made before the oldest entry that is left: stop Pollux, so that its graph store can be asked for the name",
                            no.0
                        );
                        take(Found::Refused(Refused { file: self.file.clone(), line: seq.0, message }));
                    }
                },
                Fact::Deleted(_) | Fact::EdgeBegun(_) | Fact::EdgeEnded { .. } | Fact::Refused(_) | Fact::Edited(_) => {}
            }
        }
        Ok(entry.at)
    }
}

/// The packets behind the facts of one twin: readings of one instant that were received together.
struct Packets<'a> {
    id: &'a TwinId,
    at: Timestamp,
    packet: Option<(Timestamp, Group)>,
    take: &'a mut dyn FnMut(Found),
}

impl Packets<'_> {
    fn all(mut self, layout: &mut Arc<Layout>, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Read(read) => self.read(layout, read),
                Event::Heard(_) => self.hand_over(layout),
                Event::PropertySet { slot, value, .. } => {
                    self.hand_over(layout);
                    if slot.index() < layout.slots.len() {
                        (self.take)(Found::Set(Set { twin: self.id.clone(), layout: layout.clone(), slot, value, at: self.at }));
                    }
                }
                Event::Relaid(next) => {
                    self.hand_over(layout);
                    *layout = next;
                }
                Event::Happened(happened) if happened.rule.is_none() => self.note(layout, Input::Happened { happened, stamp: None }),
                Event::Switched { rule, enabled } => self.note(layout, Input::Managed(Managed::Switched { rule, enabled })),
                Event::TakenOut(Some(out)) => self.note(layout, Input::Managed(Managed::TakenOut(*out))),
                Event::TakenOut(None) => self.note(layout, Input::Managed(Managed::BackInService { by: SmolStr::default() })),
                Event::Watched { rule, fact } => match *fact {
                    rule::Fact::Alarm(change) => {
                        if let Some(told) = told(rule, &change) {
                            self.note(layout, Input::Told(Box::new(told)));
                        }
                    }
                    rule::Fact::Detector(detector::Fact::Forced { by, setting }) => {
                        self.note(layout, Input::Forced(Box::new(Forced { rule, setting: *setting, by })));
                    }
                    rule::Fact::Rule(_) | rule::Fact::Detector(_) => {}
                },
                Event::Rejected(_)
                | Event::Described { .. }
                | Event::Numbered(_)
                | Event::Flood(_)
                | Event::Rested
                | Event::Renamed(_)
                | Event::Desired { .. }
                | Event::Computed { .. }
                | Event::Measured(_)
                | Event::Released { .. }
                | Event::Viewed { .. }
                | Event::Turned { .. }
                | Event::Happened(_)
                | Event::Asked(_)
                | Event::Ended { .. }
                | Event::Troubled(_)
                | Event::Tuned { .. }
                | Event::Moved { .. } => {}
            }
        }
        self.hand_over(layout);
    }

    fn read(&mut self, layout: &Arc<Layout>, read: Read) {
        let Read { slot, value, time, received, sent, quality, reason, .. } = read;
        let said = sent.unwrap_or(time);
        if self.packet.as_ref().is_some_and(|(other, group)| *other != received || group.time != Some(said)) {
            self.hand_over(layout);
        }
        if slot.index() < layout.slots.len() {
            let (_, group) = self.packet.get_or_insert_with(|| (received, Group { time: Some(said), readings: Vec::new() }));
            group.readings.push(Reading { slot, value, quality, reason });
        }
    }

    fn note(&mut self, layout: &Arc<Layout>, input: Input) {
        self.hand_over(layout);
        (self.take)(Found::Noted(Noted { twin: self.id.clone(), layout: layout.clone(), at: self.at, input: Box::new(input) }));
    }

    fn hand_over(&mut self, layout: &Arc<Layout>) {
        if let Some((received, group)) = self.packet.take() {
            (self.take)(Found::Recorded(Recorded { twin: self.id.clone(), layout: layout.clone(), group, received: Some(received) }));
        }
    }
}

/// What somebody has done to an alarm; nothing where a rule or time alone has moved it. It is done to whichever occurrence is open then: with
/// other rules these have other numbers.
fn told(rule: SmolStr, change: &alarm::Change) -> Option<Told> {
    let alarm::Change { by: Some(by), comment, received, what, .. } = change else { return None };
    let comment = comment.clone();
    let action = match what {
        What::Acknowledged => Action::Acknowledge { comment },
        What::Closed(CloseReason::Manual) => Action::Clear { comment },
        What::Reset => Action::Reset { comment },
        What::Commented => Action::Comment { text: comment.unwrap_or_default() },
        What::Shelved(shelf) => {
            let left = |until: Timestamp| std::time::Duration::from_micros(u64::try_from(until.micros_since(*received)).unwrap_or(0));
            Action::Shelve { time: shelf.until.map(left), comment }
        }
        What::Unshelved { .. } => Action::Unshelve,
        What::TakenOut(out) => Action::TakeOut { until: out.until, reason: out.reason.clone() },
        What::BackInService { .. } => Action::BackInService,
        What::Raised { .. }
        | What::Leveled { .. }
        | What::Recovering
        | What::Resumed
        | What::Repeated
        | What::AlarmedAgain { .. }
        | What::Unknown
        | What::Known
        | What::Cleared { .. }
        | What::Suppressed { .. }
        | What::Unsuppressed { .. }
        | What::TwinTakenOut { .. }
        | What::Corrected
        | What::Flooded { .. }
        | What::Closed(_)
        | What::Calmed => return None,
    };
    Some(Told { rule, no: None, action, by: by.clone() })
}
