//! Tests that need what this machine lacks say so: `make test` lists them at its end, and the gate refuses them.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes that `test` cannot run because `lacks` is not there. To be called before returning early.
pub fn note(test: &str, lacks: &str) {
    eprintln!("SKIPPED {test}: {lacks} is not installed");
    #[expect(clippy::disallowed_methods, reason = "tests are told by make where to write this down")]
    let list = std::env::var_os("POLLUX_TEST_SKIPPED");
    if let Some(list) = list {
        let file = OpenOptions::new().create(true).append(true).open(list);
        file.and_then(|mut file| writeln!(file, "{test}: {lacks} is not installed")).expect("the list of skipped tests can be written");
    }
}
