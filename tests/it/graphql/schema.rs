//! The schemas in `graphql/` are those that the program gives: every change of the API is a change of these files, to be looked at.
//! `UPDATE_EXPECT=1` writes them anew.

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use pollux::cli::schema::{PrintArgs, print};

fn text(core: bool) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf();
    print(&PrintArgs { workspace, core, view: None }).unwrap()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql").join(name)
}

#[test]
fn the_core_is_as_written_down() {
    expect_file![file("core.graphql")].assert_eq(&text(true));
}

#[test]
fn the_demo_plant_is_as_written_down() {
    expect_file![file("demo.graphql")].assert_eq(&text(false));
}
