"""Filter banks learned from pictures: as a dictionary, or by a small network that is trained on labels."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.optimize import minimize
from scipy.special import logsumexp

from .._checks import as_array, as_generator, as_number, as_real, as_size, as_sizes
from ..filters import patches
from ..layer import FilterBank
from .data import library

__all__ = ["dictionary_filters", "supervised_filters"]

PATCHES = 2000  # patches that a dictionary is learned from
DECAY = 1e-3  # weight of the squared norm of all weights in the training
BATCH = 100  # images whose gradient is computed at a time: their arrays stay in the processor's cache


def dictionary_filters(images, K, ell, *, alpha=1.0, rng=None) -> np.ndarray:
    """Learn K filters of unit norm in which patches have sparse codes (scikit-learn's dictionary learning).

    Parameters
    ----------
    images : array_like of shape (..., M, *D)
    K : int
        Number of filters; it may exceed M |ell|.
    ell : int or tuple of int
        Size of the patches, one length per axis of D; a single int means one axis.
    alpha : float
        Weight of the l1 norm of the codes, for patches of mean 0 scaled to overall variance 1.
    rng : None, int or numpy.random.Generator
        Chooses 2,000 patches (or all, if there are fewer) and the start.

    Returns
    -------
    ndarray of shape (K, M, *ell), float64

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    TypeError, ValueError
        If alpha is not a number > 0, the patches do not fit into the images, or they are all constant.
    """
    windows, shape = patches(images, ell)
    K, alpha, rng = as_size(K, "K"), as_number(alpha, "alpha"), as_generator(rng)
    decomposition = library("sklearn.decomposition", "dictionary_filters")
    places = int(np.prod(windows.shape[: -len(shape)]))
    chosen = rng.choice(places, min(PATCHES, places), replace=False)
    rows = windows[np.unravel_index(chosen, windows.shape[: -len(shape)])].reshape(len(chosen), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    if not (scale := rows.std()) > 1e-12:
        raise ValueError("images must not be constant on every patch: there is nothing to learn.")
    learner = decomposition.MiniBatchDictionaryLearning(
        K, alpha=alpha, max_iter=5, batch_size=500, fit_algorithm="cd", random_state=int(rng.integers(2**31))
    )
    inexact = library("sklearn.exceptions", "dictionary_filters").ConvergenceWarning  # of codes on the way
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", inexact)
        w = learner.fit(rows / scale).components_
    w = w + 1e-9 * rng.standard_normal(w.shape) * (np.linalg.norm(w, axis=1, keepdims=True) < 1e-9)
    return (w / np.linalg.norm(w, axis=1, keepdims=True)).reshape(K, *shape)


def supervised_filters(images, labels, K, ell, *, iterations=40, rng=None):
    """Train a small convolutional network to tell the labels apart, and return its filters.

    The network is (filters, ReLU, max pooling over 2 x 2)^layers and a linear classifier on top, with no
    biases below it; all weights are trained together by L-BFGS on the cross-entropy, from random filters.

    Parameters
    ----------
    images : array_like of shape (B, M, *D)
    labels : array_like of int, shape (B,)
    K : int or tuple of int
        Number of filters; a tuple gives the number of each layer.
    ell : int or tuple of int
        Size of the filters on each axis of D, in every layer.
    iterations : int or tuple of int
        Of L-BFGS: 40 take seconds for a thousand digits. A tuple gives the filters after each of its numbers
        of steps, all of one run.
    rng : None, int or numpy.random.Generator
        Start of the training.

    Returns
    -------
    ndarray of shape (K, M, *ell), or a list with one such array per layer if K is a tuple
        As trained, not normalised; a list of these if `iterations` is a tuple. Training amplifies rounding:
        it runs in double precision whatever the type of the images, so that runs on other machines agree to
        about ten digits.

    Raises
    ------
    ValueError
        If images and labels do not match, or a layer's filters do not fit into what the layer below gives.

    Examples
    --------
    >>> from cnninv_lite.book import digits
    >>> images, labels = digits()
    >>> supervised_filters(images[:200], labels[:200], 4, 3, iterations=5, rng=0).shape
    (4, 1, 3, 3)
    """
    x, labels, rng = as_real(images, "images"), as_array(labels, "labels"), as_generator(rng)
    if x.ndim not in (3, 4) or labels.shape != x.shape[:1] or labels.dtype.kind not in "iu" or not len(x):
        raise ValueError(
            f"images must have shape (B, M, *D) and labels B integers, but got shapes {x.shape} and "
            f"{labels.shape} and labels of dtype {labels.dtype}."
        )
    steps, axes, x = as_sizes(iterations, "iterations"), x.ndim - 2, x.astype(np.float64)
    ell, sizes = as_sizes(ell, "ell", axes), as_sizes(K, "K")
    target = (labels[:, None] == np.unique(labels)).astype(float)
    start: list[np.ndarray] = []
    inputs = x.shape[1:]
    for k in sizes:
        scale = (inputs[0] * np.prod(ell)) ** -0.5
        bank = FilterBank(scale * rng.standard_normal((k, inputs[0], *ell)), inputs)
        start.append(bank.filters)
        inputs = (k, *(-(-n // 2) for n in bank.n))
    start.append(np.zeros((target.shape[1], int(np.prod(inputs)) + 1)))
    vector, shapes = np.concatenate([part.ravel() for part in start]), [part.shape for part in start]
    pieces = [(x[i : i + BATCH], target[i : i + BATCH]) for i in range(0, len(x), BATCH)]

    def loss(vector):
        parts = [(len(a) / len(x), *_loss(vector, a, b, shapes)) for a, b in pieces]
        return sum(part[0] * part[1] for part in parts), sum(part[0] * part[2] for part in parts)

    path = [vector]  # after 0, 1, 2, ... steps
    options = {"jac": True, "method": "L-BFGS-B", "options": {"maxiter": max(steps)}}
    minimize(loss, vector, callback=lambda v: path.append(v.copy()), **options)
    banks = [_split(path[min(step, len(path) - 1)], shapes)[:-1] for step in steps]
    found: list = banks if isinstance(K, (tuple, list)) else [bank[0] for bank in banks]
    return found if isinstance(iterations, (tuple, list)) else found[0]


def _split(vector, shapes) -> list[np.ndarray]:
    """Cut a vector of all weights into one array per shape."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes)]


def _loss(vector, x, target, shapes) -> tuple[float, np.ndarray]:
    """Return the mean cross-entropy plus decay, and its gradient; computed in the precision of `x`.

    Here the channels stand last, so that each layer is one product with the matrix of all patches.
    """
    *filters, top = _split(vector, shapes)
    axes = x.ndim - 2
    corners = [(slice(None), *(slice(i, None, 2) for i in at)) for at in product(range(2), repeat=axes)]
    a, layers = np.moveaxis(x, 1, -1), []
    for w in filters:
        w = np.moveaxis(w, 1, -1).astype(x.dtype)
        windows = sliding_window_view(a, w.shape[1:-1], axis=tuple(range(1, axes + 1)))
        n = windows.shape[1 : axes + 1]
        rows = np.moveaxis(windows, axes + 1, -1).reshape(-1, w[0].size)
        h = (rows @ w.reshape(len(w), -1).T).reshape(len(a), *n, len(w))
        h = np.pad(h, [(0, 0), *((0, length % 2) for length in n), (0, 0)]) if any(q % 2 for q in n) else h
        a, larger = np.zeros_like(h[corners[0]]), []
        for corner in corners:  # the last corner that is larger than all before, and 0, is the switch
            larger.append(h[corner] > a)
            np.maximum(a, h[corner], out=a)
        layers.append((w, rows, n, h.shape, larger))
    flat = np.pad(a.reshape(len(a), -1), ((0, 0), (0, 1)), constant_values=1)
    scores = flat @ top.T
    total = logsumexp(scores, axis=1, keepdims=True)
    loss = float((total[:, 0] - (scores * target).sum(axis=1)).mean())
    slope = (np.exp(scores - total) - target) / len(x)
    gradients = [slope.T @ flat]
    slope = (slope @ top[:, :-1]).reshape(a.shape).astype(x.dtype)
    for w, rows, n, padded, larger in reversed(layers):
        at_switches = np.empty(padded, x.dtype)
        for corner, won in zip(reversed(corners), reversed(larger), strict=True):
            at_switches[corner] = slope * won
            slope = slope * ~won
        at_switches = at_switches[(slice(None), *map(slice, n))].reshape(-1, len(w))
        gradients.append(np.moveaxis((at_switches.T @ rows).reshape(w.shape), -1, 1))
        if len(gradients) <= len(layers):  # nobody asks for the slope of the images
            taps = (at_switches @ w.reshape(len(w), -1)).reshape(len(x), *n, *w.shape[1:])
            below = (q + length - 1 for q, length in zip(n, w.shape[1:-1], strict=True))
            slope = np.zeros((len(x), *below, w.shape[-1]), x.dtype)
            for tap in np.ndindex(*w.shape[1:-1]):
                to = (slice(None), *(slice(i, i + q) for i, q in zip(tap, n, strict=True)))
                slope[to] += taps[(..., *tap, slice(None))]
    gradient = np.concatenate([g.ravel() for g in reversed(gradients)])
    return loss + DECAY * float(vector @ vector), gradient + 2 * DECAY * vector
