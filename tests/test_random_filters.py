"""The theorems as functions: against independent evaluation, brute force, and layers built to break them."""

from itertools import combinations, product
from math import ceil, comb, exp, factorial, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import dense_matrix, largest_supports
from scipy import special
from scipy.optimize import nnls

from cnninv_lite import (
    BlockModel,
    code_bound,
    connected_supports,
    depth_bound,
    filters_needed,
    gain_bound,
    gaussian_filters,
    iht_rate,
    largest_useful_delta,
    paper_condition,
    reconstruction_bound,
    rip_guarantee,
    rip_necessary,
)
from cnninv_lite._union_bound import UnionBound, _log_kummer

PHI = (1 + 5**0.5) / 2
VERSIONS = ("paper", "golden", "direct", "energy", "best")
CONV3 = {
    "ell": 9,
    "K": 64,
    "n": 1000,
    "k": 4,
    "eps": 0.05,
}  # the size of a 3x3 layer with 256 channels, as one axis
SETTINGS = [
    {"ell": 9, "K": 64, "n": 1000, "k": 4},
    {"ell": 9, "K": 64, "n": 1000, "k": 4, "order": 2},
    {"ell": 5, "K": 96, "n": 32, "k": 10, "order": 3, "eps": 0.2},
    {"ell": (3, 3), "K": 64, "n": (30, 40), "k": 4},
    {"ell": (3, 3), "K": 16, "n": 50, "k": 3, "order": 2, "stride": (1, 2)},
    {"ell": 4, "K": 8, "n": 7, "k": 8, "stride": 4, "order": 2},
    {"ell": 1, "K": 5, "n": 1, "k": 1},
    {"ell": (2, 4), "K": 3, "n": (1, 9), "k": 2, "order": 3},
]


# What random filters guarantee


@pytest.mark.parametrize("order", [1, 2])
def test_closed_guarantee_by_hand(order):
    tau = log(2 / 0.05) + order * (4 * log(9) + log(comb(64, 4)) + 4 * log((4 * order - 1) * 8 + 1))
    u = order * tau / (256 * 9)
    expected = 1024 / 449 * (sqrt(u) + u)
    assert rip_guarantee(256, **CONV3, order=order) == pytest.approx(expected, rel=1e-12)


def test_optimised_guarantee_of_a_real_size():
    assert rip_guarantee(256, **CONV3, method="optimised") == pytest.approx(0.26198, abs=1e-5)
    assert rip_guarantee(256, **CONV3, method="optimised", order=2) == pytest.approx(0.57314, abs=1e-5)


@pytest.mark.parametrize("task", SETTINGS)
@pytest.mark.parametrize("M", [1, 16, 4096])
def test_optimised_is_never_larger_and_both_fall_with_channels(task, M):
    closed, best = (rip_guarantee(M, **task, method=method) for method in ("closed", "optimised"))
    assert 0 < best <= closed
    for method, value in (("closed", closed), ("optimised", best)):
        assert rip_guarantee(2 * M, **task, method=method) < value
        assert rip_guarantee(M, **task | {"eps": 1e-4}, method=method) > value


@pytest.mark.parametrize("method", ["closed", "optimised"])
def test_guarantee_does_not_depend_on_the_length_of_the_input(method):
    task = {"ell": 4, "K": 6, "k": 3, "stride": 2, "method": method}  # q = 1, n* = 3
    values = [rip_guarantee(8, n=n, **task) for n in (1, 2, 3, 4, 10**9)]
    assert values[0] < values[1] < values[2] == values[3] == values[4]


@pytest.mark.parametrize("method", ["closed", "optimised"])
@pytest.mark.parametrize("task", SETTINGS[:5])
@pytest.mark.parametrize("delta", [0.1, 0.9, 3.0])
def test_filters_needed_is_the_least_that_the_guarantee_accepts(task, delta, method):
    m = filters_needed(delta, **task, method=method)
    union = UnionBound.of(**{"order": 1, "stride": 1, "eps": 0.01} | task, method=method)
    assert union.delta(m) <= delta * (1 + 1e-9)
    assert union.delta(m - 1) > delta * (1 - 1e-9)
    if m % union.area == 0 or method == "closed":
        assert rip_guarantee(-(-m // union.area), **task, method=method) <= delta * (1 + 1e-9)
    if delta <= 1 and method == "closed":
        assert m <= ceil(9.2 * union.overlaps * union.tau / delta**2)


def test_guarantee_holds_on_drawn_layers():
    task = {"ell": 3, "K": 3, "n": 2, "k": 2}
    for order, method in product((1, 2), ("closed", "optimised")):
        promised = rip_guarantee(6, **task, order=order, method=method, eps=0.3)
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
    ell = tuple(reach + 1 for reach in q)
    bound = connected_supports(ell, K, 100, k, order=order)
    size = min(order * k, K) if not any(q) else order * k
    true = counted(K, q, size, order)
    assert bound == true if exact else true <= bound <= 4 * factorial(size) * true
    assert bound <= comb(K, k) ** order * np.prod([(order * k - 1) * reach + 1 for reach in q]) ** (order * k)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_short_inputs_need_no_more_supports_than_they_have(n, order):
    model = BlockModel(4, n, 2, order)
    assert connected_supports(9, 4, n, 2, order=order) >= model.count()  # all overlap
    assert connected_supports(9, 4, n, 2, order=order) <= (comb(4, 2) * n**2) ** order


def test_paper_condition_by_hand():
    both = paper_condition(32, 5, 96, 32, 10, 0.5, eps=0.1, C=2.0)
    assert both.left == pytest.approx(32 * 25 / 36)
    assert both.right == pytest.approx(2 / 0.25 * (10 * (log(96) + log(32)) - log(0.1)))
    assert not both.holds
    assert paper_condition(10**6, 5, 96, 32, 10, 0.5).holds
    plane = paper_condition(8, (3, 2), 4, (5, 6), 2, 0.5, stride=(2, 1))
    assert plane.left == pytest.approx(8 * 36 / (11 * 7))
    assert plane.right == pytest.approx(4 * (2 * (log(4) + log(30)) - log(0.01)))


@pytest.mark.parametrize(("K", "k"), [(5, 1), (8, 2), (12, 5), (6, 6)])
def test_necessary_by_simulation(K, k):
    M, ell, draws = 4, 3, 4000
    rng = np.random.default_rng(8)
    needed = rip_necessary(M, ell, K, k)
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


def test_wishart_edge_for_large_sizes():
    needed = rip_necessary(100, 10, 300, 200)
    w = np.random.default_rng(0).standard_normal((1000, 200)) / sqrt(1000)
    assert np.linalg.eigvalsh(w.T @ w)[-1] - 1 == pytest.approx(needed.edge, rel=0.05)


def test_guarantee_lies_above_what_is_necessary():
    for K, k in product((8, 64, 1024), (1, 4, 8)):
        needed = rip_necessary(64, 9, K, k)
        promised = rip_guarantee(64, 9, K, 1, k, method="optimised", eps=0.5)
        assert promised > max(needed.rms, needed.edge, needed.logarithm)


# What a RIP constant guarantees


def rip_constant(A, supports):
    """Return delta from the rows of the dense W, support by support."""
    index = np.array(supports)
    G = (A @ A.T)[index[:, :, None], index[:, None, :]]
    return float(np.abs(np.linalg.eigvalsh(G) - 1).max())


@st.composite
def layers(draw):
    """Draw a dense W, its model, and its constants of orders 1, 2, 3."""
    K, k = draw(st.sampled_from([(2, 1), (2, 2), (3, 2), (4, 2), (3, 3)]))
    ell, n, t = draw(
        st.sampled_from(
            [
                ((1,), (1,), (1,)),
                ((3,), (2,), (1,)),
                ((3,), (3,), (2,)),
                ((2, 2), (1, 2), (1, 1)),
                ((2,), (3,), (2,)),
            ]
        )
    )
    M = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    w = gaussian_filters(K, M, ell, rng=rng)
    kind = draw(st.sampled_from(["random", "unit", "orthogonal", "coherent", "uneven"]))
    if kind == "unit":
        w /= np.linalg.norm(w.reshape(K, -1), axis=1).reshape(-1, *(1,) * (w.ndim - 1))
    elif kind == "orthogonal" and w[0].size >= K:
        w = np.linalg.qr(w.reshape(K, -1).T)[0].T.reshape(w.shape) + rng.uniform(0, 0.2) * w
    elif kind == "coherent":
        w = 0.9 * w + 0.3 * w[:1]
    elif kind == "uneven":
        w *= rng.uniform(0.7, 1.2, K).reshape(-1, *(1,) * (w.ndim - 1))
    size = tuple((a - 1) * b + c for a, b, c in zip(n, t, ell, strict=True))
    A, places = dense_matrix(w, size, t), int(np.prod(n))
    constants = [rip_constant(A, largest_supports(K, places, k, order)) for order in (1, 2, 3)]
    return A, BlockModel(K, places, k), constants, rng


def hard_codes(A, model, rng, nonnegative=False):
    """Yield codes of the model: random ones, then the worst of a climb on the relative error."""

    def error(z):
        x = A.T @ z
        return np.linalg.norm(A.T @ model.project(A @ x, nonnegative=nonnegative) - x) / np.linalg.norm(x)

    start = [code.ravel() for code in model.sample(12, rng=rng)]
    start = [np.abs(z) for z in start] if nonnegative else start
    yield from start
    z = max(start, key=error)
    for step in 0.5 ** np.arange(25):
        moved = z * (1 + step * rng.standard_normal(z.shape))
        moved = np.abs(moved) if nonnegative else moved
        if error(moved) > error(z):
            z = moved
    yield z


@given(layers(), st.booleans(), st.sampled_from([0.0, 0.02, 0.5]))
def test_no_layer_breaks_a_reconstruction_bound(layer, nonnegative, level):
    A, model, (d1, d2, _), rng = layer
    for z in hard_codes(A, model, rng, nonnegative):
        r = rng.standard_normal(A.shape[1])
        r *= level * np.linalg.norm(z) / np.linalg.norm(r)
        x = A.T @ z + r
        found = model.project(A @ x, nonnegative=nonnegative)
        size = np.linalg.norm(x)
        assert np.linalg.norm(found - z) <= (code_bound(d2, noise=level) + 1e-9) * np.linalg.norm(z)
        if np.linalg.norm(r) <= size:
            error = np.linalg.norm(A.T @ found - x) / size
            for version in VERSIONS:
                bound = reconstruction_bound(d2, d1, version=version, noise=np.linalg.norm(r) / size)
                assert error <= bound + 1e-9, version


@given(layers(), st.booleans())
def test_energy_bound_for_any_input(layer, nonnegative):
    A, model, (d1, d2, _), rng = layer
    if d1 > 1:
        return
    for x in rng.standard_normal((10, A.shape[1])):
        distances = [0.0 if nonnegative else x @ x]
        for support in largest_supports(model.n_blocks, model.block_size, model.k, 1):
            columns = A[list(support)].T
            if nonnegative:
                distances.append(x @ x - nnls(columns, x)[1] ** 2)
            else:
                distances.append(x @ x - np.sum((x - columns @ np.linalg.lstsq(columns, x)[0]) ** 2))
        far = sqrt(max(0.0, 1 - max(distances[1:]) / (x @ x)))
        found = A.T @ model.project(A @ x, nonnegative=nonnegative)
        bound = reconstruction_bound(max(d1, d2), d1, version="energy", noise=min(1.0, far))
        assert np.linalg.norm(found - x) / np.linalg.norm(x) <= bound + 1e-9


@given(layers())
def test_no_layer_breaks_the_bound_with_the_gain(layer):
    A, model, (d1, *_), rng = layer
    if d1 > 1:
        return
    for z in hard_codes(A, model, rng):
        x = A.T @ z
        found = model.project(A @ x)
        back = A.T @ found
        error = np.linalg.norm(back * (found @ found) / (back @ back) - x) / np.linalg.norm(x)
        assert error <= gain_bound([d1]) + 1e-9


@given(layers())
def test_other_places_hear_crosstalk_alone(layer):
    """Values moved off the support of z: the identity of fixed switches, and how little they agree with x."""
    A, model, (_, d2, _), rng = layer
    for z in hard_codes(A, model, rng):
        x = A.T @ z
        moved = model.sample(rng=rng).ravel() * (z == 0)  # P_F^T v
        inner, fixed = moved @ (A @ x), A.T @ moved
        assert np.sum((fixed - x) ** 2) == pytest.approx(x @ x + fixed @ fixed - 2 * inner)
        assert abs(inner) <= d2 * np.linalg.norm(moved) * np.linalg.norm(z) + 1e-9


@given(layers(), st.floats(0.05, 3))
def test_no_layer_breaks_the_rate_of_iht(layer, distance):
    A, model, (_, d2, d3), rng = layer
    for z in hard_codes(A, model, rng):
        before = model.project(z + distance * model.sample(rng=rng).ravel())
        after = model.project(before + A @ (A.T @ (z - before)))
        rate = iht_rate(d3, delta_2k=d2)
        assert rate == min(iht_rate(d3), iht_rate(delta_2k=d2))
        assert np.linalg.norm(after - z) <= rate * np.linalg.norm(before - z) + 1e-9


def test_golden_ratio_is_attained_in_the_code():
    delta, tilt = 0.3, 1e-7
    a, b = np.array([PHI, 1]) / np.hypot(PHI, 1)
    z = np.array([0.0, a + b - tilt, 0.0])
    z[0] = sqrt(1 / delta**2 - z[1] ** 2)
    e = np.array([0.0, -b, a])
    mirror = z * delta - e  # the reflection across it swaps z / |z| and e
    G = np.eye(3) + delta * (np.eye(3) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))
    A = np.linalg.cholesky(G)
    assert rip_constant(A, [(0, 1, 2)]) == pytest.approx(delta)
    found = BlockModel(3, 1, 2).project(A @ A.T @ z)
    assert np.linalg.norm(found - z) / np.linalg.norm(z) == pytest.approx(code_bound(delta), rel=1e-6)


@pytest.mark.parametrize("delta", [0.1, 0.5, 0.9])
def test_energy_bound_is_attained_for_one_active_filter(delta):
    G = np.array([[1 - delta, 1 - delta + 1e-9], [1 - delta + 1e-9, 1 + delta]])
    A = np.linalg.cholesky(G)
    x = A[0]
    found = A.T @ BlockModel(2, 1, 1).project(A @ x)
    bound = reconstruction_bound(1.0, delta, version="energy")
    assert np.linalg.norm(found - x) / np.linalg.norm(x) == pytest.approx(bound, rel=1e-6)
    gain = (found @ x) / (found @ found)
    assert np.linalg.norm(gain * found - x) / np.linalg.norm(x) == pytest.approx(
        gain_bound([delta]), rel=1e-6
    )


def test_hypothesis_of_the_theorem_is_needed():
    A, x = np.array([[1.0, 0.0]]), np.array([0.0, 1.0])  # delta = 0, but x is no W^T z
    assert reconstruction_bound(0.0, version="paper") == 0
    assert np.linalg.norm(A.T @ BlockModel(1, 1, 1).project(A @ x) - x) == 1
    A, x = np.eye(2), np.ones(2)  # nor if the rows of W are a basis
    assert rip_constant(A, [(0, 1)]) == 0
    assert np.linalg.norm(A.T @ BlockModel(2, 1, 1).project(A @ x) - x) == 1


def test_reconstruction_bounds_by_hand_and_in_order():
    delta = np.linspace(0, 0.99, 100)
    rho = np.sqrt((1 + delta) / (1 - delta))
    expected = {
        "paper": 5 * delta / (1 - delta) * rho,
        "golden": PHI * delta * rho,
        "direct": delta * (rho + np.sqrt(rho**2 + 4)) / 2,
        "energy": np.sqrt(2 * delta - delta**2),
    }
    bound = {version: reconstruction_bound(delta, version=version) for version in VERSIONS}
    for version, values in expected.items():
        assert np.allclose(bound[version], values, rtol=1e-12)
        assert (np.diff(bound[version]) > 0).all()
    assert (bound["direct"] <= bound["golden"] + 1e-15).all()
    assert (bound["golden"][1:] < bound["paper"][1:] * PHI / 5 * (1 + 1e-12)).all()
    assert np.array_equal(bound["best"], np.minimum(bound["direct"], bound["energy"]))
    assert reconstruction_bound(0.99, 0.0, version="golden") < reconstruction_bound(
        0.99, 0.0, version="direct"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_where_a_version_says_nothing(version):
    beyond = {"paper": (1.0, 0.5), "golden": (1.5, 1.0), "direct": (1.0, 0.5), "energy": (2.0, 1.1)}
    d2, d1 = beyond.get(version, (2.0, 1.1))
    assert reconstruction_bound(d2, d1, version=version) == inf
    assert reconstruction_bound(0.0, version=version) == 0
    both = reconstruction_bound(np.array([[0.1], [d2]]), np.array([[0.1], [d1]]), version=version)
    assert both.shape == (2, 1)
    assert np.isfinite(both[0, 0])
    assert both[1, 0] == inf
    noisy = reconstruction_bound(0.1, version=version, noise=[0.0, 0.1, 0.2])
    assert noisy.shape == (3,)
    assert (noisy[1:] == inf).all() if version == "paper" else (np.diff(noisy) > 0).all()


def test_largest_useful_delta():
    for version in VERSIONS:
        delta = largest_useful_delta(version)
        assert reconstruction_bound(delta * (1 - 1e-9), version=version) <= 1
        assert reconstruction_bound(delta, version=version) == pytest.approx(1)
    assert largest_useful_delta("paper") < 0.148
    assert 0.4 < largest_useful_delta("golden") < 0.41
    assert 0.46 < largest_useful_delta("direct") < 0.47


def test_iht_thresholds():
    assert iht_rate(1 / PHI) == pytest.approx(1)
    assert iht_rate(delta_2k=0.3708) < 1 < iht_rate(delta_2k=0.3709)
    assert iht_rate([0.1, 0.2], delta_2k=0.1).tolist() == [PHI * 0.1, 5 / 3 * PHI * 0.1]


@given(st.integers(0, 10**6), st.integers(2, 3))
def test_depth_bound_on_dense_layers(seed, depth):
    """Go up through layers of one position, each pooled code the next input, and down with the switches."""
    rng = np.random.default_rng(seed)
    width, x = int(rng.integers(4, 9)), None
    layers, widths = [], []
    for _ in range(depth):
        K = int(rng.integers(2, 7))
        layers.append(gaussian_filters(K, width, 1, rng=rng)[:, :, 0])
        widths.append(width)
        width = K
    x = top = rng.standard_normal(widths[0])
    inputs, codes, errors, deltas = [], [], [], []
    for A in layers:
        k = int(rng.integers(1, len(A) + 1))
        z = BlockModel(len(A), 1, k).project(A @ x)
        errors.append(np.linalg.norm(A.T @ z - x) / np.linalg.norm(x))
        deltas.append(rip_constant(A, list(combinations(range(len(A)), k))))
        inputs.append(x)
        codes.append(z)
        x = z
    back = layers[-1].T @ codes[-1]
    for A, z in zip(layers[-2::-1], codes[-2::-1], strict=True):
        back = A.T @ np.where(z != 0, back, 0)
    assert np.linalg.norm(back - top) <= (depth_bound(errors, deltas) + 1e-9) * np.linalg.norm(top)


# Bad input

LAYER = {"M": 4, "ell": 3, "K": 5, "n": 9, "k": 2}
BAD = [
    (rip_guarantee, LAYER | {"M": 0}, ValueError, "M must be an integer >= 1, but got 0"),
    (rip_guarantee, LAYER | {"M": 2.0}, TypeError, "M must be"),
    (rip_guarantee, LAYER | {"k": 6}, ValueError, "k must be an integer in 1..5, but got 6"),
    (rip_guarantee, LAYER | {"ell": 0}, ValueError, "ell must be"),
    (rip_guarantee, LAYER | {"n": (3, 4), "ell": (2, 2, 2)}, ValueError, "n must be"),
    (rip_guarantee, LAYER | {"stride": 0}, ValueError, "stride must be"),
    (rip_guarantee, LAYER | {"order": 0}, ValueError, "order must be"),
    (rip_guarantee, LAYER | {"eps": 0}, ValueError, "eps must be a real number in (0, 1), but got 0"),
    (rip_guarantee, LAYER | {"eps": 1.0}, ValueError, "eps must be a real number in (0, 1)"),
    (
        rip_guarantee,
        LAYER | {"eps": float("nan")},
        ValueError,
        "eps must be a real number in (0, 1), but got nan",
    ),
    (rip_guarantee, LAYER | {"eps": "x"}, TypeError, "eps must be a real number"),
    (rip_guarantee, LAYER | {"eps": True}, TypeError, "eps must be a real number"),
    (rip_guarantee, LAYER | {"method": "net"}, ValueError, "method must be 'closed' or 'optimised'"),
    (
        filters_needed,
        {"delta": 0, "ell": 3, "K": 5, "n": 9, "k": 2},
        ValueError,
        "delta must be a real number > 0, but got 0",
    ),
    (
        filters_needed,
        {"delta": inf, "ell": 3, "K": 5, "n": 9, "k": 2},
        ValueError,
        "delta must be a real number > 0, but got inf",
    ),
    (
        filters_needed,
        {"delta": [0.1], "ell": 3, "K": 5, "n": 9, "k": 2},
        TypeError,
        "delta must be a real number",
    ),
    (connected_supports, {"ell": 3, "K": 5, "n": 9, "k": 0}, ValueError, "k must be an integer in 1..5"),
    (paper_condition, LAYER | {"delta": -1}, ValueError, "delta must be a real number > 0"),
    (paper_condition, LAYER | {"delta": 0.5, "C": 0}, ValueError, "C must be a real number > 0"),
    (rip_necessary, {"M": 2, "ell": 3, "K": 5, "k": 6}, ValueError, "k must be"),
    (
        reconstruction_bound,
        {"delta_2k": -0.1},
        ValueError,
        "delta_2k must be >= 0, but came as small as -0.1",
    ),
    (reconstruction_bound, {"delta_2k": 0.1, "delta_k": 0.2}, ValueError, "delta_k must not exceed delta_2k"),
    (reconstruction_bound, {"delta_2k": [0.1, np.nan]}, ValueError, "delta_2k must be finite"),
    (reconstruction_bound, {"delta_2k": "a"}, TypeError, "delta_2k must be"),
    (reconstruction_bound, {"delta_2k": 0.1, "noise": 1.5}, ValueError, "noise must be"),
    (
        reconstruction_bound,
        {"delta_2k": 0.1, "version": "phi"},
        ValueError,
        "version must be one of 'best', 'paper'",
    ),
    (reconstruction_bound, {"delta_2k": [0.1] * 2, "delta_k": [0.1] * 3}, ValueError, "broadcast"),
    (code_bound, {"delta_2k": 0.1, "noise": -1}, ValueError, "noise must be >= 0"),
    (largest_useful_delta, {"version": "x"}, ValueError, "version must be one of"),
    (iht_rate, {}, ValueError, "needs delta_3k or delta_2k"),
    (iht_rate, {"delta_3k": -1}, ValueError, "delta_3k must be >= 0"),
    (depth_bound, {"errors": [0.1], "deltas": [0.1, 0.2]}, ValueError, "(1,) and (2,)"),
    (depth_bound, {"errors": [], "deltas": []}, ValueError, "one entry per layer"),
    (depth_bound, {"errors": [-0.1], "deltas": [0.1]}, ValueError, "errors must be >= 0"),
]


@pytest.mark.parametrize(("function", "arguments", "error", "sentence"), BAD)
def test_bad_input(function, arguments, error, sentence):
    with pytest.raises(error) as caught:
        function(**arguments)
    assert sentence in str(caught.value)


def test_paper_condition_holds_where_both_sides_are_equal():
    both = paper_condition(1, 1, 1, 1, 1, 1.0, eps=exp(-1))
    assert both.left == both.right == 1
    assert both.holds
    assert paper_condition(4, 3, 5, 6, 2, 0.3, C=2.0).right == pytest.approx(
        2 / 0.09 * (2 * (log(5) + log(6)) - log(0.01))
    )


@pytest.mark.parametrize(("K", "k"), [(5, 2), (12, 5), (40, 3)])
def test_row_of_the_gram_matrix_in_closed_form(K, k):
    needed = rip_necessary(4, 3, K, k)
    assert needed.logarithm == pytest.approx(sqrt(2 * (k - 1) / 12 * (log(K - 1) - log(k - 1))))
    assert rip_necessary(4, 3, K, 1).logarithm == 0
    assert rip_necessary(4, 3, K, 1).rms == pytest.approx(sqrt(2 / 12))


def test_what_is_left_out_means_the_closed_form_of_order_one():
    task = {"ell": 9, "K": 64, "n": 1000, "k": 4}
    assert filters_needed(0.5, **task) == filters_needed(0.5, **task, order=1, method="closed")
    assert connected_supports(**task) == connected_supports(**task, order=1, stride=1)
