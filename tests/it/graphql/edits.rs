//! Changes through the API: what is answered is committed, and what cannot be done is told as data.

use expect_test::{Expect, expect};
use serde_json::{Value as Json, json};

use super::Plant;

/// The mistakes of a mutation with one field, one a line.
async fn refused(plant: &Plant, mutation: &str, expected: Expect) {
    let data = plant.data(&format!("mutation {{ {mutation} {{ seq userErrors {{ code message hint path }} }} }}")).await;
    let payload = data.as_object().unwrap().values().next().unwrap();
    assert_eq!(payload["seq"], Json::Null, "nothing is committed: {payload}");
    let line = |error: &Json| {
        let path: Vec<&str> = error["path"].as_array().map(|path| path.iter().filter_map(Json::as_str).collect()).unwrap_or_default();
        format!("{} {}: {}\n", error["code"].as_str().unwrap(), path.join("/"), error["message"].as_str().unwrap())
    };
    expected.assert_eq(&payload["userErrors"].as_array().unwrap().iter().map(line).collect::<String>());
}

#[tokio::test]
async fn what_is_answered_is_read_at_once() {
    let plant = Plant::start();
    let made = plant
        .data(
            "mutation {
                createTank(input: {id: \"t-9\", parent: \"mixing\", height: 3, capacity: 2, feeds: [{target: \"mixer-1\", pipe: \"DN50\"}]}) {
                    seq userErrors { code } tank { id path feeds { edges { pipe node { id } } } }
                }
                updateMixer(id: \"mixer-1\", set: {recipe: \"Cola\"}) { mixer { recipe fedBy(first: 10) { nodes { id } } } }
                moveTwin(input: {id: \"t-9\", parent: \"bottling\"}) { twin { path } }
            }",
        )
        .await;
    assert_eq!(made["createTank"]["userErrors"], json!([]), "{made}");
    assert_eq!(made["createTank"]["tank"]["path"], "/riverside/mixing/t-9");
    assert_eq!(made["createTank"]["tank"]["feeds"]["edges"], json!([{"pipe": "DN50", "node": {"id": "mixer-1"}}]));
    assert_eq!(made["updateMixer"]["mixer"]["recipe"], "Cola");
    assert!(made["updateMixer"]["mixer"]["fedBy"]["nodes"].as_array().unwrap().contains(&json!({"id": "t-9"})), "{made}");
    assert_eq!(made["moveTwin"]["twin"]["path"], "/riverside/bottling/t-9");
    // Another request, which names the commit it wants to have behind it.
    let seq = made["createTank"]["seq"].as_str().unwrap();
    let query = "{ tank(id: \"t-9\") { feeds { nodes { id } } } graph(root: \"t-9\", depth: 1) { seq relations { name } } }";
    let read = plant.ask(json!({"query": query, "extensions": {"pollux": {"afterSeq": seq, "receipt": true}}})).await;
    assert_eq!(read["data"]["tank"]["feeds"]["nodes"], json!([{"id": "mixer-1"}]), "{read}");
    assert!(read["extensions"]["receipt"]["storeSeq"].as_str().unwrap().parse::<u64>().unwrap() >= seq.parse().unwrap(), "{read}");
    let gone = plant.data("mutation { deleteTwin(input: {id: \"t-9\"}) { deleted userErrors { code } } }").await;
    assert_eq!(gone, json!({"deleteTwin": {"deleted": ["t-9"], "userErrors": []}}));
    assert_eq!(plant.data("{ twin(id: \"t-9\") { id } }").await, json!({"twin": null}));
}

#[tokio::test]
async fn mistakes_are_told_all_at_once_with_their_places() {
    let plant = Plant::start();
    refused(
        &plant,
        "updateTwin(input: {id: \"mixer-1\", set: {recipee: \"x\", ratedVolume: 1}, expectedRevision: \"900\"})",
        expect![[r#"
            REVISION_CONFLICT input/expectedRevision: `mixer-1` is at revision 7
            OUT_OF_RANGE input/set/ratedVolume: `ratedVolume` does not fit: 1 L is below min 50 L
            UNKNOWN_PROPERTY input/set/recipee: a Mixer has no property `recipee`
        "#]],
    )
    .await;
    refused(
        &plant,
        "deleteTwin(input: {id: \"riverside\"})",
        expect![[r#"
            HAS_CHILDREN input/id: `riverside` has children: raw-materials, mixing, bottling, utilities
        "#]],
    )
    .await;
    refused(
        &plant,
        "applyGraph(ops: [{create: {id: \"t-1\", type: \"Tank\", set: {height: 3, capacity: 2}}}, {relate: {source: \"t-1\", name: \"feeds\", target: \"nobody\"}}])",
        expect![[r#"
            UNKNOWN_TWIN ops/1/relate/target: there is no twin `nobody`
        "#]],
    )
    .await;
    assert_eq!(plant.data("{ twin(id: \"t-1\") { id } }").await, json!({"twin": null}), "all or nothing");
    refused(
        &plant,
        "updateTwins(where: {isA: [\"Mixer\"]}, set: {recipe: \"Cola\"}, dryRun: false, expectedCount: 99)",
        expect![[r#"
            COUNT_MISMATCH expectedCount: 2 twins match, and 99 were expected; nothing was done
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_key_makes_a_retry_harmless_also_after_a_restart() {
    let mut plant = Plant::start();
    let create = |id: &str| {
        let input = format!("{{id: \"{id}\", type: \"Tank\", set: {{height: 3, capacity: 2}}}}");
        format!("mutation {{ createTwin(input: {input}, idempotencyKey: \"k\") {{ seq userErrors {{ code }} twin {{ id }} }} }}")
    };
    let first = plant.data(&create("t-1")).await;
    assert_eq!(first["createTwin"]["twin"]["id"], "t-1", "{first}");
    assert_eq!(plant.data(&create("t-1")).await, first);
    assert_eq!(plant.data(&create("t-2")).await["createTwin"]["userErrors"], json!([{"code": "IDEMPOTENCY_KEY_REUSED"}]));
    plant.again();
    assert_eq!(plant.data(&create("t-1")).await, first);
}

#[tokio::test]
async fn a_change_of_many_can_be_looked_at_first() {
    let plant = Plant::start();
    let change = |dry_run: bool| {
        let arguments = format!("where: {{isA: [\"Mixer\"]}}, set: {{recipe: \"Cola\"}}, dryRun: {dry_run}, expectedCount: 2");
        format!("mutation {{ updateTwins({arguments}) {{ matched changed refused preview {{ twin {{ id }} before after }} }} }}")
    };
    let recipes = "{ mixers { nodes { recipe } } }";
    let looked = plant.data(&change(true)).await;
    assert_eq!((&looked["updateTwins"]["changed"], &looked["updateTwins"]["preview"][0]["after"]), (&json!(2), &json!({"recipe": "Cola"})));
    assert_eq!(plant.data(recipes).await["mixers"]["nodes"], json!([{"recipe": "Lemonade"}, {"recipe": "Orange"}]));
    let done = plant.data(&change(false)).await;
    assert_eq!((&done["updateTwins"]["changed"], &done["updateTwins"]["preview"]), (&json!(2), &json!([])));
    assert_eq!(plant.data(recipes).await["mixers"]["nodes"], json!([{"recipe": "Cola"}, {"recipe": "Cola"}]));
}
