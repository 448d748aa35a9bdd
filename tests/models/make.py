#!/usr/bin/env python3
"""Makes the models of the tests again, with what Python's onnxruntime answers for them.

    make.py DATA      where DATA holds ai4i2020.csv and cmapss/ (train_FD001.txt.gz, test_FD001.txt.gz, RUL_FD001.txt)

Needs numpy, onnx and onnxruntime (see requirements.txt). Seeds are fixed: the same versions give the same files. The models and the answers
are committed, so that the tests need neither Python nor, for the answers' side, a second runtime.
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

import graphs
import train

HERE = Path(__file__).resolve().parent
SENSORS = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21]
CYCLES, LIFE_MAX = 30, 125.0
VARIANTS = ["L", "M", "H"]


def ai4i(data):
    """Columns: air and process temperature, speed, torque, wear, and the variant one-hot."""
    with open(data / "ai4i2020.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = [[float(v) for v in row[3:8]] + [float(row[2] == v) for v in VARIANTS] for row in rows]
    y = np.array([float(row[8]) for row in rows])
    number = np.array([int(row[0]) for row in rows])
    return np.array(x, dtype=np.float32), y, number % 5 == 0


def fd001(data, name):
    with gzip.open(data / "cmapss" / f"{name}_FD001.txt.gz", "rt") as file:
        rows = np.array([[float(v) for v in line.split()] for line in file])
    columns = [4 + s for s in SENSORS]
    return {int(engine): rows[rows[:, 0] == engine][:, columns] for engine in np.unique(rows[:, 0])}


def windows(engines, life_after):
    """Each run of thirty cycles, and how long the engine lives after it."""
    x, y = [], []
    for engine, cycles in engines.items():
        for end in range(CYCLES, len(cycles) + 1):
            x.append(cycles[end - CYCLES : end])
            y.append(min(LIFE_MAX, life_after(engine) + len(cycles) - end))
    return np.array(x, dtype=np.float32), np.array(y)


GOLDEN_ROWS = 9


def golden(name, x, output, y):
    """A few rows spread over all, with every digit, as a manifest's golden file has them."""
    rows = [int(at) for at in np.linspace(0, len(x) - 1, GOLDEN_ROWS)]
    text = ",\n  ".join(json.dumps({"inputs": {"x": x[at].tolist()}, "outputs": {output: y[at].tolist()}}) for at in rows)
    (HERE / "answers" / f"{name}.golden.json").write_text('{"rows": [\n  ' + text + "\n]}\n")


def answer(name, x, output):
    """All rows, one by one, as nobody could mix them up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(HERE / f"{name}.onnx"), options)
    y = np.concatenate([session.run([output], {"x": row[None]})[0] for row in x])
    (HERE / "answers").mkdir(exist_ok=True)
    golden(name, x, output, y)
    y = y[:, -1].astype("<f4")
    (HERE / "answers" / f"{name}.f32").write_bytes(y.tobytes())
    return y


def make_ai4i(data):
    x, y, is_test = ai4i(data)
    known, labels = x[~is_test], y[~is_test]
    print(f"ai4i: {is_test.sum()} test rows, {int(y[is_test].sum())} failures")
    forest = train.grow_forest(known, labels, seed=1, trees=24, depth=10, leaf_min=3, tried=5)
    graphs.forest_classifier(HERE / "ai4i_forest.onnx", forest, x.shape[1])
    print(f"  forest: AUC {train.auc(answer('ai4i_forest', x[is_test], 'probabilities'), y[is_test]):.4f}")
    mean, std = known.mean(0), known.std(0)
    w, c = train.logistic((known - mean) / std, labels)
    graphs.linear_classifier(HERE / "ai4i_linear.onnx", mean, std, w, c)
    print(f"  linear: AUC {train.auc(answer('ai4i_linear', x[is_test], 'probabilities'), y[is_test]):.4f}")
    few = train.grow_forest(known, labels, seed=2, trees=5, depth=4, leaf_min=5, tried=4)
    graphs.forest_regressor(HERE / "ai4i_regressor.onnx", few, x.shape[1])
    answer("ai4i_regressor", x[is_test], "y")
    graphs.boosted_classifier(HERE / "ai4i_boosted.onnx", few, x.shape[1], base=-1.5)
    answer("ai4i_boosted", x[is_test], "probabilities")


def make_fd001(data):
    x, y = windows(fd001(data, "train"), lambda _: 0)
    lives = [float(line) for line in (data / "cmapss" / "RUL_FD001.txt").read_text().split()]
    test_x, test_y = windows(fd001(data, "test"), lambda engine: lives[engine - 1])
    print(f"fd001: {len(x)} windows to learn from, {len(test_x)} to test")
    mean, std = x.mean((0, 1)), x.std((0, 1))
    scaled = ((x - mean) / std).astype(np.float64)
    p = train.train_dense(scaled.reshape(len(x), -1), y / LIFE_MAX, seed=3, widths=[32, 16], steps=6000)
    graphs.dense(HERE / "fd001_dense.onnx", p, mean, std, [CYCLES, len(SENSORS)], LIFE_MAX)
    p = train.train_lstm(scaled, y / LIFE_MAX, seed=4, width=32, steps=1200)
    graphs.lstm(HERE / "fd001_lstm.onnx", p, mean, std, [CYCLES, len(SENSORS)], LIFE_MAX)
    for name in ("fd001_dense", "fd001_lstm"):
        error = answer(name, test_x, "life") - test_y
        print(f"  {name}: RMSE {np.sqrt((error**2).mean()):.2f}")


def main():
    data = Path(sys.argv[1])
    graphs.small_ones(HERE)
    make_ai4i(data)
    make_fd001(data)


if __name__ == "__main__":
    main()
