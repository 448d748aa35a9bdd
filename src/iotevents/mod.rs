//! AWS IoT Events: detector models, alarm models, inputs and messages as exported, run unedited (`seed-systems.md`, 1).
//!
//! A file is read ([`file`]), its expressions are parsed ([`expression`]), and [`detector`] makes of it a definition of `rule::detector`, which is
//! the one engine for their detectors and ours. [`lint`] says what cannot work, [`workspace`] what an import writes, [`describe`] what migrated
//! tools ask for. Nothing here knows a clock, a file system or a twin: payloads come in through [`detector::Inputs`].

pub mod describe;
pub mod detector;
pub mod expression;
pub mod file;
mod finding;
pub mod lint;
#[cfg(test)]
mod tests;
pub mod workspace;

pub use finding::{FINDINGS_MAX, Finding, Findings, Kind, Level, analysis_results};
