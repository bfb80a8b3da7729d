"""Compute restricted isometry constants exactly: published instances, larger ones, and how the work grows.

    python benchmarks/records.py [--quick]

Each instance is made from its published recipe, or from a seed. One thread computes it, and the seconds are
those of the processor: waiting for others does not count. The largest instance is also given to processes
and to a Dask cluster, where the seconds are those of the clock. Writes cnninv_lite/book/records.json.
"""

import argparse
import json
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from math import comb
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from run import EXACT

from cnninv_lite import BlockModel, FilterBank, gaussian_filters, rip_exact, rip_search

BUDGET = 10**11
SEEDS = 3
# m, N, k, side. With unit norms expected; the columns of published instances have other norms.
LARGE = (
    (64, 128, 4, "both"),
    (64, 128, 5, "both"),
    (64, 128, 6, "crush"),
    (64, 128, 6, "both"),
    (64, 128, 7, "both"),
    (128, 256, 5, "both"),
    (128, 256, 6, "both"),
    (256, 512, 5, "both"),
    (256, 512, 6, "both"),
    (512, 1024, 4, "both"),
    (512, 1024, 5, "both"),
)
# K, M, ell, t, k, s
BANKS = (*EXACT, (32, 1, 16, 1, 5, 2), (128, 16, 9, 2, 4, 2), (256, 64, 11, 1, 3, 2), (16, 4, 8, 2, 6, 2))
# Layers of VGG-16 and k
TRAINED = (("conv1_1", 6), ("conv1_2", 6), ("conv2_1", 6), ("conv2_2", 5), ("conv3_1", 5))
SHARED = (128, 256, 7, "both")
RANDOM = {"k": (3, 4, 5, 6, 7), "N": (64, 128, 256, 512), "m": (32, 64, 128, 256)}
BASE = {"m": 64, "N": 128, "k": 5}
SHIFTS = {"k": (2, 3, 4, 5, 6), "K": (8, 16, 32)}
SHIFTED = {"M": 4, "ell": 16, "K": 16, "k": 5}


def gaussian(m, N, rng):
    """Entries N(0, 1/m)."""
    return rng.standard_normal((m, N)) / np.sqrt(m)


def band(m, N, rng, width):
    """Entries 0 or 1, each with probability 1/2, in a band; zero outside of it."""
    i, j = np.indices((m, N))
    return np.where(np.abs(i - j) <= width // 2, rng.integers(0, 2, (m, N)), 0).astype(float)


def rank_one(m, N, rng):
    """The matrix a a^T with a of entries N(0, 1)."""
    a = rng.standard_normal(m)
    return np.outer(a, a)


LAWS = {
    "0, +-sqrt(3/m)": lambda m, N, rng: rng.choice([0, 0, 0, 0, 1, -1], (m, N)) * np.sqrt(3 / m),
    "+-1/sqrt(m)": lambda m, N, rng: rng.choice([-1, 1], (m, N)) / np.sqrt(m),
    "0 or 1": lambda m, N, rng: rng.integers(0, 2, (m, N)).astype(float),
    "N(0, 1)": lambda m, N, rng: rng.standard_normal((m, N)),
    "N(0, 1/m)": gaussian,
}


def published():
    """Yield (source, law, k, matrix) of all published instances that we know of, from their recipes."""
    rng = np.random.default_rng(1234)
    for i, (m, N, k) in enumerate(((15, 30, 5), (25, 35, 4), (30, 40, 3))):
        for _ in range(SEEDS):
            for law, draw in LAWS.items():
                yield "SCIP-SDP", law, k, draw(m, N, rng)
            yield "SCIP-SDP", f"band of width {3 + 2 * i}", k, band(N, N, rng, 3 + 2 * i)
            yield "SCIP-SDP", "rank 1", k, rank_one(N, N, rng)
    for N in (10, 15, 20, 25, 30, 35):
        for k in (3, 5):
            for _ in range(SEEDS):
                yield "Kobayashi-Takano", "N(0, 1)", k, LAWS["N(0, 1)"](10, N, rng)


def ends(found):
    """Return what a result says, for JSON."""
    numbers = {"rounding": found.rounding, "evaluated": found.evaluated, "delta": [found.lower, found.upper]}
    return numbers | {
        name: [s.lower, s.upper] for name, s in vars(found).items() if name in ("stretch", "crush")
    }


def solved(W, model, **options):
    """Solve one instance; return the seconds of the processor and the result."""
    start = process_time()
    found = rip_exact(W, model, budget=BUDGET, **options)
    return {"seconds": process_time() - start} | ends(found)


def small(quick):
    """Solve the published instances, and compare each with the list of all supports."""
    rows = {}
    for source, law, k, A in published():
        m, N = A.shape
        row = solved(A, k)
        check(A, k, row)
        key = f"{source}; {m} x {N}, k = {k}; {law}"
        rows.setdefault(key, {"source": source, "law": law, "m": m, "N": N, "k": k, "runs": []})[
            "runs"
        ].append(row)
        if quick and len(rows) > 7:
            break
    return [row | {"supports": comb(row["N"], row["k"])} for row in rows.values()]


def check(A, k, row):
    """Compare with eigenvalues over all supports."""
    low, high = brute(A, k)
    slack = 1e-9 * max(1, abs(high))
    assert row["stretch"][0] - slack <= high - 1 <= row["stretch"][1] + slack, (row, high)
    assert row["crush"][0] - slack <= 1 - low <= row["crush"][1] + slack, (row, low)


def brute(A, k, chunk=20_000):
    """Return the smallest and the largest eigenvalue over all supports of k columns."""
    from itertools import chain, combinations, islice

    G, low, high = A.T @ A, np.inf, -np.inf
    supports = combinations(range(A.shape[1]), k)
    while len(T := np.fromiter(chain.from_iterable(islice(supports, chunk)), int).reshape(-1, k)):
        e = np.linalg.eigvalsh(G[T[:, :, None], T[:, None]])
        low, high = min(low, e[:, 0].min()), max(high, e[:, -1].max())
    return float(low), float(high)


def large(quick):
    """Solve Gaussian matrices of sizes that were not found elsewhere."""
    rows = []
    for m, N, k, side in LARGE[: 2 if quick else None]:
        row = {"m": m, "N": N, "k": k, "side": side, "supports": comb(N, k)}
        A = gaussian(m, N, np.random.default_rng(0))
        row |= solved(A, k, side=side)
        if row["supports"] < 2e7:
            check(A, k, row)
        rows.append(row | {"listed": row["supports"] < 2e7})
        print(rows[-1], flush=True)
    return rows


def bank(K, M, ell, t, r, seed):
    """Return a bank of unit Gaussian filters on the shortest input that has all supports of r columns."""
    n = (r - 1) * (-(-ell // t) - 1) + 1
    return FilterBank(gaussian_filters(K, M, ell, rng=seed), (M, (n - 1) * t + ell), t).normalized()


def banks(quick):
    """Solve filter banks, the larger side."""
    rows = []
    for K, M, ell, t, k, s in BANKS[: 1 if quick else None]:
        W = bank(K, M, ell, t, s * k, 0)
        model = BlockModel(K, W.n, k, s)
        row = {"K": K, "M": M, "ell": ell, "t": t, "k": k, "s": s, "supports": float(model.count())}
        rows.append(row | solved(W, model))
        print(rows[-1], flush=True)
    return rows


def trained(quick):
    """Solve trained layers with unit filters, the larger side, and Gaussian banks of the same shape.

    The weights must have been fetched.
    """
    from cnninv_lite.book.weights import VGG16, vgg16

    rows, layers = [], dict(zip(VGG16, vgg16(32).layers))
    for name, k in TRAINED[: 1 if quick else None]:
        w = layers[name].filters.astype(float)
        K, M, ell, _ = w.shape
        side = k * (ell - 1) + 1  # the least with all connected supports of k columns
        W, G = (
            FilterBank(filters, (M, side, side)).normalized()
            for filters in (w, gaussian_filters(K, M, (ell, ell), rng=0))
        )
        model = BlockModel(K, W.n, k)
        row = {"layer": name, "K": K, "M": M, "k": k, "supports": float(model.count())}
        rows.append(row | solved(W, model) | {"Gaussian": solved(G, model)})
        print(rows[-1], flush=True)
    return rows


def work(W, model):
    """Return the supports that branch and bound looks at on each side, without those of the search."""
    row = {}
    for side in ("stretch", "crush"):
        searched = rip_search(
            W, model, 8 * (model if isinstance(model, int) else model.sparsity), side=side, rng=0
        )
        row[side] = rip_exact(W, model, side=side, budget=BUDGET).evaluated - searched.evaluated
    return row


def growth(quick):
    """Count the work over k, N and m of Gaussian matrices, and over k and K of banks of fixed filter size."""
    matrices, shifted = [], []
    for key, values in RANDOM.items():
        for value in values[: 2 if quick else None]:
            size = BASE | {key: value}
            for seed in range(SEEDS):
                A = gaussian(size["m"], size["N"], np.random.default_rng(seed))
                matrices.append({"over": key, "seed": seed} | size | work(A, size["k"]))
            print(matrices[-1], flush=True)
    for key, values in SHIFTS.items():
        for value in values[: 2 if quick else None]:
            size = SHIFTED | {key: value}
            for seed in range(SEEDS):
                W = bank(size["K"], size["M"], size["ell"], 1, size["k"], seed)
                counts = work(W, BlockModel(W.K, W.n, size["k"]))
                shifted.append({"over": key, "seed": seed} | size | counts)
            print(shifted[-1], flush=True)
    return {"matrices": matrices, "banks": shifted}


@contextmanager
def workers(kind, count):
    """Open an executor."""
    if kind == "processes":
        with ProcessPoolExecutor(count, get_context("spawn")) as pool:
            yield pool
    elif kind == "Dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(count, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()
    else:
        yield None


def shared(quick):
    """Solve one instance here, with two processes and on a Dask cluster of two workers: the same result."""
    m, N, k, side = (64, 128, 5, "both") if quick else SHARED
    A, rows = gaussian(m, N, np.random.default_rng(0)), []
    for kind in ("here", "processes", "Dask"):
        with workers(kind, 2) as executor:
            list(executor.map(abs, range(8))) if executor else None  # they have started
            start = perf_counter()
            found = rip_exact(A, k, side=side, budget=BUDGET, executor=executor)
            rows.append({"workers": kind, "clock": perf_counter() - start} | ends(found))
            print(rows[-1], flush=True)
    assert all(
        row["stretch"] == rows[0]["stretch"] and row["evaluated"] == rows[0]["evaluated"] for row in rows
    )
    return {
        "m": m,
        "N": N,
        "k": k,
        "side": side,
        "supports": comb(N, k),
        "load": os.getloadavg()[0],
        "rows": rows,
    }


def main():
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a few instances of each kind; nothing is stored"
    )
    calls = {
        "published": small,
        "large": large,
        "banks": banks,
        "trained": trained,
        "growth": growth,
        "shared": shared,
    }
    parser.add_argument("--parts", nargs="*", choices=calls, default=[*calls])
    args = parser.parse_args()
    path = Path(__file__).parent.parent / "cnninv_lite" / "book" / "records.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    for name in args.parts:
        result[name] = calls[name](args.quick)
    result["made with"] = {name: version(name) for name in ("cnninv-lite", "numpy", "scipy")} | {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": 1,
        "seeds": SEEDS,
    }
    if not args.quick:
        path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
