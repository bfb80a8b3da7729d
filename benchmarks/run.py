"""Compare the module with its peers and with the machine's limits, side by side in one run.

    python benchmarks/run.py [--quick]

Each pair of a dtype and a number of threads runs in a process of its own, so that thread pools do not disturb
each other. There every peer must first give what we give, or the run fails; then all calls are timed in turn,
and the median counts. Writes cnninv_lite/book/costs.json and costs.svg, and prints tables and goals.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tracemalloc
from functools import partial
from importlib.metadata import version
from math import prod
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import vgg16

HERE = Path(__file__).parent
# M, D, ell, K, stride, batch
SHAPES = {
    "S": (1, 256, 16, 16, 1, 256),
    "S2": (3, 512, 32, 64, 1, 128),
    "M": (16, 1024, 9, 128, 2, 64),
    "L": (64, 1024, 11, 256, 1, 16),
    "2-D": (16, (64, 64), (5, 5), 32, 1, 8),
}
FEW = {"S": 32, "S2": 4, "M": 1, "L": 1, "2-D": 1}  # signals for the slow peers; their time is scaled up
KEPT, CODES = 8, 20_000  # k, and the codes whose energies are computed
MATRIX = 1 << 26  # entries up to which W is written out, as CSR or in full
ALL = tuple(SHAPES)
# How much of a peer's time a call may take, in 64 bit on one thread.
GOALS = (
    ("forward", "torch", 0.85, ALL[:4]),
    ("forward", "torch", 0.5, ALL[4:]),
    ("adjoint", "torch", 0.75, ALL),
    ("round trip", "torch", 0.5, ALL),
    ("50 IHT steps", "torch", 0.2, ("M", "L")),
    ("energies", "torch", 1 / 50, ALL),
    ("energies", "torch, Gram matrices", 1 / 3, ALL),
)
POOLED = ("pooling", "round trip", "50 IHT steps")  # where a tie may be broken otherwise in 32 bit
BASE = {"M": 8, "D": 1024, "ell": 9, "K": 64, "k": 8, "batch": 16}
SWEEP = {
    "D": (512, 1024, 2048, 4096),
    "K": (32, 64, 128, 256),
    "ell": (5, 9, 17, 33),
    "k": (4, 8, 16, 32),
    "batch": (8, 16, 32, 64),
}
# K, M, ell, t, k, s
EXACT = (
    (32, 1, 16, 1, 6, 1),
    (64, 3, 32, 1, 6, 1),
    (128, 16, 9, 2, 7, 1),
    (256, 64, 11, 1, 5, 1),
    (16, 4, 8, 2, 8, 1),
    (64, 3, 32, 1, 3, 2),
)
MATRICES = ((64, 128, 6, "crush", 3), (256, 512, 5, "both", 10))  # m, N, k, side, seconds


def interleaved(calls, seconds, clock=perf_counter):
    """Time calls in turn, for so many seconds or three times, once if in a hurry; return the medians."""
    times = {name: [] for name in calls}
    end = perf_counter() + seconds
    while perf_counter() < end or len(next(iter(times.values()))) < (3 if seconds >= 1 else 1):
        for name, call in calls.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: sorted(t)[len(t) // 2] for name, t in times.items()}


def peak(call):
    """Return the most memory that Python and NumPy allocate in a call, in MB."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def layer(M, D, ell, K, t, batch, dtype, k=KEPT):
    """Return a bank of unit filters, its model, and noisy signals of the model."""
    from cnninv_lite import BlockModel, FilterBank, gaussian_filters

    D = D if isinstance(D, tuple) else (D,)
    W = FilterBank(gaussian_filters(K, M, ell, rng=0).astype(dtype), (M, *D), t).normalized()
    model = BlockModel(K, W.n, k)
    x = W.synthesis(model.sample(batch, rng=1))
    x = x + 0.1 * np.random.default_rng(2).standard_normal(x.shape)
    return W, model, x.astype(dtype)


def drawn(W, model, count=CODES):
    """Return the table of lags and sparse codes: filters, positions and values."""
    from cnninv_lite._lags import LagTable

    rng, shape = np.random.default_rng(4), (count, model.k)
    I = rng.permuted(np.tile(np.arange(W.K), (count, 1)), axis=1)[:, : model.k]
    P = np.stack([rng.integers(0, n, shape) for n in W.n], axis=-1)
    return LagTable(W, model), I, P, rng.standard_normal(shape)


def passes(name, W, x, z):
    """Return the peers but torch of the forward and of the adjoint pass."""
    import pylops
    import sigpy
    from scipy.signal import correlate, fftconvolve

    few, axes = FEW[name], tuple(range(2, x.ndim))
    x, z, w = x[:few], z[:few], W.filters
    steps = tuple(slice(None, None, t) for t in W.stride)
    valid = ["valid"] * W.M
    places = (..., *(slice(0, n * t, t) for n, t in zip(W.n, W.stride)))
    spread = np.zeros((few, W.K, *W.D), x.dtype)  # the code as stride one would see it
    spread[places] = z
    full = (..., *(slice(0, d) for d in W.D))
    turned = np.ascontiguousarray(np.flip(w, axes))

    def convolve(c):  # one filter and channel as an operator of PyLops
        if len(axes) > 1:
            last = tuple(e - 1 for e in W.ell)
            return pylops.signalprocessing.Convolve2D(W.D, c, last, dtype=x.dtype.name)
        dims = (few, *W.D) if few > 1 else W.D
        return pylops.signalprocessing.Convolve1D(dims, c, W.ell[0] - 1, axis=-1, dtype=x.dtype.name)

    operator = pylops.VStack([pylops.HStack([convolve(c) for c in f]) for f in turned])

    def lops(call, a, channels):
        return (call @ a.swapaxes(0, 1).ravel()).reshape(channels, few, *W.D).swapaxes(0, 1)

    def correlated():
        return np.array([[sum(map(correlate, s, f, valid))[steps] for f in w] for s in x])

    def by_fft(a, filters, mode, kept):
        return np.stack([fftconvolve(a, f[None], mode, axes).sum(1)[kept] for f in filters], 1)

    forward = {
        "SciPy, correlate": correlated,
        "SciPy, fftconvolve": lambda: by_fft(x, turned, "valid", (..., *steps)),
        "SigPy": lambda: sigpy.convolve(x, turned, "valid", W.stride, True),
        "PyLops": lambda: lops(operator, x, W.K)[places],
    }
    adjoint = {
        "SciPy, fftconvolve": lambda: by_fft(spread, w.swapaxes(0, 1), "full", full),
        "SigPy": lambda: sigpy.convolve_data_adjoint(z, turned, x.shape, "valid", W.stride, True),
        "PyLops": lambda: lops(operator.H, spread, W.M),
    }
    if W.shape[0] * w[0].size <= MATRIX:
        sparse = W.tosparse()
        columns, codes = x.reshape(few, -1).T.copy(), z.reshape(few, -1).T.copy()
        forward["SciPy, CSR"] = lambda: (sparse @ columns).T.reshape(z.shape)
        adjoint["SciPy, CSR"] = lambda: (sparse.T @ codes).T.reshape(x.shape)
    return forward, adjoint


def workloads(name, dtype):
    """Yield (workload, calls, checks, limits): ours first, then torch's default, other peers.

    A check is a pair of results to compare where the timed ones are not what should agree.
    """
    import torch
    import torch.nn.functional as F
    from sklearn.linear_model import orthogonal_mp

    from cnninv_lite import iht, reconstruct

    W, model, x = layer(*SHAPES[name], dtype)
    K, axes = W.K, len(W.n)
    z = np.random.default_rng(3).standard_normal((len(x), K, *W.n)).astype(dtype)
    tw, tx, tz = (torch.from_numpy(np.array(a)) for a in (W.filters, x, z))
    conv, conv_t = (F.conv1d, F.conv_transpose1d) if axes == 1 else (F.conv2d, F.conv_transpose2d)
    left = [d - (n - 1) * t - e for d, n, t, e in zip(W.D, W.n, W.stride, W.ell)]
    forward = partial(conv, weight=tw, stride=W.stride)
    adjoint = partial(conv_t, weight=tw, stride=W.stride, output_padding=left)

    def unfolded():  # torch with our algorithm: copy the patches, one matrix product
        patches = tx
        for axis, (ell, t) in enumerate(zip(W.ell, W.stride)):
            patches = patches.unfold(2 + axis, ell, t)
        patches = patches.permute(0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))
        patches = patches.reshape(len(x), -1, prod(W.n))
        return (t_weights @ patches).reshape(z.shape).numpy()

    def pooled(h):
        flat = h.reshape(len(h), K, -1)
        best = flat.abs().argmax(2, keepdim=True)
        keep = flat.gather(2, best).abs().squeeze(2).topk(KEPT, 1).indices[..., None]
        places = best.gather(1, keep)
        rows = flat.gather(1, keep.expand(-1, -1, flat.shape[2]))
        kept = torch.zeros_like(rows).scatter_(2, places, rows.gather(2, places))
        return torch.zeros_like(flat).scatter_(1, keep.expand_as(kept), kept).reshape(h.shape)

    # the limits: a product of the same size on columns that are there, and writing as many bytes in the cache
    columns = np.ones((W.filters[0].size, len(x) * prod(W.n)), dtype)
    weights, h = W.filters.reshape(K, -1), W.analysis(x)
    product, piece = np.empty((K, columns.shape[1]), dtype), np.empty((2, 1 << 20), np.uint8)
    t_weights, t_columns = tw.reshape(K, -1), torch.from_numpy(columns)
    limits = {
        "GEMM": lambda: np.matmul(weights, columns, out=product),
        "copy": lambda: [np.copyto(*piece) for _ in range(-(-columns.nbytes // piece[0].nbytes))],
    }
    peers, back = passes(name, W, x, z) if torch.get_num_threads() == 1 else ({}, {})  # they use one thread
    calls = {"ours": lambda: W.analysis(x), "torch": lambda: forward(tx).numpy(), "torch, unfold": unfolded}
    yield "forward", calls | peers, {}, limits | {"torch's GEMM": lambda: t_weights @ t_columns}

    calls = {"ours": lambda: W.synthesis(z), "torch": lambda: adjoint(tz).numpy()} | back
    yield "adjoint", calls, {}, limits | {"GEMM": lambda: np.matmul(weights.T, product, out=columns)}

    th, kept = torch.from_numpy(h), np.empty_like(h)
    calls = {"ours": lambda: model.project(h), "torch": lambda: pooled(th).numpy()}
    yield "pooling", calls, {}, {"copy": lambda: np.copyto(kept, h)}

    calls = {"ours": lambda: reconstruct(W, x, KEPT).x, "torch": lambda: adjoint(pooled(forward(tx))).numpy()}
    yield "round trip", calls, {}, limits

    def torch_iht(steps=50):
        code = torch.zeros_like(tz[:8])
        for _ in range(steps):
            code = pooled(code + forward(tx[:8] - adjoint(code)))
        return adjoint(code).numpy()

    def our_iht(steps=50):
        return iht(W, x[:8], KEPT, max_iter=steps, tol=0).x

    # where filters are coherent IHT wanders, and rounding decides where: two steps are compared, 50 timed
    calls = {"ours": our_iht, "torch": torch_iht}
    checks = {"torch": lambda: (torch_iht(2), our_iht(2))}
    if prod(W.shape) <= MATRIX and peers:  # OMP wants the matrix
        dense, signals = W.toarray().T, x[:8].reshape(8, -1).T
        calls["scikit-learn, OMP"] = lambda k=KEPT: orthogonal_mp(dense, signals, n_nonzero_coefs=k).T
        first = np.abs(h[:8].reshape(8, -1)).max(1)  # the entry that OMP must find first
        checks["scikit-learn, OMP"] = lambda: (np.abs(calls["scikit-learn, OMP"](1)).sum(1), first)
    yield "50 IHT steps", calls, checks, {}

    lags, I, P, v = drawn(W, model)
    t_table, t_flat = torch.from_numpy(lags.rows), torch.from_numpy(lags.rows.ravel())
    t_I, t_P, t_v = (torch.from_numpy(a) for a in (I, P, v))
    codes, few = np.zeros_like(z), np.arange(len(x))
    codes[(few[:, None], I[few], *np.moveaxis(P[few], -1, 0))] = v[few]
    t_codes = torch.from_numpy(codes)

    def lag_rows(d):
        near, row = torch.ones(d.shape[:-1], dtype=bool), 0
        for a in range(axes):
            near &= d[..., a].abs() <= int(lags.reach[a])
            row = row + (d[..., a] + int(lags.reach[a])) * int(lags.pitch[a])
        return torch.where(near, row, lags.lags)

    def grams():  # of all supports, and a product with the values on both sides
        at = t_I[:, :, None] * (lags.lags + 1) + lag_rows(t_P[:, None] - t_P[:, :, None])
        G = t_table[at, t_I[:, None].expand(-1, KEPT, -1)]
        return torch.einsum("ba,bac,bc->b", t_v, G, t_v).numpy()

    def pairs():  # our own algorithm, in torch
        parts = []
        for i, p, u in zip(t_I.split(4096), t_P.split(4096), t_v.split(4096)):
            i, p, u = i.T.contiguous(), p.permute(2, 1, 0).contiguous().permute(1, 2, 0), u.T.contiguous()
            sums = (u * u * torch.from_numpy(lags.energy)[i]).sum(0)
            for a in range(KEPT - 1):
                at = (i[a] * (lags.lags + 1) + lag_rows(p[a + 1 :] - p[a])) * K + i[a + 1 :]
                sums += 2 * u[a] * (t_flat.take(at) * u[a + 1 :]).sum(0)
            parts.append(sums)
        return torch.cat(parts).numpy()

    def painted():  # as many codes as there are signals
        return (adjoint(t_codes) ** 2).flatten(1).sum(1).numpy()

    calls = {"ours": lambda: lags.energies(I, P, v), "torch": painted}
    calls |= {"torch, Gram matrices": grams, "torch, our pairs": pairs}
    (a, b), flat = np.triu_indices(KEPT, 1), lags.rows.ravel()
    at = (I[:, a] * (lags.lags + 1) + lags.lag_index(P[:, b] - P[:, a])) * K + I[:, b]
    yield "energies", calls, {}, {"gather": lambda: [flat.take(part) for part in np.array_split(at, 8)]}


def one(name, dtype, seconds):
    """Check and time all workloads of one shape; return rows of results."""
    rows = []
    for workload, calls, checks, limits in workloads(name, dtype):
        ours, sizes = calls["ours"](), {}
        rtol, share = (1e-9, 1.0) if dtype == "float64" else (2e-3, 0.75 if workload in POOLED else 1.0)
        for peer, call in calls.items():
            theirs = call()
            sizes[peer] = len(theirs)
            a, b = checks[peer]() if peer in checks else (theirs, ours[: len(theirs)])
            off = np.abs(a - b).reshape(len(a), -1).max(axis=1)
            if not np.mean(off <= rtol * np.abs(b).max()) >= share:
                sys.exit(f"{peer} disagrees with ours on {workload}, shape {name}, {dtype}: {off.max():.1e}")
        found = interleaved(calls | limits, seconds)
        # some peers were given fewer signals or codes: their time for all of them
        took = {peer: found[peer] * len(ours) / size for peer, size in sizes.items()}
        bounds, most = {limit: found[limit] for limit in limits}, peak(calls["ours"])
        rows.append({"shape": name, "workload": workload, "seconds": took, "limits": bounds, "peak_mb": most})
    return rows


def network(dtype, seconds):
    """Check and time VGG-16 on one photograph, up and down; return rows of results."""
    rows = []
    for workload, calls in vgg16.workloads(dtype):
        ours, theirs = (call() for call in calls.values())
        off = float(np.abs(theirs - ours).max() / np.abs(ours).max())
        if not off <= (1e-9 if dtype == "float64" else 2e-3):
            sys.exit(f"torch disagrees with ours on VGG-16, {workload}, {dtype}: {off:.1e}")
        took, most = interleaved(calls, seconds), peak(calls["ours"])
        rows.append({"workload": workload, "seconds": took, "differs": off, "peak_mb": most})
    return rows


def alone(seconds):
    """Time what has no peer: exact constants, and samples in bounded memory."""
    from cnninv_lite import BlockModel, FilterBank, gaussian_filters, rip_exact, rip_sample

    def timed(call, size, unit, most):
        start = perf_counter()
        call()
        took = {"call": call.func.__name__, "size": size, "seconds": perf_counter() - start}
        return took | {"peak_mb": peak(call), "unit": unit, "most": most}

    rows = []
    for K, M, ell, t, k, order in EXACT:
        n = (order * k - 1) * -(-ell // t) + 1
        W = FilterBank(gaussian_filters(K, M, ell, rng=0), (M, (n - 1) * t + ell), t).normalized()
        call = partial(rip_exact, W, BlockModel(K, W.n, k, order))
        size = f"K, M, ell, t, k, s = {K}, {M}, {ell}, {t}, {k}, {order}"
        rows.append(timed(call, size, "seconds", 10))
    for m, N, k, side, most in MATRICES:
        A = np.random.default_rng(0).standard_normal((m, N)) / np.sqrt(m)
        call = partial(rip_exact, A, k, side=side)
        rows.append(timed(call, f"a {m} x {N} matrix, k = {k}, {side}", "seconds", most))
    W = FilterBank(gaussian_filters(96, 32, 5, rng=0), (32, 32))
    n = 10**6 if seconds >= 1 else 10**5
    call = partial(rip_sample, W, BlockModel(96, W.n, 10), n, rng=0)
    return [*rows, timed(call, f"{n} codes", "peak_mb", 200)]


def counted(key, value):
    """Return the calls whose work the theory counts, with one size changed."""
    from cnninv_lite import iht, reconstruct

    size = BASE | {key: value}
    W, model, x = layer(size["M"], size["D"], size["ell"], size["K"], 1, size["batch"], "float64", size["k"])
    h = W.analysis(x)
    code, (lags, *codes) = model.pool(h), drawn(W, model, 250 * size["batch"])
    return {
        "forward": lambda: W.analysis(x),
        "adjoint": lambda: W.synthesis(h),
        "adjoint, sparse": lambda: W.paint(*code),
        "pooling": lambda: model.project(h),
        "round trip": lambda: reconstruct(W, x, size["k"]),
        "50 IHT steps": lambda: iht(W, x, size["k"], max_iter=50, tol=0, method="lag"),
        "energies": lambda: lags.energies(*codes),
    }


def grown(key, seconds):
    """Time them for all values of one size in turn: processor time, as waiting would hit long calls alone."""
    calls = {(call, value): f for value in SWEEP[key] for call, f in counted(key, value).items()}
    took = interleaved(calls, seconds, process_time)
    names = dict.fromkeys(call for call, _ in calls)
    return [{"key": key, "value": v, "seconds": {call: took[call, v] for call in names}} for v in SWEEP[key]]


def worker(dtype, threads, quick):
    """Run in a process of its own: print one JSON document."""
    import torch
    from threadpoolctl import threadpool_info

    torch.set_num_threads(threads)
    seconds = 0.1 if quick else 1.0
    rows = [row for name in SHAPES for row in one(name, dtype, seconds)]
    blas = sorted({f"{i['internal_api']} {i.get('architecture', '')}".strip() for i in threadpool_info()})
    result = {"dtype": dtype, "threads": threads, "blas": blas, "rows": rows, "sweep": [], "alone": []}
    result["VGG-16"] = network(dtype, seconds)
    if (dtype, threads) == ("float64", 1):
        result["sweep"] = [row for key in SWEEP for row in grown(key, 10 * seconds)]
        result["alone"] = alone(seconds)
    print(json.dumps(result))


def table(run):
    """Return one run as text: times, ratios to torch, shares of the limits, other peers."""
    lines = [f"\n{run['dtype']}, {run['threads']} thread(s), {', '.join(run['blas'])}"]
    lines.append("shape workload       ours, ms  / torch  peak MB  limits / ours; peers x ours")
    for row in run["rows"]:
        (_, ours), (_, torch), *others = row["seconds"].items()
        ratio = ours / torch
        parts = [f"{name} {t / ours:.2f}" for name, t in row["limits"].items()]
        parts += ["torch wins"] * (ratio > 1) + [f"{peer} x {t / ours:.3g}" for peer, t in others]
        head = f"{row['shape']:6}{row['workload']:14}{1e3 * ours:9.2f}{ratio:9.4f}{row['peak_mb']:9.1f}"
        lines.append(f"{head}  {'; '.join(parts)}")
    for row in run["VGG-16"]:
        ours, torch = row["seconds"]["ours"], row["seconds"]["torch"]
        size = f"{1e3 * ours:9.2f}{ours / torch:9.4f}{row['peak_mb']:9.1f}"
        lines.append(f"VGG-16, {row['workload']:12}{size}  differs by {row['differs']:.0e}")
    lines += [
        f"{r['call']} of {r['size']}: {r['seconds']:.2f} s, {r['peak_mb']:.1f} MB" for r in run["alone"]
    ]
    return "\n".join(lines)


def goals(run):
    """Return what the module should reach in 64 bit on one thread: (what, measured, at most, met)."""
    took = {(row["workload"], row["shape"]): row["seconds"] for row in run["rows"]}
    found = [
        (f"{call} of {name} / {peer}", took[call, name]["ours"] / took[call, name][peer], most)
        for call, peer, most, names in GOALS
        for name in names
    ]
    found += [(f"{r['call']} of {r['size']}, {r['unit']}", r[r["unit"]], r["most"]) for r in run["alone"]]
    return [(what, value, most, value <= most) for what, value, most in found]


def plot(sweep):
    """Draw how the cost of each call grows with each size."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "costs"
    import matplotlib.pyplot as plt

    fig, panels = plt.subplots(1, len(SWEEP), figsize=(11, 3.2), sharey=True, layout="constrained")
    for panel, key in zip(panels, SWEEP):
        part = [row for row in sweep if row["key"] == key]
        for call in part[0]["seconds"]:
            times = [1e3 * row["seconds"][call] for row in part]
            panel.loglog([row["value"] for row in part], times, ".-", label=call)
        panel.set_xlabel(key)
    panels[0].set_ylabel("ms")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=7, frameon=False)
    fig.savefig(HERE / "costs.svg", metadata={"Date": None})


def main():
    """Run all pairs of dtype and threads in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less time for each call; nothing is stored")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    if (args := parser.parse_args()).worker:
        return worker(args.worker[0], int(args.worker[1]), args.quick)
    start, runs = perf_counter(), []
    for threads in ("1", "2"):
        for dtype in ("float64", "float32"):
            command = [sys.executable, __file__, "--worker", dtype, threads, *["--quick"] * args.quick]
            env = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), threads)
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                return done.returncode
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(table(runs[-1]), flush=True)
    print("\ngoals, 64 bit, one thread")
    for what, value, most, met in goals(runs[0]):
        print(f"{'met   ' if met else 'MISSED'} {value:10.4f} <= {most:8.4f}  {what}")
    cpu = Path("/proc/cpuinfo")
    cpu = re.search(r"model name\s*: (.*)", cpu.read_text() if cpu.exists() else "")
    about = {
        "machine": f"{cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {n: version(n) for n in ("numpy", "scipy", "torch", "pylops", "sigpy", "scikit-learn")},
        "minutes": round((perf_counter() - start) / 60, 1),
    }
    print("\n" + json.dumps(about))
    if not args.quick:
        stored = json.dumps({"about": about, "goals": goals(runs[0]), "runs": runs}, indent=1) + "\n"
        (HERE.parent / "cnninv_lite" / "book" / "costs.json").write_text(stored, encoding="utf8")
        plot(runs[0]["sweep"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
