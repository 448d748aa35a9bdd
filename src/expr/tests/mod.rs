//! Expressions from text to value, over the names of a small type.

mod fuzz;
mod logic;
mod oracle;
mod problems;
mod random;
mod rules;
mod values;
mod world;

use world::{World, check_text, compile};
