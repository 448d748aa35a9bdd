//! Files as exporters write them, and files that nobody should believe.

use std::path::PathBuf;

use expect_test::{Expect, expect};

use super::*;

fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the file says of itself, in lines.
fn shown(model: &Model) -> String {
    let ports = |ports: Vec<&Port>| ports.iter().map(|port| format!("{}: {}", port.name, port.describe())).collect::<Vec<_>>().join("; ");
    let mut ops: Vec<String> = model.nodes().iter().map(|node| node.op.clone()).collect();
    ops.sort();
    ops.dedup();
    let opsets: Vec<String> = model.opsets.iter().map(|(domain, version)| format!("{domain}@{version}")).collect();
    format!(
        "IR {}, {}, by {}\nin  {}\nout {}\nops {}\n{} bytes of weights\n",
        model.ir_version,
        opsets.join(" "),
        model.producer,
        ports(model.inputs().collect()),
        ports(model.outputs().iter().collect()),
        ops.join(" "),
        model.weight_bytes
    )
}

fn check(name: &str, expected: Expect) {
    expected.assert_eq(&shown(&Model::read(bytes(name)).expect("a model")));
}

fn refused(bytes: Vec<u8>) -> String {
    Model::read(bytes).expect_err("it must be refused").to_string()
}

/// A field of the wire format, so that hostile files can be put together here.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn number(field: u8, value: u64) -> Vec<u8> {
    let mut out = vec![field << 3];
    varint(&mut out, value);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A model of this graph, otherwise in order.
fn model(graph: &[u8]) -> Vec<u8> {
    [number(1, 8), field(8, &number(2, 17)), field(7, graph)].concat()
}

#[test]
fn models_of_several_exporters() {
    check(
        "fd001_lstm.onnx",
        expect![[r#"
            IR 8, @17 ai.onnx.ml@3, by pollux tests
            in  x: f32 [batch, 30, 14]
            out life: f32 [batch, 1]
            ops Div Gemm LSTM Mul Squeeze Sub Transpose
            24832 bytes of weights
        "#]],
    );
    check(
        "ai4i_forest.onnx",
        expect![[r#"
        IR 8, @17 ai.onnx.ml@3, by pollux tests
        in  x: f32 [batch, 8]
        out label: i64 [batch]; probabilities: f32 [batch, 2]
        ops TreeEnsembleClassifier
        0 bytes of weights
    "#]],
    );
    check(
        "two_inputs.onnx",
        expect![[r#"
        IR 8, @17 ai.onnx.ml@3, by pollux tests
        in  x: f32 [batch, 2]; seq: f32 [batch, 5, 1]; mode: i64 [batch, 1]
        out y: f32 [batch, 4]
        ops Cast Concat ReduceMean
        0 bytes of weights
    "#]],
    );
    check(
        "zipmap.onnx",
        expect![[r#"
        IR 8, @17 ai.onnx.ml@3, by pollux tests
        in  x: f32 [batch, 2]
        out label: i64 [batch]; output_probability: a sequence of maps
        ops LinearClassifier ZipMap
        0 bytes of weights
    "#]],
    );
    // `Unique` stands in a graph inside an attribute.
    check(
        "subgraph.onnx",
        expect![[r#"
        IR 8, @17 ai.onnx.ml@3, by pollux tests
        in  x: f32 [batch]
        out y: f32 [?]
        ops Greater Identity If ReduceMax Unique
        4 bytes of weights
    "#]],
    );
}

#[test]
fn broken_files_are_refused_wherever_they_end() {
    let whole = bytes("two_inputs.onnx");
    let mut refusals = 0;
    for end in 0..whole.len() {
        refusals += usize::from(Model::read(&whole[..end]).is_err());
    }
    // A file that ends between two fields is a shorter file; most ends are in the middle of one.
    assert!(refusals * 10 > whole.len() * 9, "{refusals} of {}", whole.len());
    assert!(refused(bytes("make.py")).contains("wire type") || !refused(bytes("make.py")).is_empty());
    assert_eq!(refused(Vec::new()), "it does not say which version of the format it is");
}

#[test]
fn any_changed_byte_is_read_or_refused() {
    let whole = bytes("subgraph.onnx");
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut changed = whole.clone();
        for _ in 0..1 + seed % 3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % changed.len();
            changed[at] = (seed >> 20) as u8;
        }
        // Whatever comes of it: no panic, no memory beyond the bounds.
        drop(Model::read(changed));
    }
}

#[test]
fn what_a_file_declares_is_bounded() {
    let weights = |dims: &[u64], more: &[u8]| {
        let mut tensor: Vec<u8> = dims.iter().flat_map(|dim| number(1, *dim)).collect();
        tensor.extend([number(2, 1), field(8, b"w"), more.to_vec()].concat());
        model(&field(5, &tensor))
    };
    // Two thousand million bytes that are not there.
    assert_eq!(refused(weights(&[1 << 29], &[])), "the weights `w` of [536870912] declare more than 268435456 bytes");
    assert_eq!(
        refused(weights(&[1 << 40, 1 << 40], &[])),
        "the weights `w` of [1099511627776, 1099511627776] declare more than 268435456 bytes"
    );
    assert_eq!(refused(weights(&[3], &field(9, &[0; 8]))), "the weights `w` of [3] need 12 bytes and have 8");
    assert_eq!(refused(weights(&[u64::MAX], &[])), "weights have the dimension -1");
    let external = number(14, 1);
    assert_eq!(refused(weights(&[3], &external)), "the weights `w` lie in another file: save the model with its weights inside");
}

#[test]
fn depth_and_count_are_bounded() {
    let mut graph = Vec::new();
    for _ in 0..=DEPTH_MAX {
        let attribute = [field(1, b"body"), field(6, &graph)].concat();
        graph = field(1, &[field(4, b"If"), field(5, &attribute)].concat());
    }
    assert_eq!(refused(model(&graph)), "graphs lie more than 8 deep in each other");
    let node = field(1, &field(4, b"A"));
    assert_eq!(refused(model(&node.repeat(NODES_MAX + 1))), "it has more than 100000 nodes");
}

#[test]
fn versions_of_tomorrow_are_refused_by_number() {
    let with = |ir: u64, opset: u64| [number(1, ir), field(8, &number(2, opset)), field(7, &[])].concat();
    assert_eq!(refused(with(99, 17)), "it is of IR version 99; known are 3 to 13");
    assert_eq!(refused(with(8, 99)), "it needs version 99 of the operators of ai.onnx; known are 1 to 26");
    assert_eq!(refused([number(1, 8), field(7, &[])].concat()), "it names no operator set");
    assert_eq!(refused([number(1, 8), field(8, &number(2, 17))].concat()), "it holds no graph");
}
