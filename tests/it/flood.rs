//! Clients that mean harm or know no better, against the real binary; an ordinary device goes on all the while.

use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::mqtt_peer::{Client, connect_v3, connect_v5, framed, packet, publish_v3, publish_v5};
use crate::process::{Launched, Program, Workspace, set_up};

const CONNECTS: usize = 10_000;
const THREADS: usize = 8;
const OPEN_FILES_MAX: usize = 256;

#[test]
fn a_device_goes_on_through_ten_thousand_connects() {
    let workspace = Workspace::of_machines(2);
    let program = workspace.start(&[]);
    beside_a_device(&program, || {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let server = program.mqtt;
                scope.spawn(move || {
                    for number in 0..CONNECTS / THREADS {
                        let mut client = Client::to(server);
                        match number % 4 {
                            0 => drop(client),
                            1 => client.send(&[0x00]),
                            2 => client.send(&connect_v5("same", 60)),
                            _ => {
                                client.send(&connect_v3(&format!("{thread}-{number}"), 60));
                                client.expect("20 02 0000");
                            }
                        }
                    }
                });
            }
        });
    });
    program.until("all have gone", |program| program.metric("pollux_connections{transport=\"mqtt\"}") == 0.0);
    program.stop();
}

#[test]
fn a_device_goes_on_beside_clients_that_break_the_rules() {
    let workspace = Workspace::of_machines(2);
    let program = workspace.start(&[("MQTT_OUTGOING_BYTES_MAX", "4KiB"), ("MQTT_WRITE_TIMEOUT", "1s")]);
    let mut watcher = Client::to(program.mqtt);
    watcher.send(&connect_v3("never acknowledges, never reads", 0));
    watcher.expect("20 02 0000");
    watcher.send(&packet(0x82, "0001 \"pollux/#\" 01"));
    let mut deaf = Client::to(program.mqtt);
    deaf.send(&connect_v3("never reads its acknowledgements", 0));
    beside_a_device(&program, || {
        deaf.set_write_timeout(Duration::from_secs(10));
        let burst: Vec<u8> = (1..=10_000).flat_map(|id| publish_v3("pollux/machine-1/telemetry", id, "{\"temperature\": 20}")).collect();
        // It may have been disconnected by then, or may go on for as long as the system keeps its acknowledgements for it.
        deaf.try_send(&burst);
        too_long_a_topic(&program);
        too_large_a_packet(&program);
    });
    program.stop();
}

#[test]
fn running_out_of_files_is_no_end() {
    let workspace = Workspace::of_machines(2);
    let inner = workspace.command(&[]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {OPEN_FILES_MAX} && exec \"$0\" \"$@\"")).arg(inner.get_program()).args(inner.get_args());
    set_up(&mut command, &[]);
    let program = Launched::from(command).ready();
    beside_a_device(&program, || {
        let crowd: Vec<Client> = (0..OPEN_FILES_MAX + 50)
            .map(|number| {
                let mut client = Client::to(program.mqtt);
                client.try_send(&connect_v3(&format!("crowd-{number}"), 0));
                client
            })
            .collect();
        program.until("it has no files left", |program| program.process.log().contains("a connection could not be accepted"));
        drop(crowd);
        // Whoever comes next gets in, as soon as those have gone.
        let mut client = Client::to(program.mqtt);
        client.send(&connect_v3("late", 0));
        client.expect("20 02 0000");
        client.ping();
    });
    program.stop();
}

/// A topic is at most 65,535 bytes long on the wire, however many levels it has.
fn too_long_a_topic(program: &Program) {
    let levels = "level/".repeat(10_000);
    let mut client = Client::to(program.mqtt);
    client.send(&connect_v5("long", 60));
    client.packet().unwrap();
    client.send(&publish_v5(&levels, 1, "{}"));
    // The reason stands in the acknowledgement, or in a DISCONNECT.
    let answer = client.packet().expect("a reason");
    assert!(matches!(answer[0], 0x40 | 0xE0), "{answer:02X?}");
    let reason = if answer[0] == 0x40 { answer[4] } else { answer[2] };
    assert!(reason >= 0x80, "{answer:02X?}");
}

fn too_large_a_packet(program: &Program) {
    let mut client = Client::to(program.mqtt);
    client.send(&connect_v5("large", 60));
    client.packet().unwrap();
    let whole = framed(0x32, &vec![0; 2 << 20]);
    client.send(&whole[..100]);
    client.expect_disconnect(0x95);
}

/// While something else happens, a device sends and is heard, before, during and after.
fn beside_a_device(program: &Program, happening: impl FnOnce()) {
    let mut devices = [Device::new("device", 0..1, 50)];
    let orders = Orders::default();
    run_beside(&mut devices, program.mqtt, &orders, || {
        program.until("the device is heard", |_| orders.heard() > 0);
        let before = orders.heard();
        happening();
        let after = orders.heard();
        assert!(after > before, "the device was not heard while it happened");
        program.until("the device is heard again", |_| orders.heard() > after);
        orders.finish();
    });
    let machine = &devices[0].machines()[0];
    assert_eq!((counts_in_state(program)[0], machine.acknowledged), (machine.sent, machine.sent));
    assert_eq!(program.get("/readyz").0, 200);
}
