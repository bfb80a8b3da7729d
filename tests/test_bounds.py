"""What a RIP constant guarantees: bounds that no layer breaks, in one layer and in several."""

from itertools import combinations
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import dense_matrix, largest_supports, rip_constant
from scipy.optimize import nnls

from cnninv_lite import (
    BlockModel,
    code_bound,
    depth_bound,
    gain_bound,
    gaussian_filters,
    iht_rate,
    reconstruction_bound,
    sharp_certificate,
)

VERSIONS = ("paper", "sharp", "direct", "energy", "best")


PHI = (1 + 5**0.5) / 2


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
    seen = error(z)
    for step in 0.5 ** np.arange(25):
        moved = z * (1 + step * rng.standard_normal(z.shape))
        moved = np.abs(moved) if nonnegative else moved
        if (new := error(moved)) > seen:
            seen, z = new, moved
    yield z


@given(layers(), st.booleans(), st.sampled_from([0.0, 0.02, 0.5]))
def test_no_layer_breaks_a_reconstruction_bound(layer, nonnegative, level):
    A, model, (d1, d2, _), rng = layer
    errors, noise, most = [], [], code_bound(d2, noise=level) + 1e-9
    for z in hard_codes(A, model, rng, nonnegative):
        r = rng.standard_normal(A.shape[1])
        r *= level * np.linalg.norm(z) / np.linalg.norm(r)
        x = A.T @ z + r
        found = model.project(A @ x, nonnegative=nonnegative)
        size = np.linalg.norm(x)
        assert np.linalg.norm(found - z) <= most * np.linalg.norm(z)
        if np.linalg.norm(r) <= size:
            errors.append(np.linalg.norm(A.T @ found - x) / size)
            noise.append(np.linalg.norm(r) / size)
    for version in VERSIONS:
        bounds = reconstruction_bound(d2, d1, version=version, noise=noise)
        assert (np.array(errors) <= bounds + 1e-9).all(), version


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
    bound = gain_bound([d1])
    for z in hard_codes(A, model, rng):
        x = A.T @ z
        found = model.project(A @ x)
        back = A.T @ found
        error = np.linalg.norm(back * (found @ found) / (back @ back) - x) / np.linalg.norm(x)
        assert error <= bound + 1e-9


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
    rate = iht_rate(d3, delta_2k=d2)
    assert rate == min(iht_rate(d3), iht_rate(delta_2k=d2))
    for z in hard_codes(A, model, rng):
        before = model.project(z + distance * model.sample(rng=rng).ravel())
        after = model.project(before + A @ (A.T @ (z - before)))
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
        "direct": delta * (rho + np.sqrt(rho**2 + 4)) / 2,
        "energy": np.sqrt(2 * delta - delta**2),
    }
    bound = {version: reconstruction_bound(delta, version=version) for version in VERSIONS}
    for version, values in expected.items():
        assert np.allclose(bound[version], values, rtol=1e-12)
    for values in bound.values():
        assert (np.diff(values) > 0).all()
    for other in ("direct", "energy"):
        assert (bound["sharp"] <= bound[other]).all()
        least = reconstruction_bound(delta, 0.0, version="direct")
        assert (bound["sharp"] <= least + 1e-15).all()  # a smaller delta_k does not help the direct bound
    assert np.array_equal(bound["best"], bound["sharp"])
    assert reconstruction_bound(0.5, 0.1) == reconstruction_bound(0.5, 0.1, version="energy")
    assert reconstruction_bound(0.147, version="paper") < 1 < reconstruction_bound(0.1472, version="paper")


@pytest.mark.parametrize("version", VERSIONS)
def test_where_a_version_says_nothing(version):
    beyond = {"paper": (1.0, 0.5), "sharp": (1.0, 0.5), "direct": (1.0, 0.5), "energy": (2.0, 1.1)}
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


BAD = [
    (reconstruction_bound, {"delta_2k": -0.1}, ValueError, "delta_2k must be >= 0, but got -0.1"),
    (reconstruction_bound, {"delta_2k": 0.1, "delta_k": 0.2}, ValueError, "delta_k must not exceed delta_2k"),
    (reconstruction_bound, {"delta_2k": [0.1, np.nan]}, ValueError, "delta_2k must be finite"),
    (reconstruction_bound, {"delta_2k": "a"}, TypeError, "delta_2k must be"),
    (reconstruction_bound, {"delta_2k": 0.1, "noise": 1.5}, ValueError, "noise must be"),
    (reconstruction_bound, {"delta_2k": 0.1, "version": "phi"}, ValueError, "one of 'best', 'paper'"),
    (reconstruction_bound, {"delta_2k": [0.1] * 2, "delta_k": [0.1] * 3}, ValueError, "broadcast"),
    (code_bound, {"delta_2k": 0.1, "noise": -1}, ValueError, "noise must be >= 0"),
    (sharp_certificate, {"delta": [0.1, 1.0]}, ValueError, "delta must be < 1, but got 1.0"),
    (sharp_certificate, {"delta": -0.1}, ValueError, "delta must be >= 0"),
    (iht_rate, {}, ValueError, "needs delta_3k or delta_2k"),
    (iht_rate, {"delta_3k": -1}, ValueError, "delta_3k must be >= 0"),
    (depth_bound, {"errors": [0.1], "deltas": [0.1, 0.2]}, ValueError, "(1,) and (2,)"),
    (depth_bound, {"errors": [], "deltas": []}, ValueError, "one entry per layer"),
    (depth_bound, {"errors": [-0.1], "deltas": [0.1]}, ValueError, "errors must be >= 0"),
]


@pytest.mark.parametrize(("function", "arguments", "error", "sentence"), BAD)
def test_bad_numbers(function, arguments, error, sentence):
    with pytest.raises(error) as caught:
        function(**arguments)
    assert sentence in str(caught.value)
