//! Documents with slips, thousands of them: whatever comes, there is an answer, and none of it takes long.

use super::{checker, request};
use crate::api::limits::Limits;
use crate::api::prepare::Preparer;
use crate::api::request::Caller;
use serde_json::json;

const SEEDS: [&str; 5] = [
    "query Q($a: Int! = 2, $b: [Int!]!, $w: Where = {ids: [\"x\"], limit: 3}) { required(a: $a, b: $b) twins(where: $w, first: 3) { nodes { id ...F } } } fragment F on Twin { name ... on Tank { level @skip(if: true) } }",
    "{ twin(id: \"\"\"block \\\"\"\" text\"\"\") { id children(first: 2) { edges { cursor node { ...F } } } } } fragment F on Twin { parent { ...G } } fragment G on Twin { id }",
    "mutation M { a: rename(id: 1, name: \"q\\u00e4\\\"\") { id } b: touch } # end\n",
    "subscription S { twins(limit: 5, maxRateHz: 2.5e0) { seq nodes { id } } }",
    "{ __schema { types { name fields { name type { name ofType { name } } } } } group(by: {property: \"x\"}) twins(json: {a: [1, {b: null}]}) { totalCount } }",
];
const PIECES: [&str; 32] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "!",
    "$",
    "@",
    "...",
    ":",
    "=",
    "|",
    "&",
    "\"",
    "\"\"\"",
    "\\",
    "#",
    "\n",
    "\r",
    ",",
    " ",
    "\u{feff}",
    "ä",
    "\0",
    "on",
    "fragment F on Twin",
    "...F",
    "null",
    "-1e999",
    "@include(if: $a)",
    "99999999999999999999",
];

/// A linear congruential generator: the same documents on every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (sides.max(1) as u64)).expect("fits")
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.throw(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn mutate(&mut self, text: &mut String) {
        let (a, b) = (self.place(text), self.place(text));
        let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 40));
        let end = (start..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
        match self.throw(4) {
            0 => text.insert_str(start, PIECES[self.throw(PIECES.len())]),
            1 => text.replace_range(start..end, ""),
            2 => text.replace_range(start..end, PIECES[self.throw(PIECES.len())]),
            _ => {
                let piece = text[start..end].to_owned();
                let at = self.place(text);
                text.insert_str(at, &piece);
            }
        }
    }
}

#[test]
fn no_slip_makes_it_panic() {
    let preparer = Preparer::new(Limits::default(), None);
    let checker = checker();
    let mut dice = Dice(42);
    let mut accepted = 0;
    for round in 0..4_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_owned();
        for _ in 0..=dice.throw(4) {
            dice.mutate(&mut text);
        }
        let request = request(&text, json!({"b": 1, "w": {"and": {"limit": null}}}));
        match preparer.prepare(&checker, &request, &Caller::local()) {
            Ok(operation) => {
                accepted += 1;
                assert!(operation.cost.cost <= operation.cost.limit);
            }
            Err(refused) => {
                assert!(!refused.errors.is_empty() && refused.errors.len() <= 51, "{text}");
                let lines = text.lines().count().max(1) + 1;
                assert!(refused.errors.iter().flat_map(|error| &error.locations).all(|place| place.line <= lines), "{text}");
            }
        }
    }
    assert!(accepted > 50, "only {accepted} were accepted");
}
