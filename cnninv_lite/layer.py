"""One layer as a linear operator: the convolution matrix W and its adjoint, never formed unless asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from reprlib import repr as brief

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

from ._checks import as_array, as_generator, as_index, as_real, as_sizes, norm, shape_error

__all__ = [
    "FilterBank",
    "adjoint_error",
    "as_bank",
    "unravel",
]

CHUNK_BYTES = 1 << 20  # columns gathered before each matrix product: they stay in the L2 cache
MANY_WEIGHTS = 4  # but at least so many times the filters, which each product reads anew


class _Unmasked(LinearOperator):
    """An operator whose products refuse masked arrays: SciPy before 1.18 drops the mask, and says nothing."""

    def dot(self, x):
        """Return the product with a vector, a matrix, an operator or a number, as `LinearOperator` does."""
        return super().dot(as_array(x, "x") if isinstance(x, np.ma.MaskedArray) else x)

    def __rmul__(self, x):
        return super().__rmul__(as_array(x, "x") if isinstance(x, np.ma.MaskedArray) else x)


class _Transposed(_Unmasked):
    """W^T of a bank."""

    def __init__(self, bank: FilterBank) -> None:
        super().__init__(bank.dtype, bank.shape[::-1])
        self.bank = bank

    def _matvec(self, z):
        return self.bank._rmatvec(z)

    def _rmatvec(self, x):
        return self.bank._matvec(x)

    def _matmat(self, Z):
        return self.bank._rmatmat(Z)

    def _rmatmat(self, X):
        return self.bank._matmat(X)

    def _adjoint(self):
        return self.bank

    _transpose = _adjoint


class FilterBank(_Unmasked):
    """The matrix W of one convolutional layer, of shape (K n, M D).

    Row (i, p) of W is filter w_i placed at offset p t, so that

        (W x)[i, p] = sum over m, j of w[i, m, j] x[m, p t + j],

    the cross-correlation of every deep-learning library, with no padding: no filter is ever cut.

    Parameters
    ----------
    filters : array_like of shape (K, M, *ell)
        K filters with M channels over one or two spatial axes.
    input_shape : tuple of int, (M, *D)
        Channels and size of the input.
    stride : int or tuple of int
        Step t between positions, one for all axes or one per axis.

    Attributes
    ----------
    filters : ndarray of shape (K, M, *ell), read-only
    K, M : int
        Number of filters and of channels.
    ell, D, n, stride : tuple of int
        Filter length, input length, number of positions and step, one entry per axis:
        n = floor((D - ell) / stride) + 1.

    Raises
    ------
    TypeError
        If the filters are complex or not numbers, or a size is not an integer.
    ValueError
        If shapes disagree, the filters are longer than the input, or hold NaN.

    Notes
    -----
    float32 filters and float32 input give float32 output; other real types count as float64.

    No attribute can be set: all others would have to follow. The products of `LinearOperator` take batches
    where SciPy's take them, from 1.18 on.

    References
    ----------
    Gilbert et al. (2017), Figure 1.

    Examples
    --------
    >>> W = FilterBank([[[1.0, -1.0]]], input_shape=(1, 4))
    >>> W.toarray()
    array([[ 1., -1.,  0.,  0.],
           [ 0.,  1., -1.,  0.],
           [ 0.,  0.,  1., -1.]])
    >>> W @ [1.0, 2.0, 4.0, 8.0]
    array([-1., -2., -4.])
    """

    filters: np.ndarray

    def __init__(
        self, filters: npt.ArrayLike, input_shape: Sequence[int], stride: int | Sequence[int] = 1
    ) -> None:
        filters = as_real(filters, "filters").copy()
        if filters.ndim not in (3, 4) or 0 in filters.shape:
            raise ValueError(
                "filters must have shape (K, M, ell) or (K, M, ell_1, ell_2) with no empty axis, "
                f"but got shape {filters.shape}."
            )
        axes = filters.ndim - 2
        channels, *D = as_sizes(input_shape, "input_shape")
        if len(D) != axes:
            raise ValueError(
                f"input_shape must be (M, {'D' if axes == 1 else 'D_1, D_2'}) to fit filters of shape "
                f"{filters.shape}, but got {input_shape!r}."
            )
        self.K, self.M, *ell = filters.shape
        self.ell, self.D = tuple(ell), tuple(D)
        self.stride = as_sizes(stride, "stride", axes)
        if channels != self.M:
            raise ValueError(
                f"input_shape must have M = {self.M} channels to fit filters of shape {filters.shape}, "
                f"but got {input_shape!r}."
            )
        if any(size < length for size, length in zip(self.D, self.ell, strict=True)):
            raise ValueError(
                f"input_shape must leave room for filters of length ell = {self.ell}, but got an input of "
                f"length D = {self.D}."
            )
        sizes = zip(self.D, self.ell, self.stride, strict=True)
        self.n = tuple((size - length) // step + 1 for size, length, step in sizes)
        super().__init__(filters.dtype, (self.K * prod(self.n), self.M * prod(self.D)))
        filters.flags.writeable = False
        self.filters = filters  # the last attribute: see __setattr__

    def __setattr__(self, name: str, value) -> None:
        if "filters" in self.__dict__:
            raise AttributeError(f"{name} of a FilterBank cannot be set: make another bank instead.")
        super().__setattr__(name, value)

    def __reduce__(self):
        # Copies are made anew, in other processes too: an unpickled array could be written to.
        return type(self), (self.filters, (self.M, *self.D), self.stride)

    def __repr__(self) -> str:
        return (
            f"FilterBank(K={self.K}, M={self.M}, ell={self.ell}, D={self.D}, n={self.n}, "
            f"stride={self.stride}, dtype={self.dtype})"
        )

    def analysis(self, x: npt.ArrayLike, *, check_finite: bool = True) -> np.ndarray:
        """Return h = W x: the inner products of `x` with every filter at every position.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)
        check_finite : bool
            Whether to refuse NaN and infinities; without, they spread.

        Returns
        -------
        ndarray of shape (..., K, *n)
        """
        signals, batch = self.as_signals(x, check_finite=check_finite)
        return self._analyse(signals).reshape(*batch, self.K, *self.n)

    def synthesis(self, z: npt.ArrayLike, *, check_finite: bool = True) -> np.ndarray:
        """Return x = W^T z: the sum of the filters, each placed and weighted as the code `z` says.

        This is the exact adjoint of `analysis`, the "transposed convolution" of deep-learning libraries.

        Parameters
        ----------
        z : array_like of shape (..., K, *n)
        check_finite : bool
            Whether to refuse NaN and infinities; without, they spread.

        Returns
        -------
        ndarray of shape (..., M, *D)
        """
        codes, batch = self.as_codes(z, check_finite=check_finite)
        return self._synthesise(codes).reshape(*batch, self.M, *self.D)

    def paint(self, index: npt.ArrayLike, value: npt.ArrayLike) -> np.ndarray:
        """Return x = W^T z for codes given by their non-zeros: one placed filter for each of them.

        The same as `synthesis` of the codes in full, in time that grows with the m non-zeros alone.

        Parameters
        ----------
        index : array_like of int, shape (..., m)
            Where the non-zeros are: flat indices into (K n,), as `BlockModel.pool` gives them.
        value : array_like of shape (..., m)
            What they are. An index may occur twice: its values add up.

        Returns
        -------
        ndarray of shape (..., M, *D)

        Raises
        ------
        TypeError, ValueError
            If shapes disagree, an index is no integer in 0..K n - 1, or a value is no finite number.

        Examples
        --------
        >>> W = FilterBank([[[1.0, 2.0]], [[5.0, 5.0]]], (1, 4))
        >>> W.paint([0, 2], [10.0, 1.0])  # filter 0 at 0 and at 2
        array([[10., 20.,  1.,  2.]])
        """
        index, value = as_index(index, "index", self.shape[0]), as_real(value, "value")
        if index.shape != value.shape:
            raise ValueError(
                f"index and value must have one shape (..., m), but got {index.shape} and {value.shape}."
            )
        *batch, m = index.shape
        block, *places = unravel(index.reshape(prod(batch), m), (self.K, *self.n))
        value = value.reshape(block.shape)
        x = np.zeros((len(value), self.M, *self.D), np.result_type(value, self.filters))
        windows = sliding_window_view(x, self.ell, axis=tuple(range(2, x.ndim)), writeable=True)
        windows = windows[(slice(None), slice(None), *(slice(None, None, t) for t in self.stride))]
        rows, column = np.arange(len(x)), (-1, *(1,) * (x.ndim - 1))
        for a in range(m):  # windows of one signal may overlap: one at a time, for the whole batch
            placed = self.filters[block[:, a]] * value[:, a].astype(x.dtype, copy=False).reshape(column)
            where: tuple = (rows, slice(None), *(p[:, a] for p in places))
            windows[where] += placed
        return x.reshape(*batch, self.M, *self.D)

    def as_signals(self, x: npt.ArrayLike, name: str = "x", *, check_finite: bool = True):
        """Return `x`, of shape (..., M, *D), as a checked array of shape (B, M, *D), and the shape (...)."""
        return _as_batch(x, name, (self.M, *self.D), check_finite)

    def as_codes(self, z: npt.ArrayLike, name: str = "z", *, check_finite: bool = True):
        """Return `z`, of shape (..., K, *n), as a checked array of shape (B, K, *n), and the shape (...)."""
        return _as_batch(z, name, (self.K, *self.n), check_finite)

    def correlations(self) -> np.ndarray:
        """Return the table of inner products of the rows of W: all of W W^T, which depends on lags alone.

        Returns
        -------
        ndarray of shape (K, K, *(2 L - 1)) with L = ceil(ell / stride)
            Entry [i, j, L - 1 + d] is <row (i, p), row (j, p + d)>, whatever p is. Rows further
            apart than L - 1 positions do not overlap: their inner product is zero.
        """
        reach = [-(-length // step) - 1 for length, step in zip(self.ell, self.stride, strict=True)]
        margin = [(0, 0), (0, 0)] + [(r * t, r * t) for r, t in zip(reach, self.stride, strict=True)]
        padded = np.pad(self.filters, margin)
        return FilterBank(self.filters, padded.shape[1:], self.stride)._analyse(padded)

    def normalized(self) -> FilterBank:
        """Return the bank with every filter scaled to unit norm.

        Raises
        ------
        ValueError
            If a filter is zero.
        """
        norms = norm(self.filters, self.filters.ndim - 1)
        if not norms.all():
            raise ValueError(f"filters must not be zero, but got zeros in filters[{int(np.argmin(norms))}].")
        filters = self.filters / norms.reshape(-1, *(1,) * (self.filters.ndim - 1))
        return FilterBank(filters, (self.M, *self.D), self.stride)

    def tosparse(self) -> csr_array:
        """Return W as a SciPy CSR array: K n rows with M |ell| stored entries each."""
        index = self._windows(np.arange(self.shape[1]).reshape(1, self.M, *self.D))
        axes = len(self.n)
        order = (*range(2 + axes, 2 + 2 * axes), *range(2 + axes))  # positions first, then channel and taps
        columns = index.transpose(order).reshape(prod(self.n), -1)
        weights = np.broadcast_to(self.filters.reshape(self.K, 1, -1), (self.K, *columns.shape))
        starts = np.arange(self.shape[0] + 1) * columns.shape[1]
        return csr_array((weights.ravel(), np.tile(columns.ravel(), self.K), starts), shape=self.shape)

    def toarray(self) -> np.ndarray:
        """Return W as a dense array of shape (K n, M D)."""
        return self.tosparse().toarray()

    # The hooks of LinearOperator: the same two kernels on flattened signals. SciPy hands over what has one of
    # the right shapes, vectors as rows (..., N) or as one column (N, 1), and shapes the result of a column.

    def _matvec(self, x):
        x = _rows(as_array(x, "x"), self.shape[1])
        return self.analysis(x.reshape(*x.shape[:-1], self.M, *self.D)).reshape(*x.shape[:-1], self.shape[0])

    def _rmatvec(self, z):
        z = _rows(as_array(z, "z"), self.shape[0])
        return self.synthesis(z.reshape(*z.shape[:-1], self.K, *self.n)).reshape(*z.shape[:-1], self.shape[1])

    def _matmat(self, X):
        return self._matvec(as_array(X, "X").swapaxes(-1, -2)).swapaxes(-1, -2)

    def _rmatmat(self, Z):
        return self._rmatvec(as_array(Z, "Z").swapaxes(-1, -2)).swapaxes(-1, -2)

    def _adjoint(self):
        return _Transposed(self)

    _transpose = _adjoint

    # The kernels. Both work on a batch, and gather no more columns at a time than CHUNK_BYTES or a few times
    # the filters.

    def _windows(self, x: np.ndarray) -> np.ndarray:
        """View `x` of shape (B, M, *D) as all its patches, shape (B, M, *ell, *n); nothing is copied."""
        axes = len(self.n)
        windows = sliding_window_view(x, self.ell, axis=tuple(range(2, 2 + axes)))
        windows = windows[(slice(None), slice(None), *(slice(None, None, t) for t in self.stride))]
        return windows.transpose(0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))

    def _chunks(self, batch: int, dtype: np.dtype) -> Iterator[tuple[slice, slice]]:
        """Yield slices of the batch and of the first position axis that bound the gathered columns."""
        row_bytes = self.M * prod(self.ell) * prod(self.n[1:]) * dtype.itemsize
        size = max(CHUNK_BYTES, MANY_WEIGHTS * self.filters.size * dtype.itemsize)
        rows = max(1, min(self.n[0], size // row_bytes))
        images = max(1, size // (row_bytes * rows)) if rows == self.n[0] else 1
        for b in range(0, batch, images):
            for p in range(0, self.n[0], rows):
                yield slice(b, min(b + images, batch)), slice(p, min(p + rows, self.n[0]))

    def _analyse(self, x: np.ndarray) -> np.ndarray:
        dtype = np.result_type(x, self.filters)
        out = np.empty((len(x), self.K, prod(self.n)), dtype)
        weights = self.filters.reshape(self.K, -1).astype(dtype, copy=False)
        windows, per_row = self._windows(x), prod(self.n[1:])
        first_position = (slice(None),) * (2 + len(self.n))
        for b, p in self._chunks(len(x), dtype):
            columns = windows[b][(*first_position, p)].astype(dtype, order="C")
            columns = columns.reshape(len(columns), weights.shape[1], -1)
            np.matmul(weights, columns, out=out[b, :, p.start * per_row : p.stop * per_row])
        return out.reshape(len(x), self.K, *self.n)

    def _synthesise(self, z: np.ndarray) -> np.ndarray:
        # Tap j of the last axis must move j places to the right. With zeros after each row that is one sum
        # over a view whose pitch is one less: what a tap lacks on its left are the zeros of the row before.
        dtype = np.result_type(z, self.filters)
        out = np.zeros((len(z), self.M, *self.D), dtype)
        weights = self.filters.reshape(self.K, -1).T.astype(dtype, copy=False)
        t = self.stride[-1]
        zeros = -(-self.ell[-1] // t) - 1
        for b, p in self._chunks(len(z), dtype):
            codes = z[b, :, p]
            *rows, last = codes.shape[2:]
            if rows:  # of an image: one product for all of them, zeros included
                padded = np.zeros((*codes.shape[:-1], last + zeros), dtype)
                padded[..., :last] = codes
                columns = np.matmul(weights, padded.reshape(len(codes), self.K, -1))
            else:
                columns = np.empty((len(codes), len(weights), last + zeros), dtype)
                columns[..., last:] = 0
                np.matmul(weights, codes, out=columns[..., :last])
            columns = columns.reshape(len(codes), self.M, *self.ell, *rows, last + zeros)
            for *lead, r in np.ndindex(*self.ell[:-1], min(t, self.ell[-1])):  # taps r, r + t, ... add up
                taps = columns[(slice(None), slice(None), *lead, slice(r, None, t))]
                pitch, item = taps.strides[2], taps.strides[-1]
                size = last + taps.shape[2] - 1
                strides = (*taps.strides[:2], pitch - item, *taps.strides[3:])
                skewed = as_strided(taps, (*taps.shape[:-1], size), strides, writeable=False)
                start, count = [*lead, r], [*rows, size]
                start[0] += self.stride[0] * p.start
                places = zip(start, self.stride, count, strict=True)
                target = (slice(j, j + step * many, step) for j, step, many in places)
                out[(b, slice(None), *target)] += skewed.sum(axis=2)
        return out


def as_bank(W) -> FilterBank:
    """Return `W`, refusing what is not a FilterBank."""
    if not isinstance(W, FilterBank):
        raise TypeError(f"W must be a FilterBank, but got {type(W).__name__}.")
    return W


def _rows(x: np.ndarray, size: int) -> np.ndarray:
    """Return one column of length `size` as a vector, and vectors (..., size) as they are."""
    return x if x.shape[-1] == size else x.reshape(size)


def unravel(index: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Split flat indices into one array per axis (NumPy 2.4's unravel_index errs on long arrays (B, 1))."""
    return [np.asarray(at).reshape(index.shape) for at in np.unravel_index(index.ravel(), shape)]


def _as_batch(a, name: str, shape: tuple[int, ...], check_finite: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """Check `a` against the trailing `shape`; return it with one batch axis, and the batch's shape."""
    a = as_real(a, name, check_finite=check_finite)
    if a.ndim < len(shape) or a.shape[a.ndim - len(shape) :] != shape:
        raise shape_error(a, name, shape)
    batch = a.shape[: a.ndim - len(shape)]
    return a.reshape(prod(batch), *shape), batch


def adjoint_error(W, *, rng: int | np.random.Generator | None = None) -> float:
    """Return how far W^T is from being the adjoint of W: rounding alone if it is.

    With one random pair, |<W x, z> - <x, W^T z>| / max(||W x|| ||z||, ||x|| ||W^T z||).

    Parameters
    ----------
    W : scipy.sparse.linalg.LinearOperator or matrix
        Whatever has a shape (rows, columns) and takes `W @ x` and `W.T @ z`.
    rng : None, int or numpy.random.Generator

    Raises
    ------
    TypeError
        If `W` is not a linear operator or a matrix.
    ValueError
        If a product is not finite.

    Examples
    --------
    >>> adjoint_error(FilterBank(np.ones((2, 3, 4)), (3, 9)), rng=0) < 1e-14
    True
    """
    if len(getattr(W, "shape", ())) != 2 or not hasattr(W, "T"):
        raise TypeError(f"W must be a linear operator or a matrix, but got {brief(W)}.")
    if isinstance(W, np.ndarray):
        W = as_real(W, "W")
    rng = as_generator(rng)
    rows, columns = W.shape
    x, z = rng.standard_normal(columns), rng.standard_normal(rows)
    Wx, Wtz = np.asarray(W @ x), np.asarray(W.T @ z)
    forward, backward = norm(Wx) * norm(z), norm(x) * norm(Wtz)
    if not np.isfinite(forward + backward):
        raise ValueError(f"W must have finite products with finite vectors, but got {brief(W)}.")
    scale = max(forward, backward)
    return float(abs(Wx @ z - x @ Wtz) / scale) if scale else 0.0
