"""Work cut into tasks, done here or by an executor: threads, processes, a cluster.

A task is a function of arguments that can be pickled, with random numbers of its own. How work is cut never
depends on who does it: results are the same for any number of workers, in whatever order they finish, and
without an executor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from importlib import import_module
from reprlib import repr as brief

__all__ = [
    "Exhausted",
    "Work",
    "as_executor",
    "gather",
    "progress_bar",
    "watched",
]

AHEAD = 256  # tasks that wait or run at a time: more would only fill the memory


def as_executor(executor) -> Executor | None:
    """Return `executor`, refusing by name what has not the interface of ``concurrent.futures``."""
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            "executor must be None or have the interface of concurrent.futures (a method submit), "
            f"but got {brief(executor)} ({type(executor).__name__})."
        )
    return executor


def progress_bar(show: bool, total: int, unit: str):
    """Return a bar of tqdm if one is wanted and tqdm is installed, else None."""
    if show:
        with suppress(ImportError):
            return import_module("tqdm.auto").tqdm(total=total, unit=f" {unit}", unit_scale=True)
    return None


class Exhausted(Exception):
    """The work is more than was allowed."""


class Work:
    """Counts the supports that are looked at, says when there are too many, and who does it."""

    def __init__(self, budget: int, progress: bool = False, executor: Executor | None = None):
        self.budget, self.stop, self.done, self.executor = budget, float(budget), 0, executor
        self.bar = progress_bar(progress, budget, "supports")

    def spend(self, count: int) -> None:
        """Add to what was looked at; raise if that is more than may be."""
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        if self.done > self.stop:
            raise Exhausted(f"budget = {self.budget} supports were looked at")

    @contextmanager
    def share(self, part: float) -> Iterator[None]:
        """Let what follows use only this part of what is left; end it quietly when that is spent."""
        stop = self.stop
        self.stop = self.done + part * (stop - self.done)
        try:
            with suppress(Exhausted):
                yield
        finally:
            self.stop = stop

    def close(self) -> None:
        """Put the bar away."""
        if self.bar is not None:
            self.bar.close()


def gather(function: Callable, tasks: Iterable[tuple], executor=None) -> Generator:
    """Yield ``function(*task)`` of each task, in the order of the tasks.

    With an executor at most AHEAD tasks wait or run at a time. Whatever ends this early (an error of a task,
    Ctrl-C, a caller who stops asking) takes back the tasks that wait, and returns when those that run have
    ended.
    """
    if executor is None:
        for task in tasks:
            yield function(*task)
        return
    waiting: deque[Future] = deque()
    try:
        for task in tasks:
            waiting.append(executor.submit(function, *task))
            if len(waiting) == AHEAD:
                yield waiting[0].result()
                waiting.popleft()
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
    finally:
        wait([future for future in waiting if not future.cancel()])


def watched(results: Generator, bar, size: Callable = lambda result: 1) -> Iterator:
    """Yield the results, and move the bar, if there is one, by the size of each."""
    try:
        for result in results:
            if bar is not None:
                bar.update(size(result))
            yield result
    finally:
        results.close()
        if bar is not None:
            bar.close()
