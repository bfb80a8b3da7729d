"""What pursuits recover where delta is small, how fast, and what they say where it is not."""

import numpy as np
import pytest
from samples import layer

from cnninv_lite import (
    BlockModel,
    FilterBank,
    cosamp,
    iht,
)

PHI = (1 + 5**0.5) / 2


@pytest.mark.parametrize(
    "solve",
    [
        lambda W, x, k: iht(W, x, k, max_iter=400, tol=1e-12),
        lambda W, x, k: iht(W, x, k, step="normalised", max_iter=400, tol=1e-12, method="signal"),
        lambda W, x, k: iht(W, x, k, step="normalised", max_iter=400, tol=1e-12, method="lag"),
        cosamp,
    ],
)
@pytest.mark.parametrize(
    "W", [layer(8, 200, (3,), (20,), 2), layer(6, 80, (2, 2), (6, 7), (1, 2)), layer(8, 300, (5,), (6,), 1)]
)
def test_exact_recovery_where_delta_is_small(W, solve):
    model = BlockModel(W.K, W.n, 3)
    z = model.sample((4, 5), rng=3)
    result = solve(W, W.synthesis(z), 3)
    np.testing.assert_allclose(result.z, z, atol=1e-9)
    assert result.converged.all()
    assert (result.reason == "settled").all()
    assert (result.relative_error < 1e-9).all()
    assert (result.history[0] > 0).all()
    noisy = solve(W, W.synthesis(z) + 1e-3 * np.random.default_rng(4).standard_normal((4, 5, W.M, *W.D)), 3)
    assert 1e-5 < np.abs(noisy.z - z).max() < 1e-2


@pytest.mark.parametrize("step", ["fixed", "normalised"])
def test_exact_recovery_of_nonnegative_codes(step):
    W = layer(8, 200, (3,), (20,), 2)
    z = np.abs(BlockModel(8, W.n, 3).sample(20, rng=3))
    result = iht(W, W.synthesis(z), 3, step=step, nonnegative=True, tol=1e-12, max_iter=400)
    np.testing.assert_allclose(result.z, z, atol=1e-9)
    signed = iht(W, W.synthesis(-z), 3, step=step, nonnegative=True)
    assert (signed.z >= 0).all()
    assert (signed.relative_error > 0.5).all()


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(
    ("K", "M", "D", "k", "order"), [(4, 60, 4, 1, 1), (3, 120, 3, 2, 1), (2, 150, 3, 1, 2)]
)
def test_contraction_with_noise(K, M, D, k, order, nonnegative):
    """|z_{j+1} - z| <= phi (delta_3 |z_j - z| + sqrt(1 + delta_2) |r|), delta_s over all supports."""
    W = layer(K, M, (2,), (D,), 1, rng=5).normalized()
    A, model = W.toarray(), BlockModel(K, W.n, k, order)

    def delta(s):
        grams = (A[T] @ A[T].T for T in BlockModel(K, W.n, k, s * order).supports())
        return max(np.abs(np.linalg.eigvalsh(G) - 1).max() for G in grams)

    three, two = delta(3), delta(2)
    assert three < 1 / PHI
    z = model.sample(200, rng=6)
    z = np.abs(z) if nonnegative else z
    noise = 0.05 * np.random.default_rng(7).standard_normal((200, M, D)) * (np.arange(200) % 2)[:, None, None]
    error, size = [np.linalg.norm(z.reshape(200, -1), axis=1)], np.linalg.norm(noise.reshape(200, -1), axis=1)
    for steps in range(1, 8):
        found = iht(
            W, W.synthesis(z) + noise, k, order=order, max_iter=steps, tol=0, nonnegative=nonnegative
        ).z
        error.append(np.linalg.norm((found - z).reshape(200, -1), axis=1))
        bound = PHI * (three * error[-2] + np.sqrt(1 + two) * size)
        assert (error[-1] <= bound + 1e-9).all()
    assert error[2].max() > 1e-6  # it was not over at once


@pytest.mark.parametrize("scale", [1e-3, 30.0])
def test_scale_of_the_filters(scale):
    """Normalised IHT and CoSaMP do not care; a fixed step does, and says so."""
    W, big = layer(6, 40, (3,), (12,), 1), layer(6, 40, (3,), (12,), 1, scale)
    z = BlockModel(6, W.n, 2).sample(10, rng=1)
    x = W.synthesis(z)
    for solve in (lambda V: iht(V, x, 2, step="normalised"), lambda V: cosamp(V, x, 2)):
        one, other = solve(W), solve(big)
        np.testing.assert_allclose(other.z * scale, one.z, atol=1e-6)
        np.testing.assert_array_equal(other.iterations, one.iterations)
    fixed = iht(big, x, 2, method="lag"), iht(big, x, 2, method="signal")
    for result in fixed:
        assert (result.reason == ("diverged" if scale > 1 else "max_iter")).all()
        assert not result.converged.any()
    same = iht(big, x, 2, step=1 / scale**2)
    np.testing.assert_allclose(same.z * scale, iht(W, x, 2).z, atol=1e-9)


def test_divergence_is_reported():
    W = layer(6, 1, (4,), (30,), 1)
    x = W.synthesis(BlockModel(6, W.n, 6).sample(4, rng=0))
    result = iht(W, x, 6, step=5.0)
    assert (result.reason == "diverged").all()
    assert not result.converged.any()
    assert np.isfinite(result.z).all()
    for i in range(4):
        last = result.history[result.iterations[i], i]
        assert last > 100 * result.history[0, i] >= result.history[result.iterations[i] - 1, i]
        assert result.relative_error[i] == pytest.approx(last / result.history[0, i])
    overflow = iht(
        FilterBank(np.full((1, 1, 2), 1e20, np.float32), (1, 4)), np.full((1, 4), 1e-5, np.float32), 1
    )
    assert overflow.reason == "diverged"
