//! What the builder language refuses, and what it prints.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use expect_test::{Expect, expect};

use super::{Out, Root, SchemaBuilder};
use crate::api::engine::{RequestContext, run};
use crate::api::prepare::Checker;
use crate::api::request::{Caller, Role};
use crate::api::scalars;

#[derive(Debug, Clone)]
struct Unit(i32);

fn check(write: impl FnOnce(&mut SchemaBuilder), expected: Expect) {
    let mut schema = SchemaBuilder::new();
    schema.origin(Some("test.yaml"));
    schema.query().value("ok", "Boolean!", "", |_, _| true);
    write(&mut schema);
    match schema.build() {
        Ok(built) => expected.assert_eq(&built.sdl),
        Err(problems) => expected.assert_eq(&(problems.join("\n") + "\n")),
    }
}

#[test]
fn everything_is_printed() {
    check(
        |schema| {
            scalars::declare(schema);
            schema.enumeration("Mode", "How it runs.", &[("RUN", "fast"), ("IDLE", "")]).deprecated("say \"RUN\"");
            schema.input("Pick", "").field("id", "ID").doc("by id").field("mode", "Mode").one_of();
            schema.input("Where", "").field("size", "Int = 7").deprecated("too big").field("modes", "[Mode!] = [RUN, IDLE]");
            schema
                .interface::<Unit>("Twin", "Two\nlines with \"\"\".")
                .value("id", "ID!", "Its \"id\"", |unit, _| unit.0.to_string())
                .field("parent", "Twin", "")
                .arg("hierarchy", "String = \"a \\\"b\\\"\"")
                .arg_doc("which one")
                .now(|_, _, _| Ok(Out::Null));
            schema.object::<Unit>("Mixer", "").implements("Twin").value("speed", "Float", "", |_, _| 1.0).deprecated("gone");
            schema
                .query()
                .field("twins", "[Twin!]!", "")
                .arg("where", "Where")
                .arg("pick", "Pick")
                .now(|_, _, _| Ok(Out::List(Vec::new())));
            schema.query().field("at", "DateTime", "").now(|_, _, _| Ok(Out::Null));
            schema
                .subscription()
                .stream("ticks", "Int!", "")
                .subscribe(|_, _| async { Ok(futures_util::stream::empty::<Result<Out, _>>()) });
        },
        expect![[r#"
            """RFC 3339 in UTC, `Z`, with 0, 3 or 6 fraction digits."""
            scalar DateTime

            type Mixer implements Twin {
              """
              Its "id"
              """
              id: ID!
              parent(
                """which one"""
                hierarchy: String = "a \"b\""
              ): Twin
              speed: Float @deprecated(reason: "gone")
            }

            """How it runs."""
            enum Mode {
              """fast"""
              RUN
              IDLE @deprecated(reason: "say \"RUN\"")
            }

            input Pick @oneOf {
              """by id"""
              id: ID
              mode: Mode
            }

            type Query {
              ok: Boolean!
              twins(where: Where, pick: Pick): [Twin!]!
              at: DateTime
            }

            type Subscription {
              ticks: Int!
            }

            """
            Two
            lines with \""".
            """
            interface Twin {
              """
              Its "id"
              """
              id: ID!
              parent(
                """which one"""
                hierarchy: String = "a \"b\""
              ): Twin
            }

            input Where {
              size: Int = 7 @deprecated(reason: "too big")
              modes: [Mode!] = [RUN, IDLE]
            }
        "#]],
    );
}

#[test]
fn names_meet_with_both_places() {
    check(
        |schema| {
            schema.object::<Unit>("Pipe", "").value("id", "ID!", "", |_, _| "a");
            schema.origin(Some("schemas/Pipe.yaml"));
            schema.object::<Unit>("Pipe", "").value("id", "ID!", "", |_, _| "a").value("id", "Int", "", |_, _| 1);
            schema.query().value("pipe", "Pipe", "", |_, _| Out::Null).value("ok", "Pipe", "", |_, _| Out::Null);
        },
        expect![[r#"
            the field `Pipe.id` is declared twice: as `ID!` and as `Int`
            the field `Query.ok` is declared twice: as `Boolean!` and as `Pipe`
            the type `Pipe` is declared twice: by test.yaml and by schemas/Pipe.yaml
        "#]],
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    check(
        |schema| {
            schema.enumeration("Empty", "", &[]);
            schema.enumeration("__Odd", "", &[("a-b", ""), ("true", ""), ("A", ""), ("A", "")]);
            schema
                .input("In", "")
                .field("x", "Int! = \"text\"")
                .field("y", "Unit")
                .field("z", "[Int")
                .field("w", "Int = {")
                .field("x", "Int");
            schema.input("Pick", "").field("a", "Int!").field("b", "Int = 1").one_of();
            schema.object::<Unit>("Unit", "").field("open", "String", "").field("list", "[Int]", "").now(|_, _, _| Ok(Out::Null));
            schema.object::<Unit>("Alone", "").value("id", "ID!", "", |_, _| "a");
            schema
                .query()
                .field("a", "Unit", "")
                .arg("in", "In")
                .arg("in", "Pick")
                .arg("odd", "__Odd")
                .now(|_, _, _| Ok(Out::Null))
                .field("b", "In", "")
                .arg("unit", "Unit")
                .now(|_, _, _| Ok(Out::Null))
                .value("c", "Nothing", "", |_, _| Out::Null)
                .value("d", "Empty", "", |_, _| Out::Null);
            schema.subscription().stream("s", "Int!", "");
        },
        expect![[r#"
            `Empty` (test.yaml) has no value
            `In.x`: its default does not fit: `x` must be of the type Int
            `In.y` takes the type `Unit`, which is no input
            `In` has the field `x` twice
            `In`, `w`: `{` is not a value
            `In`, `z`: `[Int` is not a type
            `Pick.a` must be nullable and without a default: exactly one is given
            `Pick.b` must be nullable and without a default: exactly one is given
            `Query.a(in:)` cannot be the name of an argument, or is there twice
            `Query.b(unit:)` takes the type `Unit`, which is no input
            `Query.b` gives back the type `In`, which no field can have
            `Query.c` has the type `Nothing`, which is not declared
            `Query`, `odd`: `__Odd` is not a type
            `Subscription.s` cannot be subscribed to
            `Unit.list` is `[Int]`: lists never hold null
            `Unit.open` has no resolver
        "#]],
    );
}

#[test]
fn interfaces_are_met_word_for_word() {
    check(
        |schema| {
            schema.interface::<Root>("Node", "").field("id", "ID!", "").field("at", "Int", "").arg("x", "Int = 1").field("by", "Int!", "");
            schema
                .object::<Unit>("Unit", "")
                .implements("Node")
                .implements("Nowhere")
                .value("id", "ID", "", |_, _| "a")
                .field("at", "Int", "")
                .arg("x", "Int = 2")
                .now(|_, _, _| Ok(Out::Null));
            schema.interface::<Unit>("A", "").implements("B");
            schema.interface::<Unit>("B", "").implements("A").value("b", "Int", "", |_, _| 1);
            schema.query().value("node", "Node", "", |_, _| Out::Null).value("a", "A", "", |_, _| Out::Null);
        },
        expect![[r#"
            `Unit.at` has other arguments than in `Node`
            `Unit.by` has no resolver
            `Unit.id` is `ID`, but `ID!` in `Node`
            `Unit` implements `Nowhere`, which is no interface
            the interface `A` takes over its own fields
        "#]],
    );
}

#[test]
fn what_is_recorded_of_a_field_can_be_asked_for() {
    let mut schema = SchemaBuilder::new();
    schema.interface::<Unit>("Twin", "").value("id", "ID!", "", |unit, _| unit.0.to_string()).weight(2).role(Role::Operator);
    schema.object::<Unit>("Mixer", "").implements("Twin").value("speed", "Float", "", |_, _| 1.0).slot("speed");
    schema.query().value("mixer", "Mixer", "", |_, _| Out::object(Unit(1)));
    let built = schema.build().unwrap();
    assert_eq!(built.field("Mixer", "speed").unwrap().slots, ["speed"]);
    let id = built.field("Mixer", "id").unwrap();
    assert_eq!((id.role, id.weight), (Some(Role::Operator), Some(2)));
    assert_eq!(built.coordinates().keys().collect::<Vec<_>>(), ["Mixer.id", "Mixer.speed", "Query.mixer", "Twin.id"]);
}

/// What clients learn by introspection is what is printed, and what the validating stage takes.
#[tokio::test]
async fn the_printed_schema_is_valid_and_the_one_that_is_introspected() {
    let mut schema = SchemaBuilder::new();
    scalars::declare(&mut schema);
    schema.interface::<Unit>("Payload", "").value("seq", "Long", "", |_, _| 5_u64);
    schema.object::<Unit>("Done", "").implements("Payload");
    schema.input("Pick", "").field("id", "ID").field("modes", "[Mode!]").one_of();
    schema.enumeration("Mode", "", &[("RUN", "")]);
    schema.query().field("done", "Done!", "").arg("pick", "Pick").arg("mode", "Mode = RUN").now(|_, _, _| Ok(Out::object(Unit(1))));
    let built = schema.build().unwrap();
    Checker::new(&built.sdl, built.weights()).unwrap();

    let document = parse_query("{ __schema { types { name } } }").unwrap();
    let ctx = RequestContext::new(Caller::local(), "r1".to_owned(), Arc::new(()));
    let answer = run(&built, document, &[], serde_json::Map::new(), Arc::new(ctx)).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let names = answer["data"]["__schema"]["types"].as_array().unwrap().iter().filter_map(|ty| ty["name"].as_str());
    let own: Vec<&str> =
        names.filter(|name| !name.starts_with("__") && !["Boolean", "Float", "ID", "Int", "String"].contains(name)).collect();
    assert_eq!(own, ["Done", "Long", "Mode", "Payload", "Pick", "Query"]);
}
