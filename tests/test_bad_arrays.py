"""What is no array of finite real numbers is refused by name, wherever arrays come in."""

import numpy as np
import pytest
from samples import INF, NAN, W2, W, h, model, w

from cnninv_lite import (
    FilterBank,
    max_pool,
    unpool,
)


def with_entry(a, value):
    """Copy `a` with another first entry."""
    a = np.array(a, dtype=np.result_type(a, value))
    a.flat[0] = value
    return a


# Arrays that are none: what they are, what refuses them, what the sentence shows.
NO_ARRAYS = {
    "NaN": (lambda a: with_entry(a, NAN), ValueError, "NaN"),
    "infinity": (lambda a: with_entry(a, -INF), ValueError, "infinity"),
    "NaN in float32": (lambda a: with_entry(a.astype(np.float32), np.float32(NAN)), ValueError, "NaN"),
    "complex": (lambda a: a + 0j, TypeError, "complex128"),
    "complex64": (lambda a: a.astype(np.complex64), TypeError, "complex64"),
    "bool": (lambda a: a > 0, TypeError, "bool"),
    "object": (lambda a: a.astype(object), TypeError, "object"),
    "strings": (lambda a: a.astype(str), TypeError, "<U"),
    "masked": (lambda a: np.ma.masked_less(a, 0), TypeError, "masked array"),
    "list of masked": (lambda a: list(np.ma.masked_less(a, 0)), TypeError, "masked array"),
    "ragged": (lambda a: [[1.0, 2.0], [3.0]], ValueError, "ragged sequence: [[1.0, 2.0], [3.0]]"),
    "None": (lambda a: None, TypeError, "object"),
    "string": (lambda a: "x", TypeError, "<U1"),
    "number": (lambda a: 1.0, ValueError, "()"),
    "empty": (lambda a: [], ValueError, "(0,)"),
    "flat": (lambda a: a.ravel()[:-1], ValueError, None),  # None: the shape that came
    "no columns": (lambda a: a[..., :0], ValueError, None),
}

# Who takes an array: the name of the argument, the call, a good value.
TAKERS = {
    "FilterBank": ("filters", lambda a: FilterBank(a, (3, 9)), w),
    "analysis": ("x", W.analysis, np.ones((3, 9))),
    "analysis of images": ("x", W2.analysis, np.ones((1, 4, 5))),
    "synthesis": ("z", W.synthesis, np.ones((2, 3))),
    "project": ("h", model.project, h),
    "project, nonnegative": ("h", lambda a: model.project(a, nonnegative=True), h),
    "pool": ("h", model.pool, h),
    "contains": ("z", model.contains, h),
    "max_pool": ("h", lambda a: max_pool(a, (2, 2)), np.ones((1, 4, 4))),
    "unpool": ("values", lambda a: unpool(a, "fixed", (3, 4), window=2), np.ones((3, 2))),
}


@pytest.mark.parametrize(("spoil", "error", "shown"), NO_ARRAYS.values(), ids=NO_ARRAYS)
@pytest.mark.parametrize(("name", "call", "good"), TAKERS.values(), ids=TAKERS)
def test_arrays_that_are_none(name, call, good, spoil, error, shown):
    bad = spoil(good)
    before = bad.copy() if isinstance(bad, np.ndarray) else None
    shown = str(np.shape(bad)) if shown is None else shown
    with pytest.raises(error) as caught:
        call(bad)
    assert type(caught.value) in (TypeError, ValueError)  # not one of NumPy's own
    assert str(caught.value).startswith(f"{name} must")
    assert shown in str(caught.value)
    if before is not None:
        np.testing.assert_array_equal(bad, before)
