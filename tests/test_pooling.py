"""Max pooling and unpooling, against loops over the windows."""

import numpy as np
import pytest
from oracles import pooled
from samples import normal, tied

from cnninv_lite import BlockModel, max_pool, unpool

# Pooling over windows: (n, window), the window divides n, or not, or exceeds it.
WINDOWS = [
    ((6,), (2,)),
    ((7,), (3,)),
    ((5,), (1,)),
    ((4,), (4,)),
    ((4,), (9,)),
    ((1,), (2,)),
    ((4, 6), (2, 3)),
    ((5, 7), (2, 3)),
    ((3, 3), (1, 2)),
    ((2, 5), (5, 1)),
    ((1, 1), (2, 2)),
]


windows = pytest.mark.parametrize(("n", "window"), WINDOWS, ids=str)


@windows
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("draw", [normal, tied])
@pytest.mark.parametrize("batch", [(), (2,), (2, 2)], ids=str)
def test_max_pool(n, window, nonnegative, draw, batch):
    h = draw((*batch, 3, *n))
    values, switches = max_pool(h, window, nonnegative=nonnegative)
    assert (
        values.shape == switches.shape == (*batch, 3, *(-(-a // w) for a, w in zip(n, window, strict=True)))
    )
    assert switches.dtype.kind == "i"
    for block in np.ndindex(*batch, 3):
        expected, places = pooled(h[block], window, nonnegative)
        for cell, value in expected.items():
            assert values[block][cell] == value
            assert switches[block][cell] == places[cell]


@windows
def test_unpool_is_the_adjoint_and_a_right_inverse(n, window):
    h = normal((4, 3, *n))
    values, switches = max_pool(h, window)
    z = unpool(values, switches, (3, *n))
    assert z.shape == h.shape
    assert ((z == 0) | (z == h)).all()
    assert np.linalg.norm(z) == pytest.approx(np.linalg.norm(values))  # an isometry
    again, same = max_pool(z, window)
    np.testing.assert_array_equal(again, values)
    np.testing.assert_array_equal(same, switches)
    # <keep g, v> = <g, unpool v> for any g, v with these switches
    g, v = normal(h.shape, seed=2), normal(values.shape, seed=3)
    kept = np.take_along_axis(g.reshape(4, 3, -1), switches.reshape(4, 3, -1), axis=-1)
    assert np.vdot(kept, v) == pytest.approx(np.vdot(g, unpool(v, switches, (3, *n))))


def test_one_window_a_block_is_order_one_pooling():
    h = normal((10, 5, 7))
    values, switches = max_pool(h, (7,))
    np.testing.assert_array_equal(unpool(values, switches, (5, 7)), BlockModel(5, 7, 5).project(h))
    values, switches = max_pool(h, (7,), nonnegative=True)
    expected = BlockModel(5, 7, 5).project(h, nonnegative=True)
    np.testing.assert_array_equal(unpool(values, switches, (5, 7)), expected)


@windows
@pytest.mark.parametrize("place", [0, "last"])
def test_fixed_unpool(n, window, place):
    place = tuple(w - 1 for w in window) if place == "last" else place
    values = 1 + np.abs(normal((2, 3, *(-(-a // w) for a, w in zip(n, window, strict=True)))))
    z = unpool(values, "fixed", (3, *n), window=window, place=place)
    expected = np.zeros((2, 3, *n))
    offset = (0,) * len(n) if place == 0 else place
    for cell in np.ndindex(*values.shape[2:]):
        at = tuple(min(c * w + o, a - 1) for c, w, o, a in zip(cell, window, offset, n, strict=True))
        expected[(..., *at)] = values[(..., *cell)]
    np.testing.assert_array_equal(z, expected)


@windows
def test_spread_values_keep_the_norm_of_each_window(n, window):
    values = normal((2, 3, *(-(-a // w) for a, w in zip(n, window, strict=True))))
    z = unpool(values, "spread", (3, *n), window=window)
    for cell in np.ndindex(*values.shape[2:]):
        inside = tuple(slice(c * w, (c + 1) * w) for c, w in zip(cell, window, strict=True))
        block = z[(..., *inside)].reshape(2, 3, -1)
        expected = values[(..., *cell, None)] / np.sqrt(block.shape[-1])
        np.testing.assert_allclose(block, np.broadcast_to(expected, block.shape))


def test_fixed_unpool_of_one_place_for_two_axes():
    values = np.arange(1.0, 5.0).reshape(1, 2, 2)
    z = unpool(values, "fixed", (1, 4, 4), window=2, place=1)
    assert [tuple(map(int, p)) for p in np.argwhere(z[0])] == [(1, 1), (1, 3), (3, 1), (3, 3)]
    z = unpool(values, "fixed", (1, 4, 4), window=(2, 2), place=(0, 1))
    assert [tuple(map(int, p)) for p in np.argwhere(z[0])] == [(0, 1), (0, 3), (2, 1), (2, 3)]


def test_pooling_types_and_empty_batches():
    h = normal((2, 3, 8)).astype(np.float32)
    values, switches = max_pool(h, (3,))
    assert values.dtype == unpool(values, switches, (3, 8)).dtype == np.float32
    assert unpool(values, "fixed", (3, 8), window=3).dtype == np.float32
    assert unpool(values, "spread", (3, 8), window=3).dtype == np.float32
    assert max_pool(np.arange(8).reshape(1, 8), (2,))[0].dtype == np.float64
    for window in ((3,), (2, 2)):
        empty = np.zeros((0, 3, 8) if window == (3,) else (0, 3, 4, 5))
        values, switches = max_pool(empty, window)
        assert values.shape == switches.shape
        assert unpool(values, switches, empty.shape[1:]).shape == empty.shape
        for how in ("fixed", "spread"):
            assert unpool(values, how, empty.shape[1:], window=window).shape == empty.shape
    small = np.array([[1, 0]], np.uint8)
    np.testing.assert_array_equal(unpool([[3, 4]], small, (1, 2)), [[4, 3]])


def test_pooling_neither_changes_nor_shares_its_input():
    h = normal((2, 3, 8))
    before = h.copy()
    h.flags.writeable = False
    values, switches = max_pool(h, (1,))
    kept = values.copy(), switches.copy()
    assert not np.shares_memory(values, h)
    values.flags.writeable = switches.flags.writeable = False
    for z in (unpool(values, switches, (3, 8)), unpool(values, "fixed", (3, 8), window=1)):
        assert not np.shares_memory(z, values)
        z[...] = 0
    np.testing.assert_array_equal(h, before)
    np.testing.assert_array_equal(values, kept[0])
    np.testing.assert_array_equal(switches, kept[1])


def test_a_huge_window_costs_nothing():
    values, switches = max_pool([[1.0, -3.0]], (10**15,))
    assert (values.tolist(), switches.tolist()) == ([[-3.0]], [[1]])
    assert unpool(values, "fixed", (1, 2), window=10**15, place=10**14).tolist() == [[0.0, -3.0]]


def test_a_large_batch_is_pooled_like_each_of_its_codes():
    """One window per block and more than 8,192 blocks: where NumPy 2.4's unravel_index goes wrong."""
    h = np.random.default_rng(0).standard_normal((200, 96, 28))
    values, switches = max_pool(h, window=(28,))
    assert np.array_equal(switches[..., 0], np.abs(h).argmax(axis=-1))
    assert np.array_equal(np.abs(values[..., 0]), np.abs(h).max(axis=-1))
