//! What tests of this folder share: the models of the tests, the runtime if there is one, and a loud word where it is missing.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::backend::{Backends, Batch, Kind, Loaded};
use super::library::{self, Library, Search};
use super::onnx::Model;
use super::tensor::{Data, Tensor};

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/models")
}

pub(super) fn model(name: &str) -> Model {
    let path = folder().join(format!("{name}.onnx"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Model::read(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is no part of the project and cannot be installed either.
pub(super) fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// What can be installed is also written down where the run of all tests looks for it.
fn lacking(what: &str) {
    skipped(what);
    #[expect(clippy::disallowed_methods, reason = "the run of all tests names the file")]
    let file = std::env::var_os("POLLUX_TEST_SKIPPED");
    if let Some(file) = file {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).expect("the list of what was skipped");
        writeln!(file, "{what}").expect("the list of what was skipped can be written");
    }
}

/// The folder with the recorded data of the acceptance page, which are not part of the project.
pub(super) fn data(what: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "outside of tests nobody asks for it")]
    let folder = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from);
    let found = folder.and_then(|folder| [folder.join("ml"), folder].into_iter().find(|folder| folder.join("ai4i2020.csv").is_file()));
    if found.is_none() {
        skipped(&format!("POLLUX_TEST_DATA names no folder with the recorded data, so {what}"));
    }
    found
}

/// A folder of the published samples, which are not part of the project either.
pub(super) fn seeds(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "outside of tests nobody asks for it")]
    let folder = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from);
    let found = folder
        .and_then(|folder| [folder.join("seeds"), folder.join("../seeds"), folder].into_iter().find(|folder| folder.join(name).is_dir()));
    if found.is_none() {
        skipped(&format!("POLLUX_TEST_DATA names no folder with {name}, so it was not tried"));
    }
    Some(found?.join(name))
}

/// Air and process temperature, speed, torque and wear of ten thousand machines, by column.
pub(super) fn machines() -> Option<Vec<Vec<f64>>> {
    let text = std::fs::read_to_string(data("no drift was measured")?.join("ai4i2020.csv")).expect("the machines");
    let column = |at: usize| text.lines().skip(1).filter_map(|line| line.split(',').nth(at)?.parse().ok()).collect();
    Some((3..8).map(column).collect())
}

/// The library by `ORT_DYLIB_PATH`, in the project's folder or the system's.
pub(super) fn library() -> Library {
    #[expect(clippy::disallowed_methods, reason = "outside of tests `config` reads it")]
    let variable = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(library::PROJECT_FOLDER);
    library::open(&Search { variable, project, ..Search::default() })
}

pub(super) fn runtime() -> Option<library::Loaded> {
    let library = library();
    if library.loaded.is_none() {
        lacking("ONNX Runtime is not there, so nothing was run on it: `make onnxruntime` fetches it");
    }
    library.loaded
}

/// The backends there are, of those asked for.
pub(super) fn backends(kinds: &[Kind]) -> Vec<Kind> {
    let has_runtime = !kinds.contains(&Kind::Ort) || runtime().is_some();
    kinds.iter().copied().filter(|kind| *kind != Kind::Ort || has_runtime).collect()
}

pub(super) fn load(kind: Kind, model: &Model) -> Box<dyn Loaded> {
    let backends = Backends::new(&library());
    let backend = backends.get(kind).unwrap_or_else(|| panic!("{kind} is not there"));
    backend.load(model).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

/// One input of floats.
pub(super) fn batch(name: &str, dims: &[usize], elements: impl Into<Vec<f32>>) -> Batch {
    let tensor = Tensor::new(dims.to_vec(), Data::F32(elements.into())).expect("a tensor");
    Batch::new(vec![(Arc::from(name), tensor)]).expect("a batch")
}
