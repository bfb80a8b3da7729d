"""What random filters guarantee: against independent evaluation, lists of supports, and drawn layers."""

from itertools import combinations, product
from math import ceil, comb, exp, factorial, inf, log, sqrt

import numpy as np
import pytest
from oracles import dense_matrix, largest_supports, rip_constant
from scipy import special

from cnninv_lite import (
    BlockModel,
    FilterBank,
    connected_supports,
    gaussian_filters,
    paper_condition,
    rip_guarantee,
    rip_necessary,
    size_needed,
)
from cnninv_lite._union_bound import UnionBound, _log_kummer

CONV3 = (64, 256, 9), BlockModel(64, 1000, 4)  # the size of a 3x3 layer with 256 channels, as one axis
CONV3_2 = (64, 256, 9), BlockModel(64, 1000, 4, order=2)
SETTINGS = {  # K, ell, the model, what else
    "long": (64, (9,), BlockModel(64, 1000, 4), {}),
    "order 2": (64, (9,), BlockModel(64, 1000, 4, 2), {}),
    "order 3": (96, (5,), BlockModel(96, 32, 10, 3), {"eps": 0.2}),
    "plane": (64, (3, 3), BlockModel(64, (30, 40), 4), {}),
    "plane, strides": (16, (3, 3), BlockModel(16, (50, 50), 3, 2), {"stride": (1, 2)}),
    "no overlap": (8, (4,), BlockModel(8, 7, 8, 2), {"stride": 4}),
    "one tap": (5, (1,), BlockModel(5, 1, 1), {}),
    "one row": (3, (2, 4), BlockModel(3, (1, 9), 2, 3), {}),
}
settings = pytest.mark.parametrize(("K", "ell", "model", "more"), SETTINGS.values(), ids=SETTINGS)
methods = pytest.mark.parametrize("method", ["closed", "optimised"])


@pytest.mark.parametrize("order", [1, 2])
def test_closed_guarantee_by_hand(order):
    tau = log(2 / 0.05) + order * (4 * log(9) + log(comb(64, 4)) + 4 * log((4 * order - 1) * 8 + 1))
    u = order * tau / (256 * 9)
    expected = 1024 / 449 * (sqrt(u) + u)
    assert rip_guarantee(*(CONV3, CONV3_2)[order - 1], eps=0.05) == pytest.approx(expected, rel=1e-12)


def test_optimised_guarantee_of_a_real_size():
    assert rip_guarantee(*CONV3, eps=0.05, method="optimised") == pytest.approx(0.26198, abs=1e-5)
    assert rip_guarantee(*CONV3_2, eps=0.05, method="optimised") == pytest.approx(0.57314, abs=1e-5)


@settings
@pytest.mark.parametrize("M", [1, 4096])
def test_optimised_is_never_larger_and_both_fall_with_channels(K, ell, model, more, M):
    values = {}
    for method in ("closed", "optimised"):
        wide, values[method], sure = (
            rip_guarantee((K, channels, *ell), model, **more | other, method=method)
            for channels, other in ((2 * M, {}), (M, {}), (M, {"eps": 1e-4}))
        )
        assert 0 < wide < values[method] < sure
    assert values["optimised"] <= values["closed"]


@methods
def test_guarantee_does_not_depend_on_the_length_of_the_input(method):
    task = {"stride": 2, "method": method}  # q = 1, n* = 3
    values = [rip_guarantee((6, 8, 4), BlockModel(6, n, 3), **task) for n in (1, 2, 3, 4, 10**9)]
    assert values[0] < values[1] < values[2] == values[3] == values[4]


@methods
@pytest.mark.parametrize("name", list(SETTINGS)[:5])
@pytest.mark.parametrize("delta", [0.1, 0.9, 3.0])
def test_size_needed_is_the_least_that_the_guarantee_accepts(name, delta, method):
    K, ell, model, more = SETTINGS[name]
    m = size_needed(delta, (K, 1, *ell), model, **more, method=method)
    stride = more.get("stride", (1,) * len(ell))
    union = UnionBound.of(ell, stride, model, more.get("eps", 0.01), method)
    assert union.delta(m) <= delta * (1 + 1e-9)
    assert union.delta(m - 1) > delta * (1 - 1e-9)
    if m % union.area == 0 or method == "closed":
        M = -(-m // union.area)
        assert rip_guarantee((K, M, *ell), model, **more, method=method) <= delta * (1 + 1e-9)
    if delta <= 1 and method == "closed":
        assert m <= ceil(9.2 * union.overlaps * union.tau / delta**2)


def test_guarantee_holds_on_drawn_layers():
    for order, method in product((1, 2), ("closed", "optimised")):
        promised = rip_guarantee((3, 6, 3), BlockModel(3, 2, 2, order), method=method, eps=0.3)
        rng, supports = np.random.default_rng(3), largest_supports(3, 2, 2, order)
        found = [
            rip_constant(dense_matrix(gaussian_filters(3, 6, 3, rng=rng), (4,), (1,)), supports)
            for _ in range(40)
        ]
        assert np.mean(np.array(found) <= promised) >= 0.7
        assert np.median(found) > promised / 12  # and it is not absurd


@pytest.mark.parametrize("r", [1, 2, 3, 10, 81])
@pytest.mark.parametrize("x", [1e-6, 0.3, 7.0, 300.0])
def test_sphere_average(r, x):
    assert _log_kummer(r, x) == pytest.approx(np.log(special.hyp1f1(0.5, r / 2, x)), rel=1e-9, abs=1e-14)


def connected(points, q):
    """Tell whether the points (block, *place) make one chain of overlapping filters."""
    reached, left = [points[0]], list(points[1:])
    while reached:
        place = reached.pop()[1:]
        near = [b for b in left if all(abs(a - c) <= d for a, c, d in zip(place, b[1:], q, strict=True))]
        reached += near
        left = [b for b in left if b not in near]
    return not left


def counted(K, q, r, order):
    """Count supports of size r in one chain, with the least place 0 on every axis, by listing all."""
    box = [range((r - 1) * reach + 1) for reach in q]
    total = 0
    for points in combinations(product(range(K), *box), r):
        blocks = [point[0] for point in points]
        if max(map(blocks.count, blocks)) > order or any(min(p) for p in list(zip(*points, strict=True))[1:]):
            continue
        total += connected(points, q)
    return total


@pytest.mark.parametrize(
    ("K", "q", "k", "order", "exact"),
    [
        (2, (1,), 1, 1, True),
        (3, (1,), 2, 1, True),
        (4, (2,), 3, 1, True),
        (4, (1,), 4, 1, True),
        (3, (0,), 2, 1, True),
        (3, (0,), 2, 2, True),
        (2, (1,), 1, 2, False),
        (2, (2,), 1, 3, False),
        (2, (1,), 2, 2, False),
        (2, (1, 1), 2, 1, False),
        (3, (1, 1), 3, 1, False),
        (2, (1, 0), 2, 2, False),
    ],
)
def test_connected_supports_against_a_list(K, q, k, order, exact):
    shape, n = (K, 1, *(reach + 1 for reach in q)), (100,) * len(q)
    bound = connected_supports(shape, BlockModel(K, n, k, order))
    size = min(order * k, K) if not any(q) else order * k
    true = counted(K, q, size, order)
    assert bound == true if exact else true <= bound <= 4 * factorial(size) * true
    assert bound <= comb(K, k) ** order * np.prod([(order * k - 1) * reach + 1 for reach in q]) ** (order * k)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_short_inputs_need_no_more_supports_than_they_have(n, order):
    model = BlockModel(4, n, 2, order)
    assert (
        model.count() <= connected_supports((4, 1, 9), model) <= (comb(4, 2) * n**2) ** order
    )  # all overlap


def test_paper_condition_by_hand():
    model = BlockModel(96, 32, 10)
    both = paper_condition((96, 32, 5), model, 0.5, eps=0.1, C=2.0)
    assert both.left == pytest.approx(32 * 25 / 36)
    assert both.right == pytest.approx(2 / 0.25 * (10 * (log(96) + log(32)) - log(0.1)))
    assert not both.holds
    assert paper_condition((96, 10**6, 5), model, 0.5).holds
    plane = paper_condition((4, 8, 3, 2), BlockModel(4, (5, 6), 2), 0.5, stride=(2, 1))
    assert plane.left == pytest.approx(8 * 36 / (11 * 7))
    assert plane.right == pytest.approx(4 * (2 * (log(4) + log(30)) - log(0.01)))


def test_paper_condition_holds_where_both_sides_are_equal():
    both = paper_condition((1, 1, 1), BlockModel(1, 1, 1), 1.0, eps=exp(-1))
    assert both.left == both.right == 1
    assert both.holds
    assert paper_condition((5, 4, 3), BlockModel(5, 6, 2), 0.3, C=2.0).right == pytest.approx(
        2 / 0.09 * (2 * (log(5) + log(6)) - log(0.01))
    )


@pytest.mark.parametrize(("K", "k"), [(5, 1), (8, 2), (12, 5), (6, 6)])
def test_necessary_by_simulation(K, k):
    M, ell, draws = 4, 3, 4000
    rng = np.random.default_rng(8)
    needed = rip_necessary((K, M, ell), BlockModel(K, 1, k))
    w = rng.standard_normal((draws, K, M * ell)) / sqrt(M * ell)
    row = np.einsum("da,dja->dj", w[:, 0], w)
    others = np.sort(row[:, 1:] ** 2, axis=1)[:, ::-1][:, : k - 1].sum(axis=1)
    seen = (row[:, 0] - 1) ** 2 + others
    assert needed.rms**2 == pytest.approx(seen.mean(), abs=4 * seen.std() / sqrt(draws))
    gram = w[:400, :k] @ w[:400, :k].swapaxes(1, 2)
    deviation = np.abs(np.linalg.eigvalsh(gram) - 1).max(axis=1)
    assert needed.edge == pytest.approx(2 * sqrt(k / 12) + k / 12)
    if k == K:
        assert needed.rms <= np.sqrt(np.mean(deviation**2))
    assert needed.rms >= sqrt((k + 1) / (M * ell)) * (1 - 1e-9)


@pytest.mark.parametrize(("K", "k"), [(5, 2), (12, 5), (40, 3)])
def test_row_of_the_gram_matrix_in_closed_form(K, k):
    needed = rip_necessary((K, 4, 3), BlockModel(K, 9, k))
    assert needed.logarithm == pytest.approx(sqrt(2 * (k - 1) / 12 * (log(K - 1) - log(k - 1))))
    alone = rip_necessary((K, 4, 3), BlockModel(K, 9, 1))
    assert alone.logarithm == 0
    assert alone.rms == pytest.approx(sqrt(2 / 12))


def test_wishart_edge_for_large_sizes():
    needed = rip_necessary((300, 100, 10), BlockModel(300, 1, 200))
    w = np.random.default_rng(0).standard_normal((1000, 200)) / sqrt(1000)
    assert np.linalg.eigvalsh(w.T @ w)[-1] - 1 == pytest.approx(needed.edge, rel=0.05)


def test_guarantee_lies_above_what_is_necessary():
    for K, k in product((8, 64, 1024), (1, 4, 8)):
        pair = (K, 64, 9), BlockModel(K, 1, k)
        needed = rip_necessary(*pair)
        promised = rip_guarantee(*pair, method="optimised", eps=0.5)
        assert promised > max(needed.rms, needed.edge, needed.logarithm)


def test_a_bank_counts_as_its_shape():
    W = FilterBank(np.ones((3, 2, 4, 5)), (2, 11, 12), (2, 1))
    model = BlockModel(3, W.n, 2, order=2)
    for function in (rip_guarantee, connected_supports):
        assert function(W, model) == function((3, 2, 4, 5), model, stride=(2, 1))
    assert size_needed(0.5, W, model) == size_needed(0.5, (3, 7, 4, 5), model, stride=(2, 1))
    assert paper_condition(W, model, 0.5) == paper_condition((3, 2, 4, 5), model, 0.5, stride=(2, 1))
    assert rip_necessary(W, model) == rip_necessary((3, 2, 4, 5), BlockModel(3, (1, 1), 2))


SHAPE, MODEL = (5, 4, 3), BlockModel(5, 9, 2)
BANK = FilterBank(np.ones(SHAPE), (4, 11))
BAD = {
    "no channels": (lambda: rip_guarantee((5, 0, 3), MODEL), ValueError, "W[1] must be"),
    "channels 2.0": (lambda: rip_guarantee((5, 2.0, 3), MODEL), TypeError, "W[1] must be"),
    "no taps": (lambda: rip_guarantee((5, 4), MODEL), ValueError, "W must be a FilterBank or a shape"),
    "another K": (lambda: rip_guarantee((6, 4, 3), MODEL), ValueError, "(6, n) of W, but got BlockModel("),
    "another axis": (lambda: rip_guarantee((5, 4, 3, 3), MODEL), ValueError, "(5, n, n) of W"),
    "another n": (lambda: rip_guarantee(BANK, BlockModel(5, 8, 2)), ValueError, "(5, 9) of W"),
    "no model": (lambda: rip_necessary(SHAPE, 2), TypeError, "model must be a BlockModel, but got int"),
    "stride 0": (lambda: connected_supports(SHAPE, MODEL, stride=0), ValueError, "stride must be"),
    "stride twice": (lambda: rip_guarantee(BANK, MODEL, stride=1), ValueError, "stride must be left out"),
    "eps 0": (lambda: rip_guarantee(SHAPE, MODEL, eps=0), ValueError, "eps must be"),
    "eps 1": (lambda: paper_condition(SHAPE, MODEL, 0.5, eps=1.0), ValueError, "eps must be"),
    "eps True": (lambda: rip_guarantee(SHAPE, MODEL, eps=True), TypeError, "eps must be"),
    "method": (lambda: rip_guarantee(SHAPE, MODEL, method="net"), ValueError, "'optimised', but got 'net'"),
    "delta 0": (lambda: size_needed(0, SHAPE, MODEL), ValueError, "delta must be"),
    "delta inf": (lambda: size_needed(inf, SHAPE, MODEL), ValueError, "delta must be"),
    "delta -1": (lambda: paper_condition(SHAPE, MODEL, -1), ValueError, "delta must be"),
    "C 0": (lambda: paper_condition(SHAPE, MODEL, 0.5, C=0), ValueError, "C must be"),
}


@pytest.mark.parametrize(("call", "error", "sentence"), BAD.values(), ids=BAD)
def test_bad_input(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert sentence in str(caught.value)
