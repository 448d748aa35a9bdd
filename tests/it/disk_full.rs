//! A disk that fills up under load and is given space again, with a small file system of the process's own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::mqtt_peer::{Client, connect_v3, publish_v3};
use crate::process::{Launched, Program, Workspace, set_up};

const DISK: &str = "size=24m";

#[test]
fn a_full_disk_holds_back_acknowledgements_and_recovers() {
    let workspace = Workspace::of_machines(3);
    let data = workspace.path().join("data");
    fs::create_dir(&data).unwrap();
    if !can_mount(&data) {
        return crate::skipped::note("disk_full", "unshare with the right to mount");
    }
    let program = start_on_small_disk(&workspace, &data);
    let disk = seen_by(&program, &data);
    let mut devices = [Device::new("device", 0..2, 50)];
    let orders = Orders::default();
    let mut other = Client::to(program.mqtt);
    other.send(&connect_v3("other", 5));
    other.expect("20 02 0000");
    run_beside(&mut devices, program.mqtt, &orders, || {
        program.until("the load has begun", |_| orders.heard() > 100);
        let filler = fill(&disk);
        program.until("it says that it cannot write", |program| program.get("/readyz").0 == 503);

        let (_, body) = program.get("/readyz");
        let report: Value = serde_json::from_str(&body).unwrap();
        let message =
            report["issues"].as_array().unwrap().iter().find(|issue| issue["part"] == "journal").unwrap()["message"].as_str().unwrap();
        assert!(message.contains("the disk is full, so nothing is acknowledged"), "{message}");
        assert_eq!(program.get("/healthz").0, 200);
        // Only the connections' own signs of life come through, however much is sent.
        let heard = orders.heard();
        for id in 1..=20 {
            other.send(&publish_v3("pollux/machine-2/telemetry", id, "{\"temperature\": 21.5}"));
            other.ping();
        }
        assert_eq!(orders.heard(), heard, "acknowledged while the disk is full");
        assert_eq!(program.get("/readyz").0, 503);

        fs::remove_file(filler).unwrap();
        for id in 1..=20 {
            other.expect(&format!("40 02 {id:04X}"));
        }
        program.until("it can write again", |program| program.get("/readyz").0 == 200);
        program.until("the load goes on", |_| orders.heard() > heard + 100);
        orders.finish();
    });
    let counts = counts_in_state(&program);
    for machine in devices[0].machines() {
        assert_eq!((counts[machine.number], machine.acknowledged), (machine.sent, machine.sent));
    }
    // Also the graph store, which was on the same disk, has caught up.
    program.until("the graph store has caught up", |program| {
        let status = program.json("/admin/status");
        status["projectedSeq"] == status["durableSeq"]
    });
    let log = program.process.log();
    assert!(log.contains("the journal can be written again"), "{log}");
}

fn can_mount(dir: &Path) -> bool {
    let mut mount = in_namespace("exit 0", dir);
    mount.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// `then` in a mount namespace of its own, where `dir` is a small disk.
fn in_namespace(then: &str, dir: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c"]).arg(format!("mount -t tmpfs -o {DISK} tmpfs \"$0\" && {then}")).arg(dir);
    command
}

fn start_on_small_disk(workspace: &Workspace, data: &Path) -> Program {
    let mut command = in_namespace("exec \"$@\"", data);
    let inner = workspace.command(&[]);
    command.arg(inner.get_program()).args(inner.get_args());
    set_up(&mut command, &[]);
    Launched::from(command).ready()
}

/// The folder as the process sees it: from outside, the small disk is not there.
fn seen_by(program: &Program, dir: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", program.pid(), dir.display()))
}

/// Takes all the space there is, and what becomes free while others write.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = File::create(&path).unwrap();
    let block = vec![1; 64 << 10];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
    path
}
