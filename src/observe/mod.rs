//! What an operator sees from outside: the log, the metrics page, and whether the parts are well. It uses no other module.
//!
//! Nothing here is global but the log: a test runs many programs in one process, each with its own metrics and health.

pub mod logging;
pub mod metrics;
mod page;
pub mod process;
#[cfg(test)]
mod tests;

pub use metrics::Metric;
pub use page::{Buckets, Page};
