"""Compare the module with its peers and with the machine's limits, side by side in one run.

    python benchmarks/run.py [--quick]

Each pair of a dtype and a number of threads runs in a process of its own, so that thread pools do not disturb
each other. In a process every call is first checked against ours, then all are timed in turn, and the median
counts. Writes results.json and costs.svg beside this file, and prints the table.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tracemalloc
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
# M, D, ell, K, stride, batch
SHAPES = {
    "S": (1, 256, 16, 16, 1, 256),
    "S2": (3, 512, 32, 64, 1, 128),
    "M": (16, 1024, 9, 128, 2, 64),
    "L": (64, 1024, 11, 256, 1, 16),
    "2-D": (16, (64, 64), (5, 5), 32, 1, 8),
}
# How much of torch's default time a call may take, in 64 bit on one thread.
GOALS = {"forward": 0.85, "adjoint": 0.75, "round trip": 0.5, "50 IHT steps": 0.2, "energies": 0.02}
GOAL_SHAPES = {"50 IHT steps": ("M", "L")}
SWEEP = {
    "D": (256, 512, 1024, 2048),
    "K": (32, 64, 128, 256),
    "ell": (5, 9, 17, 33),
    "batch": (4, 16, 64, 256),
}
K_KEPT = 8


def interleaved(calls, seconds):
    """Time each call at least three times, in turn, for about so many seconds in all; return the medians."""
    times = {name: [] for name in calls}
    end = perf_counter() + seconds
    while perf_counter() < end or len(next(iter(times.values()))) < 3:
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: sorted(t)[len(t) // 2] for name, t in times.items()}


def peak(call):
    """Return the most memory that Python and NumPy allocate in a call, in MB."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def layer(shape, dtype):
    """Return a bank of unit filters and signals of the model for one of the shapes."""
    import numpy as np

    from cnninv_lite import BlockModel, FilterBank, gaussian_filters

    M, D, ell, K, t, batch = shape
    D = D if isinstance(D, tuple) else (D,)
    W = FilterBank(gaussian_filters(K, M, ell, rng=0).astype(dtype), (M, *D), t).normalized()
    model = BlockModel(K, W.n, K_KEPT)
    x = W.synthesis(model.sample(batch, rng=1).astype(dtype)) + 0.1 * np.random.default_rng(
        2
    ).standard_normal((batch, M, *D)).astype(dtype)
    return W, model, np.ascontiguousarray(x, dtype)


def workloads(name, shape, dtype):
    """Yield (workload, calls): ours first, then torch's default, other peers, and a limit of the machine."""
    import numpy as np
    import scipy.signal
    import torch
    import torch.nn.functional as F

    from cnninv_lite import iht, reconstruct
    from cnninv_lite.gram import LagTable
    from cnninv_lite.rip import _draw

    W, model, x = layer(shape, dtype)
    axes, t, (K, M) = len(W.n), W.stride[0], (W.K, W.M)
    z = np.random.default_rng(3).standard_normal((len(x), K, *W.n)).astype(dtype)
    tw, tx, tz = (torch.from_numpy(np.array(a)) for a in (W.filters, x, z))
    conv, conv_t = (F.conv1d, F.conv_transpose1d) if axes == 1 else (F.conv2d, F.conv_transpose2d)
    left = [d - (n - 1) * t - e for d, n, e in zip(W.D, W.n, W.ell, strict=True)]

    def forward(a):
        return conv(a, tw, stride=t)

    def adjoint(a):
        return conv_t(a, tw, stride=t, output_padding=left)

    def pooled(h):
        flat = h.reshape(len(h), K, -1)
        best = flat.abs().argmax(2, keepdim=True)
        value = flat.gather(2, best)
        keep = value.abs().squeeze(2).topk(K_KEPT, 1).indices[..., None]
        code = torch.zeros_like(flat)
        places = torch.zeros_like(flat, dtype=torch.bool)
        places.scatter_(2, best, torch.zeros_like(value, dtype=torch.bool).scatter_(1, keep, True))
        return torch.where(places, flat, code).reshape(h.shape)

    # the limits: a matrix product of the same size, on columns that are there already
    columns = np.ones((M * int(np.prod(W.ell)), len(x) * int(np.prod(W.n))), dtype)
    weights = W.filters.reshape(K, -1)
    gemm_out = np.empty((K, columns.shape[1]), dtype)
    back_out = np.empty(columns.shape, dtype)
    peers = {}
    if axes == 1:
        peers["scipy.signal"] = lambda: np.stack(
            [
                [sum(map(lambda a, b: scipy.signal.correlate(a, b, "valid"), s, w))[::t] for w in W.filters]
                for s in x[:2]
            ]
        )
    if name in ("S", "S2"):
        sparse = W.tosparse()
        flat = x.reshape(len(x), -1).T.copy()
        peers["CSR"] = lambda: (sparse @ flat).T.reshape(z.shape)
    calls = {"ours": lambda: W.analysis(x), "torch": lambda: forward(tx).numpy(), **peers}
    yield "forward", calls, lambda: np.matmul(weights, columns, out=gemm_out)

    calls = {"ours": lambda: W.synthesis(z), "torch": lambda: adjoint(tz).numpy()}
    yield "adjoint", calls, lambda: np.matmul(weights.T, gemm_out, out=back_out)

    calls = {
        "ours": lambda: reconstruct(W, x, K_KEPT).x,
        "torch": lambda: adjoint(pooled(forward(tx))).numpy(),
    }
    yield "round trip", calls, lambda: np.matmul(weights, columns, out=gemm_out)

    if axes == 1:
        few = slice(0, 8)

        def torch_iht(steps=50):
            code = torch.zeros_like(tz[few])
            for _ in range(steps):
                code = pooled(code + forward(tx[few] - adjoint(code)))
            return adjoint(code).numpy()

        def our_iht(steps=50):
            return W.synthesis(iht(W, x[few], K_KEPT, max_iter=steps, tol=0).z)

        yield "50 IHT steps", {"ours": our_iht, "torch": torch_iht}, None

        table, count = LagTable(W, model), 20_000
        I, place, v = _draw(model, count, np.random.default_rng(4), "normal")
        t_table, reach = torch.from_numpy(table.rows), int(table.reach[0])
        t_I, t_place, t_v = torch.from_numpy(I), torch.from_numpy(place), torch.from_numpy(v)
        codes = np.zeros((len(x), K, W.n[0]), dtype)
        codes[np.arange(len(x))[:, None], I[: len(x)], place[: len(x)]] = v[: len(x)]
        t_codes = torch.from_numpy(codes)

        def energies():
            return np.einsum("ba,bac,bc->b", v, table.gram(I, place[..., None]), v)

        def gathered():
            lag = t_place[:, None] - t_place[:, :, None]
            lag = torch.where(lag.abs() <= reach, lag + reach, table.lags)
            G = t_table[t_I[:, :, None] * (table.lags + 1) + lag, t_I[:, None].expand(-1, K_KEPT, -1)]
            return torch.einsum("ba,bac,bc->b", t_v, G, t_v).numpy()

        def painted():  # of as many codes as the batch has signals
            return (adjoint(t_codes) ** 2).flatten(1).sum(1).numpy()

        calls = {"ours": energies, "torch": painted, "torch, same gather": gathered}
        yield "energies", calls, None


def one(name, shape, dtype, seconds):
    """Check and time all workloads of one shape; return rows of results."""
    import numpy as np

    rows = []
    for workload, calls, limit in workloads(name, shape, dtype):
        # where filters are coherent IHT wanders, and rounding decides where: two steps are compared, 50 timed
        few = {"steps": 2} if workload == "50 IHT steps" else {}
        ours = calls["ours"](**few)
        for peer, call in calls.items():
            theirs = call(**few)
            rtol = 1e-9 if dtype == "float64" else 2e-3
            near = np.abs(theirs - ours[: len(theirs)]).max() <= rtol * np.abs(ours).max()
            # in 32 bit a tie may be broken otherwise: then most codes agree
            if not near and not (dtype == "float32" and workload in ("round trip", "50 IHT steps")):
                raise AssertionError(f"{peer} disagrees with ours on {workload}, shape {name}, {dtype}")
        found = interleaved(calls | ({"limit": limit} if limit else {}), seconds)
        # some peers were given fewer signals or codes: their time for all of them
        found = {
            peer: s * (len(ours) / len(calls[peer]()) if peer in calls else 1) for peer, s in found.items()
        }
        rows.append({"shape": name, "workload": workload, "seconds": found, "peak_mb": peak(calls["ours"])})
    return rows


def without_torch(seconds):
    """Time what has no torch peer: exact constants, samples in bounded memory, peers of small shapes."""
    import numpy as np
    import pylops
    import sigpy
    from sklearn.linear_model import orthogonal_mp

    from cnninv_lite import BlockModel, FilterBank, gaussian_filters, iht, rip_exact, rip_sample

    rows = []
    for K, M, ell, t, k in (
        (32, 1, 16, 1, 6),
        (64, 3, 32, 1, 6),
        (128, 16, 9, 2, 7),
        (256, 64, 11, 1, 5),
        (16, 4, 8, 2, 8),
    ):
        n = (k - 1) * -(-ell // t) + 1
        W = FilterBank(gaussian_filters(K, M, ell, rng=0), (M, (n - 1) * t + ell), t).normalized()
        start = perf_counter()
        delta = rip_exact(W, BlockModel(K, W.n, k)).lower
        rows.append(
            {
                "call": "rip_exact",
                "layer": [K, M, ell, t, k],
                "seconds": perf_counter() - start,
                "delta": delta,
            }
        )
    W = FilterBank(gaussian_filters(96, 32, 5, rng=0), (32, 32))
    n = 10**6 if seconds > 0.5 else 10**5
    start = perf_counter()
    most = peak(lambda: rip_sample(W, BlockModel(96, W.n, 10), n, rng=0))
    rows.append({"call": "rip_sample", "codes": n, "seconds": perf_counter() - start, "peak_mb": most})

    W, _, x = layer(SHAPES["S"], "float64")
    one_filter = W.filters[0, 0]
    ours = W.analysis(x)[:, 0]
    operator = pylops.signalprocessing.Convolve1D(W.D[0], one_filter[::-1].copy(), offset=len(one_filter) - 1)
    calls = {
        "ours, all 16 filters": lambda: W.analysis(x),
        "PyLops, one filter": lambda: np.stack([operator @ s for s in x[:, 0]]),
        "SigPy, one filter": lambda: sigpy.convolve(x[:, 0], one_filter[None, ::-1], mode="valid"),
    }
    assert np.allclose(calls["PyLops, one filter"]()[:, : W.n[0]], ours)
    assert np.allclose(calls["SigPy, one filter"](), ours)
    rows.append({"call": "forward, S", "seconds": interleaved(calls, seconds)})
    dense = W.toarray().T
    calls = {
        "ours, 50 IHT steps": lambda: iht(W, x[:8], K_KEPT, max_iter=50, tol=0),
        "scikit-learn, orthogonal_mp": lambda: orthogonal_mp(
            dense, x[:8].reshape(8, -1).T, n_nonzero_coefs=K_KEPT
        ),
    }
    rows.append({"call": "sparse code, S", "seconds": interleaved(calls, seconds)})
    return rows


def grown(key, value, seconds):
    """Time both passes with one size changed."""
    base = {"M": 8, "D": 1024, "ell": 9, "K": 64, "t": 1, "batch": 16}
    W, _, x = layer(tuple((base | {key: value}).values()), "float64")
    z = W.analysis(x)
    found = interleaved({"forward": lambda: W.analysis(x), "adjoint": lambda: W.synthesis(z)}, seconds)
    return {"key": key, "value": value, "seconds": found}


def worker(dtype, threads, quick):
    """Run in a process of its own: print one JSON document."""
    import torch
    from threadpoolctl import threadpool_info

    torch.set_num_threads(threads)
    seconds = 0.2 if quick else 1.0
    rows = [row for name, shape in SHAPES.items() for row in one(name, shape, dtype, seconds)]
    alone = (dtype, threads) == ("float64", 1)
    sweep = [grown(key, v, seconds / 5) for key, values in SWEEP.items() for v in values] if alone else []
    blas = sorted({f"{i['internal_api']} {i.get('architecture', '')}".strip() for i in threadpool_info()})
    more = without_torch(seconds) if alone else []
    print(
        json.dumps(
            {"dtype": dtype, "threads": threads, "blas": blas, "rows": rows, "sweep": sweep, "alone": more}
        )
    )


def table(runs):
    """Return the results as text: seconds, ratios to torch, share of the limit, goals."""
    lines = []
    for run in runs:
        lines.append(f"\n{run['dtype']}, {run['threads']} thread(s), {', '.join(run['blas'])}")
        lines.append(
            f"{'shape':6}{'workload':14}{'ours, ms':>10}{'/ torch':>9}{'of limit':>9}{'peak MB':>9}  goal"
        )
        for row in run["rows"]:
            s = row["seconds"]
            ratio, share = s["ours"] / s["torch"], f"{s['limit'] / s['ours']:.2f}" if "limit" in s else ""
            goal = GOALS[row["workload"]] if row["shape"] != "2-D" else {"forward": 0.5}.get(row["workload"])
            counts = (run["dtype"], run["threads"]) == ("float64", 1) and goal is not None
            counts &= row["shape"] in GOAL_SHAPES.get(row["workload"], SHAPES)
            said = (f"<= {goal}: " + ("met" if ratio <= goal else "missed")) if counts else ""
            lines.append(
                f"{row['shape']:6}{row['workload']:14}{1e3 * s['ours']:10.2f}{ratio:9.4f}{share:>9}"
                f"{row['peak_mb']:9.1f}  {said}"
            )
            others = {k: v / s["ours"] for k, v in s.items() if k not in ("ours", "torch", "limit")}
            lines += [f"{'':20}{name}: {times:.1f} times as long" for name, times in others.items()]
        for row in run["alone"]:
            took = row["seconds"]
            took = (
                {k: f"{1e3 * v:.2f} ms" for k, v in took.items()}
                if isinstance(took, dict)
                else f"{took:.2f} s"
            )
            lines.append(" ".join(f"{k}={v}" for k, v in (row | {"seconds": took}).items()))
    return "\n".join(lines)


def plot(runs):
    """Draw how the cost of a pass grows with each size."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "costs"
    import matplotlib.pyplot as plt

    sweep = next(run["sweep"] for run in runs if run["sweep"])
    fig, panels = plt.subplots(1, len(SWEEP), figsize=(9, 2.6), sharey=True, layout="constrained")
    for panel, key in zip(panels, SWEEP, strict=True):
        part = [row for row in sweep if row["key"] == key]
        for call, style in ("forward", "o-"), ("adjoint", "s--"):
            panel.loglog(
                [r["value"] for r in part],
                [1e3 * r["seconds"][call] for r in part],
                style,
                label=call,
                markersize=4,
            )
        panel.set_xlabel(key)
    panels[0].set_ylabel("ms")
    panels[0].legend(frameon=False)
    fig.savefig(HERE / "costs.svg", metadata={"Date": None})


def main():
    """Run all pairs of dtype and threads in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="less time for each call; nothing is stored")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker[0], int(args.worker[1]), args.quick)
    runs = []
    for threads in (1, 2):
        for dtype in ("float64", "float32"):
            env = os.environ | dict.fromkeys(
                ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)
            )
            command = [
                sys.executable,
                __file__,
                "--worker",
                dtype,
                str(threads),
                *(["--quick"] if args.quick else []),
            ]
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(table(runs[-1:]), flush=True)
    names = ("numpy", "scipy", "torch", "pylops", "sigpy", "scikit-learn")
    cpu = (
        re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        if sys.platform == "linux"
        else None
    )
    about = {
        "machine": f"{cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {n: version(n) for n in names},
    }
    if not args.quick:
        (HERE / "results.json").write_text(
            json.dumps({"about": about, "runs": runs}, indent=1) + "\n", encoding="utf8"
        )
        plot(runs)
    print("\n" + json.dumps(about))
    return None


if __name__ == "__main__":
    sys.exit(main())
