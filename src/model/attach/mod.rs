//! Whether a manifest, a file, a backend and a twin fit together, asked when a model is attached and never again at the first inference.
//!
//! In the order in which a person would look: the file, its graph, the backend, the golden rows, the members. Everything that is wrong is said
//! at once.

mod binding;
mod golden;
mod graph;
#[cfg(test)]
mod tests;

use super::backend::{Backends, Chosen, Loaded};
use super::manifest::Manifest;
use super::onnx::Model;
use crate::source::{Diagnostic, Diagnostics, Severity, codes};

pub use binding::{Bound, Kind, Sample, Target, check_bindings, check_skew, check_targets};
pub use golden::{Golden, GoldenRow, ROWS_MAX, check_golden, read_golden};

/// What was found to fit.
pub struct Attached {
    pub model: Model,
    pub backend: Chosen,
    /// Already loaded for the golden rows.
    pub loaded: Box<dyn Loaded>,
}

/// The files that a manifest names, as whoever reads folders and uploads found them.
#[derive(Debug)]
pub struct Files {
    pub onnx: Result<Vec<u8>, String>,
    /// If the manifest names one.
    pub golden: Option<Result<Vec<u8>, String>>,
}

/// All checks that need no twin. `None` if there is an error among the problems.
pub fn check(manifest: &Manifest, files: Files, backends: &Backends, problems: &mut Diagnostics) -> Option<Attached> {
    let before = problems.count(Severity::Error);
    let golden = files.golden.and_then(|bytes| read_golden(manifest, bytes, problems));
    let model = read_file(manifest, files.onnx, problems)?;
    graph::check_graph(manifest, &model, problems);
    let backend = choose(manifest, &model, backends, problems);
    // What does not fit would only fail once more when it runs.
    if problems.count(Severity::Error) > before {
        return None;
    }
    let backend = backend?;
    let mut loaded = match backend.load(&model) {
        Ok(loaded) => loaded,
        Err(error) => {
            let message = format!("{} does not load it: {error}", backend.kind());
            problems.push(Diagnostic::new(&codes::MODEL_UNREADABLE, manifest.file.span, message));
            return None;
        }
    };
    if let Some(golden) = golden {
        check_golden(manifest, &golden, &mut *loaded, problems);
    }
    (problems.count(Severity::Error) == before).then_some(Attached { model, backend, loaded })
}

fn read_file(manifest: &Manifest, bytes: Result<Vec<u8>, String>, problems: &mut Diagnostics) -> Option<Model> {
    let file = &manifest.file;
    let model = match bytes.and_then(|bytes| Model::read(bytes).map_err(|error| format!("not an ONNX file: {error}"))) {
        Ok(model) => model,
        Err(why) => {
            problems.push(Diagnostic::new(&codes::MODEL_UNREADABLE, file.span, format!("`{}`: {why}", file.value)));
            return None;
        }
    };
    let found = model.sha256_text();
    if let Some(stated) = manifest.sha256.as_ref().filter(|stated| stated.value != found) {
        let message = format!("sha256 of `{}` is {}…, the manifest says {}…", file.value, &found[..8], &stated.value[..8]);
        problems.push(Diagnostic::new(&codes::MODEL_HASH, stated.span, message).help(format!("the file has {found}")));
    }
    Some(model)
}

fn choose(manifest: &Manifest, model: &Model, backends: &Backends, problems: &mut Diagnostics) -> Option<Chosen> {
    match backends.choose(manifest.backend.as_ref().map(|kind| kind.value), model) {
        Ok(chosen) => Some(chosen),
        Err(refused) => {
            let span = manifest.backend.as_ref().map_or(manifest.file.span, |kind| kind.span);
            problems.push(Diagnostic::new(&codes::MODEL_OPERATORS, span, refused.to_string()));
            None
        }
    }
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").field("sha256", &self.model.sha256_text()).field("backend", &self.backend).finish_non_exhaustive()
    }
}
