"""What the module should compute, written as plain loops: slow, obvious, and independent of it."""

from itertools import combinations, product

import numpy as np


def positions(D, ell, stride):
    """Count the places of a filter along each axis by trying them."""
    return tuple(
        sum(1 for start in range(0, size, step) if start + length <= size)
        for size, length, step in zip(D, ell, stride, strict=True)
    )


def dense_matrix(filters, D, stride):
    """Return W, entry by entry: row (i, p) holds filter i at offset p t."""
    K, M, *ell = filters.shape
    n = positions(D, ell, stride)
    W = np.zeros((K, *n, M, *D), filters.dtype)
    for i, m in product(range(K), range(M)):
        for p in np.ndindex(*n):
            for j in np.ndindex(*ell):
                place = tuple(a * t + b for a, t, b in zip(p, stride, j, strict=True))
                W[(i, *p, m, *place)] = filters[(i, m, *j)]
    return W.reshape(K * int(np.prod(n)), M * int(np.prod(D)))


def in_model(z, K, n, k, order):
    """Tell whether the code `z` of length K n has <= `order` non-zeros a block and <= `order * k` in all."""
    used = [sum(1 for p in range(n) if z[i * n + p] != 0) for i in range(K)]
    return max(used) <= order and sum(used) <= order * k


def all_supports(K, n, k, order):
    """List every set of flat indices that a code of the model may use, the empty one first."""
    found = []
    for size in range(order * k + 1):
        for support in combinations(range(K * n), size):
            if all(sum(1 for index in support if index // n == i) <= order for i in range(K)):
                found.append(support)
    return found


def largest_supports(K, n, k, order):
    """List the supports that no other contains: the subspaces whose union is the model."""
    supports = all_supports(K, n, k, order)
    most = max(map(len, supports))
    return [support for support in supports if len(support) == most]


def nearest_distance(h, supports, nonnegative=False):
    """Return the distance of `h` to the model: the least over all supports."""
    kept = np.maximum(h, 0) if nonnegative else h
    best = np.inf
    for support in supports:
        z = np.zeros(h.size)
        for index in support:
            z[index] = kept[index]
        best = min(best, float(np.sum((h - z) ** 2)))
    return best**0.5


def greedy_projection(h, K, n, k, order, nonnegative=False):
    """Return the projection, ties included: take entries by magnitude, then by index, while they fit."""
    size = np.maximum(h, 0) if nonnegative else np.abs(h)
    z, used = np.zeros_like(h), [0] * K
    for index in sorted(range(K * n), key=lambda index: (-size[index], index)):
        if used[index // n] < order and sum(used) < order * k:
            used[index // n] += 1
            z[index] = max(h[index], 0) if nonnegative else h[index]
    return z


def pooled(h, window, nonnegative=False):
    """Pool one block `h` of one or two axes by loops; return values and flat switches as dictionaries."""
    values, switches = {}, {}
    for place in np.ndindex(*h.shape):
        cell = tuple(p // w for p, w in zip(place, window, strict=True))
        value = max(h[place], 0.0) if nonnegative else h[place]
        if cell not in values or abs(value) > abs(values[cell]):
            values[cell], switches[cell] = value, int(np.ravel_multi_index(place, h.shape))
    return values, switches


def rip_constant(A, supports):
    """Return delta from the rows of the dense W, support by support."""
    index = np.array(supports)
    G = (A @ A.T)[index[:, :, None], index[:, None, :]]
    return float(np.abs(np.linalg.eigvalsh(G) - 1).max())
