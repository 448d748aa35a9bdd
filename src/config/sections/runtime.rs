//! `[runtime]`: twins and what keeps them going.

use std::time::Duration;

use crate::config::setting::section;

section! {
    /// Twins and what keeps them going.
    Runtime = "runtime" {
        /// Readings further ahead of the clock than this are taken as of now, with quality UNCERTAIN and reason BAD_CLOCK.
        future_tolerance: Duration [Duration::ZERO..=Duration::from_secs(365 * 86_400)] = Duration::from_secs(300),
        /// Whether edited files of the workspace take effect while it runs. An edit with errors changes nothing and says why.
        follow_files: bool = true,
        /// How long a twin may be idle before its actor is put away; it wakes with the next reading.
        passivate_after: Duration [Duration::from_secs(1)..=Duration::from_secs(30 * 86_400)] = Duration::from_secs(600),
        /// Twins that may be awake at once; beyond it the longest idle are put away early.
        awake_twins_max: usize [1..=100_000_000] = 1_000_000,
        /// Twins that bindings may create by themselves (`unknownTwin: {provision: …}`) between two starts; then unknown twins are
        /// rejected.
        provisioned_twins_max: usize [0..=100_000_000] = 100_000,
        /// Packets under way between the wire and the disk, over all senders; beyond it QoS 1 and HTTP wait and QoS 0 is shed.
        deliveries_in_flight_max: usize [1..=16_000_000] = 65_536,
        /// Rejections that are stored, per second; further ones are only counted.
        rejections_per_second_max: u32 [1..=1_000_000] = 1_000,
        /// How often changed twins are written to the graph store as a point to recover from.
        checkpoint_every: Duration [Duration::from_secs(1)..=Duration::from_secs(86_400)] = Duration::from_secs(30),
        /// How often what was committed is brought to the graph store.
        project_every: Duration [Duration::from_millis(10)..=Duration::from_secs(60)] = Duration::from_secs(1),
        /// Restarts of a crashing twin within `restart_window`; then it stays down for `fault_rest` and the fault shows on its parent.
        restarts_max: usize [0..=1_000] = 5,
        /// The time within which restarts are counted.
        restart_window: Duration [Duration::from_secs(1)..=Duration::from_secs(86_400)] = Duration::from_secs(60),
        /// How long a twin that crashed too often rests before it is tried again.
        fault_rest: Duration [Duration::from_secs(1)..=Duration::from_secs(86_400)] = Duration::from_secs(30),
        /// How long a stop may take until everything is written.
        stop_wait_max: Duration [Duration::from_secs(1)..=Duration::from_secs(3_600)] = Duration::from_secs(30),
    }
}
