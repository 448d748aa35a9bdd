//! What is asked: the operations of the scenarios, on the types of the bench workspace.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use super::wire;
use crate::cli::bench::wire::MEMBERS;

/// Requests that differ only in their variables; connections take turns with them.
const VARIANTS_MAX: usize = 1_000;
/// Bounds of a filter, in percent of all twins that pass it: half of them at the median.
const FILTER_STEPS: usize = 16;

const POINT: &str = "query ($id: ID!) { benchMachine(id: $id) { id temperature { value } } }";
const LIST: &str = "{ benchMachines(first: 100) { nodes { id temperature { value } } } }";
const FILTER: &str = "query ($above: Float!) { benchMachines(where: {temperature: {gt: $above}}, \
     orderBy: [{field: temperature, direction: DESC}], first: 50) { nodes { id temperature { value time } } } }";
const UNHEARD: &str = "{ benchMachines(where: {temperature: {isNull: true}}, first: 1) { totalCount } }";
const SEQ: &str = "{ system { seq } }";
/// 10, 100 and 900 twins below one.
const TRAVERSE: &str = "{ benchStation(id: \"bench-a-0\") { feeds(first: 10) { nodes { feeds(first: 10) { nodes { feeds(first: 9) \
     { nodes { id name } } } } } } } }";
pub(super) const TRAVERSED: usize = 900;

/// The times come first: they are all that a subscriber here looks at.
pub(super) const READINGS: &str =
    "subscription ($twins: [TwinSeries!]!, $hz: Float!) { readings(select: {twins: $twins}, maxRateHz: $hz) { t kind seq index v q } }";

pub(super) fn point(server: SocketAddr, prefix: &str, twins: usize) -> Vec<Vec<u8>> {
    (0..twins.min(VARIANTS_MAX)).map(|no| post(server, POINT, &json!({ "id": format!("{prefix}{no}") }))).collect()
}

pub(super) fn list(server: SocketAddr) -> Vec<Vec<u8>> {
    vec![post(server, LIST, &Json::Null)]
}

/// Values are spread evenly from 10 to 100.
pub(super) fn filter(server: SocketAddr) -> Vec<Vec<u8>> {
    let above = |step: usize| 10.0 + 85.0 * step as f64 / FILTER_STEPS as f64;
    (0..FILTER_STEPS).map(|step| post(server, FILTER, &json!({ "above": above(step) }))).collect()
}

pub(super) fn traverse(server: SocketAddr) -> Vec<Vec<u8>> {
    vec![post(server, TRAVERSE, &Json::Null)]
}

/// How many twins have no reading yet.
pub(super) fn unheard(server: SocketAddr) -> Vec<u8> {
    post(server, UNHEARD, &Json::Null)
}

/// The newest commit that readers see.
pub(super) fn seq(server: SocketAddr) -> Vec<u8> {
    post(server, SEQ, &Json::Null)
}

/// Is answered once this commit has reached the graph store, or with an error if that takes too long.
pub(super) fn after(server: SocketAddr, seq: &Json) -> Vec<u8> {
    wire::post(&server.to_string(), &json!({ "query": SEQ, "extensions": { "pollux": { "afterSeq": seq } } }))
}

/// What `READINGS` is asked with: the first `members` of so many twins, beginning with `first`.
pub(super) fn series(prefix: &str, twins: impl Iterator<Item = usize>, members: usize, hz: u32) -> Json {
    let names = &MEMBERS[..members];
    let twins: Vec<Json> = twins.map(|no| json!({ "twin": format!("{prefix}{no}"), "properties": names })).collect();
    json!({ "twins": twins, "hz": hz })
}

fn post(server: SocketAddr, document: &str, variables: &Json) -> Vec<u8> {
    wire::post(&server.to_string(), &json!({ "query": document, "variables": variables }))
}
