//! Random lives of a few twins on a simulated disk: deliveries with duplicates, late and out of order, twins that crash, machines that lose power.
//!
//! The twin, the records, the checkpoints, the journal and its gate are the real ones. A life is told by its seed, up to the moments at which
//! the journal prepares its next segment on a thread of its own. `SIM_SEED=n` repeats one, `SIM_SEEDS=n` lives so many.
//! What is checked after each crash:
//! - replaying the journal gives every twin as it was after the last entry that is there, bit for bit; so does replaying from checkpoints;
//! - everything that was released is there: no acknowledged reading is lost, and what a reader saw is not taken back;
//! - no reading is there twice, however often it was sent; `seq` and revisions have no gaps.

mod dice;
mod gatekeeper;
mod life;
mod world;

pub(crate) use dice::Dice;
use life::Life;

const SEEDS: u64 = 60;

#[test]
fn lives() {
    let (first, count) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_SEEDS").unwrap_or(SEEDS)),
    };
    for seed in first..first + count {
        let lived = std::panic::catch_unwind(|| Life::new(seed).live());
        assert!(lived.is_ok(), "life {seed} went wrong; SIM_SEED={seed} repeats it");
    }
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
