//! AWS IoT Events: detector models, alarm models, inputs and messages as exported, run unedited (`seed-systems.md`, 1).
//!
//! A file is read ([`file`]), its expressions are parsed ([`expression`]), and [`detector`] makes of it a definition of `rule::detector`, which is
//! the one engine for their detectors and ours. [`lint`] says what cannot work, [`workspace`] what an import writes, [`describe`] what migrated
//! tools ask for. Nothing here knows a clock, a file system or a twin: payloads come in through [`detector::Inputs`].
//!
//! # Choices of ours
//!
//! Where AWS is silent or contradicts itself, one place decides, so that evidence can change it:
//!
//! | what | where |
//! |---|---|
//! | integers are divided with halves rounded away from zero | `expression::operate` |
//! | a back-slash in a text stands for itself, except before the quote that the text is in | `expression::parse` |
//! | a parameter that is no expression is taken literally | `expression::parameter` |
//! | what is invalid is not undefined, for `isUndefined` too; beside something undefined it makes `==` and `!=` invalid | `expression::evaluate` |
//! | a decimal without a fraction keeps its point as text: `15.0` | `expression::value` |
//! | the timers in a default payload are told as the seconds at which they run out | `detector::payload` |
//! | what a row of DynamoDB and a value of SiteWise look like on a topic | `detector::payload` |
//! | the ids of actions: made of twin, definition, evaluation and place, so that a replay gives the same | `detector::instance` |
//! | the states of an alarm model, and that missing data move none | `detector::alarm` |
//! | when timers run out, are reset, and are asked about (D11 to D15) | `rule::detector` |
//! | a repetition is known by its id for five minutes, of the last 256 messages of a twin (D3) | `rule::detector::messages`, `twin::recent` |
//! | the action `iotEvents` is a message of its own, whose id is the key of the action | `runtime::outbox` |
//! | BatchUpdateDetector leaves what it does not name | `describe` |

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
