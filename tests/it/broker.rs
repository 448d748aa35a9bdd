//! Readings that come through an external broker, while either side goes away and comes back. `CRASH_SEED=n` repeats the moments.

use std::time::Duration;

use crate::crash::{Dice, pass};
use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::ledger::Ledger;
use crate::mosquitto::Mosquitto;
use crate::process::{Program, Workspace};

const MACHINES: usize = 3;
/// Of the whole journal, so that every reading can be counted at the end.
const SETTINGS: [(&str, &str); 1] = [("RUNTIME_CHECKPOINT_EVERY", "1d")];
const LIFE_MAX_MS: u64 = 500;
const MESSAGES_PER_LIFE: u64 = 2_000;

#[test]
fn nothing_is_lost_or_doubled_when_pollux_is_killed() {
    let Some(mosquitto) = Mosquitto::start() else { return crate::skipped::note("broker, pollux killed", "mosquitto") };
    let workspace = workspace(&mosquitto);
    let mut program = Some(workspace.start(&SETTINGS));
    let mut devices = [Device::new("device", 0..MACHINES, 50)];
    subscribed(program.as_ref().unwrap(), &mosquitto);
    let mut dice = Dice::thrown("pollux behind mosquitto");
    // What a broker keeps is not bounded, so a machine that is slow to start would find more than it can take in any time.
    let orders = Orders::bounded();
    run_beside(&mut devices, mosquitto.address, &orders, || {
        for _ in 0..10 {
            orders.allow(MESSAGES_PER_LIFE);
            pass(Duration::from_millis(dice.below(LIFE_MAX_MS)));
            program.take().unwrap().kill();
            program = Some(workspace.start(&SETTINGS));
        }
        orders.finish();
    });
    all_arrived(program.unwrap(), &workspace, &devices[0]);
}

#[test]
fn goes_on_when_the_broker_comes_back() {
    let Some(mut mosquitto) = Mosquitto::start() else { return crate::skipped::note("broker, mosquitto restarted", "mosquitto") };
    let workspace = workspace(&mosquitto);
    let program = workspace.start(&SETTINGS);
    let mut devices = [Device::new("device", 0..MACHINES, 50)];
    subscribed(&program, &mosquitto);
    for _ in 0..3 {
        let orders = Orders::default();
        let server = mosquitto.address;
        run_beside(&mut devices, server, &orders, || {
            program.until("the load has begun", |_| orders.heard() > 500);
            mosquitto.stop();
        });
        program.until("it has noticed", |program| !connected(program));
        mosquitto.start_again();
        program.until("it is back", connected);
    }
    devices[0].settle(mosquitto.address);
    all_arrived(program, &workspace, &devices[0]);
}

fn workspace(mosquitto: &Mosquitto) -> Workspace {
    // The last machine is for finding out whether the subscription stands.
    let workspace = Workspace::of_machines(MACHINES + 1);
    workspace.write("pollux.toml", &format!("[[broker]]\nname = \"plant\"\nurl = \"mqtt://{}\"\n", mosquitto.address));
    workspace
}

fn connected(program: &Program) -> bool {
    program.metric("pollux_broker_connected{broker=\"plant\"}") == 1.0
}

/// A broker forgets what nobody has subscribed to; so readings are sent until one has come through.
fn subscribed(program: &Program, mosquitto: &Mosquitto) {
    let mut probe = Device::new("probe", MACHINES..MACHINES + 1, 1);
    program.until("the subscription stands", |program| {
        probe.send(mosquitto.address, 1);
        counts_in_state(program)[MACHINES] > 0
    });
}

/// What mosquitto has acknowledged is in the state, and in the journal once.
fn all_arrived(program: Program, workspace: &Workspace, device: &Device) {
    program.until("everything has come through", |program| {
        let counts = counts_in_state(program);
        device.machines().iter().all(|machine| counts[machine.number] == machine.acknowledged)
    });
    program.until("everything is acknowledged", |program| program.metric("pollux_broker_unacknowledged{broker=\"plant\"}") == 0.0);
    // An orderly stop would save everything and let the journal go.
    program.kill();
    let mut ledger = Ledger::default();
    ledger.read_on(workspace);
    for machine in device.machines() {
        assert_eq!(machine.acknowledged, machine.sent);
        ledger.must_have(machine.number, machine.sent);
        assert_eq!(ledger.count(machine.number), machine.sent);
    }
}
