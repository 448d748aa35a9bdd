//! ONNX models: their files, their manifests, what feeds them, what runs them and the threads they run on.
//!
//! A model is a file with a manifest beside it. [`onnx`] reads the file before anything runs it, [`manifest`] what its author says about it, and
//! [`attach`] whether both fit together. [`feature`] makes the rows for it out of a twin's readings, [`backend`] runs them, and a [`host`] is
//! the thread that a version of a model lives on. Twins, the graph store and the wire are unknown here.

pub mod attach;
pub mod backend;
pub mod drift;
pub mod feature;
pub mod host;
pub mod library;
pub mod manifest;
pub mod onnx;
pub mod output;
pub mod tensor;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

/// What a panic said.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it does not say why").to_owned()
}
