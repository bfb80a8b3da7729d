"""Several layers, up and down, against dense matrices and loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnninv_lite import (
    BlockModel,
    FilterBank,
    Layer,
    Network,
    Pooled,
    adjoint_error,
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


def full(seed=0, dtype=float):
    """Two layers with all that a trained network has: zeros, strides, biases, gains (one is 0), shifts."""
    rng = np.random.default_rng(seed)
    gain, bias, shift = (rng.uniform(0.5, 2, 6), rng.standard_normal(6) / 5, rng.standard_normal(6))
    gain[2] = 0
    first = Layer(
        gaussian_filters(6, 2, (3, 4), rng=rng).astype(dtype),
        (2, 3),
        padding="same",
        bias=bias,
        gain=gain,
        shift=shift,
    )
    second = Layer(
        gaussian_filters(5, 6, (3, 2), rng=rng).astype(dtype),
        1,
        stride=(2, 1),
        padding=((1, 0), (0, 2)),
        bias=np.ones(5) / 9,
    )
    return Network([first, second], (2, 12, 11))


def test_padding_bias_and_batch_norm_by_loops():
    net, x = full(), np.random.default_rng(1).standard_normal((2, 12, 11))
    y = x
    for layer, code in zip(net.layers, net.encode(x), strict=True):
        w, y = layer.filters, np.pad(y, ((0, 0), *layer.padding))
        (a, b), (s, t) = w.shape[2:], layer.stride
        h = np.array(
            [
                [
                    [np.sum(f * y[:, p : p + a, q : q + b]) for q in range(0, y.shape[2] - b + 1, t)]
                    for p in range(0, y.shape[1] - a + 1, s)
                ]
                for f in w
            ]
        )
        h = np.maximum(h + layer.bias[:, None, None], 0)
        if layer.gain is not None:  # as batch norm stands in the network: before pooling
            h = h * layer.gain[:, None, None] + layer.shift[:, None, None]
        u, v = layer.window
        rows, columns = range(0, h.shape[1], u), range(0, h.shape[2], v)
        y = np.array([[[block[p : p + u, q : q + v].max() for q in columns] for p in rows] for block in h])
        np.testing.assert_allclose(code.values, y, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2])
def test_held_switches_give_a_linear_map_with_its_adjoint(depth):
    net, rng = full(), np.random.default_rng(2)
    x = rng.standard_normal((2, 12, 11))
    codes = net.encode(x)[:depth]
    B = net.held(codes)
    assert adjoint_error(B, rng=0) < 1e-14
    constant = codes[-1].values.ravel() - B @ x.ravel()
    near = x * (1 + 1e-9)  # no switch changes
    np.testing.assert_allclose(B @ near.ravel() + constant, net.encode(near)[depth - 1].values.ravel())
    with pytest.raises(ValueError, match=r"codes\[-1\].values must have shape"):
        net.held(net.encode(x[None])[:depth])


def test_the_way_down_undoes_batch_norm():
    """One layer: what comes back is W^T of the kept entries of W x + bias, whatever gain and shift are."""
    net, x = full(), np.random.default_rng(3).standard_normal((2, 12, 11))
    layer, codes = net.layers[0], net.encode(x)[:1]
    h = net.banks[0].analysis(np.pad(x, ((0, 0), *layer.padding))) + layer.bias[:, None, None]
    z = np.zeros_like(h).reshape(6, -1)
    kept = np.take_along_axis(h.reshape(6, -1), codes[0].switches.reshape(6, -1), axis=1)
    np.put_along_axis(z, codes[0].switches.reshape(6, -1), kept * codes[0].kept.reshape(6, -1), axis=1)
    assert not codes[0].kept[2].any()  # its gain is 0
    back = net.banks[0].synthesis(z.reshape(h.shape))[:, 1:-1, 1:-2]
    np.testing.assert_allclose(net.decode(codes), back, atol=1e-12)


def test_what_the_way_down_knows():
    net, x = full(), np.random.default_rng(4).standard_normal((2, 12, 11))
    codes = net.encode(x)
    one = net.layers[0]
    top = np.random.default_rng(5).standard_normal(codes[0].values.shape)
    inverse = np.array([1 / g if g else 0 for g in one.gain])[:, None, None]
    z = (top - one.shift[:, None, None]) * inverse
    for masks in (True, False):
        out = np.zeros((6, 12, 11))
        np.put_along_axis(
            out.reshape(6, -1),
            codes[0].switches.reshape(6, -1),
            (z * codes[0].kept if masks else z).reshape(6, -1),
            axis=1,
        )
        back = net.banks[0].synthesis(out)[:, 1:-1, 1:-2]
        np.testing.assert_allclose(net.decode(codes[:1], top=top, masks=masks), back, atol=1e-12)
    for switches in ("fixed", "spread"):
        plain = net.decode(codes, switches=switches)
        np.testing.assert_array_equal(plain, net.decode(codes, switches=switches, masks=False))
        assert norm(plain - net.decode(codes, switches=switches, masks=True)) > 0


def test_relu_on_the_way_down():
    net = small()
    codes = net.encode(np.random.default_rng(6).standard_normal((2, 13, 11)))
    x2 = Network([net.layers[1]], codes[0].values.shape).decode(codes[1:])
    expected = net.decode(codes[:1], top=np.maximum(x2, 0))
    np.testing.assert_allclose(net.decode(codes, relu=True), expected)


def test_a_bias_is_one_more_channel():
    """||[W b]^T z||^2 = ||W^T z||^2 + the energy of the new channel, bounded by the largest biases."""
    rng = np.random.default_rng(8)
    w, b = gaussian_filters(5, 2, 3, rng=rng), rng.standard_normal(5)
    W = FilterBank(w, (2, 9))
    for k in (1, 3):
        z = BlockModel(5, W.n, k).sample(20, rng=rng)
        channel = np.einsum("i,bip->bp", b, z)
        extended = FilterBank(np.concatenate([w, np.zeros((5, 1, 3))], axis=1), (3, 9)).filters.copy()
        extended[:, 2, 1] = b  # one tap on a channel that is 1
        V = FilterBank(extended, (3, 9))
        energy = np.sum(V.synthesis(z) ** 2, axis=(1, 2))
        np.testing.assert_allclose(energy, np.sum(W.synthesis(z) ** 2, axis=(1, 2)) + np.sum(channel**2, 1))
        most = np.sort(b**2)[-k:].sum()
        assert (np.sum(channel**2, axis=1) <= most * np.sum(z**2, axis=(1, 2)) + 1e-12).all()
        x = np.concatenate([rng.standard_normal((2, 9)), np.ones((1, 9))])
        np.testing.assert_allclose(V.analysis(x), W.analysis(x[:2]) + b[:, None])


def test_normalized_is_the_same_network():
    net, x = full(), np.random.default_rng(7).standard_normal((3, 2, 12, 11))
    unit = net.normalized()
    for bank in unit.banks:
        np.testing.assert_allclose(norm(bank.filters.reshape(bank.K, -1), axis=1), 1)
    for before, after in zip(net.encode(x), unit.encode(x), strict=True):
        np.testing.assert_allclose(before.values, after.values, atol=1e-12)
        np.testing.assert_array_equal(before.switches, after.switches)
        np.testing.assert_array_equal(before.kept, after.kept)


def test_same_padding_keeps_the_size():
    for ell in (1, 2, 3, 64):
        layer = Layer(gaussian_filters(2, 1, ell, rng=0), 1, padding="same")
        assert Network([layer], (1, 70)).code_shape == (2, 70)
    assert Layer(np.ones((1, 1, 4)), 1, padding="same").padding == ((1, 2),)


def test_float32_stays_float32():
    net = full(dtype=np.float32)
    x = np.random.default_rng(0).standard_normal((2, 12, 11)).astype(np.float32)
    codes = net.encode(x)
    assert {code.values.dtype for code in codes} == {net.decode(codes).dtype} == {np.dtype(np.float32)}
    assert (
        net.decode(codes, switches="spread", relu=True).dtype
        == (net.held(codes).T @ codes[1].values.ravel()).dtype
    )


@pytest.mark.parametrize("power", [-500, 500])
def test_errors_do_not_depend_on_the_scale(power):
    net, x = small(), np.random.default_rng(1).standard_normal((2, 13, 11))
    plain, scaled = net.layer_errors(x), net.layer_errors(np.ldexp(x, power))
    for name in ("alone", "image", "composed"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(plain, name))
    np.testing.assert_allclose(np.ldexp(scaled.norms, -power), plain.norms)
    for a, b in zip(net.calibrated(np.ldexp(x, power)).banks, net.calibrated(x).banks, strict=True):
        np.testing.assert_allclose(a.filters, b.filters)


def test_reprs_are_short():
    net = full()
    assert repr(net) == "Network(2x12x11 -> 6x6x4 -> 5x3x5)"
    assert repr(net.layers[0]) == (
        "Layer(K=6, M=2, ell=(3, 4), window=(2, 3), padding=((1, 1), (1, 2)), bias, gain, shift)"
    )
    code = net.encode(np.ones((2, 12, 11)))[0]
    assert repr(code) == f"Pooled(shape=(6, 6, 4), kept={code.kept.sum()})"
    assert code == code
    assert code != net.encode(np.ones((2, 12, 11)))[0]


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
    codes, back = net.encode(x), net.decode(net.encode(x), switches="spread")
    errors = net.layer_errors(x)
    for at in np.ndindex(2, 3):
        one = net.encode(x[at])
        np.testing.assert_allclose(codes[1].values[at], one[1].values, atol=1e-12)
        np.testing.assert_allclose(back[at], net.decode(one, switches="spread"), atol=1e-12)
        for name in ("alone", "image", "composed", "norms"):
            single = getattr(net.layer_errors(x[at]), name)
            np.testing.assert_allclose(getattr(errors, name)[(slice(None), *at)], single)
    layers = [Layer(layer.filters.astype(np.float32), layer.window) for layer in net.layers[:1]]
    light = Network(layers, (2, 13, 11))
    for switches in ("known", "fixed", "spread"):
        assert light.decode(light.encode(x.astype(np.float32)), switches=switches).dtype == np.float32


@pytest.mark.parametrize("switches", ["known", "fixed", "spread"])
def test_every_unpooling_preserves_norms(switches):
    net = small()
    codes = net.encode(np.random.default_rng(0).standard_normal((2, 13, 11)))
    for j, code in enumerate(codes):
        out = net._unpool(j, code.values, code, switches, masks=False)
        assert out.shape == (net.banks[j].K, *net.banks[j].n)
        assert norm(out) == pytest.approx(norm(code.values))


def test_layer_errors_by_hand():
    net, x = small(), np.random.default_rng(1).standard_normal((2, 13, 11))
    codes, errors = net.encode(x), net.layer_errors(x)
    x2 = codes[0].values
    back2 = net.banks[1].synthesis(net._unpool(1, codes[1].values, codes[1], "known", masks=True))
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
        back = scaled.banks[j].synthesis(scaled._unpool(j, code.values, code, "known", masks=True))
        assert np.vdot(back, inputs[j]) == pytest.approx(np.vdot(back, back))
    with pytest.raises(ValueError, match="layer 1 paints nothing"):
        net.calibrated(np.zeros((2, 13, 11)))


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), nonnegative=st.booleans())
def test_recursion_holds_with_the_norms_of_the_layers(seed, nonnegative):
    net = small(nonnegative, k=(30, 10), seed=seed)
    x = np.random.default_rng(seed).standard_normal((2, 13, 11))
    errors = net.layer_errors(x)
    dense = [bank.toarray() for bank in net.banks]
    deltas = [np.linalg.eigvalsh(a.T @ a)[-1] - 1 for a in dense]
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


def test_gain_bound_needs_known_switches():
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
    with pytest.raises(ValueError, match="window must be one integer or 1"):
        Network([Layer(w, (2, 2))], (2, 9))
    net = Network([Layer(w, 4)], (2, 9))
    codes = net.encode(np.ones((2, 9)))
    with pytest.raises(ValueError, match="switches must be 'known', 'fixed' or 'spread'"):
        net.decode(codes, switches="none")
    with pytest.raises(TypeError, match=r"codes must be 1\.\.1 Pooled codes"):
        net.decode([])
    with pytest.raises(TypeError, match=r"codes must be 1\.\.1 Pooled codes"):
        net.decode(codes * 2)
    with pytest.raises(ValueError, match="top must have shape"):
        net.decode(codes, top=np.ones((3, 2)))
    with pytest.raises(ValueError, match="switches must hold integers in"):
        net.decode([Pooled(codes[0].values, codes[0].switches + 100, codes[0].kept)])
    for argument, value, message in (
        ("padding", "valid", "padding must be 'same', an integer or pairs, but got 'valid'"),
        ("padding", ((1, 1), (1, 1)), r"padding must be 1 pair\(s\) \(before, after\), but got"),
        ("padding", -1, "padding must be an integer >= 0, but got -1"),
        ("bias", np.ones(3), r"bias must have shape \(4,\), but got"),
        ("gain", -np.ones(4), "gain must be >= 0, because max pooling commutes with no other, but got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            Layer(w, 2, **{argument: value})
    with pytest.raises(ValueError, match="padding must be given as pairs where stride is not 1"):
        Layer(w, 2, stride=2, padding="same")
    with pytest.raises(ValueError, match=r"x must have shape \(..., 2, 9\), but got shape"):
        net.encode(np.ones((2, 10)))
    with pytest.raises(
        ValueError, match="calibrated needs layers without bias, gain and shift, but got Layer"
    ):
        full().calibrated(np.ones((2, 12, 11)))
    with pytest.raises(ValueError, match=r"filters\[0\] of layer 1 must not be zero"):
        Network([Layer(np.zeros((1, 1, 2)), 1)], (1, 4)).normalized()
    with pytest.raises(ValueError, match="must agree on shape"):
        error_recursion([1.0], [1.0, 2.0], [0.0])
    with pytest.raises(ValueError, match="deltas must be >= -1"):
        error_recursion([1.0], [1.0], [-1.5])
    with pytest.raises(ValueError, match=r"deltas must lie in \[0, 1\]"):
        gain_bound([0.5, 1.5])
