//! The real binary between two lives: an orderly stop, a folder that is taken, a journal with a torn end or a damaged middle.

use std::fs;
use std::process::Command;

use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::process::Workspace;

/// Nothing of the journal is passed over at a start, and the store knows of nothing that could be cut.
const WITHOUT_CHECKPOINTS: [(&str, &str); 2] = [("RUNTIME_CHECKPOINT_EVERY", "1d"), ("RUNTIME_PROJECT_EVERY", "60s")];

#[test]
fn an_orderly_stop_leaves_nothing_to_replay() {
    let workspace = Workspace::of_machines(6);
    let mut devices = [Device::new("left", 0..3, 50), Device::new("right", 3..6, 50)];
    let program = workspace.start(&[]);
    let orders = Orders::default();
    run_beside(&mut devices, program.mqtt, &orders, || {
        program.until("the load has begun", |_| orders.heard() > 1000);
        program.terminate();
    });
    let log = program.stop();
    assert!(log.contains("\"message\":\"stopped\""), "{log}");

    let again = workspace.start(&[]);
    assert_eq!(again.replayed, 0);
    let counts = counts_in_state(&again);
    for machine in devices.iter().flat_map(Device::machines) {
        let (count, number) = (counts[machine.number], machine.number);
        assert_eq!(count, machine.acknowledged, "machine-{number}: what was taken was not acknowledged before the end, or the reverse");
    }
    again.stop();
}

#[test]
fn a_folder_belongs_to_one_process() {
    let workspace = Workspace::of_machines(1);
    let program = workspace.start(&[]);
    let said = last_line(&workspace.refused(&[]));
    let journal = workspace.journal();
    let expected = format!(
        "pollux: the journal `{}` is in use by another process (number {}): stop that one, or give this one a data folder of its own",
        journal.display(),
        program.pid()
    );
    assert_eq!(said, expected);
    Device::new("device", 0..1, 1).send(program.mqtt, 1);
    program.stop();
}

#[test]
fn a_torn_end_is_cut() {
    let workspace = Workspace::of_machines(1);
    // Each message in a group of its own.
    let mut device = Device::new("device", 0..1, 1);
    let program = workspace.start(&WITHOUT_CHECKPOINTS);
    device.send(program.mqtt, 5);
    program.kill();
    let segment = workspace.segments().pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let used = used(&bytes);
    // Of the last group, the end did not reach the disk.
    bytes[used - 7..used].fill(0);
    fs::write(&segment, &bytes).unwrap();

    let program = workspace.start(&WITHOUT_CHECKPOINTS);
    assert_eq!(counts_in_state(&program), [device.machines()[0].acknowledged - 1]);
    program.kill();
    let program = workspace.start(&WITHOUT_CHECKPOINTS);
    device.send(program.mqtt, 5);
    assert_eq!(counts_in_state(&program), [device.machines()[0].acknowledged]);
    program.stop();
}

#[test]
fn a_damaged_middle_stops_the_start_and_says_what_to_do() {
    let workspace = Workspace::of_machines(1);
    // Each message in a group of its own.
    let mut device = Device::new("device", 0..1, 1);
    let program = workspace.start(&WITHOUT_CHECKPOINTS);
    device.send(program.mqtt, 9);
    program.kill();
    let segment = workspace.segments().pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // Well behind the creation of the twin, well before the last reading.
    let place = used(&bytes) - 300;
    bytes[place] ^= 0x40;
    fs::write(&segment, &bytes).unwrap();

    let said = last_line(&workspace.refused(&WITHOUT_CHECKPOINTS));
    assert!(said.contains(&segment.display().to_string()), "{said}");
    let offset: usize = between(&said, "is damaged at byte ", ":").parse().unwrap();
    assert!(offset <= place && place < offset + 300, "{said}: the damage is at {place}");
    let command = between(&said, "`pollux journal ", "`");
    let mut cut = Command::new(env!("CARGO_BIN_EXE_pollux"));
    cut.arg("journal").args(command.split(' ')).arg("--yes").current_dir(workspace.path());
    let done = cut.output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));

    let program = workspace.start(&WITHOUT_CHECKPOINTS);
    let kept = counts_in_state(&program)[0];
    assert!((1..device.machines()[0].acknowledged).contains(&kept), "{kept}");
    program.stop();
}

/// Where the zeros begin that the segment was filled with.
fn used(segment: &[u8]) -> usize {
    segment.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

fn last_line(log: &str) -> String {
    log.lines().last().unwrap_or_default().to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in: {text}")).1;
    rest.split_once(after).unwrap().0
}
