//! `kill -9` at random moments, under load from devices that send again what was not acknowledged. `CRASH_SEED=n` repeats the moments.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::ledger::Ledger;
use crate::process::{Program, Workspace};

const DEVICES: usize = 4;
const MACHINES_EACH: usize = 3;
const WINDOW: usize = 50;
/// One start in so many is cut off before it is ready.
const CUT_SHORT_EVERY: usize = 5;
/// Two values, and that their message was heard.
const EVENTS_PER_MESSAGE: u64 = 3;

#[test]
fn nothing_acknowledged_is_lost_or_doubled() {
    let mut story = Story::new("whole journal", &[("RUNTIME_CHECKPOINT_EVERY", "1d")]);
    for _ in 0..35 {
        story.live_and_die(Duration::from_millis(400));
        story.ledger.read_on(&story.workspace);
        story.devices.iter().flat_map(Device::machines).for_each(|machine| story.ledger.must_have(machine.number, machine.acknowledged));
    }
    story.end();
    assert_eq!(story.ledger.missed, 0);
    for machine in story.devices.iter().flat_map(Device::machines) {
        story.ledger.must_have(machine.number, machine.sent);
        assert_eq!(story.ledger.count(machine.number), machine.sent);
    }
}

#[test]
fn nothing_is_lost_while_checkpoints_are_made_and_segments_go() {
    let mut story =
        Story::new("checkpoints", &[("RUNTIME_CHECKPOINT_EVERY", "1s"), ("RUNTIME_PROJECT_EVERY", "20ms"), ("STORE_SYNC_EVERY", "100ms")]);
    // Long enough lives for a round of checkpoints, which begins each second; on a slow machine it takes more of them until a segment goes.
    while story.lives < 15 || (story.ledger.oldest <= 1 && story.lives < 60) {
        story.live_and_die(Duration::from_millis(if story.lives < 15 { 2_500 } else { 8_000 }));
        story.ledger.read_on(&story.workspace);
    }
    assert!(story.ledger.oldest > 1, "no segment has gone");
    story.end();
}

struct Story {
    workspace: Workspace,
    settings: Vec<(&'static str, &'static str)>,
    devices: Vec<Device>,
    ledger: Ledger,
    /// Of a machine that has not heard anything yet.
    first_revision: u64,
    dice: Dice,
    lives: usize,
}

impl Story {
    fn new(name: &str, settings: &[(&'static str, &'static str)]) -> Story {
        let dice = Dice::thrown(name);
        let workspace = Workspace::of_machines(DEVICES * MACHINES_EACH);
        let device = |number| Device::new(&format!("gateway-{number}"), number * MACHINES_EACH..(number + 1) * MACHINES_EACH, WINDOW);
        let devices = (0..DEVICES).map(device).collect();
        let program = workspace.start(settings);
        let first_revision = program.json("/admin/twins/machine-0")["revision"].as_u64().unwrap();
        program.kill();
        let mut ledger = Ledger::default();
        ledger.read_on(&workspace);
        Story { workspace, settings: settings.to_vec(), devices, ledger, first_revision, dice, lives: 0 }
    }

    /// A start, a look at what it knows, load, and a sudden end.
    fn live_and_die(&mut self, longest: Duration) {
        self.lives += 1;
        let moment = Duration::from_millis(self.dice.below(longest.as_millis() as u64));
        let mut launched = self.workspace.launch(&self.settings);
        if self.lives.is_multiple_of(CUT_SHORT_EVERY) {
            pass(moment);
            launched.kill();
            return;
        }
        let program = launched.ready();
        self.check_state(&program);
        let orders = Orders::default();
        run_beside(&mut self.devices, program.mqtt, &orders, || {
            // Not a wait for something: the moment itself.
            pass(moment);
            program.kill();
        });
    }

    /// Everything acknowledged is there, and nothing that was never sent.
    fn check_state(&self, program: &Program) {
        let counts = counts_in_state(program);
        for machine in self.devices.iter().flat_map(Device::machines) {
            let (count, number) = (counts[machine.number], machine.number);
            assert!(machine.acknowledged <= count, "machine-{number}: {count} is the newest, {} was acknowledged", machine.acknowledged);
            assert!(count <= machine.sent, "machine-{number}: {count} is the newest, only {} were sent", machine.sent);
        }
    }

    /// The devices get rid of all they have; then the state must be what each message, counted once, adds up to, also after one more start.
    fn end(&mut self) {
        let program = self.workspace.start(&self.settings);
        self.check_state(&program);
        let orders = Orders::default();
        orders.finish();
        run_beside(&mut self.devices, program.mqtt, &orders, || ());
        self.check_end(&program);
        program.stop();
        let again = self.workspace.start(&self.settings);
        assert_eq!(again.replayed, 0);
        self.check_end(&again);
        again.kill();
        self.ledger.read_on(&self.workspace);
        let sent: u64 = self.devices.iter().flat_map(Device::machines).map(|machine| machine.sent).sum();
        println!("{} lives, {sent} messages, {} entries deleted unread", self.lives, self.ledger.missed);
    }

    fn check_end(&self, program: &Program) {
        let counts = counts_in_state(program);
        for machine in self.devices.iter().flat_map(Device::machines) {
            assert_eq!(machine.acknowledged, machine.sent);
            assert_eq!(counts[machine.number], machine.sent);
            let twin = program.json(&format!("/admin/twins/machine-{}", machine.number));
            assert_eq!(twin["revision"].as_u64(), Some(self.first_revision + EVENTS_PER_MESSAGE * machine.sent), "{twin}");
        }
    }
}

/// Lets so much time go by.
pub fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        thread::park_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// Random numbers that can be had again (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn thrown(what: &str) -> Dice {
        let given = std::env::var("CRASH_SEED").ok().map(|seed| seed.parse().expect("CRASH_SEED is a number"));
        let seed = given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64);
        println!("{what}: CRASH_SEED={seed}");
        Dice(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}
