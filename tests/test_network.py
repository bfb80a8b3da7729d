"""Several layers, up and down, against dense matrices and loops."""


import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv_lite import (
    FilterBank,
    Layer,
    Network,
    Pooled,
    depth_bound,
    error_recursion,
    gain_bound,
    gaussian_filters,
    max_pool,
    reconstruct,
)

norm = np.linalg.norm


def small(nonnegative=True, k=(None, None), seed=0, M=2):
    """Two layers on 13 x 11 inputs, with windows that do not fit evenly, and a stride."""
    first = Layer(gaussian_filters(6, M, (3, 2), rng=seed), (2, 3), k[0], 1, nonnegative)
    second = Layer(gaussian_filters(5, 6, (2, 2), rng=seed + 1), 2, k[1], (2, 1), nonnegative)
    return Network([first, second], (M, 13, 11))


def composed(net, codes):
    """Return B, with B x the last code's values: dense layers, kept rows alone."""
    B = None
    for bank, code in zip(net.banks, codes, strict=True):
        rows = bank.toarray().reshape(bank.K, -1, bank.shape[1])
        places, alive = code.switches.reshape(bank.K, -1), code.values.reshape(bank.K, -1) != 0
        kept = np.concatenate([rows[i][places[i]] * alive[i][:, None] for i in range(bank.K)])
        B = kept if B is None else kept @ B
    return B


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("k", [(None, None), (20, 7)])
def test_up_and_down_is_one_matrix_and_its_transpose(nonnegative, k):
    net = small(nonnegative, k)
    for x in np.random.default_rng(3).standard_normal((3, 2, 13, 11)):
        codes = net.encode(x)
        B = composed(net, codes)
        np.testing.assert_allclose(B @ x.ravel(), codes[-1].values.ravel(), atol=1e-12)
        back = net.decode(codes)
        np.testing.assert_allclose(back.ravel(), B.T @ B @ x.ravel(), atol=1e-12)
        energy = np.sum(codes[-1].values ** 2)
        identity = np.sum(x**2) - 2 * energy + np.sum(back**2)
        assert norm(back - x) ** 2 == pytest.approx(identity)
        other = np.random.default_rng(4).standard_normal(codes[-1].values.shape)
        np.testing.assert_allclose(net.decode(codes, top=other).ravel(), B.T @ other.ravel(), atol=1e-12)


@pytest.mark.parametrize("k", [(None, None), (20, 7)])
def test_encode_layer_by_layer(k):
    net, x = small(k=k), np.random.default_rng(0).standard_normal((2, 13, 11))
    for bank, window, size, code in zip(net.banks, [(2, 3), (2, 2)], k, net.encode(x), strict=True):
        values, switches = max_pool(bank.analysis(x), window, nonnegative=True)
        if size is not None:
            least = np.sort(values, axis=None)[-size]
            values = np.where(values >= least, values, 0)
            assert np.count_nonzero(values) <= size
        np.testing.assert_array_equal(code.values, values)
        np.testing.assert_array_equal(code.switches, switches)
        x = values


def test_one_window_over_everything_is_the_layer_of_the_theory():
    w, x = gaussian_filters(8, 3, 5, rng=0), np.random.default_rng(0).standard_normal((4, 3, 20))
    for nonnegative in (True, False):
        net = Network([Layer(w, window=16, k=3, nonnegative=nonnegative)], (3, 20))
        np.testing.assert_allclose(
            net.decode(net.encode(x)),
            reconstruct(FilterBank(w, (3, 20)), x, 3, nonnegative=nonnegative).x,
        )


def test_batches_and_dtype():
    net, x = small(k=(20, 7)), np.random.default_rng(0).standard_normal((2, 3, 2, 13, 11))
    codes, back = net.encode(x), net.decode(net.encode(x), switches="lost")
    errors = net.layer_errors(x)
    for at in np.ndindex(2, 3):
        one = net.encode(x[at])
        np.testing.assert_allclose(codes[1].values[at], one[1].values, atol=1e-12)
        np.testing.assert_allclose(back[at], net.decode(one, switches="lost"), atol=1e-12)
        for name in ("alone", "image", "composed", "norms"):
            single = getattr(net.layer_errors(x[at]), name)
            np.testing.assert_allclose(getattr(errors, name)[(slice(None), *at)], single)
    layers = [Layer(layer.filters.astype(np.float32), layer.window) for layer in net.layers[:1]]
    light = Network(layers, (2, 13, 11))
    for switches in ("kept", "fixed", "lost"):
        assert light.decode(light.encode(x.astype(np.float32)), switches=switches).dtype == np.float32


@pytest.mark.parametrize("switches", ["kept", "fixed", "lost"])
def test_every_unpooling_preserves_norms(switches):
    net = small()
    codes = net.encode(np.random.default_rng(0).standard_normal((2, 13, 11)))
    for j, code in enumerate(codes):
        out = net._unpool(j, code.values, code, switches)
        assert out.shape == (net.banks[j].K, *net.banks[j].n)
        assert norm(out) == pytest.approx(norm(code.values))


def test_layer_errors_by_hand():
    net, x = small(), np.random.default_rng(1).standard_normal((2, 13, 11))
    codes, errors = net.encode(x), net.layer_errors(x)
    x2 = codes[0].values
    back2 = net.banks[1].synthesis(net._unpool(1, codes[1].values, codes[1], "kept"))
    assert errors.alone[1] == pytest.approx(norm(back2 - x2) / norm(x2))
    assert errors.alone[0] == errors.image[0]
    assert errors.image[1] == pytest.approx(norm(net.decode(codes) - x) / norm(x)) == errors.composed[0]
    assert errors.composed[1] == errors.alone[1]
    np.testing.assert_allclose(errors.norms, [norm(x), norm(x2)])


def test_calibrated_has_gain_one_and_keeps_switches():
    net, x = small(), np.random.default_rng(1).standard_normal((4, 2, 13, 11))
    scaled = net.calibrated(x)
    for before, after in zip(net.encode(x), scaled.encode(x), strict=True):
        np.testing.assert_array_equal(before.switches, after.switches)
    inputs = [x, scaled.encode(x)[0].values]
    for j, code in enumerate(scaled.encode(x)):
        back = scaled.banks[j].synthesis(scaled._unpool(j, code.values, code, "kept"))
        assert np.vdot(back, inputs[j]) == pytest.approx(np.vdot(back, back))
    with pytest.raises(ValueError, match="layer 1 paints nothing"):
        net.calibrated(np.zeros((2, 13, 11)))


@given(seed=st.integers(0, 10_000), nonnegative=st.booleans())
def test_recursion_holds_with_the_norms_of_the_layers(seed, nonnegative):
    net = small(nonnegative, k=(30, 10), seed=seed)
    x = np.random.default_rng(seed).standard_normal((2, 13, 11))
    errors = net.layer_errors(x)
    deltas = [norm(bank.toarray(), 2) ** 2 - 1 for bank in net.banks]
    bounds = error_recursion(errors.alone, errors.norms, deltas)
    assert (errors.composed * errors.norms <= bounds * (1 + 1e-9)).all()
    assert bounds[0] / errors.norms[0] <= depth_bound(errors.alone, np.maximum(deltas, 0)) * (1 + 1e-9)


@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 0.3))
def test_gain_bound_against_dense_constants(seed, spread):
    """One position each, nothing dropped: the model is all codes, and its constant a norm."""
    rng = np.random.default_rng(seed)
    w, v = np.eye(12, 40) + 0.1 * spread * rng.standard_normal((12, 40)), np.eye(5, 12)
    v += spread * rng.standard_normal(v.shape) / 4
    deltas = [norm(a @ a.T - np.eye(len(a)), 2) for a in (w, v)]
    assert max(deltas) < 1
    net = Network([Layer(a[:, :, None], 1, nonnegative=False) for a in (w, v)], (40, 1))
    x = w.T @ rng.standard_normal((12, 1))
    x2 = net.encode(x)[0].values
    eta = norm(x2 - np.linalg.pinv(v) @ v @ x2) / norm(x2)
    back = net.decode(net.encode(x))
    error = norm(back * np.vdot(back, x) / np.vdot(back, back) - x) / norm(x)
    assert error <= gain_bound(deltas, [0, eta]) + 1e-9


def test_gain_bound_needs_kept_switches():
    """Filters in disjoint places: delta = 0 and the bound is 0; the fixed place is wrong by a root of two."""
    w = np.eye(2)[:1][None]  # one filter (1, 0), stride 2
    net = Network([Layer(w, window=2, stride=2)], (1, 4))
    x = np.array([[1.0, 0, 0, 0]])
    assert gain_bound([0.0]) == 0
    np.testing.assert_array_equal(net.decode(net.encode(x)), x)
    assert norm(net.decode(net.encode(x), switches="fixed") - x) == pytest.approx(2**0.5)


def test_refusals():
    w = gaussian_filters(4, 2, 3, rng=0)
    with pytest.raises(TypeError, match="layers must be one Layer or more"):
        Network([], (2, 9))
    with pytest.raises(ValueError, match=r"layer 2 of 2: input_shape must have M = 2"):
        Network([Layer(w, 2), Layer(w, 2)], (2, 9))
    with pytest.raises(ValueError, match=r"layer 1 of 1: k must be an integer in 1\.\.8"):
        Network([Layer(w, 4, k=9)], (2, 9))
    with pytest.raises(ValueError, match="layer 1 of 1: window must be one integer or 1"):
        Network([Layer(w, (2, 2))], (2, 9))
    net = Network([Layer(w, 4)], (2, 9))
    codes = net.encode(np.ones((2, 9)))
    with pytest.raises(ValueError, match="switches must be 'kept', 'fixed' or 'lost'"):
        net.decode(codes, switches="none")
    with pytest.raises(TypeError, match=r"codes must be 1\.\.1 Pooled codes"):
        net.decode([])
    with pytest.raises(TypeError, match=r"codes must be 1\.\.1 Pooled codes"):
        net.decode(codes * 2)
    with pytest.raises(ValueError, match="top must have shape"):
        net.decode(codes, top=np.ones((3, 2)))
    with pytest.raises(ValueError, match="switches must lie in"):
        net.decode([Pooled(codes[0].values, codes[0].switches + 100)])
    with pytest.raises(ValueError, match="must agree on shape"):
        error_recursion([1.0], [1.0, 2.0], [0.0])
    with pytest.raises(ValueError, match="deltas must be >= -1"):
        error_recursion([1.0], [1.0], [-1.5])
    with pytest.raises(ValueError, match=r"deltas must lie in \[0, 1\]"):
        gain_bound([0.5, 1.5])
