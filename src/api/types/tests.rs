//! The core by itself: what clients of any workspace find.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::build::{Built, SchemaBuilder};
use crate::api::names;
use crate::api::prepare::Checker;
use crate::api::{mutation, query, scalars, subscription, types};
use crate::catalog::Catalog;

fn core() -> Built {
    let plan = Arc::new(names::plan(&Catalog::default(), &BTreeSet::new()).unwrap());
    let mut schema = SchemaBuilder::new();
    scalars::declare(&mut schema);
    types::declare(&mut schema, &plan);
    query::declare(&mut schema);
    mutation::declare(&mut schema);
    subscription::declare(&mut schema);
    schema.build().unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

#[test]
fn the_core_stands_alone() {
    let built = core();
    Checker::new(&built.sdl, built.weights()).unwrap();
    // Without types every twin is shown by the one object that knows no type.
    for part in ["type OtherTwin implements Node & Twin {", "type Query {", "type Subscription {", "interface AnyReading {"] {
        assert!(built.sdl.contains(part), "{part} is not in\n{}", built.sdl);
    }
}

/// What a client sees says what it is: types, and fields that have arguments.
#[test]
fn the_core_describes_itself() {
    let built = core();
    let mut bare = Vec::new();
    let mut before = "";
    for line in built.sdl.lines() {
        let is_type = ["type ", "interface ", "input ", "enum ", "scalar "].iter().any(|word| line.starts_with(word));
        let is_root = ["type Query", "type Mutation", "type Subscription"].iter().any(|root| line.starts_with(root));
        if is_type && !is_root && !before.contains("\"\"\"") {
            bare.push(line);
        }
        before = line;
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
}
