"""ONNX graphs from what `train.py` has learned, and the small ones that only show a shape or an operator."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BATCH = "batch"
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, dims, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, dims)


def weights(name, array, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(array, dtype=dtype), name)


def ml(op, inputs, outputs, name, **attributes):
    return helper.make_node(op, inputs, outputs, name=name, domain="ai.onnx.ml", **attributes)


def save(path, nodes, inputs, outputs, initializers=(), ml_version=3, opset=17, check=True):
    graph = helper.make_graph(list(nodes), path.stem, list(inputs), list(outputs), list(initializers))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml_version)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="pollux tests", ir_version=8)
    if check:
        onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    assert path.stat().st_size <= 200_000, f"{path} is too large to be kept"


def tree_attributes(forest):
    """The parallel lists of nodes that all tree ensembles have, and the leaves as (tree, node, value)."""
    lists = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    leaves = []
    for tree, nodes in enumerate(forest):
        for at, node in enumerate(nodes):
            is_leaf = len(node) == 1
            feature, threshold, yes, no = (0, 0.0, 0, 0) if is_leaf else node
            row = (tree, at, feature, "LEAF" if is_leaf else "BRANCH_LEQ", threshold, yes, no)
            for key, entry in zip(lists, row):
                lists[key].append(entry)
            if is_leaf:
                leaves.append((tree, at, node[0]))
    return {f"nodes_{k}": v for k, v in lists.items()}, leaves


def forest_classifier(path, forest, columns):
    """As scikit-learn exports a binary one: only the share of the second class, and the runtime adds the other."""
    nodes, leaves = tree_attributes(forest)
    node = ml(
        "TreeEnsembleClassifier", ["x"], ["label", "probabilities"], "forest", post_transform="NONE",
        classlabels_int64s=[0, 1], class_treeids=[x[0] for x in leaves], class_nodeids=[x[1] for x in leaves],
        class_ids=[0] * len(leaves), class_weights=[x[2] / len(forest) for x in leaves], **nodes,
    )
    save(path, [node], [value("x", [BATCH, columns])], [value("label", [BATCH], INT64), value("probabilities", [BATCH, 2])])


def boosted_classifier(path, forest, columns, base):
    """As xgboost and lightgbm export a binary one: weights of one class that may be below zero, and a logistic at the end."""
    nodes, leaves = tree_attributes(forest)
    node = ml(
        "TreeEnsembleClassifier", ["x"], ["label", "probabilities"], "boosted", post_transform="LOGISTIC",
        classlabels_int64s=[0, 1], class_treeids=[x[0] for x in leaves], class_nodeids=[x[1] for x in leaves],
        class_ids=[0] * len(leaves), class_weights=[x[2] - 0.1 for x in leaves], base_values=[base], **nodes,
    )
    save(path, [node], [value("x", [BATCH, columns])], [value("label", [BATCH], INT64), value("probabilities", [BATCH, 2])])


def forest_regressor(path, forest, columns):
    nodes, leaves = tree_attributes(forest)
    node = ml(
        "TreeEnsembleRegressor", ["x"], ["y"], "trees", n_targets=1, aggregate_function="AVERAGE", base_values=[0.5],
        target_treeids=[x[0] for x in leaves], target_nodeids=[x[1] for x in leaves], target_ids=[0] * len(leaves),
        target_weights=[x[2] for x in leaves], **nodes,
    )
    save(path, [node], [value("x", [BATCH, columns])], [value("y", [BATCH, 1])])


def linear_classifier(path, mean, std, w, c):
    scaler = ml("Scaler", ["x"], ["scaled"], "scale", offset=[float(m) for m in mean], scale=[float(1 / s) for s in std])
    linear = ml(
        "LinearClassifier", ["scaled"], ["label", "raw"], "linear", classlabels_ints=[0, 1], multi_class=0, post_transform="LOGISTIC",
        coefficients=[float(v) for v in np.r_[-w, w]], intercepts=[float(-c), float(c)],
    )
    norm = ml("Normalizer", ["raw"], ["probabilities"], "norm", norm="L1")
    save(path, [scaler, linear, norm], [value("x", [BATCH, len(w)])], [value("label", [BATCH], INT64), value("probabilities", [BATCH, 2])])


def linear_regressor(path, w, c):
    node = ml("LinearRegressor", ["x"], ["y"], "linear", coefficients=[float(v) for v in w], intercepts=[float(c)], targets=1)
    save(path, [node], [value("x", [BATCH, len(w)])], [value("y", [BATCH, 1])])


def dense(path, p, mean, std, shape, factor):
    steps = [("Sub", ["x", "mean"]), ("Div", ["s0", "std"]), ("Flatten", ["s1"])]
    initializers = [weights("mean", mean), weights("std", std), weights("factor", factor)]
    layers = len(p) // 2
    for i in range(layers):
        initializers += [weights(f"w{i}", p[f"w{i}"]), weights(f"b{i}", p[f"b{i}"])]
        steps.append(("Gemm", [f"s{len(steps) - 1}", f"w{i}", f"b{i}"]))
        if i < layers - 1:
            steps.append(("Relu", [f"s{len(steps) - 1}"]))
    steps.append(("Mul", [f"s{len(steps) - 1}", "factor"]))
    nodes = [helper.make_node(op, i, [f"s{at}" if at < len(steps) - 1 else "life"], name=f"n{at}") for at, (op, i) in enumerate(steps)]
    save(path, nodes, [value("x", [BATCH, *shape])], [value("life", [BATCH, 1])], initializers)


def lstm(path, p, mean, std, shape, factor):
    width = p["r"].shape[0]
    bias = np.r_[p["b"], np.zeros(4 * width)]
    initializers = [
        weights("mean", mean), weights("std", std), weights("factor", factor), weights("w", p["w"].T[None]), weights("r", p["r"].T[None]),
        weights("b", bias[None]), weights("v", p["v"]), weights("c", p["c"]), weights("zero", [0], np.int64),
    ]
    nodes = [
        helper.make_node("Sub", ["x", "mean"], ["s0"], name="sub"),
        helper.make_node("Div", ["s0", "std"], ["s1"], name="div"),
        helper.make_node("Transpose", ["s1"], ["s2"], name="time_first", perm=[1, 0, 2]),
        helper.make_node("LSTM", ["s2", "w", "r", "b"], ["", "h"], name="lstm", hidden_size=width),
        helper.make_node("Squeeze", ["h", "zero"], ["s3"], name="squeeze"),
        helper.make_node("Gemm", ["s3", "v", "c"], ["s4"], name="out"),
        helper.make_node("Mul", ["s4", "factor"], ["life"], name="scale"),
    ]
    save(path, nodes, [value("x", [BATCH, *shape])], [value("life", [BATCH, 1])], initializers)


def small_ones(folder):
    """One for each shape or habit that the checks at attach must notice."""
    add = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], name="sum", keepdims=1)]
    axes = [weights("axes", [1], np.int64)]
    save(folder / "sum.onnx", add, [value("x", [BATCH, 3])], [value("y", [BATCH, 1])], axes)
    save(folder / "fixed_batch.onnx", add, [value("x", [1, 3])], [value("y", [1, 1])], axes)
    mixes = [helper.make_node("ReduceMean", ["x"], ["m"], name="mean", axes=[0], keepdims=1), helper.make_node("Sub", ["x", "m"], ["y"], name="sub")]
    save(folder / "mixes_rows.onnx", mixes, [value("x", [BATCH, 3])], [value("y", [BATCH, 3])])
    log = [helper.make_node("Log", ["x"], ["y"], name="log")]
    save(folder / "log.onnx", log, [value("x", [BATCH, 1])], [value("y", [BATCH, 1])])
    two = [
        helper.make_node("ReduceMean", ["seq"], ["m"], name="mean", axes=[1], keepdims=0),
        helper.make_node("Cast", ["mode"], ["f"], name="cast", to=FLOAT),
        helper.make_node("Concat", ["x", "m", "f"], ["y"], name="join", axis=1),
    ]
    inputs = [value("x", [BATCH, 2]), value("seq", [BATCH, 5, 1]), value("mode", [BATCH, 1], INT64)]
    save(folder / "two_inputs.onnx", two, inputs, [value("y", [BATCH, 4])])
    classifier = ml(
        "LinearClassifier", ["x"], ["label", "raw"], "linear", classlabels_ints=[0, 1], multi_class=0, post_transform="SOFTMAX",
        coefficients=[-1.0, -2.0, 1.0, 2.0], intercepts=[0.5, -0.5],
    )
    zip_map = ml("ZipMap", ["raw"], ["output_probability"], "zip", classlabels_int64s=[0, 1])
    kind = helper.make_sequence_type_proto(helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, [])))
    maps = [value("label", [BATCH], INT64), helper.make_value_info("output_probability", kind)]
    save(folder / "zipmap.onnx", [classifier, zip_map], [value("x", [BATCH, 2])], maps)
    names = helper.make_tensor_value_info("name", TensorProto.STRING, [BATCH, 1])
    encoder = ml("LabelEncoder", ["name"], ["y"], "encode", keys_strings=["IDLE", "RUN"], values_floats=[0.0, 1.0], default_float=-1.0)
    save(folder / "text.onnx", [encoder], [names], [value("y", [BATCH, 1])])
    inner = helper.make_graph([helper.make_node("Unique", ["x"], ["u"], name="inside", sorted=1)], "then", [], [value("u", [None])])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["v"], name="other")], "else", [], [value("v", [None])])
    branch = [
        helper.make_node("ReduceMax", ["x"], ["top"], name="top", keepdims=0),
        helper.make_node("Greater", ["top", "zero"], ["is"], name="greater"),
        helper.make_node("If", ["is"], ["y"], name="branch", then_branch=inner, else_branch=other),
    ]
    save(folder / "subgraph.onnx", branch, [value("x", [BATCH])], [value("y", [None])], [weights("zero", 0.0)])
