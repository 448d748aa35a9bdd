//! Random lives of a journal: groups, rotation, retention, failing syncs and writes, full disks, crashes of process and machine.
//! After each crash: everything released is there, in order, without gaps, once; what else is there continues it.

use crate::journal::sim_disk::Crash;
use crate::reading::Seq;

use super::{World, commit};

/// A small generator, so that a seed repeats a life.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn live(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let world = World::seeded(200 + random.below(2000), seed);
    // What was released, from seq 1 on; and what of it may be deleted.
    let mut released: Vec<String> = Vec::new();
    let mut forgotten = 0;
    // The group whose attempts failed last: all of it may be there, or nothing.
    let mut unreleased: Vec<String> = Vec::new();
    for life in 0..12 {
        let (found, recovered) = match world.open_after(forgotten) {
            Ok(opened) => opened,
            Err(error) => panic!("seed {seed}, life {life}: {error}"),
        };
        let expected = (forgotten + 1..).zip(&released[forgotten as usize..]);
        assert!(found.len() >= released.len() - forgotten as usize, "seed {seed}, life {life}: released entries are gone");
        assert!(
            found.iter().map(|(seq, entry)| (*seq, entry)).zip(expected).all(|(found, expected)| found == expected),
            "seed {seed}, life {life}"
        );
        assert!(found.iter().map(|(seq, _)| *seq).eq(forgotten + 1..=recovered.last_seq().0), "seed {seed}, life {life}: gap");
        let more: Vec<&String> = found.iter().skip(released.len() - forgotten as usize).map(|(_, entry)| entry).collect();
        assert!(more.is_empty() || more.into_iter().eq(&unreleased), "seed {seed}, life {life}: something else follows");
        // A start publishes what it replays.
        released.truncate(forgotten as usize);
        released.extend(found.into_iter().map(|(_, entry)| entry));

        let mut writer = recovered.writer;
        unreleased.clear();
        if random.below(3) > 0 {
            world.disk.stop_after(random.below(120));
        }
        for round in 0..random.below(60) {
            match random.below(12) {
                0 => world.disk.fail_syncs(1 + random.below(3) as u32),
                1 => world.disk.fail_writes(1),
                2 => world.disk.set_free(Some(random.below(3000))),
                3 => world.disk.set_free(None),
                4 => drop(writer.folder.prepare()),
                5 => {
                    let before = random.below(writer.last.0 + 2);
                    forgotten = forgotten.max(before.saturating_sub(1));
                    drop(writer.folder.forget_before(Seq(before)));
                }
                _ => {}
            }
            let entries: Vec<String> = (0..1 + random.below(4))
                .map(|n| {
                    format!("{life}.{round}.{n} {}", "x".repeat(random.below(if random.0.is_multiple_of(9) { 1500 } else { 60 }) as usize))
                })
                .collect();
            let group: Vec<&str> = entries.iter().map(String::as_str).collect();
            let written = (0..6).any(|_| commit(&mut writer, &group).is_ok());
            // The gate tries the same group for ever; so a life ends where it does not get through.
            if !written {
                unreleased = entries;
                break;
            }
            released.extend(entries);
            assert_eq!(writer.last.0 as usize, released.len(), "seed {seed}");
        }
        world.disk.crash(if random.below(3) == 0 { Crash::Process } else { Crash::Power });
        world.disk.set_free(None);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the seed to repeat comes from the environment")]
fn what_was_released_is_always_there() {
    let (first, count) = match std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => (seed, 1),
        None => (0, std::env::var("SIM_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(300)),
    };
    for seed in first..first + count {
        live(seed);
    }
}
