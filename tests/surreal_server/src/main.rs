//! A real SurrealDB server of the version that Pollux links, for the test that kills one under load (tests/it/remote_store.rs).

use std::process::ExitCode;

fn main() -> ExitCode {
    surrealdb_server::init(surrealdb_core::CommunityComposer())
}
