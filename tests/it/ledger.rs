//! What the journal says, read from its files: which readings were accepted, and whether any was accepted twice.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use pollux::journal::{self, record};
use pollux::reading::{Seq, SlotNo, TwinNo};
use pollux::twin::{Event, Fact, Outcome};

use crate::device::EPOCH_MS;
use crate::process::Workspace;

/// Reads on whenever it is asked to, so that it also knows what retention has since deleted.
#[derive(Default)]
pub struct Ledger {
    /// The oldest entry that is still there.
    pub oldest: u64,
    /// The entry that was read last.
    last: u64,
    /// Entries that were deleted before they were read here.
    pub missed: u64,
    machines: BTreeMap<TwinNo, usize>,
    /// The counts of each machine and slot.
    readings: BTreeMap<(usize, SlotNo), HashSet<u64>>,
}

impl Ledger {
    /// Reads what is new. Sequences must go on without a gap, except where whole segments are gone.
    pub fn read_on(&mut self, workspace: &Workspace) {
        let segments = workspace.segments();
        self.oldest = segments.first().map_or(1, |segment| first_of(segment));
        self.missed += self.oldest.saturating_sub(self.last + 1);
        let from = Seq(self.oldest.max(self.last + 1));
        let mut expected = from.0;
        let read = journal::read(&workspace.journal(), from, &mut |seq, entry| {
            assert_eq!(seq.0, expected, "the sequence has a gap");
            expected += 1;
            self.take(seq, entry);
            ControlFlow::Continue(())
        });
        read.unwrap();
        self.last = expected - 1;
    }

    fn take(&mut self, seq: Seq, entry: &[u8]) {
        for fact in record::decode(entry, &|_| None).unwrap().facts {
            match fact {
                Fact::Created { no, id, .. } => {
                    let number = id.as_str().strip_prefix("machine-").unwrap().parse().unwrap();
                    self.machines.insert(no, number);
                }
                Fact::Happened { no, events, .. } => events.iter().for_each(|event| self.see(seq, no, event)),
                Fact::TypeKnown(_) | Fact::EdgeBegun(_) | Fact::EdgeEnded { .. } | Fact::Deleted(_) | Fact::Edited(_) => {}
                Fact::Refused(rejection) => panic!("{seq:?}: {rejection:?}"),
            }
        }
    }

    fn see(&mut self, seq: Seq, no: TwinNo, event: &Event) {
        match event {
            Event::Read(read) => {
                let machine = self.machines[&no];
                assert_eq!(read.outcome, Outcome::New, "{seq:?}, machine-{machine}: {read:?}");
                let count = u64::try_from(read.time.0 / 1000).unwrap() - EPOCH_MS;
                let is_new = self.readings.entry((machine, read.slot)).or_default().insert(count);
                assert!(is_new, "{seq:?}: reading {count} of machine-{machine} is in the journal twice");
            }
            Event::Rejected(rejection) => panic!("{seq:?}: {rejection:?}"),
            Event::Heard(_)
            | Event::PropertySet { .. }
            | Event::Described { .. }
            | Event::Relaid(_)
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
            | Event::Switched { .. }
            | Event::Tuned { .. }
            | Event::TakenOut(_)
            | Event::Flood(_)
            | Event::Watched { .. }
            | Event::Numbered(_)
            | Event::Moved { .. } => {}
        }
    }

    /// Every reading of this machine from the first to `upto` must be there.
    pub fn must_have(&self, machine: usize, upto: u64) {
        for slot in [SlotNo(0), SlotNo(1)] {
            let Some(counts) = self.readings.get(&(machine, slot)) else {
                assert_eq!(upto, 0, "nothing of machine-{machine} is in the journal");
                continue;
            };
            let missing = (1..=upto).find(|count| !counts.contains(count));
            assert_eq!(missing, None, "this reading of machine-{machine} was acknowledged and is not in the journal");
        }
    }

    /// How many readings of the machine are there.
    pub fn count(&self, machine: usize) -> u64 {
        self.readings.get(&(machine, SlotNo(0))).map_or(0, |counts| counts.len() as u64)
    }
}

fn first_of(segment: &Path) -> u64 {
    segment.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().parse().unwrap()
}
