//! What the rules of an example have done: what they emitted, and what they asked others for.

use serde_json::{Map, Value as Json, json};

use crate::backtest::plant::{Happened, Listener};
use crate::backtest::tale::Tale;
use crate::rule::{Ask, Target};
use crate::twin::Event;

/// Of one example, each; what comes after them is counted as one more, so that no list is taken for the whole.
const DONE_MAX: usize = 1_000;
/// Doubles that are written in decimals and computed in binary are the same up to this part of them.
pub(super) const NEAR: f64 = 1e-9;

/// Keeps what a tale keeps, and what was done.
#[derive(Debug, Default)]
pub(super) struct Witness {
    pub(super) tale: Tale,
    /// `{"emit": …, "data": …}`
    pub(super) events: Vec<Json>,
    /// As `do` says it.
    pub(super) actions: Vec<Json>,
}

impl Listener for Witness {
    fn happened(&mut self, happened: &Happened<'_>) {
        self.tale.happened(happened);
        for event in happened.events {
            if let Event::Happened(happened) = event
                && happened.rule.is_some()
            {
                let data = happened.body.as_ref().map(|body| ("data", body.clone()));
                add(&mut self.events, object([("emit", json!(happened.event))], data));
            }
            if let Event::Asked(request) = event {
                add(&mut self.actions, told(&request.ask));
            }
        }
    }
}

fn add(list: &mut Vec<Json>, one: Json) {
    match list.len() {
        DONE_MAX => list.push(json!("more")),
        length if length < DONE_MAX => list.push(one),
        _ => {}
    }
}

fn told(ask: &Ask) -> Json {
    let named = |key: &'static str, value: &Option<Json>| value.clone().map(|value| (key, value));
    match ask {
        // Both are done on the twin itself, and are no requests.
        Ask::Set { value, .. } => json!({ "set": value }),
        Ask::Emit { event, data } => object([("emit", json!(event))], named("data", data)),
        Ask::Publish { topic, payload, qos, retain } => {
            object([("publish", json!(topic)), ("qos", json!(qos)), ("retain", json!(retain))], named("payload", payload))
        }
        Ask::Webhook { name, body } => object([("webhook", json!(name))], named("body", body)),
        Ask::Command { name, args, target } => json!({"command": name, "args": args, "twin": word(target)}),
        Ask::Raise { target, id, severity, text } => {
            let said = [("raise", json!(word(target))), ("id", json!(id)), ("severity", json!(severity.as_str())), ("over", json!(false))];
            object(said, text.as_ref().map(|text| ("text", json!(text))))
        }
        Ask::Lower { target, id } => json!({"raise": word(target), "id": id, "over": true}),
    }
}

fn word(target: &Target) -> &str {
    match target {
        Target::This => "this",
        Target::Parent => "parent",
        Target::Related(relation) => relation,
    }
}

fn object<const N: usize>(said: [(&str, Json); N], more: Option<(&str, Json)>) -> Json {
    let pairs = said.into_iter().chain(more).map(|(key, value)| (key.to_owned(), value));
    Json::Object(pairs.collect::<Map<_, _>>())
}

/// Whether that is what was expected: an object may say more, a list may not.
pub(super) fn fits(expected: &Json, found: &Json) -> bool {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| fits(value, found)))
        }
        (Json::Array(expected), Json::Array(found)) => all_fit(expected, found),
        (Json::Number(expected), Json::Number(found)) => match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => (expected - found).abs() <= NEAR * expected.abs().max(found.abs()),
            (_, _) => expected == found,
        },
        (expected, found) => expected == found,
    }
}

pub(super) fn all_fit(expected: &[Json], found: &[Json]) -> bool {
    expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| fits(expected, found))
}
