"""M_k^s and pooling, against brute force over all supports."""

import pickle
from dataclasses import FrozenInstanceError
from itertools import islice, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import all_supports, greedy_projection, in_model, largest_supports, nearest_distance
from samples import tied
from scipy.stats import chisquare

from cnninv_lite import BlockModel, FilterBank

# (K, n, k, order), small enough to list all supports
SMALL = [
    (1, 1, 1, 1),
    (1, 4, 1, 1),
    (3, 1, 2, 1),
    (3, 3, 1, 1),
    (3, 3, 2, 1),
    (4, 2, 4, 1),
    (3, 3, 1, 2),
    (3, 3, 2, 2),
    (2, 4, 2, 2),
    (3, 1, 2, 2),
    (4, 2, 1, 3),
    (3, 3, 2, 3),
    (3, 2, 3, 3),
    (2, 4, 1, 5),
]
small = pytest.mark.parametrize("sizes", SMALL, ids=str)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@small
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("draw", [normal, tied])
def test_project_is_nearest(sizes, nonnegative, draw):
    model, supports = BlockModel(*sizes), all_supports(*sizes)
    h = draw((20, model.n_blocks * model.block_size))
    z = model.project(h, nonnegative=nonnegative)
    assert model.contains(z).all()
    for one, code in zip(h, z, strict=True):
        assert in_model(code, *sizes)
        assert np.linalg.norm(one - code) == pytest.approx(
            nearest_distance(one, supports, nonnegative), abs=1e-14
        )
        np.testing.assert_array_equal(code, greedy_projection(one, *sizes, nonnegative))
    if nonnegative:
        assert (z >= 0).all()


@st.composite
def models_and_codes(draw):
    K, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    k, order = draw(st.integers(1, K)), draw(st.integers(1, 5))
    entry = st.one_of(st.integers(-3, 3).map(float), st.floats(-10, 10, width=32))
    h = np.array(draw(st.lists(entry, min_size=K * n, max_size=K * n)))
    return BlockModel(K, n, k, order), h


@given(models_and_codes(), st.booleans(), st.integers(0, 2**32 - 1))
def test_laws_of_the_projection(case, nonnegative, seed):
    model, h = case
    sizes = model.n_blocks, model.block_size, model.k, model.order
    z = model.project(h, nonnegative=nonnegative)
    np.testing.assert_array_equal(z, greedy_projection(h, *sizes, nonnegative))
    np.testing.assert_array_equal(model.project(z, nonnegative=nonnegative), z)  # idempotent
    assert in_model(z, *sizes)
    assert model.contains(z)
    assert ((z == 0) | (z == h)).all()  # entries are kept or dropped, never changed
    np.testing.assert_allclose(h @ z, z @ z, rtol=1e-12)
    other = model.sample(rng=seed).ravel()  # no code of the model is nearer
    if nonnegative:
        other = np.abs(other)
    assert np.linalg.norm(h - z) <= np.linalg.norm(h - other) + 1e-12


@given(models_and_codes())
def test_the_projection_is_homogeneous_and_odd(case):
    model, h = case
    z = model.project(h)
    np.testing.assert_array_equal(model.project(4 * h), 4 * z)
    np.testing.assert_array_equal(model.project(-h), -z)
    np.testing.assert_array_equal(model.project(h, nonnegative=True), model.project(np.maximum(h, 0)))


def test_ties_go_to_the_first_index():
    ones = np.ones((3, 4))
    kept = [tuple(map(int, place)) for place in np.argwhere(BlockModel(3, 4, 2).project(ones))]
    assert kept == [(0, 0), (1, 0)]
    kept = [tuple(map(int, place)) for place in np.argwhere(BlockModel(3, 4, 2, order=2).project(ones))]
    assert kept == [(0, 0), (0, 1), (1, 0), (1, 1)]
    kept = [tuple(map(int, place)) for place in np.argwhere(BlockModel(3, 4, 1, order=3).project(ones))]
    assert kept == [(0, 0), (0, 1), (0, 2)]
    np.testing.assert_array_equal(BlockModel(2, 2, 1).project([[-1.0, 1.0], [1.0, 1.0]]), [[-1, 0], [0, 0]])
    np.testing.assert_array_equal(BlockModel(3, 1, 2).project([2.0, -2.0, 2.0]), [2, -2, 0])


def test_nonnegative_drops_what_is_not_positive():
    model = BlockModel(3, 3, 2)
    h = [[-9.0, 1.0, 0.5], [-1.0, -2.0, -3.0], [0.0, 0.0, 0.0]]
    np.testing.assert_array_equal(model.project(h, nonnegative=True), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(model.project(h), [[-9, 0, 0], [0, 0, -3], [0, 0, 0]])


@pytest.mark.parametrize("order", [1, 2])
def test_shapes_of_codes(order):
    model = BlockModel(3, (2, 4), 2, order)
    assert (model.shape, model.block_size) == ((3, 2, 4), 8)
    h = normal((5, 6, 3, 2, 4))
    z = model.project(h)
    np.testing.assert_array_equal(model.project(h.reshape(5, 6, 24)), z.reshape(5, 6, 24))
    for b in np.ndindex(5, 6):
        np.testing.assert_array_equal(model.project(h[b]), z[b])
        np.testing.assert_array_equal(z[b].ravel(), greedy_projection(h[b].ravel(), 3, 8, 2, order))
    assert model.contains(z).shape == (5, 6)
    assert model.contains(z[0, 0]).shape == ()
    for batch, code in [((0,), (3, 2, 4)), ((2, 0), (24,))]:
        empty = np.zeros((*batch, *code))
        assert model.project(empty).shape == empty.shape
        assert model.contains(empty).shape == batch
    np.testing.assert_array_equal(model.project(np.asfortranarray(h)), z)
    np.testing.assert_array_equal(model.project(h[..., ::-1].copy()[..., ::-1]), z)


@pytest.mark.parametrize("order", [1, 3])
def test_types_of_codes(order):
    model = BlockModel(4, 5, 2, order)
    h = normal((7, 4, 5))
    assert model.project(h).dtype == np.float64
    single = model.project(h.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single != 0, model.project(h) != 0)
    whole = np.arange(-10, 10).reshape(4, 5)
    assert model.project(whole).dtype == np.float64
    np.testing.assert_array_equal(model.project(whole), model.project(whole.astype(float)))


@pytest.mark.parametrize("order", [1, 2, 9])
def test_the_input_is_neither_changed_nor_shared(order):
    model = BlockModel(3, 4, 3, order)
    h = normal((2, 3, 4))
    before = h.copy()
    h.flags.writeable = False
    z = model.project(h)
    assert not np.shares_memory(z, h)
    z[...] = 7
    np.testing.assert_array_equal(h, before)


@small
def test_contains(sizes):
    K, n, _, _ = sizes
    model = BlockModel(*sizes)
    codes = np.array(list(islice(product([0.0, -1.5], repeat=K * n), 4096)))
    expected = [in_model(z, *sizes) for z in codes]
    np.testing.assert_array_equal(model.contains(codes), expected)
    np.testing.assert_array_equal(model.contains(codes.reshape(-1, K, n)), expected)
    assert bool(model.contains(np.zeros((K, n)))) is True


@small
def test_supports_and_count(sizes):
    model, expected = BlockModel(*sizes), largest_supports(*sizes)
    found = list(model.supports())
    assert all(support.dtype.kind == "i" and len(support) == model.sparsity for support in found)
    assert all((np.diff(support) > 0).all() for support in found)
    assert len(found) == model.count() == len(expected)
    assert {tuple(map(int, support)) for support in found} == set(expected)


def test_count_is_exact():
    assert BlockModel(96, 28, 10).count() == comb(96, 10) * 28**10
    assert BlockModel(500, (30, 30), 20).count() == comb(500, 20) * 900**20
    # Order 2 with k = 1: both entries in one block, or in two.
    assert BlockModel(50, 40, 1, order=2).count() == 50 * comb(40, 2) + comb(50, 2) * 40**2
    assert BlockModel(5, 3, 5, order=9).count() == 1


def test_supports_refuses_at_once_and_never_sooner():
    model = BlockModel(3, 4, 2)
    assert model.count() == 48
    with pytest.raises(ValueError, match=r"limit must be at least 48, the supports of .*, but got 47"):
        model.supports(limit=47)
    assert len(list(model.supports(limit=48))) == 48
    with pytest.raises(ValueError, match="but got 1000000"):
        BlockModel(96, 28, 10).supports()


def test_supports_of_many_blocks():
    assert len(next(BlockModel(1200, 1, 1200).supports())) == 1200
    assert sum(1 for _ in BlockModel(1200, 4, 1).supports()) == 4800


@pytest.mark.parametrize(
    "sizes", [(3, 3, 1, 2), (3, 3, 2, 2), (4, 2, 1, 3), (3, 2, 2, 3), (2, 4, 2, 2)], ids=str
)
def test_sums_of_s_codes_are_the_codes_of_order_s(sizes):
    K, n, k, s = sizes
    ones = [frozenset(support) for support in all_supports(K, n, k, 1)]
    order_s = {frozenset(support) for support in all_supports(*sizes)}
    # A sum is supported in a union of supports, and every such union is a support of order s.
    unions = {frozenset()}
    for _ in range(s):
        unions = {union | support for union in unions for support in ones}
    assert unions <= order_s
    # Every code of order s is such a sum, with disjoint supports: split it in all ways.
    disjoint = {frozenset()}
    for _ in range(s):
        disjoint = {union | support for union in disjoint for support in ones if not union & support}
    assert disjoint == order_s
    # And of values, not supports alone: the sum of s random codes is in the model, over and over.
    one, model = BlockModel(K, n, k), BlockModel(*sizes)
    assert model.contains(sum(one.sample(500, rng=seed) for seed in range(s))).all()
    assert not one.contains(model.sample(500, rng=0)).all()


@small
@pytest.mark.parametrize("values", ["normal", "uniform", "sign"])
def test_samples_are_in_the_model(sizes, values):
    model = BlockModel(*sizes)
    z = model.sample(200, rng=1, values=values)
    assert z.shape == (200, *model.shape)
    assert z.dtype == np.float64
    assert model.contains(z).all()
    np.testing.assert_array_equal(z, model.sample((200,), rng=np.random.default_rng(1), values=values))
    assert not np.array_equal(z, model.sample(200, rng=2, values=values))


def test_sample_shapes_and_advancing_generator():
    model = BlockModel(4, (2, 3), 2)
    assert model.sample(rng=0).shape == (4, 2, 3)
    assert model.sample((5, 1, 2), rng=0).shape == (5, 1, 2, 4, 2, 3)
    rng = np.random.default_rng(0)
    assert not np.array_equal(model.sample(rng=rng), model.sample(rng=rng))
    before = np.random.get_state()[1].copy()  # noqa: NPY002  (the global state must not move)
    model.sample(9)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_laws_of_the_sampled_values():
    model = BlockModel(8, 5, 3)
    for values, variance, largest in [("normal", 1, np.inf), ("uniform", 1 / 3, 1), ("sign", 1, 1)]:
        z = model.sample(20_000, rng=3, values=values)
        used = z[z != 0]
        assert used.size == 60_000  # exactly k in every code
        assert abs(used.mean()) < 0.02
        assert used.var() == pytest.approx(variance, rel=0.03)
        assert np.abs(used).max() <= largest
    assert set(np.unique(used)) == {-1.0, 1.0}


def test_sampled_supports_are_uniform():
    model = BlockModel(4, 3, 2)
    z = model.sample(40 * model.count(), rng=4).reshape(-1, 12)
    place = {tuple(map(int, support)): number for number, support in enumerate(model.supports())}
    seen = np.bincount([place[tuple(map(int, np.flatnonzero(code)))] for code in z], minlength=len(place))
    assert chisquare(seen).pvalue > 0.001


def test_models_are_frozen_values():
    model = BlockModel(4, (2, 3), 2, order=3)
    assert model == BlockModel(np.int64(4), [2, 3], k=2, order=3)
    assert len({model, BlockModel(4, (2, 3), 2, 3), BlockModel(4, 6, 2, 3), BlockModel(4, (2, 3), 2)}) == 3
    assert pickle.loads(pickle.dumps(model)) == model
    with pytest.raises(FrozenInstanceError):
        model.k = 1


@small
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("draw", [normal, tied])
def test_pool_lists_the_entries_that_project_keeps(sizes, nonnegative, draw):
    model = BlockModel(*sizes)
    h = draw((2, 5, *model.shape))
    index, value = model.pool(h, nonnegative=nonnegative)
    assert index.shape == value.shape == (2, 5, model.sparsity)
    z = np.zeros((2, 5, model.n_blocks * model.block_size))
    for at in np.ndindex(2, 5):
        np.add.at(z[at], index[at], value[at])
    np.testing.assert_array_equal(z.reshape(h.shape), model.project(h, nonnegative=nonnegative))
    one = model.pool(h[1, 2], nonnegative=nonnegative)
    for a, b in zip(one, (index[1, 2], value[1, 2]), strict=True):
        np.testing.assert_array_equal(a[value[1, 2] != 0], b[value[1, 2] != 0])


def test_model_facts():
    model = BlockModel(4, 2, 3, order=5)
    assert (model.per_block, model.sparsity) == (2, 8)
    assert repr(model) == "BlockModel(n_blocks=4, block_size=2, k=3, order=5)"
    assert repr(BlockModel(4, (2, 3), 1)) == "BlockModel(n_blocks=4, block_size=(2, 3), k=1, order=1)"
    W = FilterBank(np.ones((3, 2, 2, 2)), (2, 5, 4))
    assert BlockModel(W.K, W.n, 2).project(W.analysis(np.ones((2, 5, 4)))).shape == (3, 4, 3)


def test_a_large_batch_is_projected_at_once():
    h = normal((5000, 16, 20))
    for order in (1, 2):
        model = BlockModel(16, 20, 4, order)
        z = model.project(h)
        for b in (0, 1234, 4999):
            np.testing.assert_array_equal(z[b].ravel(), greedy_projection(h[b].ravel(), 16, 20, 4, order))
