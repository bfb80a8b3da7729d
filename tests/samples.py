"""Layers and numbers that several test files draw."""

import numpy as np
from oracles import dense_matrix

from cnninv_lite import BlockModel, FilterBank, gaussian_filters

# (K, M, ell, D, stride): the stride divides D or not, reaches beyond the filter, leaves one position, ...
CASES = [
    (1, 1, (1,), (1,), (1,)),
    (2, 1, (3,), (7,), (1,)),
    (3, 2, (4,), (11,), (2,)),
    (2, 3, (2,), (14,), (5,)),
    (2, 2, (5,), (5,), (3,)),
    (4, 1, (1,), (6,), (4,)),
    (2, 3, (4,), (9,), (9,)),
    (3, 2, (2, 3), (5, 6), (1, 1)),
    (2, 1, (3, 2), (8, 7), (2, 3)),
    (2, 2, (1, 2), (6, 5), (4, 1)),
    (1, 3, (3, 3), (3, 3), (2, 2)),
    (2, 1, (2, 2), (7, 9), (3, 5)),
]


def make(case, dtype=np.float64, seed=0):
    """Return the bank of a case, and its dense matrix."""
    K, M, ell, D, stride = case
    filters = np.random.default_rng(seed).standard_normal((K, M, *ell)).astype(dtype)
    return FilterBank(filters, (M, *D), stride), dense_matrix(filters, D, stride)


def layer(K, M, ell, D, stride, scale=1.0, rng=0):
    return FilterBank(scale * gaussian_filters(K, M, ell, rng=rng), (M, *D), stride)


def normal(shape, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def tied(shape, seed=0):
    """Draw codes of few small integers, so that nearly every choice is a tie."""
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(float)


def flat(a):
    return np.asarray(a).reshape(-1)


LAYERS = [  # K, M, ell, D, stride
    (4, 12, (3,), (9,), 1),
    (5, 20, (4,), (14,), 3),
    (3, 10, (5,), (6,), 2),  # one position only
    (3, 10, (3,), (4,), 1),  # fewer positions than lags that overlap
    (4, 9, (2, 3), (5, 6), 1),
    (3, 9, (3, 2), (7, 6), (2, 1)),
]

# What the tests of bad input call with
NAN, INF = float("nan"), float("inf")
w = np.ones((2, 3, 4))
W = FilterBank(w, (3, 9), stride=2)  # codes of shape (2, 3)
W2 = FilterBank(np.ones((2, 1, 2, 2)), (1, 4, 5))
model = BlockModel(3, 4, 2)
h = np.ones((3, 4))
