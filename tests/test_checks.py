"""Checks of arguments, and norms at any scale."""

from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv_lite._checks import as_array, as_number, as_real, exponent, norm


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.float64(2), np.int8(2), np.uint64(2), Fraction(2)], ids=repr
)
def test_a_number_is_any_real_scalar(value):
    number = as_number(value, "tol")
    assert type(number) is float
    assert number == 2.0


@pytest.mark.parametrize(
    "value", [True, np.True_, 1j, np.complex64(1), "1", None, [1.0], np.ones(1), np.array(1.0)]
)
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^tol must be a real number > 0, but got .*\.$"):
        as_number(value, "tol")


@pytest.mark.parametrize("value", [nan, inf, -inf, np.float32(nan), -1, 0], ids=str)
def test_numbers_out_of_range(value):
    with pytest.raises(ValueError, match=rf"^tol must be a real number > 0, but got {value}\.$"):
        as_number(value, "tol")


def test_the_ends_of_a_range_belong_to_it_if_closed():
    assert as_number(0, "tol", closed_low=True) == 0
    assert as_number(1, "eps", high=1, closed_high=True) == 1
    assert as_number(-1e300, "bound", low=-inf) == -1e300
    for value in (0, 1):
        with pytest.raises(ValueError, match=r"eps must be a real number in \(0, 1\), but got"):
            as_number(value, "eps", high=1)
    with pytest.raises(ValueError, match="bound must be a finite real number, but got inf"):
        as_number(inf, "bound", low=-inf)


@pytest.mark.parametrize(
    "wrap", [lambda a: a, lambda a: [a, a], lambda a: ([a],)], ids=["alone", "listed", "nested"]
)
@pytest.mark.parametrize("mask", [True, False, [False, True]], ids=str)
def test_masked_arrays_are_refused(wrap, mask):
    for check in (as_array, as_real):
        with pytest.raises(TypeError, match=r"^x must be an array without a mask, but got a masked array"):
            check(wrap(np.ma.array([1.0, 2.0], mask=mask)), "x")


def test_a_bad_value_is_let_through_on_demand():
    assert as_real([1, nan], "x", check_finite=False).dtype == float
    with pytest.raises(TypeError, match="complex"):
        as_real([1j], "x", check_finite=False)


@given(st.integers(0, 2**32 - 1), st.integers(-500, 500), st.sampled_from(["f4", "f8"]), st.integers(0, 3))
def test_a_norm_scales_with_its_array(seed, power, dtype, axes):
    power = power * 3 // 20 if dtype == "f4" else power
    a = np.random.default_rng(seed).standard_normal((2, 3, 4)).astype(dtype)
    over = tuple(range(-axes, 0))
    expected = np.sqrt(np.sum(np.square(a.astype(float)), axis=over))
    found = norm(np.ldexp(a, power), axes)
    assert found.dtype == dtype
    assert found.shape == (2, 3, 4)[: 3 - axes]
    np.testing.assert_array_equal(found, np.ldexp(norm(a, axes), power))
    np.testing.assert_allclose(np.ldexp(found, -power), expected, rtol=4 * np.finfo(dtype).eps)


def test_norms_of_one_batch_at_several_scales():
    a = np.ldexp(np.array([[3.0, 4.0]] * 5), np.array([-1070, -600, 0, 600, 1020])[:, None])
    np.testing.assert_array_equal(norm(a, 1), np.ldexp(5.0, np.array([-1070, -600, 0, 600, 1020])))
    np.testing.assert_array_equal(norm(np.zeros((2, 3)), 1), [0, 0])
    assert norm(np.zeros((2, 0)), 1).tolist() == [0, 0]
    assert norm(np.array([inf, 1.0])) == inf
    assert np.isnan(norm(np.array([nan, 1.0])))


def test_the_exponent_is_that_of_the_largest_entry():
    a = np.array([[1.0, -8.0], [0.0, 0.0], [0.75, 0.1]])
    np.testing.assert_array_equal(exponent(a, 1), [[4], [0], [0]])
    np.testing.assert_array_equal(exponent(a), [[4]])
