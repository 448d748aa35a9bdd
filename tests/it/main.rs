//! All integration tests, in one binary: it links once, and a part of it runs by name (`cargo test --test it scenario`).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop at once")]
#![expect(clippy::print_stdout, reason = "what a test prints is shown when it fails")]
#![expect(unreachable_pub, reason = "nothing outside uses a test, so `pub` means: for the other tests")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one thing; that there are others is for the code to know")]
#![expect(clippy::disallowed_methods, reason = "tests ask the environment what to do, and time how long they wait")]

// The house.
mod tidy;

// Text in, text out.
mod backtest;
mod catalog;
mod cli;
mod codec;
mod import;

// One edge.
mod mqtt;
mod mqtt_peer;

// The real binary, as a process.
mod both_ways;
mod broker;
mod crash;
mod device;
mod disk_full;
mod flood;
mod graphql;
mod ledger;
mod mosquitto;
mod process;
mod remote_store;
mod restart;
mod surreal;

// The whole program, in this process.
mod edit;
mod feed;
mod intake;
mod scenario;
mod sim;
mod supervision;
mod support;
mod traversal;

mod skipped;
