//! The twins of a workspace on a virtual clock. An input is decided and applied as the actor of a running twin does it; time passes only as the
//! recording says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt as _};

use crate::catalog::stored::{Carry, LayoutRecord, carry_over};
use crate::catalog::{Catalog, Layout, TwinSpec};
use crate::reading::{Group, Reading, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::rollup::COALESCE_MICROS;
use crate::summary::Summary;
use crate::twin::{Description, Edit, Event, Input, Measured, Received, State, Tally, Twin, step};

use super::hierarchy::{Links, Seen};

/// Times of one twin that come due at one instant; a twin that asks to be woken again and again at the same time is left alone after these.
pub const WAKES_AT_ONCE_MAX: usize = 64;
/// As the door of a running system has it unless it is configured.
const FUTURE_TOLERANCE: Duration = Duration::from_secs(300);

/// One input of one twin, with what came of it.
#[derive(Debug)]
pub struct Happened<'a> {
    /// The place of the twin in the plant.
    pub place: usize,
    /// As it is now.
    pub twin: &'a Twin,
    pub events: &'a [Event],
    /// What its windows said meanwhile.
    pub results: &'a [Measured],
    pub tally: Tally,
}

/// Who wants to know what happens.
pub trait Listener {
    fn happened(&mut self, happened: &Happened<'_>);
}

#[derive(Debug)]
pub struct Plant {
    seats: Vec<Seat>,
    places: HashMap<TwinId, usize>,
    /// Twins to which time alone will matter, each at most once.
    wakes: BTreeSet<(Timestamp, usize)>,
    now: Timestamp,
    links: Links,
    summary: Summary,
    /// When what twins contribute to roll-ups is gathered next.
    gathers_at: Option<Timestamp>,
    has_rollups: bool,
}

#[derive(Debug)]
struct Seat {
    twin: Twin,
    due: Option<Timestamp>,
    /// How readings that were read by another form of its type find their places; `None` where the slots are the same.
    routes: Vec<(Arc<Layout>, Option<Routes>)>,
}

/// Slots with what they take.
type Routes = Vec<(SlotNo, Carry)>;

impl Plant {
    /// All twins that the files describe, as they begin at that time.
    pub fn new(catalog: &Catalog, at: Timestamp, listener: &mut impl Listener) -> Plant {
        let mut plant = Plant::empty(at);
        plant.has_rollups = catalog.types.iter().any(|layout| layout.logic.all_rollups().next().is_some());
        for spec in &catalog.twins {
            plant.add(spec.clone(), listener);
        }
        for spec in &catalog.twins {
            let no_of = |id: &str| plant.places.get(id).map(|place| number(*place));
            if let Some(from) = no_of(spec.id.as_str()) {
                plant.links.connect(spec, from, no_of);
            }
        }
        plant
    }

    pub fn empty(at: Timestamp) -> Plant {
        Plant {
            seats: Vec::new(),
            places: HashMap::new(),
            wakes: BTreeSet::new(),
            now: at,
            links: Links::default(),
            summary: Summary::default(),
            gathers_at: None,
            has_rollups: false,
        }
    }

    /// One twin more; its place.
    pub fn add(&mut self, spec: TwinSpec, listener: &mut impl Listener) -> usize {
        let place = self.seats.len();
        let no = number(place);
        let twin = Twin::new(State::new(no, spec.id.clone(), spec.layout, self.now));
        self.seats.push(Seat { twin, due: None, routes: Vec::new() });
        self.places.insert(spec.id, place);
        let external_ids = spec.external_ids.into();
        let description = Description { name: spec.name, external_ids, properties: spec.properties, rules: spec.rules, applied: 1 };
        self.take_in(place, &Input::Described(description), listener);
        place
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn twin(&self, place: usize) -> &Twin {
        &self.seats[place].twin
    }

    pub fn twins(&self) -> impl Iterator<Item = &Twin> {
        self.seats.iter().map(|seat| &seat.twin)
    }

    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Readings of one instant, by that form of the twin's type. What was due before they were received comes first; the clock never runs back.
    pub fn feed(&mut self, place: usize, layout: &Arc<Layout>, group: Group, received: Timestamp, listener: &mut impl Listener) {
        self.pass(received, listener);
        let group = self.seats[place].carried(layout, group);
        if !group.readings.is_empty() {
            let received = Received { at: self.now, future_tolerance: FUTURE_TOLERANCE };
            self.take_in(place, &Input::Readings { group, received }, listener);
        }
    }

    /// Somebody sets a property, by the number that it has in that form of the type.
    pub fn set(
        &mut self,
        place: usize,
        layout: &Arc<Layout>,
        (slot, value): (SlotNo, Option<Value>),
        at: Timestamp,
        listener: &mut impl Listener,
    ) {
        self.pass(at, listener);
        let set: Vec<_> = self.seats[place].carried_setting(layout, slot, value).into_iter().collect();
        if !set.is_empty() {
            self.take_in(place, &Input::Edited(Edit { set, ..Edit::default() }), listener);
        }
    }

    /// Everything that time alone brings up to and with that instant.
    pub fn run_until(&mut self, time: Timestamp, listener: &mut impl Listener) {
        self.serve(|due| due <= time, listener);
        self.now = self.now.max(time);
    }

    /// The clock goes on to that instant; what is due at it waits, because readings come before delays.
    fn pass(&mut self, time: Timestamp, listener: &mut impl Listener) {
        if time > self.now {
            self.serve(|due| due < time, listener);
            self.now = time;
        }
    }

    fn serve(&mut self, is_due: impl Fn(Timestamp) -> bool, listener: &mut impl Listener) {
        let mut at_once = (self.now, usize::MAX, 0);
        loop {
            let wake = self.wakes.first().copied();
            let gathers = [self.gathers_at, self.summary.due()].into_iter().flatten().min();
            if let Some(due) = gathers.filter(|due| is_due(*due) && wake.is_none_or(|(wake, _)| *due < wake)) {
                self.now = self.now.max(due);
                self.gather(listener);
                continue;
            }
            let Some((due, place)) = wake.filter(|(due, _)| is_due(*due)) else { return };
            self.wakes.pop_first();
            self.seats[place].due = None;
            self.now = self.now.max(due);
            at_once = if (at_once.0, at_once.1) == (self.now, place) { (self.now, place, at_once.2 + 1) } else { (self.now, place, 0) };
            if at_once.2 < WAKES_AT_ONCE_MAX {
                self.take_in(place, &Input::Woken, listener);
            }
        }
    }

    /// Roll-ups that say something else are told to the twins that hold them, as `runtime::gatherer` does it.
    fn gather(&mut self, listener: &mut impl Listener) {
        self.gathers_at = None;
        let seats = &self.seats;
        let twin = |no: TwinNo| Some(&seats.get((no.0 as usize).checked_sub(1)?)?.twin);
        let told = self.summary.gather(&Seen { links: &self.links, twin }, self.now);
        for (no, gathered) in told {
            if let Some(place) = (no.0 as usize).checked_sub(1) {
                self.take_in(place, &Input::Gathered(gathered), listener);
            }
        }
    }

    /// What `runtime::TwinActor` does with an input, without the disk. This is the one place where a step is carried out: what it asks of the
    /// world is told to the listener and not done.
    fn take_in(&mut self, place: usize, input: &Input, listener: &mut impl Listener) {
        let (seat, now) = (&mut self.seats[place], self.now);
        let step = step(&mut seat.twin, input, now);
        listener.happened(&Happened { place, twin: &seat.twin, events: &step.events, results: &step.results, tally: step.tally });
        if self.has_rollups {
            self.summary.twin(number(place), &seat.twin.state);
            if !self.summary.is_idle() && self.gathers_at.is_none() {
                self.gathers_at = Some(now.shifted(COALESCE_MICROS));
            }
        }
        if !seat.twin.state.layout.logic.is_empty() {
            let due = seat.twin.due(now);
            if due != seat.due {
                if let Some(former) = seat.due {
                    self.wakes.remove(&(former, place));
                }
                seat.due = due;
                self.wakes.extend(due.map(|due| (due, place)));
            }
        }
    }
}

fn number(place: usize) -> TwinNo {
    TwinNo(u32::try_from(place + 1).unwrap_or(u32::MAX))
}

impl Seat {
    fn carried(&mut self, layout: &Arc<Layout>, group: Group) -> Group {
        let Some(routes) = self.routes(layout) else { return group };
        let carry = |reading: Reading| {
            let (slot, carry) = routes.iter().find(|(_, carry)| carry.from == reading.slot)?;
            Some(Reading { slot: *slot, value: carry.convert(&reading.value)?, ..reading })
        };
        Group { readings: group.readings.into_iter().filter_map(carry).collect(), ..group }
    }

    fn carried_setting(&mut self, layout: &Arc<Layout>, slot: SlotNo, value: Option<Value>) -> Option<(SlotNo, Option<Value>)> {
        let Some(routes) = self.routes(layout) else { return Some((slot, value)) };
        let (slot, carry) = routes.iter().find(|(_, carry)| carry.from == slot)?;
        match value {
            Some(value) => carry.convert(&value).map(|value| (*slot, Some(value))),
            None => Some((*slot, None)),
        }
    }

    /// `None`: the slots are numbered as its own.
    fn routes(&mut self, layout: &Arc<Layout>) -> Option<&[(SlotNo, Carry)]> {
        let own = &self.twin.state.layout.0;
        if Arc::ptr_eq(layout, own) {
            return None;
        }
        let known = self.routes.iter().position(|(from, _)| Arc::ptr_eq(from, layout));
        let index = known.unwrap_or_else(|| {
            let is_same = LayoutRecord::of(layout).slots == LayoutRecord::of(own).slots;
            self.routes.push((layout.clone(), (!is_same).then(|| carry_over(layout, own))));
            self.routes.len() - 1
        });
        self.routes[index].1.as_deref()
    }
}
