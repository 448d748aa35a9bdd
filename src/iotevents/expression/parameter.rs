//! Parameters of actions: topics, ARNs, names of tables.

use smol_str::SmolStr;

use crate::rule::detector::Scalar;

use super::parse::parse;
use super::term::Term;

/// They are expressions too, but real files write `hvac/Cooling/On` without quotes: what does not parse is taken literally. A choice of ours.
pub fn parameter(text: &str) -> Term {
    parse(text).unwrap_or_else(|_| Term::Constant(Scalar::Text(SmolStr::new(text))))
}
