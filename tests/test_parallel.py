"""Who does the work changes nothing: here, threads, processes, a cluster that loses a worker."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest

from cnninv_lite import (
    BlockModel,
    FilterBank,
    _adversary,
    _branch_and_bound,
    _parallel,
    gaussian_filters,
    iht,
    rip,
    rip_bracket,
    rip_exact,
    rip_sample,
    rip_sample_parts,
    rip_search,
)
from cnninv_lite.book import PhaseCell, phase_diagram

W = FilterBank(gaussian_filters(12, 3, 5, rng=0), (3, 30))
MODEL = BlockModel(12, W.n, 3, 2)


class Late(ThreadPoolExecutor):
    """Three threads that finish in any order."""

    def submit(self, function, *args):
        def later():
            time.sleep(random.random() / 50)
            return function(*args)

        return super().submit(later)


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process of its own."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(params=["threads", "late", "processes", "cluster"])
def executor(request):
    if request.param == "cluster":
        yield request.getfixturevalue("cluster").get_executor()
        return
    makers = {
        "threads": lambda: ThreadPoolExecutor(2),
        "late": lambda: Late(3),
        "processes": lambda: ProcessPoolExecutor(2, get_context("spawn")),
    }
    with makers[request.param]() as pool:
        yield pool


def trial(W, z):
    found = iht(W, W.synthesis(z), np.count_nonzero(z[0]), max_iter=20).z
    return {"IHT": np.linalg.norm(found - z, axis=(1, 2)) < 0.01 * np.linalg.norm(z, axis=(1, 2))}


def same(a, b):
    """Compare two results number by number, to the last bit."""
    names = a.__dataclass_fields__
    for name in names:
        one, other = getattr(a, name), getattr(b, name)
        if hasattr(one, "__dataclass_fields__"):
            same(one, other)
        else:
            assert np.array_equal(one, other), name


def calls(executor):
    """Everything that takes an executor, as (name, result)."""
    yield "sample", rip_sample(W, MODEL, 3000, rng=1, executor=executor)
    yield "search", rip_search(W, MODEL, 40, rng=1, executor=executor)
    yield "exact", rip_exact(W, MODEL, executor=executor)
    yield "bracket", rip_bracket(W, MODEL, 40_000, rng=1, executor=executor)
    sizes = {"K": 8, "ell": 4, "D": 16}
    yield from enumerate(phase_diagram(trial, [2, 20], [2, 5], **sizes, rng=1, executor=executor))


@cache
def results_here():
    """The results of one process, to compare all others with."""
    return list(calls(None))


def test_the_result_is_the_same_whoever_does_the_work(executor, monkeypatch):
    """Tasks are made small, so that there are many."""
    monkeypatch.setattr(rip, "PART", 400)
    monkeypatch.setattr(_adversary, "PART", 16)
    monkeypatch.setattr(_branch_and_bound, "TASK", 1)
    monkeypatch.setattr(_branch_and_bound, "CHUNK", 1 << 13)
    monkeypatch.setattr(_branch_and_bound, "ROUND", 5)
    for (name, here), (_, there) in zip(results_here(), calls(executor), strict=True):
        assert type(here) is type(there), name
        same(here, there)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_lost_worker_changes_nothing(cluster, monkeypatch):
    monkeypatch.setattr(rip, "PART", 5000)
    here = rip_sample(W, MODEL, 200_000, rng=2)
    parts = rip_sample_parts(W, MODEL, 200_000, rng=2, executor=cluster.get_executor())
    there = [next(parts)]
    pids = cluster.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)  # in the middle of a task
    there += parts
    assert len(there) == 40
    for name in ("energies", "smallest", "largest"):
        assert np.array_equal(getattr(here, name), np.concatenate([getattr(part, name) for part in there]))
    cluster.wait_for_workers(2, timeout=60)
    assert set(cluster.run(os.getpid).values()) != set(pids.values()), "no worker was lost"


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, it is ignored
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from cnninv_lite import BlockModel, FilterBank, gaussian_filters, rip, rip_sample_parts

if __name__ == "__main__":
    W = FilterBank(gaussian_filters(12, 3, 5, rng=0), (3, 30))
    rip.PART = 5000
    with {pool}(2) as pool:
        for part in rip_sample_parts(W, BlockModel(12, W.n, 6), 10**9, rng=0, executor=pool):
            print(len(part.energies), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
@pytest.mark.parametrize("pool", ["ThreadPoolExecutor", "ProcessPoolExecutor"])
def test_ctrl_c_leaves_nothing_running(pool, tmp_path):
    path = tmp_path / "endless.py"
    path.write_text(SCRIPT.format(pool=pool))
    process = subprocess.Popen(
        [sys.executable, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "5000\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in error
    with pytest.raises(ProcessLookupError):  # nobody is left in its group
        os.killpg(process.pid, 0)


class Counting:
    """An executor that does a task when its result is asked for, and counts those that wait."""

    def __init__(self):
        self.waiting = self.most = self.done = 0

    def submit(self, function, *args):
        outer, future = self, Future()
        self.waiting += 1
        self.most = max(self.most, self.waiting)

        def result():
            outer.waiting -= 1
            outer.done += 1
            return function(*args)

        future.result = result
        return future


def test_few_tasks_wait_at_a_time():
    executor = Counting()
    assert list(_parallel.gather(abs, ((-i,) for i in range(1000)), executor)) == list(range(1000))
    assert executor.most == _parallel.AHEAD


def test_parts_come_as_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(rip, "PART", 100)
    done, sample = [], rip._sample
    monkeypatch.setattr(rip, "_sample", lambda *task: done.append(1) or sample(*task))
    parts = rip_sample_parts(W, MODEL, 100_000_000, rng=0)
    assert (len(next(parts).energies), len(done)) == (100, 1)
    parts.close()
    whole = rip_sample(W, MODEL, 250, rng=0)
    pieces = list(rip_sample_parts(W, MODEL, 250, rng=0))
    assert [len(piece.energies) for piece in pieces] == [100, 100, 50]
    assert np.array_equal(whole.largest, np.concatenate([piece.largest for piece in pieces]))


@pytest.mark.parametrize("ended_by", ["the caller", "an error"])
def test_what_ends_early_takes_back_the_tasks_that_wait(ended_by):
    done, gate = [], threading.Event()

    def task(i):
        done.append(i)
        time.sleep(0.005)
        if i == 1:
            gate.wait(10)
        if i == 1 and ended_by == "an error":
            raise ArithmeticError("task 1")
        return i

    with ThreadPoolExecutor(1) as pool:
        results = _parallel.gather(task, ((i,) for i in range(200)), pool)
        assert next(results) == 0
        threading.Timer(0.2, gate.set).start()
        if ended_by == "an error":
            with pytest.raises(ArithmeticError):
                list(results)
        else:
            results.close()
    assert len(done) < 100


def test_a_phase_diagram_counts_what_comes_back():
    cells = list(phase_diagram(trial, [1, 40], [1, 4], K=6, ell=5, D=15, banks=3, codes=4, rng=0))
    assert [(cell.M, cell.k, cell.codes) for cell in cells] == [
        (1, 1, 12),
        (1, 4, 12),
        (40, 1, 12),
        (40, 4, 12),
    ]
    assert all(isinstance(cell, PhaseCell) and set(cell.recovered) == {"IHT"} for cell in cells)
    assert cells[3].recovered["IHT"] == 12 > cells[1].recovered["IHT"]
    alone = list(phase_diagram(trial, [40], [4], K=6, ell=5, D=15, banks=3, codes=4, rng=0))
    assert alone == cells[3:]  # whatever else is asked for
    plane = phase_diagram(
        lambda W, z: {"all": np.ones(5, bool), "none": np.zeros(5, bool)},
        *([2], [1]),
        **{"K": 3, "ell": (2, 2), "D": (5, 6), "stride": 2, "banks": 1, "codes": 5},
    )
    assert list(plane) == [PhaseCell(2, 1, 5, {"all": 5, "none": 0})]


def test_progress_is_shown_when_asked_for(capsys):
    pytest.importorskip("tqdm")
    sizes = {"K": 4, "ell": 3, "D": 8, "rng": 0}
    list(phase_diagram(trial, [1], [1], **sizes))
    rip_sample(W, MODEL, 10, rng=0)
    assert capsys.readouterr().err == ""
    list(phase_diagram(trial, [1], [1], **sizes, progress=True))
    assert "100%" in capsys.readouterr().err
    rip_sample(W, MODEL, 10, rng=0, progress=True)
    assert "codes" in capsys.readouterr().err
