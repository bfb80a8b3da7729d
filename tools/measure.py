"""Measure what the chapters on trained networks print but cannot compute in a minute: `make measure`.

The results go to cnninv_lite/book/real_networks.json, each part with its versions and seeds; the chapters
print them and recompute some. `python tools/measure.py NAME ...` measures some parts; to measure anew, remove
the file.
"""

import json
import platform
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy
import scipy.sparse.linalg

from cnninv_lite import BlockModel, FilterBank, Network, lasso, rip_bracket
from cnninv_lite.book import crepe, photographs, to_vgg, vgg16
from cnninv_lite.book.weights import VGG16

RESULTS = Path(__file__).resolve().parent.parent / "cnninv_lite" / "book" / "real_networks.json"
SEEDS = (0, 1, 2)
MODELS = {"M_2": (2, 1), "M_3": (3, 1), "M_4": (4, 1), "M_1^2": (1, 2), "M_2^2": (2, 2)}
BUDGET = 100_000_000  # supports for each constant: some ten seconds of one processor
VERSIONS = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
BLOCKS = [i + 1 for i, window in enumerate(VGG16.values()) if window == 2]  # layers below each pool


def gaussian_like(filters, rng):
    """Draw Gaussian filters of the shape of `filters`, all with the mean of their norms."""
    draws = rng.standard_normal(filters.shape).astype(filters.dtype)
    over = tuple(range(1, filters.ndim))
    norms = np.sqrt(np.square(draws).sum(over, keepdims=True))
    return draws / norms * np.sqrt(np.square(filters).sum(over)).mean()


def random_network(net, seed):
    """Return `net` with Gaussian filters, without biases and batch norms."""
    rng = np.random.default_rng(seed)
    layers = [
        replace(layer, filters=gaussian_like(layer.filters, rng), bias=None, gain=None, shift=None)
        for layer in net.layers
    ]
    return Network(layers, net._shapes[0])


def bracket(filters, stride, k, order, side=None):
    """Bracket delta(M_k^order): filters of unit norm, as many positions as the constant needs."""
    over = tuple(range(1, filters.ndim))
    unit = filters.astype(float) / np.sqrt(np.square(filters, dtype=float).sum(over, keepdims=True))
    reach = [-(-length // t) - 1 for length, t in zip(filters.shape[2:], stride, strict=True)]
    n = [(k * order - 1) * q + 1 for q in reach]
    D = [length + t * (p - 1) for length, t, p in zip(filters.shape[2:], stride, n, strict=True)]
    W = FilterBank(unit, (filters.shape[1], *D), stride)
    return rip_bracket(W, BlockModel(W.K, W.n, k, order), BUDGET, side=side, rng=0)


def deltas(filters, stride, orders=(1, 2)):
    """Return [lower, upper] for each model."""
    found = {}
    for name, (k, order) in MODELS.items():
        if order in orders:
            one = bracket(filters, stride, k, order)
            found[name] = [one.lower, one.upper]
    return found


def constants(out):
    """Measure delta of every layer of both networks, and of random banks of the same sizes."""
    out["budget"], random = BUDGET, out.setdefault("random", {})
    for net_name, net in (("vgg16", vgg16(32)), ("crepe", crepe())):
        rows = out.setdefault(net_name, [])
        for layer in net.layers[len(rows) :]:
            size = str((*layer.filters.shape, *layer.stride))
            if size not in random:
                draws = [gaussian_like(layer.filters, np.random.default_rng(seed)) for seed in SEEDS]
                random[size] = [deltas(w, layer.stride, orders=(1,)) for w in draws]
            start = time.process_time()
            rows.append({"size": size, "delta": deltas(layer.filters, layer.stride)})
            rows[-1]["seconds"] = round(time.process_time() - start, 1)
            yield out


def sides(out):
    """Bracket both sides of delta of the trained layers, from small k on as far as the budget reaches.

    With filters of unit norm both sides of M_2 and of M_1^2 are delta itself. Where a model is not settled,
    larger ones of its order are left out.
    """
    out["budget"], rows = BUDGET, out.setdefault("layers", {})
    nets = {"vgg16": vgg16(32), "crepe": crepe()}
    layers = {f"{name} {i}": layer for name, net in nets.items() for i, layer in enumerate(net.layers, 1)}
    for k, order in ((3, 1), (4, 1), (2, 2), (5, 1), (3, 2), (6, 1), (7, 1), (8, 1)):
        for name, layer in layers.items():
            for side in ("stretch", "crush"):
                found = rows.setdefault(name, {}).setdefault(side, {})
                model, smaller = (f"M_{size}" + "^2" * (order - 1) for size in (k, k - 1))
                low, high = found.get(smaller, (0, smaller not in ("M_2", "M_1^2")))
                if model in found or high - low > 1e-4:
                    continue
                one = getattr(bracket(layer.filters, layer.stride, k, order, side), side)
                found[model] = [one.lower, one.upper]
                yield out


def best_gain(back, x):
    """Return the relative error of the best multiple of `back`."""
    back, x = back.ravel().astype(float), x.ravel().astype(float)
    square = back @ back
    return float(np.linalg.norm(x - back * ((back @ x) / square if square else 0)) / np.linalg.norm(x))


def ways_down(net, names, variants):
    """Return errors [photograph][block] of each way down, with filters of unit norm and ReLU.

    "T" is the transpose of the network as it is. "other" puts the code of the next photograph into the
    switches and masks of this one; "other to its own" is the error to the photograph of that code.
    """
    unit, inputs = net.normalized(), {name: to_vgg(picture) for name, picture in photographs().items()}
    errors = {name: [] for name in variants}
    following = dict(pairwise([*names, names[0]]))
    tops = {name: [unit.encode(inputs[name])[j - 1].values for j in BLOCKS] for name in names}
    for number, name in enumerate(names):
        x, codes, rng = inputs[name], unit.encode(inputs[name]), np.random.default_rng(number)
        rows = {key: [] for key in errors}
        for b, j in enumerate(BLOCKS):
            c, v = codes[:j], codes[j - 1].values
            noise = np.abs(rng.standard_normal(v.shape)).astype(v.dtype)
            other = tops[following[name]][b]
            down = {
                "T": lambda c=c, v=v: net.held(c).T @ v.ravel(),
                "known": lambda c=c: unit.decode(c, relu=True),
                "noise": lambda c=c, noise=noise: unit.decode(c, top=noise, relu=True),
                "other": lambda c=c, other=other: unit.decode(c, top=other, relu=True),
                "masks": lambda c=c: unit.decode(c, switches="spread", masks=True, relu=True),
                "switches": lambda c=c: unit.decode(c, masks=False, relu=True),
                "neither": lambda c=c: unit.decode(c, switches="spread", relu=True),
            }
            for key in set(rows) & set(down):
                back = down[key]()
                rows[key].append(best_gain(back, x))
                if key == "other":
                    rows["other to its own"].append(best_gain(back, inputs[following[name]]))
        for key in errors:
            errors[key].append([round(e, 4) for e in rows[key]])
    return errors


def pictures(out):
    """Measure where the picture lives: VGG-16, and three networks of Gaussian filters."""
    names, net = list(photographs(32))[:8], vgg16()
    every = ("T", "known", "noise", "other", "other to its own", "masks", "switches", "neither")
    out["photographs"] = names
    if "trained" not in out:
        out["trained"] = ways_down(net, names, every)
        yield out
    for seed in SEEDS[len(out.setdefault("random", [])) :]:
        out["random"].append(ways_down(random_network(net, seed), names, every[:5]))
        yield out


def least_squares(out):
    """Solve for the picture from the code with its switches held: 20 steps of LSQR."""
    out |= {"size": 64, "steps": 20}
    inputs = [to_vgg(picture) for picture in list(photographs(64).values())[:4]]
    nets = [("trained", vgg16(64)), *(("random", random_network(vgg16(64), seed)) for seed in SEEDS)]
    for number, (name, net) in enumerate(nets):
        rows = out.setdefault(name, [])
        if len(rows) < max(1, number):
            rows.append([])
        for x in inputs[len(rows[max(0, number - 1)]) :]:
            codes, row = net.encode(x), []
            for j in BLOCKS:
                B = net.held(codes[:j])
                found = scipy.sparse.linalg.lsqr(B, B @ x.ravel(), iter_lim=20, atol=0, btol=0)[0]
                row.append(round(float(np.linalg.norm(found - x.ravel()) / np.linalg.norm(x)), 4))
            rows[max(0, number - 1)].append(row)
            yield out


def algorithm_2(out):
    """Make codes of conv5_2's inputs by the paper's Algorithm 2, for its filters and for Gaussian ones.

    The inputs are the middle 6 x 6 positions of four photographs. A code is least squares with an l1
    penalty, a fifth of the largest correlation; then the largest entry of each filter; then least squares
    on these places, with the penalty and almost without. At most 150 steps each: "settled" says whether they
    were enough. Stored are [||W^T z|| / ||z||, relative error].
    """
    layer, net = vgg16(32).layers[11], vgg16()
    pictures = dict(list(photographs().items())[:4])
    x = np.stack([net.encode(to_vgg(one))[10].values[:, 4:10, 4:10] for one in pictures.values()])
    out |= {"photographs": list(pictures), "penalty": 0.2, "gap": 0.01, "steps": 150}
    banks = [layer.filters, *(gaussian_like(layer.filters, np.random.default_rng(seed)) for seed in SEEDS)]
    rows = out.setdefault("banks", [])  # the trained one, then one for each seed
    for filters in banks[len(rows) :]:
        W = FilterBank(filters, x.shape[1:]).normalized()
        lam = out["penalty"] * np.abs(W.analysis(x)).reshape(len(x), -1).max(axis=1)
        limits = {"tol": out["gap"], "max_iter": out["steps"]}
        first = lasso(W, x, lam, **limits)
        kept = BlockModel(W.K, W.n, W.K).project(first.z)
        second = lasso(W, x, lam, support=kept, **limits)
        third = lasso(W, x, lam / 1000, support=kept, **limits)
        row = {"settled": [bool(code.converged.all()) for code in (first, second, third)]}
        for key, code in (("l1", first), ("pooled, l1", second), ("pooled", third)):
            over = (1, 2, 3)
            size = np.sqrt(np.square(W.synthesis(code.z)).sum(over) / np.square(code.z).sum(over))
            row[key] = np.stack([size, code.relative_error], 1).astype(float).round(4).tolist()
            row[f"{key}, negative"] = float(np.round(np.mean(code.z[code.z != 0] < 0), 3))
            row[f"{key}, places"] = int(np.count_nonzero(code.z) / len(x))
        rows.append(row)
        yield out


PARTS = {f.__name__: f for f in (constants, sides, pictures, least_squares, algorithm_2)}


def main(names):
    """Go on with the parts named, or with all: what is stored is not measured again."""
    for name in names or PARTS:
        stored = json.loads(RESULTS.read_text(encoding="utf8")) if RESULTS.is_file() else {}
        for part in PARTS[name](stored.get(name, {})):
            results = json.loads(RESULTS.read_text(encoding="utf8")) if RESULTS.is_file() else {}
            results[name] = part | {"seeds": list(SEEDS), "versions": VERSIONS}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf8")
            print(time.strftime("%H:%M"), name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
