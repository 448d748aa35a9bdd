//! The graph store on a SurrealDB server, which is killed under load and comes back: readings are acknowledged all the same, and the store
//! catches up by itself.

use serde_json::{Value, json};

use crate::device::{Device, Orders, counts_in_state, run_beside};
use crate::process::{Launched, Program, Workspace};
use crate::surreal::{PASSWORD, Server, USER};

const DEVICES: usize = 2;
const MACHINES_EACH: usize = 3;
const PASSWORD_VARIABLE: &str = "PASSWORD_OF_THE_GRAPH";
/// So many acknowledgements are no accident.
const MANY: u64 = 1000;

#[test]
fn a_server_that_is_killed_holds_nobody_up() {
    let Some(mut server) = Server::start() else { return skip("killed under load") };
    let workspace = workspace(&server, "1s");
    let program = start(&workspace);
    let mut devices = devices();
    let orders = Orders::default();
    run_beside(&mut devices, program.mqtt, &orders, || {
        heard(&program, &orders, MANY);
        saved(&program);
        for _ in 0..3 {
            server.kill();
            program.until("it is noticed", is_behind);
            heard(&program, &orders, orders.heard() + MANY);
            assert!(is_behind(&program));
            check_api_without_store(&program);
            server.start_again();
            program.until("the store answers again", |program| !is_behind(program));
            saved(&program);
            check_api_with_store(&program);
        }
        orders.finish();
    });
    all_stored(&program);
    check_state(&program, &devices);
    program.stop();

    // There is nothing but the server where the state could come from.
    let again = start(&workspace);
    assert_eq!(again.replayed, 0);
    check_state(&again, &devices);
    again.stop();
    assert!(!workspace.path().join("data/graph").exists());
}

#[test]
fn both_are_killed() {
    let Some(mut server) = Server::start() else { return skip("killed with pollux") };
    let workspace = workspace(&server, "1s");
    let mut devices = devices();
    for _ in 0..3 {
        let program = start(&workspace);
        let orders = Orders::default();
        run_beside(&mut devices, program.mqtt, &orders, || {
            heard(&program, &orders, MANY);
            saved(&program);
            server.kill();
            heard(&program, &orders, orders.heard() + MANY);
            program.kill();
        });
        server.start_again();
        let program = start(&workspace);
        devices.iter_mut().for_each(|device| device.settle(program.mqtt));
        check_state(&program, &devices);
        program.kill();
    }
}

#[test]
fn a_server_that_has_forgotten_is_not_written_to() {
    let Some(mut server) = Server::start() else { return skip("has forgotten") };
    // Without checkpoints it does not call the server once the store has everything, so that its absence is not noticed.
    let workspace = workspace(&server, "1d");
    let program = start(&workspace);
    let mut device = Device::new("device", 0..MACHINES_EACH, 50);
    let mut send = |program: &Program| device.send(program.mqtt, MANY);
    send(&program);
    all_stored(&program);
    server.kill();
    server.keep();
    server.start_again();
    send(&program);
    all_stored(&program);
    server.kill();
    server.go_back();
    server.start_again();
    send(&program);
    program.until("it is noticed", |program| program.get("/readyz").1.contains("does not sync what it commits"));
    assert!(is_behind(&program));
    program.kill();

    // The journal still has what the server has lost.
    let again = start(&workspace);
    all_stored(&again);
    check_state(&again, std::slice::from_ref(&device));
    again.stop();
}

#[test]
fn without_its_server_it_stops_in_time_and_does_not_start() {
    let Some(mut server) = Server::start() else { return skip("gone at the stop") };
    let workspace = workspace(&server, "1s");
    let mut program = start(&workspace);
    let mut device = Device::new("device", 0..MACHINES_EACH, 50);
    device.send(program.mqtt, MANY);
    server.kill();
    device.send(program.mqtt, MANY);
    program.terminate();
    let status = program.process.ended();
    assert_eq!(status.code(), Some(1), "{}", program.process.log());
    assert!(program.process.log().contains("the journal has it"), "{}", program.process.log());

    let mut refused = launch(&workspace);
    assert_eq!(refused.ended().code(), Some(1), "{}", refused.log());
    let said = refused.log();
    assert!(said.contains("the graph store cannot be opened") && said.contains(&server.address.to_string()), "{said}");

    server.start_again();
    let program = start(&workspace);
    check_state(&program, std::slice::from_ref(&device));
    program.stop();
}

fn workspace(server: &Server, checkpoint_every: &str) -> Workspace {
    let workspace = Workspace::of_machines(DEVICES * MACHINES_EACH);
    let settings = format!(
        "[store]\nurl = \"ws://{}\"\nusername = \"{USER}\"\npassword_env = \"{PASSWORD_VARIABLE}\"\ncall_wait_max = \"5s\"\n\n\
         [runtime]\nproject_every = \"20ms\"\ncheckpoint_every = \"{checkpoint_every}\"\nstop_wait_max = \"10s\"\n",
        server.address
    );
    workspace.write("pollux.toml", &settings);
    workspace
}

fn devices() -> Vec<Device> {
    let machines = |number| number * MACHINES_EACH..(number + 1) * MACHINES_EACH;
    (0..DEVICES).map(|number| Device::new(&format!("gateway-{number}"), machines(number), 50)).collect()
}

fn launch(workspace: &Workspace) -> Launched {
    let mut command = workspace.command(&[]);
    command.env(PASSWORD_VARIABLE, PASSWORD);
    Launched::from(command)
}

fn start(workspace: &Workspace) -> Program {
    launch(workspace).ready()
}

fn heard(program: &Program, orders: &Orders, count: u64) {
    program.until("readings are acknowledged", |_| orders.heard() >= count);
}

/// Waits until all that is committed by now is in the store, with its checkpoints, while more goes on coming.
fn saved(program: &Program) {
    let seq = program.json("/admin/status")["seq"].as_u64().unwrap();
    program.until("the store has got there", |program| {
        let status = program.json("/admin/status");
        status["projectedSeq"].as_u64().unwrap() >= seq && status["savedSeq"].as_u64().unwrap() >= seq
    });
}

fn all_stored(program: &Program) {
    program.until("the store has everything", |program| program.metric("pollux_projector_lag") == 0.0);
}

/// Whether it says that the store does not follow. It works all the same.
fn is_behind(program: &Program) -> bool {
    let report = program.json("/readyz");
    assert_eq!(report["ready"], true, "{report}");
    let issues: &[Value] = report["issues"].as_array().unwrap();
    issues.iter().any(|issue| issue["part"] == "store" && issue["blocking"] == false)
}

/// Every reading that was acknowledged is the newest of its machine.
fn check_state(program: &Program, devices: &[Device]) {
    let counts = counts_in_state(program);
    for machine in devices.iter().flat_map(Device::machines) {
        assert_eq!(machine.acknowledged, machine.sent);
        assert_eq!(counts[machine.number], machine.acknowledged, "machine-{}", machine.number);
    }
}

fn skip(test: &str) {
    crate::skipped::note(&format!("remote_store, {test}"), "a SurrealDB server (`make surreal-server`)");
}

/// Asks by a GET, so a query.
fn ask(program: &Program, query: &str) -> Value {
    let query = query.replace(' ', "%20").replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let (status, body) = program.get(&format!("/graphql?query={query}"));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Values and hierarchies are read as ever; relations are refused by name.
fn check_api_without_store(program: &Program) {
    let values = ask(program, "{ machine(id: \"machine-0\") { count { value } path } }");
    assert!(values.get("errors").is_none() && values["data"]["machine"]["count"]["value"].is_string(), "{values}");
    let relations = ask(program, "{ machine(id: \"machine-0\") { id relations { nodes { name } } } }");
    assert_eq!(relations["data"]["machine"]["id"], "machine-0", "{relations}");
    let refused = &relations["errors"][0];
    assert_eq!(
        (&refused["extensions"]["code"], &refused["path"]),
        (&json!("UNAVAILABLE"), &json!(["machine", "relations"])),
        "{relations}"
    );
    assert!(refused["extensions"]["hint"].is_string() && refused["extensions"]["retryable"] == true, "{relations}");
}

fn check_api_with_store(program: &Program) {
    let relations = ask(program, "{ machine(id: \"machine-0\") { relations { nodes { name } } } }");
    assert!(relations.get("errors").is_none(), "{relations}");
}
