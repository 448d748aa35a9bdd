//! Rules mean the same both ways: in a backtest on a virtual clock, and in the real binary, to which a device sends the same messages over MQTT
//! as fast as they are taken. Rules go by the times in the data, not by the speed at which they come.
//!
//! `generated` does this with small recordings made here, of which brute force says what must come of them. `recordings` does it with those of the
//! acceptance page, where `POLLUX_TEST_DATA` names the folder that has them. `crashes` does it over `kill -9`, `outages` looks at
//! single ends, and in `rests` a twin goes to rest between any two readings.

mod brute;
mod crashes;
mod feeder;
mod generated;
mod outages;
#[path = "../../../src/backtest/tests/recorded.rs"]
mod recorded;
mod recordings;
mod rests;
mod story;
