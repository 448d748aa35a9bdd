//! Random lives: twins come, change, move, are related and go while readings flow, and the program is killed in the middle of it.
//!
//! After each start the twins are as they were seen last, bit for bit, and the graph store says the same as the view and the graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux::runtime::edit::{Error, OpResult};
use pollux::twin::{Edge, State};
use serde_json::{Value as Json, json};

use super::FILES;
use crate::sim::{Dice, number};
use crate::support::World;

const LIVES: u64 = 4;
const ROUNDS: u64 = 60;
const PASSIVATING: (&str, &str) =
    ("pollux.toml", "[runtime]\nproject_every = \"10ms\"\ncheckpoint_every = \"1s\"\npassivate_after = \"2s\"\n");

#[test]
fn what_is_changed_in_random_lives_is_there_afterwards() {
    let seed = number("SIM_SEED").unwrap_or(7);
    println!("SIM_SEED={seed}");
    let mut life = Life { dice: Dice::of(seed), next: 0, relations: Vec::new(), done: 0, refused: 0 };
    let files: Vec<_> = FILES.iter().copied().chain([PASSIVATING]).collect();
    let mut world = World::lasting(&files);
    for _ in 0..LIVES {
        for _ in 0..ROUNDS {
            life.round(&world);
        }
        world.settled();
        same_in_store(&world);
        let seen = snapshot(&world);
        if life.dice.once_in(3) {
            world.stop();
        } else {
            world.kill();
        }
        world.start();
        let found = snapshot(&world);
        let differ: Vec<_> = seen.1.iter().chain(&found.1).filter(|edge| !(seen.1.contains(edge) && found.1.contains(edge))).collect();
        assert!(differ.is_empty(), "edges: {differ:#?}");
        for (id, state) in &seen.0 {
            let now = found.0.get(id).unwrap_or_else(|| panic!("{id} is gone"));
            // A twin that went to rest since has one event more.
            assert!(
                state.slots == now.slots && state.name == now.name && state.no == now.no && state.revision <= now.revision,
                "{state:#?}\n{now:#?}"
            );
        }
        assert_eq!(seen.0.len(), found.0.len());
        same_in_store(&world);
    }
    println!("{} changes done, {} refused", life.done, life.refused);
    assert!(life.done > LIVES * ROUNDS / 4);
}

struct Life {
    dice: Dice,
    next: u64,
    relations: Vec<String>,
    done: u64,
    refused: u64,
}

impl Life {
    fn round(&mut self, world: &World) {
        let ids: Vec<String> = world.app().runtime.view().page(None, 1000).iter().map(|cell| cell.state().id.to_string()).collect();
        for _ in 0..self.dice.below(4) {
            let id = self.pick(&ids);
            world.post(&format!("/ingest/{id}"), json!({"count": self.next, "level": 1, "ts": self.next}).to_string());
        }
        let ops: Vec<Json> = (0..=self.dice.below(3)).map(|_| self.op(&ids)).collect();
        match world.edit(json!(ops)) {
            Ok(edited) => {
                self.done += 1;
                for result in edited.results {
                    match result {
                        OpResult::Related { id } => self.relations.push(id),
                        OpResult::Created { relations, .. } => self.relations.extend(relations),
                        _ => {}
                    }
                }
            }
            Err(Error::Refused(_)) => self.refused += 1,
            Err(other) => panic!("{other}"),
        }
        world.clock.forward(std::time::Duration::from_millis(self.dice.below(200)));
    }

    fn pick(&mut self, ids: &[String]) -> String {
        if ids.is_empty() {
            return "nobody".to_owned();
        }
        ids[self.dice.below(ids.len() as u64) as usize].clone()
    }

    fn op(&mut self, ids: &[String]) -> Json {
        self.next += 1;
        let kind = if ids.len() < 6 { 0 } else { self.dice.below(16) };
        let (one, other) = (self.pick(ids), self.pick(ids));
        match kind {
            0..=3 => {
                let types = [json!({"type": "Machine"}), json!({"type": "Tank", "set": {"height": 1}}), json!({"type": "Hall"})];
                let mut create = types[self.dice.below(3) as usize].clone();
                create["id"] = json!(format!("x-{}", self.dice.below(40)));
                if self.dice.once_in(2) {
                    create["parent"] = json!(format!("hall-{}", 1 + self.dice.below(2)));
                }
                json!({ "create": create })
            }
            4..=6 => json!({"update": {"id": one, "set": {"note": format!("n-{}", self.next)}}}),
            7 => json!({"update": {"id": one, "name": format!("name {}", self.next)}}),
            8..=10 => match self.dice.below(3) {
                0 => json!({"move": {"id": one}}),
                _ => json!({"move": {"id": one, "parent": other}}),
            },
            11 | 12 => json!({"relate": {"source": one, "name": "feeds", "target": other}}),
            13 if !self.relations.is_empty() => {
                json!({"unrelate": {"id": self.relations[self.dice.below(self.relations.len() as u64) as usize]}})
            }
            _ => json!({"delete": {"id": one, "subtree": self.dice.once_in(3)}}),
        }
    }
}

fn snapshot(world: &World) -> (BTreeMap<String, Arc<State>>, Vec<Edge>) {
    let cells = world.app().runtime.view().page(None, 10_000);
    (cells.iter().map(|cell| cell.state()).map(|state| (state.id.to_string(), state)).collect(), world.edges())
}

fn same_in_store(world: &World) {
    let mut differences = Vec::new();
    world.until("nothing is committed while store and view are compared", || {
        let seq = world.projected();
        let (twins, edges) = snapshot(world);
        differences = twins
            .iter()
            .filter_map(|(id, state)| {
                let row = world.row(id);
                (row["revision"] != state.revision.0 || row["no"] != state.no.0 || !row["deleted"].is_null())
                    .then(|| format!("{state:?}\n{row}"))
            })
            .collect();
        for no in 0..40 {
            let id = format!("x-{no}");
            if !twins.contains_key(&id) && world.find_row(&id).is_some_and(|row| row["deleted"].is_null()) {
                differences.push(format!("{id} is in the store and not in the view"));
            }
        }
        if world.stored_edges() != edges {
            differences.push(format!("edges: {:#?}\n{edges:#?}", world.stored_edges()));
        }
        world.app().runtime.view().seq() == seq
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
