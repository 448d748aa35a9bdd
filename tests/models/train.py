"""Learners of a few lines, so that the models of the tests need no training framework. All are deterministic for a seed."""

import numpy as np


def grow_tree(x, y, rng, depth, leaf_min, tried):
    """A classification tree by Gini impurity, as a list of nodes: (feature, threshold, yes, no) or (share of class 1,)."""
    nodes = []

    def grow(rows, depth):
        at = len(nodes)
        nodes.append(None)
        share = float(y[rows].mean())
        split = best_split(x[rows], y[rows], rng, leaf_min, tried) if depth > 0 and 0 < share < 1 else None
        if split is None:
            nodes[at] = (share,)
            return at
        feature, threshold = split
        goes_left = x[rows, feature] <= threshold
        yes, no = grow(rows[goes_left], depth - 1), grow(rows[~goes_left], depth - 1)
        nodes[at] = (feature, threshold, yes, no)
        return at

    grow(np.arange(len(y)), depth)
    return nodes


def best_split(x, y, rng, leaf_min, tried):
    best, best_score = None, 1e-12
    n, total = len(y), y.sum()
    parent = total * (n - total) / n
    for feature in rng.choice(x.shape[1], tried, replace=False):
        order = np.argsort(x[:, feature], kind="stable")
        values, labels = x[order, feature], y[order]
        left = np.arange(1, n)
        ones = np.cumsum(labels)[:-1]
        right, others = n - left, total - ones
        impurity = ones * (left - ones) / left + others * (right - others) / right
        fits = (values[1:] > values[:-1]) & (left >= leaf_min) & (right >= leaf_min)
        if not fits.any():
            continue
        score = np.where(fits, parent - impurity, -1.0)
        at = int(score.argmax())
        if score[at] > best_score:
            best_score = score[at]
            # Between the two values, and exactly what a float32 can hold.
            threshold = np.float32((float(values[at]) + float(values[at + 1])) / 2)
            if threshold >= values[at + 1]:
                threshold = np.float32(values[at])
            best = (int(feature), float(threshold))
    return best


def grow_forest(x, y, seed, trees, depth, leaf_min, tried):
    rng = np.random.default_rng(seed)
    forest = []
    for _ in range(trees):
        rows = rng.integers(0, len(y), len(y))
        forest.append(grow_tree(x[rows], y[rows], rng, depth, leaf_min, tried))
    return forest


def logistic(x, y, ridge=1.0, rounds=50):
    """Weights and intercept by Newton's method; `x` is standardised."""
    x = np.hstack([x, np.ones((len(x), 1))])
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (p - y) + ridge * np.r_[w[:-1], 0]
        curvature = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.diag(np.r_[np.ones(len(w) - 1), 0])
        w -= np.linalg.solve(curvature, gradient)
    return w[:-1], w[-1]


def adam(parameters, gradient_of, steps, rate=1e-3):
    """Minimises over a dict of arrays. `gradient_of(step)` gives their gradients."""
    first = {k: np.zeros_like(v) for k, v in parameters.items()}
    second = {k: np.zeros_like(v) for k, v in parameters.items()}
    for step in range(1, steps + 1):
        now = rate * min(1.0, 2 * (1 - step / steps) + 0.02)
        for key, g in gradient_of(step).items():
            first[key] = 0.9 * first[key] + 0.1 * g
            second[key] = 0.999 * second[key] + 0.001 * g * g
            m, v = first[key] / (1 - 0.9**step), second[key] / (1 - 0.999**step)
            parameters[key] -= now * m / (np.sqrt(v) + 1e-8)


def train_dense(x, y, seed, widths, steps, batch=128):
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], *widths, 1]
    p = {}
    for i, (rows, columns) in enumerate(zip(sizes, sizes[1:])):
        p[f"w{i}"] = rng.normal(0, np.sqrt(2 / rows), (rows, columns))
        p[f"b{i}"] = np.zeros(columns)
    last = len(sizes) - 2

    def gradient_of(_):
        rows = rng.integers(0, len(y), batch)
        layers = [x[rows]]
        for i in range(last + 1):
            z = layers[-1] @ p[f"w{i}"] + p[f"b{i}"]
            layers.append(np.maximum(z, 0) if i < last else z)
        back = 2 * (layers[-1][:, 0] - y[rows])[:, None] / batch
        g = {}
        for i in range(last, -1, -1):
            g[f"w{i}"] = layers[i].T @ back + 1e-4 * p[f"w{i}"]
            g[f"b{i}"] = back.sum(0)
            back = (back @ p[f"w{i}"].T) * (layers[i] > 0)
        return g

    adam(p, gradient_of, steps)
    return p


def train_lstm(x, y, seed, width, steps, batch=64):
    """`x` is [rows, time, columns]. Gates in the order of ONNX: input, output, forget, cell."""
    rng = np.random.default_rng(seed)
    columns = x.shape[2]
    p = {
        "w": rng.normal(0, np.sqrt(1 / columns), (columns, 4 * width)),
        "r": rng.normal(0, np.sqrt(1 / width), (width, 4 * width)),
        "b": np.zeros(4 * width),
        "v": rng.normal(0, np.sqrt(1 / width), (width, 1)),
        "c": np.zeros(1),
    }
    p["b"][2 * width : 3 * width] = 1.0

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def gradient_of(_):
        rows = rng.integers(0, len(y), batch)
        xs, steps_in_row = x[rows], x.shape[1]
        h, c, kept = np.zeros((batch, width)), np.zeros((batch, width)), []
        for t in range(steps_in_row):
            z = xs[:, t] @ p["w"] + h @ p["r"] + p["b"]
            i, o, f = (sigmoid(z[:, k * width : (k + 1) * width]) for k in range(3))
            a = np.tanh(z[:, 3 * width :])
            before, c = (h, c), f * c + i * a
            h = o * np.tanh(c)
            kept.append((before, i, o, f, a, c))
        out = (h @ p["v"] + p["c"])[:, 0]
        back = 2 * (out - y[rows])[:, None] / batch
        g = {k: np.zeros_like(v) for k, v in p.items()}
        g["v"], g["c"] = h.T @ back, back.sum(0)
        dh, dc = back @ p["v"].T, np.zeros((batch, width))
        for t in range(steps_in_row - 1, -1, -1):
            (h_before, c_before), i, o, f, a, c = kept[t]
            tc = np.tanh(c)
            dc = dc + dh * o * (1 - tc * tc)
            dz = np.hstack([dc * a * i * (1 - i), dh * tc * o * (1 - o), dc * c_before * f * (1 - f), dc * i * (1 - a * a)])
            g["w"] += xs[:, t].T @ dz
            g["r"] += h_before.T @ dz
            g["b"] += dz.sum(0)
            dh, dc = dz @ p["r"].T, dc * f
        norm = np.sqrt(sum((v * v).sum() for v in g.values()))
        return {k: v * min(1.0, 5.0 / (norm + 1e-12)) for k, v in g.items()}

    adam(p, gradient_of, steps, rate=3e-3)
    return p


def auc(score, label):
    """The share of pairs in which the failure has the higher score; ties count half."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    for value in np.unique(score):
        same = score == value
        ranks[same] = ranks[same].mean()
    ones = label == 1
    n, m = ones.sum(), (~ones).sum()
    return (ranks[ones].sum() - n * (n + 1) / 2) / (n * m)
