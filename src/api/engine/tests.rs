//! Golden tests of execution.
