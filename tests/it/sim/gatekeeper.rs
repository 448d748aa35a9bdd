//! Stands behind the gate of a journal and lets it do one group at a time, so that a life knows which entries become one group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use pollux::journal::{Group, Journal, State};
use pollux::reading::Seq;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Gatekeeper<H>(Arc<Shared<H>>);

struct Shared<H> {
    desk: Mutex<Desk<H>>,
    changed: Condvar,
}

struct Desk<H> {
    /// Groups that the gate may still go for.
    let_go: u32,
    released: Vec<(Seq, H)>,
    groups: u64,
    /// The machine is down: whatever comes now reaches nobody.
    down: bool,
}

impl<H> Clone for Gatekeeper<H> {
    fn clone(&self) -> Gatekeeper<H> {
        Gatekeeper(self.0.clone())
    }
}

impl<H: Send + 'static> Gatekeeper<H> {
    pub fn new() -> Gatekeeper<H> {
        let desk = Mutex::new(Desk { let_go: 0, released: Vec::new(), groups: 0, down: false });
        Gatekeeper(Arc::new(Shared { desk, changed: Condvar::new() }))
    }

    /// The gate's release: takes what it lets out and keeps the gate until it may go on.
    pub fn release(&self, group: Group<H>) {
        let mut desk = self.0.desk.lock();
        if desk.down {
            return;
        }
        desk.released.extend(group.entries);
        desk.groups += 1;
        self.0.changed.notify_all();
        self.0.changed.wait_while(&mut desk, |desk| desk.let_go == 0 && !desk.down);
        desk.let_go = desk.let_go.saturating_sub(1);
    }

    /// Lets the gate do one more group and waits for it. What was released; `None` if the disk does not take it any more.
    pub fn one_group(&self, journal: &Journal<H>) -> Option<Vec<(Seq, H)>> {
        let mut desk = self.0.desk.lock();
        let before = desk.groups;
        desk.let_go += 1;
        self.0.changed.notify_all();
        self.wait(&mut desk, journal, before)
    }

    /// Waits for the group that the gate went for by itself when the journal was opened.
    pub fn first_group(&self, journal: &Journal<H>) -> Option<Vec<(Seq, H)>> {
        self.wait(&mut self.0.desk.lock(), journal, 0)
    }

    fn wait(&self, desk: &mut parking_lot::MutexGuard<'_, Desk<H>>, journal: &Journal<H>, before: u64) -> Option<Vec<(Seq, H)>> {
        let end = Instant::now() + PATIENCE;
        while desk.groups == before {
            assert!(Instant::now() < end, "the gate does not move: {:?}", journal.health());
            // A disk that fails once is tried again at once; a machine that is down is not waited for.
            if let State::Failing { attempts, .. } | State::NoSpace { attempts, .. } = journal.health().state
                && attempts > 1
            {
                return None;
            }
            self.0.changed.wait_for(desk, Duration::from_millis(1));
        }
        Some(std::mem::take(&mut desk.released))
    }

    /// From now on nobody hears what is released.
    pub fn go_down(&self) {
        self.0.desk.lock().down = true;
        self.0.changed.notify_all();
    }
}
