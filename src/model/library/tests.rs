//! The places asked for the library, and each way in which one can be wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::model::testing;

/// A search that finds nothing but what a test adds.
fn nowhere() -> Search {
    Search { setting: None, variable: None, project: PathBuf::from("/nonexistent/of-the-project"), system: Vec::new() }
}

fn reasons(search: &Search) -> Vec<String> {
    search.candidates().into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect()
}

#[test]
fn what_is_no_file_is_never_given_to_a_loader() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.so");
    let search = Search { setting: Some(missing.clone()), variable: Some(folder.path().to_owned()), ..nowhere() };
    assert_eq!(
        reasons(&search),
        [
            format!("{} (the setting `onnxruntime`): No such file or directory (os error 2)", missing.display()),
            format!(
                "{} (ORT_DYLIB_PATH): it is a folder: name the file in it, as in {}",
                folder.path().display(),
                folder.path().join("libonnxruntime.so").display()
            ),
            "/nonexistent/of-the-project (the project's folder): no libonnxruntime.so is there: `make onnxruntime` fetches it".to_owned(),
        ]
    );
}

#[test]
fn places_are_asked_in_order_and_the_newest_of_a_folder_first() {
    let (project, system) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for name in ["libonnxruntime.so", "libonnxruntime.so.1.9.0", "libonnxruntime.so.1.31.1", "libonnxruntime_providers_shared.so"] {
        std::fs::write(project.path().join(name), "x").expect("a file");
    }
    std::fs::write(system.path().join("libonnxruntime.so.1.20.1"), "x").expect("a file");
    let setting = system.path().join("libonnxruntime.so.1.20.1");
    let search = Search {
        setting: Some(setting.clone()),
        project: project.path().to_owned(),
        system: vec![PathBuf::from("/nonexistent"), system.path().to_owned()],
        ..nowhere()
    };
    let found: Vec<(From, PathBuf)> = search.candidates().into_iter().filter_map(Result::ok).collect();
    assert_eq!(
        found,
        [(From::Setting, setting.clone()), (From::Project, project.path().join("libonnxruntime.so.1.31.1")), (From::System, setting)]
    );
}

/// What a process of its own says to one place. A process can load but one library, and the failure to guard against is a hang.
fn opened(path: &Path) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "model::library::tests::a_process_that_opens_one_place", "--nocapture", "--test-threads=1"])
        .env("POLLUX_TEST_OPEN", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let stdout = child.stdout.take().expect("its output");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let status = std::io::read_to_string(stdout);
        drop(sender.send(status));
    });
    // Far above what it takes on a busy machine, and far below for ever.
    let said = receiver.recv_timeout(Duration::from_secs(60));
    if said.is_err() {
        child.kill().expect("it can be ended");
    }
    let status = child.wait().expect("its end");
    let text = said.unwrap_or_else(|_| panic!("opening {} hangs", path.display())).expect("text");
    assert!(status.success(), "opening {} ended with {status}: {text}", path.display());
    text.lines().filter_map(|line| line.strip_prefix("OPENED ")).collect::<Vec<_>>().join("\n")
}

/// Not a test of its own: the process of [`opened`]. Without a place to open there is nothing to see here.
#[test]
fn a_process_that_opens_one_place() {
    #[expect(clippy::disallowed_methods, reason = "the test that starts this process says so here")]
    let Some(path) = std::env::var_os("POLLUX_TEST_OPEN") else { return };
    let library = open(&Search { setting: Some(PathBuf::from(path)), ..nowhere() });
    for line in library.to_string().lines() {
        println!("\nOPENED {line}");
    }
}

#[test]
fn a_place_that_is_wrong_is_named_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "no library at all").expect("a file");
    for (path, reason) in [
        (folder.path().join("missing"), "No such file"),
        (text, "it is not a shared library"),
        (folder.path().to_owned(), "it is a folder"),
    ] {
        let said = opened(&path);
        assert!(said.starts_with("ONNX Runtime is not there; models that need it are refused"), "{said}");
        assert!(said.contains(&format!("{} (the setting `onnxruntime`): ", path.display())) && said.contains(reason), "{said}");
    }
}

/// Loads as a library, and is none of ONNX Runtime.
#[test]
fn another_library_is_named_as_such() {
    let Some(other) = [
        "/lib/x86_64-linux-gnu/libz.so.1",
        "/usr/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/usr/lib/libm.so.6",
        "/lib64/libm.so.6",
    ]
    .map(Path::new)
    .into_iter()
    .find(|path| path.is_file()) else {
        testing::skipped("this system has no other library where one is expected, so it was not tried");
        return;
    };
    let said = opened(other);
    assert!(said.starts_with("ONNX Runtime is not there"), "{said}");
    assert!(said.contains("OrtGetApiBase"), "{said}");
}

#[test]
fn an_older_library_is_refused_with_both_versions() {
    #[expect(clippy::disallowed_methods, reason = "only who has an old library can show this")]
    let Some(path) = std::env::var_os("POLLUX_TEST_OLD_ONNXRUNTIME").map(PathBuf::from) else {
        testing::skipped("POLLUX_TEST_OLD_ONNXRUNTIME names no library before 1.22, so none was refused");
        return;
    };
    let said = opened(&path);
    assert!(said.starts_with("ONNX Runtime is not there"), "{said}");
    assert!(said.contains("is not compatible") && said.contains("1.22"), "{said}");
}

#[test]
fn the_right_library_says_its_version() {
    let Some(runtime) = testing::runtime() else { return };
    assert!(runtime.version.starts_with("1."), "{}", runtime.version);
    let said = opened(&runtime.path);
    assert!(said.starts_with(&format!("ONNX Runtime {} from {}", runtime.version, runtime.path.display())), "{said}");
}
