"""Bad calls: each is refused with a sentence that names the argument and shows what came."""

import inspect
import itertools

import numpy as np
import pytest
from samples import INF, NAN, W, h, model, w
from scipy.sparse import csr_array

import cnninv_lite
from cnninv_lite import (
    BlockModel,
    FilterBank,
    Layer,
    Network,
    adjoint_error,
    certificate,
    code_bound,
    coherence,
    connected_supports,
    cosamp,
    cumulative_coherence,
    dct_filters,
    depth_bound,
    energy_law,
    error_recursion,
    gain_bound,
    gaussian_filters,
    gram,
    iht,
    iht_rate,
    lasso,
    max_pool,
    paper_condition,
    rademacher_filters,
    reconstruct,
    reconstruction_bound,
    relative_error,
    rip_bracket,
    rip_certificates,
    rip_exact,
    rip_guarantee,
    rip_necessary,
    rip_sample,
    rip_sample_parts,
    rip_search,
    sharp_certificate,
    size_needed,
    unpool,
)
from cnninv_lite.book import attack, phase_diagram

values, switches = max_pool(h, (2,))
code_model = BlockModel(2, 3, 1)  # that of W
BOTH = "true_support and found_support"

# One call a line: the call, the error, the argument it names, what of the input it shows.
CALLS = [
    # FilterBank
    (lambda: FilterBank(np.ones(3), (1, 3)), ValueError, "filters", "(3,)"),
    (lambda: FilterBank(np.ones((2, 3)), (3, 9)), ValueError, "filters", "(2, 3)"),
    (lambda: FilterBank(np.ones((1, 1, 2, 2, 2)), (1, 4, 4, 4)), ValueError, "filters", "(1, 1, 2, 2, 2)"),
    (lambda: FilterBank(np.ones((0, 3, 4)), (3, 9)), ValueError, "filters", "(0, 3, 4)"),
    (lambda: FilterBank(np.ones((2, 0, 4)), (1, 9)), ValueError, "filters", "(2, 0, 4)"),
    (lambda: FilterBank(w, 9), ValueError, "input_shape", "9"),
    (lambda: FilterBank(w, ()), ValueError, "input_shape", "()"),
    (lambda: FilterBank(w, (9,)), ValueError, "input_shape", "(9,)"),
    (lambda: FilterBank(w, (3, 9, 9)), ValueError, "input_shape", "(3, 9, 9)"),
    (lambda: FilterBank(w, (2, 9)), ValueError, "input_shape", "(2, 9)"),
    (lambda: FilterBank(w, (9, 3)), ValueError, "input_shape", "(9, 3)"),
    (lambda: FilterBank(w, (3, 3)), ValueError, "input_shape", "D = (3,)"),
    (lambda: FilterBank(np.ones((1, 1, 2, 5)), (1, 9, 4)), ValueError, "input_shape", "D = (9, 4)"),
    (lambda: FilterBank(w, (3, 0)), ValueError, "input_shape[1]", "0"),
    (lambda: FilterBank(w, (3, -9)), ValueError, "input_shape[1]", "-9"),
    (lambda: FilterBank(w, (3, 9.0)), TypeError, "input_shape[1]", "9.0"),
    (lambda: FilterBank(w, (True, 9)), TypeError, "input_shape[0]", "True"),
    (lambda: FilterBank(w, "39"), TypeError, "input_shape", "'39'"),
    (lambda: FilterBank(w, None), TypeError, "input_shape", "None"),
    (lambda: FilterBank(w, [[3], [9, 9]]), TypeError, "input_shape[0]", "[3]"),
    (lambda: FilterBank(w, np.array([3.0, 9.0])), TypeError, "input_shape[0]", "3.0"),
    (lambda: FilterBank(w, {3, 9}), TypeError, "input_shape", "{"),
    (lambda: FilterBank(w, (3, 9), stride=0), ValueError, "stride", "0"),
    (lambda: FilterBank(w, (3, 9), stride=-1), ValueError, "stride", "-1"),
    (lambda: FilterBank(w, (3, 9), stride=2.0), TypeError, "stride", "2.0"),
    (lambda: FilterBank(w, (3, 9), stride=np.float64(2)), TypeError, "stride", "2.0"),
    (lambda: FilterBank(w, (3, 9), stride=True), TypeError, "stride", "True"),
    (lambda: FilterBank(w, (3, 9), stride="2"), TypeError, "stride", "'2'"),
    (lambda: FilterBank(w, (3, 9), stride=None), TypeError, "stride", "None"),
    (lambda: FilterBank(w, (3, 9), stride=()), ValueError, "stride", "()"),
    (lambda: FilterBank(w, (3, 9), stride=(1, 1)), ValueError, "stride", "(1, 1)"),
    (lambda: FilterBank(w, (3, 9), stride=[0]), ValueError, "stride[0]", "0"),
    (lambda: FilterBank(w, (3, 9), stride=itertools.count()), TypeError, "stride", "count(0)"),
    (lambda: FilterBank(np.zeros((2, 1, 3)), (1, 5)).normalized(), ValueError, "filters", "filters[0]"),
    # analysis, synthesis and their hooks
    (lambda: W.analysis(np.ones(27)), ValueError, "x", "(27,)"),
    (lambda: W.analysis(np.ones((9, 3))), ValueError, "x", "(9, 3)"),
    (lambda: W.analysis(np.ones((3, 9, 1))), ValueError, "x", "(3, 9, 1)"),
    (lambda: W.synthesis(np.ones(6)), ValueError, "z", "(6,)"),
    (lambda: W.synthesis(np.ones((3, 2))), ValueError, "z", "(3, 2)"),
    (lambda: W @ np.full(27, NAN), ValueError, "x", "NaN"),
    (lambda: W.T @ np.full(6, INF), ValueError, "z", "infinity"),
    (lambda: W @ np.full(27, 1j), TypeError, "x", "complex128"),
    (lambda: W @ np.full((27, 2), NAN), ValueError, "x", "NaN"),
    # BlockModel
    (lambda: BlockModel(0, 4, 1), ValueError, "n_blocks", "0"),
    (lambda: BlockModel(-3, 4, 1), ValueError, "n_blocks", "-3"),
    (lambda: BlockModel(3.0, 4, 1), TypeError, "n_blocks", "3.0"),
    (lambda: BlockModel([3], 4, 1), TypeError, "n_blocks", "[3]"),
    (lambda: BlockModel(3, 0, 1), ValueError, "block_size", "0"),
    (lambda: BlockModel(3, 4.5, 1), TypeError, "block_size", "4.5"),
    (lambda: BlockModel(3, (), 1), ValueError, "block_size", "()"),
    (lambda: BlockModel(3, (4, 0), 1), ValueError, "block_size[1]", "0"),
    (lambda: BlockModel(3, (4, None), 1), TypeError, "block_size[1]", "None"),
    (lambda: BlockModel(3, 4, 0), ValueError, "k", "0"),
    (lambda: BlockModel(3, 4, 4), ValueError, "k", "4"),
    (lambda: BlockModel(3, 4, -1), ValueError, "k", "-1"),
    (lambda: BlockModel(3, 4, 1.5), TypeError, "k", "1.5"),
    (lambda: BlockModel(3, 4, 2.0), TypeError, "k", "2.0"),
    (lambda: BlockModel(3, 4, True), TypeError, "k", "True"),
    (lambda: BlockModel(3, 4, None), TypeError, "k", "None"),
    (lambda: BlockModel(3, 4, "2"), TypeError, "k", "'2'"),
    (lambda: BlockModel(3, 4, NAN), TypeError, "k", "nan"),
    (lambda: BlockModel(3, 4, np.array([2])), TypeError, "k", "array([2])"),
    (lambda: BlockModel(3, 4, 2, order=0), ValueError, "order", "0"),
    (lambda: BlockModel(3, 4, 2, order=-1), ValueError, "order", "-1"),
    (lambda: BlockModel(3, 4, 2, order=1.0), TypeError, "order", "1.0"),
    (lambda: BlockModel(3, 4, 2, order=False), TypeError, "order", "False"),
    (lambda: model.project(np.ones((4, 3))), ValueError, "h", "(4, 3)"),
    (lambda: model.project(np.ones((5, 11))), ValueError, "h", "(5, 11)"),
    (lambda: model.contains(np.ones(13)), ValueError, "z", "(13,)"),
    (lambda: BlockModel(3, (2, 2), 1).project(np.ones((3, 4))), ValueError, "h", "(3, 4)"),
    # sample
    (lambda: model.sample(0), ValueError, "size", "0"),
    (lambda: model.sample(-1), ValueError, "size", "-1"),
    (lambda: model.sample(2.0), TypeError, "size", "2.0"),
    (lambda: model.sample("3"), TypeError, "size", "'3'"),
    (lambda: model.sample((2, -1)), ValueError, "size[1]", "-1"),
    (lambda: model.sample(values="gauss"), ValueError, "values", "'gauss'"),
    (lambda: model.sample(values=None), ValueError, "values", "None"),
    (lambda: model.sample(values=["normal"]), ValueError, "values", "['normal']"),
    (lambda: model.sample(rng="seed"), TypeError, "rng", "'seed'"),
    (lambda: model.sample(rng=1.5), TypeError, "rng", "1.5"),
    (lambda: model.sample(rng=-1), TypeError, "rng", "-1"),
    (lambda: model.sample(rng=np.random), TypeError, "rng", "<module"),
    # supports
    (lambda: model.supports(limit=0), ValueError, "limit", "0"),
    (lambda: model.supports(limit=1e6), TypeError, "limit", "1000000.0"),
    (lambda: model.supports(limit=None), TypeError, "limit", "None"),
    (lambda: model.supports(limit=47), ValueError, "limit", "48"),
    (lambda: BlockModel(96, 28, 10).supports(), ValueError, "limit", "1000000"),
    # max_pool
    (lambda: max_pool(np.ones(4), (2,)), ValueError, "h", "(4,)"),
    (lambda: max_pool(np.ones((3, 4)), (2, 2)), ValueError, "h", "(3, 4)"),
    (lambda: max_pool(np.ones((3, 0)), (2,)), ValueError, "h", "(3, 0)"),
    (lambda: max_pool(h, (0,)), ValueError, "window[0]", "0"),
    (lambda: max_pool(h, 2), TypeError, "window", "2"),
    (lambda: max_pool(h, 2.0), TypeError, "window", "2.0"),
    (lambda: max_pool(h, (True,)), TypeError, "window[0]", "True"),
    (lambda: max_pool(h, ()), ValueError, "window", "()"),
    (lambda: max_pool(h, None), TypeError, "window", "None"),
    (lambda: max_pool(h, "2"), TypeError, "window", "'2'"),
    # unpool
    (lambda: unpool(values, switches.astype(float), (3, 4)), ValueError, "switches", "float64"),
    (lambda: unpool(values, switches > 0, (3, 4)), ValueError, "switches", "bool"),
    (lambda: unpool(values, None, (3, 4)), ValueError, "switches", "object"),
    (lambda: unpool(values, [[0, 1], [2]], (3, 4)), ValueError, "switches", "[[0, 1], [2]]"),
    (lambda: unpool(values, switches[:2], (3, 4)), ValueError, "switches", "(2, 2)"),
    (lambda: unpool(values, switches - 1, (3, 4)), ValueError, "switches", "-1"),
    (lambda: unpool(values, switches + 2, (3, 4)), ValueError, "switches", "4"),
    (lambda: unpool(values, 0 * switches + 3, (3, 4)), ValueError, "switches", "3"),
    (lambda: unpool(values, switches, (2, 4)), ValueError, "values", "(3, 2)"),
    (lambda: unpool(values, switches, (3,)), ValueError, "shape", "(3,)"),
    (lambda: unpool(values, switches, (3, 2, 2)), ValueError, "values", "(3, 2)"),
    (lambda: unpool(values, switches, (3, 0)), ValueError, "shape[1]", "0"),
    (lambda: unpool(values, switches, (3, 4.0)), TypeError, "shape[1]", "4.0"),
    (lambda: unpool(values, switches, None), TypeError, "shape", "None"),
    (lambda: unpool(values[0], switches[0], (3, 4)), ValueError, "values", "(2,)"),
    (lambda: unpool(NAN * values, switches, (3, 4)), ValueError, "values", "NaN"),
    (lambda: unpool(values + 0j, switches, (3, 4)), TypeError, "values", "complex128"),
    (lambda: unpool(values, "known", (3, 4)), ValueError, "switches", "'known'"),
    (lambda: unpool(values, "spread", (3, 4)), TypeError, "window", "None"),
    (lambda: unpool(values, "fixed", (3, 5), window=2), ValueError, "values", "(3, 2)"),
    (lambda: unpool(values, "fixed", (4, 4), window=2), ValueError, "values", "(3, 2)"),
    (lambda: unpool(values, "fixed", (3, 2, 2), window=2), ValueError, "values", "(3, 2)"),
    (lambda: unpool(values, "fixed", 3, window=2), ValueError, "shape", "(3,)"),
    (lambda: unpool(values, "fixed", (3, 4), window=(2, 2)), ValueError, "window", "(2, 2)"),
    (lambda: unpool(values, "fixed", (3, 4), window=0), ValueError, "window", "0"),
    (lambda: unpool(values, "fixed", (3, 4), window=2.5), TypeError, "window", "2.5"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place=2), ValueError, "place", "2"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place=-1), ValueError, "place", "-1"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place=0.0), TypeError, "place", "0.0"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place=(0, 0)), ValueError, "place", "(0, 0)"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place="0"), TypeError, "place", "'0'"),
    (lambda: unpool(values, "fixed", (3, 4), window=2, place=[[0], 1]), ValueError, "place", "[[0], 1]"),
    # filters
    (lambda: gaussian_filters(0, 1, 3), ValueError, "K", "0"),
    (lambda: gaussian_filters(2, -1, 3), ValueError, "M", "-1"),
    (lambda: gaussian_filters(2, 1, 0), ValueError, "ell", "0"),
    (lambda: gaussian_filters(2, 1, 3.0), TypeError, "ell", "3.0"),
    (lambda: gaussian_filters(2, 1, (3, 3, 3)), ValueError, "ell", "(3, 3, 3)"),
    (lambda: gaussian_filters(2, 1, ()), ValueError, "ell", "()"),
    (lambda: gaussian_filters(2, 1, (3, 0)), ValueError, "ell[1]", "0"),
    (lambda: gaussian_filters("2", 1, 3), TypeError, "K", "'2'"),
    (lambda: gaussian_filters(2, 1, 3, rng="a"), TypeError, "rng", "'a'"),
    (lambda: rademacher_filters(2.5, 1, 3), TypeError, "K", "2.5"),
    (lambda: rademacher_filters(2, True, 3), TypeError, "M", "True"),
    (lambda: rademacher_filters(2, 1, None), TypeError, "ell", "None"),
    (lambda: rademacher_filters(2, 1, 3, rng=-5), TypeError, "rng", "-5"),
    (lambda: dct_filters(7, 1, 6), ValueError, "K", "7"),
    (lambda: dct_filters(13, 2, (2, 3)), ValueError, "K", "13"),
    (lambda: dct_filters(0, 1, 6), ValueError, "K", "0"),
    (lambda: dct_filters(2, 1, [6, 1.0]), TypeError, "ell[1]", "1.0"),
    # reconstruct
    (lambda: reconstruct(w, np.ones((3, 9)), 1), TypeError, "W", "ndarray"),
    (lambda: reconstruct(None, np.ones((3, 9)), 1), TypeError, "W", "NoneType"),
    (lambda: reconstruct(W.T, np.ones((3, 9)), 1), TypeError, "W", "Transposed"),
    (lambda: reconstruct(W, np.ones((3, 8)), 1), ValueError, "x", "(3, 8)"),
    (lambda: reconstruct(W, np.full((3, 9), NAN), 1), ValueError, "x", "NaN"),
    (lambda: reconstruct(W, np.full((3, 9), 1j), 1), TypeError, "x", "complex128"),
    (lambda: reconstruct(W, np.full((3, 9), True), 1), TypeError, "x", "bool"),
    (lambda: reconstruct(W, np.full((3, 9), None), 1), TypeError, "x", "object"),
    (lambda: reconstruct(W, np.ones((3, 9)), 0), ValueError, "k", "0"),
    (lambda: reconstruct(W, np.ones((3, 9)), 3), ValueError, "k", "3"),
    (lambda: reconstruct(W, np.ones((3, 9)), 1.0), TypeError, "k", "1.0"),
    # adjoint_error
    (lambda: adjoint_error(None), TypeError, "W", "None"),
    (lambda: adjoint_error("W"), TypeError, "W", "'W'"),
    (lambda: adjoint_error([[1.0]]), TypeError, "W", "[[1.0]]"),
    (lambda: adjoint_error(np.ones(3)), TypeError, "W", "array([1., 1., 1.])"),
    (lambda: adjoint_error(w), TypeError, "W", "array"),
    (lambda: adjoint_error(np.full((2, 2), NAN)), ValueError, "W", "NaN"),
    (lambda: adjoint_error(csr_array(np.full((2, 2), NAN))), ValueError, "W", "Compressed"),
    (lambda: adjoint_error(np.full((2, 2), 1j)), TypeError, "W", "complex128"),
    (lambda: adjoint_error(np.full((2, 2), "a")), TypeError, "W", "<U1"),
    (lambda: adjoint_error(W, rng="a"), TypeError, "rng", "'a'"),
    # relative_error
    (lambda: relative_error(np.ones(3), np.ones(4)), ValueError, "approximation and target", "(3,) and (4,)"),
    (lambda: relative_error(h, h[0]), ValueError, "approximation and target", "(3, 4) and (4,)"),
]


CALLS += [
    (lambda: relative_error([NAN], [1.0]), ValueError, "approximation", "NaN"),
    (lambda: relative_error([1.0], [INF]), ValueError, "target", "infinity"),
    (lambda: relative_error([1j], [1.0]), TypeError, "approximation", "complex128"),
    (lambda: relative_error([1.0], [1j]), TypeError, "target", "complex128"),
    (lambda: relative_error(["a"], ["b"]), TypeError, "approximation", "<U1"),
    (lambda: relative_error([True], [False]), TypeError, "approximation", "bool"),
    (lambda: relative_error(None, None), TypeError, "approximation", "object"),
    (lambda: relative_error([[1.0], [2.0, 3.0]], [1.0]), ValueError, "approximation", "ragged"),
    (lambda: relative_error(h, h, axes=3), ValueError, "axes", "3"),
    (lambda: relative_error(h, h, axes=0), ValueError, "axes", "0"),
    (lambda: relative_error(h, h, axes=-1), ValueError, "axes", "-1"),
    (lambda: relative_error(h, h, axes=1.5), TypeError, "axes", "1.5"),
    (lambda: relative_error(h, h, axes="1"), TypeError, "axes", "'1'"),
    (lambda: reconstruct(W, [[1.0, 2.0], [3.0]], 1), ValueError, "x", "ragged"),
]

CALLS += [
    # certificate
    (lambda: certificate(w, [0], [0]), TypeError, "W", "ndarray"),
    (lambda: certificate(W, [6], [0]), ValueError, "true_support", "got 6"),
    (lambda: certificate(W, [0], [-1]), ValueError, "found_support", "got -1"),
    (lambda: certificate(W, [0.5], [0]), TypeError, "true_support", "float64"),
    (lambda: certificate(W, np.ones((2, 4)), [0]), ValueError, "true_support", "(2, 4)"),
    (lambda: certificate(W, [0], np.full((2, 3), NAN)), ValueError, "found_support", "NaN"),
    (lambda: certificate(W, np.ones((2, 2, 3)), np.ones((3, 2, 3))), ValueError, BOTH, "(2,) and (3,)"),
    (lambda: certificate(W, [0], [[1], [2, 3]]), ValueError, "found_support", "ragged"),
    # iterations
    (lambda: iht(w, np.ones((3, 9)), 1), TypeError, "W", "ndarray"),
    (lambda: iht(W, np.ones((3, 8)), 1), ValueError, "x", "(3, 8)"),
    (lambda: iht(W, np.full((3, 9), INF), 1), ValueError, "x", "infinity"),
    (lambda: iht(W, np.ones((3, 9)), 3), ValueError, "k", "3"),
    (lambda: iht(W, np.ones((3, 9)), 1, order=0), ValueError, "order", "0"),
    (lambda: iht(W, np.ones((3, 9)), 1, max_iter=1.5), TypeError, "max_iter", "1.5"),
    (lambda: iht(W, np.ones((3, 9)), 1, step="long"), ValueError, "step", "'long'"),
    (lambda: iht(W, np.ones((3, 9)), 1, step=-1.0), ValueError, "step", "-1"),
    (lambda: iht(W, np.ones((3, 9)), 1, tol=-1.0), ValueError, "tol", "-1"),
    (lambda: iht(W, np.ones((3, 9)), 1, method="x"), ValueError, "method", "'x'"),
    (lambda: cosamp(w, np.ones((3, 9)), 1), TypeError, "W", "ndarray"),
    (lambda: cosamp(W, np.ones((2, 9)), 1), ValueError, "x", "(2, 9)"),
    (lambda: cosamp(W, np.ones((3, 9)), 0), ValueError, "k", "0"),
    (lambda: cosamp(W, np.ones((3, 9)), 1, max_iter=0), ValueError, "max_iter", "0"),
    (lambda: lasso(w, np.ones((3, 9)), 0.1), TypeError, "W", "ndarray"),
    (lambda: lasso(W, np.full((3, 9), NAN), 0.1), ValueError, "x", "NaN"),
    (lambda: lasso(W, np.ones((3, 9)), -0.1), ValueError, "lam", "-0.1"),
    (lambda: lasso(W, np.ones((3, 9)), "a"), TypeError, "lam", "<U1"),
    # constants
    (lambda: rip_sample(w, code_model, 10), ValueError, "W", "(2, 3, 4)"),
    (lambda: rip_sample(W, "model", 10), TypeError, "model", "str"),
    (lambda: rip_sample(W, code_model, 0), ValueError, "n", "0"),
    (lambda: rip_sample(W, code_model, 10, rng="a"), TypeError, "rng", "'a'"),
    (lambda: rip_sample(W, code_model, 10, values="x"), ValueError, "values", "'x'"),
    (lambda: rip_sample(W, code_model, 10, values=[1]), ValueError, "values", "[1]"),
    (lambda: rip_sample(W, code_model, 10, executor=2), TypeError, "executor", "2 (int)"),
    (lambda: rip_sample_parts(w, code_model, 10), ValueError, "W", "(2, 3, 4)"),
    (lambda: rip_sample_parts(W, code_model, 0), ValueError, "n", "0"),
    (lambda: rip_search(W, code_model, executor="x"), TypeError, "executor", "'x' (str)"),
    (lambda: rip_exact(W, code_model, executor="x"), TypeError, "executor", "'x' (str)"),
    (lambda: rip_bracket(W, code_model, executor="x"), TypeError, "executor", "'x' (str)"),
    (lambda: phase_diagram(1, [2], [1], K=2, ell=3, D=9), TypeError, "trial", "int"),
    (lambda: phase_diagram(len, [0], [1], K=2, ell=3, D=9), ValueError, "Ms[0]", "0"),
    (lambda: phase_diagram(len, [2], [3], K=2, ell=3, D=9), ValueError, "ks", "3"),
    (lambda: phase_diagram(len, [2], [1], K=2.0, ell=3, D=9), TypeError, "K", "2.0"),
    (lambda: phase_diagram(len, [2], [1], K=2, ell=3, D=2), ValueError, "input_shape", "3"),
    (lambda: phase_diagram(len, [2], [1], K=2, ell=3, D=9, stride=0), ValueError, "stride", "0"),
    (lambda: phase_diagram(len, [2], [1], K=2, ell=3, D=9, banks=0), ValueError, "banks", "0"),
    (lambda: phase_diagram(len, [2], [1], K=2, ell=3, D=9, codes="a"), TypeError, "codes", "'a'"),
    (lambda: phase_diagram(len, [2], [1], K=2, ell=3, D=9, executor=1), TypeError, "executor", "1 (int)"),
    (lambda: rip_search(None, code_model), TypeError, "W", "NoneType"),
    (lambda: rip_search(W, code_model, 0), ValueError, "restarts", "0"),
    (lambda: rip_search(W, code_model, rng=1.5), TypeError, "rng", "1.5"),
    (lambda: rip_exact(w, code_model), ValueError, "W", "(2, 3, 4)"),
    (lambda: rip_exact(W, None), TypeError, "model", "NoneType"),
    (lambda: rip_exact(W, code_model, budget=0), ValueError, "budget", "0"),
    (lambda: rip_bracket(w, code_model), ValueError, "W", "(2, 3, 4)"),
    (lambda: rip_bracket(W, code_model, 0), ValueError, "budget", "0"),
    (lambda: rip_exact(W, code_model, side="up"), ValueError, "side", "'up'"),
    (lambda: rip_exact(W, code_model, side=1), ValueError, "side", "1"),
    (lambda: rip_exact(np.full((3, 4), NAN), 2), ValueError, "W", "NaN"),
    (lambda: rip_exact(np.ones((3, 0)), 1), ValueError, "W", "(3, 0)"),
    (lambda: rip_exact(np.ones((3, 4)), 5), ValueError, "k", "5"),
    (lambda: rip_exact(np.ones((3, 4)), 0), ValueError, "k", "0"),
    (lambda: rip_exact(np.ones((3, 4)), 2.0), TypeError, "k", "2.0"),
    (lambda: rip_exact(np.ones((3, 4)), 2, budget=0), ValueError, "budget", "0"),
    (lambda: rip_exact(np.ones((3, 200)), 150), ValueError, "supports", "150"),
    (lambda: rip_bracket(np.full((3, 4), NAN), 2), ValueError, "W", "NaN"),
    (lambda: rip_search(np.ones((3, 4)), 5), ValueError, "k", "5"),
    (lambda: rip_exact(np.ones((3, 4)), code_model), TypeError, "k", "BlockModel"),
    (lambda: rip_exact(1e200 * np.ones((3, 4)), 2), ValueError, "W", "inf"),
    (lambda: rip_exact(csr_array(np.eye(3)), 2), TypeError, "W", "csr_array"),
    (lambda: rip_bracket(W, code_model, rng="a"), TypeError, "rng", "'a'"),
    (lambda: rip_certificates(w, code_model), ValueError, "W", "(2, 3, 4)"),
    (lambda: rip_certificates(W, 3), TypeError, "model", "int"),
    (lambda: coherence(w), ValueError, "W", "(2, 3, 4)"),
    (lambda: cumulative_coherence(w, code_model), ValueError, "W", "(2, 3, 4)"),
    (lambda: gram(w, [0]), ValueError, "W", "(2, 3, 4)"),
    (lambda: gram(W, [6]), ValueError, "support", "6"),
    (lambda: gram(W, [0.5]), TypeError, "support", "float64"),
    # theorems
    (lambda: rip_guarantee((2, 0, 3), code_model), ValueError, "W[1]", "0"),
    (lambda: rip_guarantee((3, 2, 3), code_model), ValueError, "model", "BlockModel"),
    (lambda: rip_guarantee(W, None), TypeError, "model", "NoneType"),
    (lambda: rip_guarantee(W, code_model, eps=1.0), ValueError, "eps", "1.0"),
    (lambda: rip_guarantee(W, code_model, method="x"), ValueError, "method", "'x'"),
    (lambda: size_needed(0.0, W, code_model), ValueError, "delta", "0.0"),
    (lambda: size_needed("a", W, code_model), TypeError, "delta", "'a'"),
    (lambda: connected_supports((2, 3, 0), code_model), ValueError, "W[2]", "0"),
    (lambda: connected_supports((2, 3, 4), code_model, stride=0.5), TypeError, "stride", "0.5"),
    (lambda: paper_condition(W, BlockModel(2, 4, 1), 0.5), ValueError, "model", "BlockModel"),
    (lambda: paper_condition(W, code_model, 0.5, eps="a"), TypeError, "eps", "'a'"),
    (lambda: paper_condition(W, code_model, 0.5, C=-1), ValueError, "C", "-1"),
    (lambda: rip_necessary((2.0, 3, 4), code_model), TypeError, "W[0]", "2.0"),
    (lambda: rip_necessary((2, 3), code_model), ValueError, "W", "(2, 3)"),
    (lambda: reconstruction_bound(-0.1), ValueError, "delta_2k", "-0.1"),
    (lambda: reconstruction_bound(0.1, version="x"), ValueError, "version", "'x'"),
    (lambda: code_bound(-0.1), ValueError, "delta_2k", "-0.1"),
    (lambda: code_bound(0.1, noise=-1.0), ValueError, "noise", "-1"),
    (lambda: sharp_certificate(1.5), ValueError, "delta", "1.5"),
    (lambda: iht_rate(-1.0), ValueError, "delta_3k", "-1"),
    (lambda: iht_rate("a"), TypeError, "delta_3k", "<U1"),
    (lambda: gain_bound(-0.1), ValueError, "deltas", "-0.1"),
    (lambda: gain_bound(0.1, -1.0), ValueError, "outside", "-1"),
    (lambda: depth_bound([-0.1], [0.1]), ValueError, "errors", "-0.1"),
    (lambda: depth_bound([0.1], [-0.1]), ValueError, "deltas", "-0.1"),
    (lambda: error_recursion([-0.1], [1.0], [0.1]), ValueError, "errors", "-0.1"),
    (lambda: error_recursion([0.1], [1.0], [NAN]), ValueError, "deltas", "NaN"),
    (lambda: energy_law("W", np.ones((2, 3))), TypeError, "W", "'W'"),
    (lambda: energy_law(W, np.ones((3, 2))), ValueError, "z", "(3, 2)"),
    (lambda: energy_law(W, np.full((2, 3), NAN)), ValueError, "z", "NaN"),
    # networks
    (lambda: Network([Layer(np.ones(3), 2)], (3, 9)), ValueError, "filters", "(3,)"),
    (lambda: Network([Layer(w, 0)], (3, 9)), ValueError, "window", "0"),
    (lambda: Network([Layer(w, 2)], (2, 9)), ValueError, "layer 1 of 1: input_shape", "(2, 9)"),
    (lambda: Network([], (3, 9)), TypeError, "layers", "[]"),
    (lambda: Network([w], (3, 9)), TypeError, "layers", "[array("),
    (lambda: attack(w, code_model, 0.5), ValueError, "W", "(2, 3, 4)"),
    (lambda: attack(W, code_model, "a"), TypeError, "bound", "'a'"),
    (lambda: attack(W, code_model, 0.5, np.ones((3, 2))), ValueError, "code", "(3, 2)"),
]


def test_small_integers_do_not_overflow_in_the_error():
    target = np.full((3, 9), 200, np.uint8)
    assert relative_error(target // 2, target) == relative_error(target / 2, target / 1)
    assert reconstruct(W, target, 1).relative_error == reconstruct(W, target / 1, 1).relative_error


def label(call, error, name, shown):
    """Name a bad call by what it calls and what it gives."""
    called = [part for part in call.__code__.co_names if part not in ("np", "ones", "full", "NAN", "INF")]
    return f"{'.'.join(called[: 1 + (called[0] in 'WW2model')])}, {name}: {shown}"


@pytest.mark.parametrize(
    ("call", "error", "name", "shown"), CALLS, ids=[label(*bad_call) for bad_call in CALLS]
)
def test_bad_calls(call, error, name, shown):
    kept = [a.copy() for a in (w, h, values, switches)]
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) in (TypeError, ValueError)
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} ")
    assert shown in sentence
    assert " but got " in sentence
    assert sentence.endswith(".")
    for a, before in zip((w, h, values, switches), kept, strict=True):
        np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("shape", [(26,), (28,), (27, 2, 2)], ids=str)
def test_scipy_refuses_what_does_not_fit_the_matrix(shape):
    with pytest.raises(ValueError):
        W @ np.ones(shape)


def test_every_public_function_is_called_badly():
    """Filters from files and patches have their tests in test_training.py."""
    called = {name for call, *_ in CALLS for name in call.__code__.co_names}
    public = {name for name in cnninv_lite.__all__ if inspect.isroutine(getattr(cnninv_lite, name))}
    assert public - called == {"load_filters", "pca_filters"}
