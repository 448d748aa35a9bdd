//! How rules behave over readings, delays, unknown data, patterns and hours.

mod actions;
mod data;
mod delays;
mod patterns;
mod properties;
mod recorded;
mod schedules;
mod watches;
mod world;
