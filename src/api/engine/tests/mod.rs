//! Golden tests of execution, over a small schema. They hold in place what the executing library does and what we make of it.

mod bubbling;
mod input;
mod plant;
mod request;
mod stream;
