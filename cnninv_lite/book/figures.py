"""The book's figures: one style, one colour per quantity, and the few plots that several chapters share."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

__all__ = [
    "COLORS",
    "DIVERGING",
    "show_matrix",
    "show_signal",
    "stem_code",
    "use_style",
]

#: The colour of each quantity, in plots, diagrams and formulas alike (safe for colour-blind readers).
COLORS = {"x": "#0072B2", "h": "#767676", "z": "#CB5200", "x_hat": "#00805E", "w": "#8A4A9E"}

#: Colour map of signed matrices: blue below zero, white at zero, red above.
DIVERGING = "RdBu_r"


def use_style() -> None:
    """Set the book's Matplotlib style; in a notebook, also make the pictures' bytes repeatable."""
    mpl.style.use("cnninv_lite.book.style")  # the file style.mplstyle
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if (shell := get_ipython()) is not None and hasattr(shell, "kernel"):
        from matplotlib_inline.config import InlineBackend

        backend = InlineBackend.instance(parent=shell)
        options = {"bbox_inches": None, "metadata": {"Software": None}}
        backend.print_figure_kwargs = options  # type: ignore[assignment]


def show_matrix(A, ax=None, *, limit=None, blocks=None):
    """Draw the matrix `A` with zero in white.

    Parameters
    ----------
    A : array_like of shape (rows, columns)
    ax : matplotlib.axes.Axes, optional
    limit : float, optional
        Magnitude of the darkest colours; the largest one of `A` by default.
    blocks : tuple of int, optional
        (rows, columns) of the blocks to set apart with thin lines.

    Returns
    -------
    matplotlib.axes.Axes
    """
    A = np.asarray(A)
    ax = plt.gca() if ax is None else ax
    limit = np.abs(A).max() if limit is None else limit
    ax.imshow(A, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="equal")
    if blocks is not None:
        right, low, line = A.shape[1] - 0.5, A.shape[0] - 0.5, {"color": "#444444", "linewidth": 0.7}
        for at in range(blocks[0], A.shape[0], blocks[0]):
            ax.plot([-0.5, right], [at - 0.5] * 2, **line)
        for at in range(blocks[1], A.shape[1], blocks[1]):
            ax.plot([at - 0.5] * 2, [-0.5, low], **line)
    ax.set(xlim=(-0.5, A.shape[1] - 0.5), ylim=(A.shape[0] - 0.5, -0.5))
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def show_signal(x, ax=None, *, color=COLORS["x"], gap=None, label=None, **line):
    """Draw the channels of a signal one above the other, the first on top.

    Parameters
    ----------
    x : array_like of shape (M, D)
    ax : matplotlib.axes.Axes, optional
    gap : float, optional
        Distance between the zero lines of two channels; 1.2 times the largest range by default.
    label : str, optional
        Legend entry (one for all channels).

    Returns
    -------
    float
        The gap, so that a second signal can be drawn to the same scale.
    """
    x = np.asarray(x)
    ax = plt.gca() if ax is None else ax
    gap = 1.2 * max(np.ptp(x, axis=1).max(), np.finfo(float).tiny) if gap is None else gap
    for m, channel in enumerate(x):
        ax.plot(channel - m * gap, color=color, label=label if m == 0 else None, **line)
    ax.set_yticks(-gap * np.arange(len(x)), [f"m = {m}" for m in range(len(x))] if len(x) > 1 else [""])
    ax.spines["left"].set_visible(False)
    ax.tick_params(left=False)
    return gap


def stem_code(z, ax=None, *, h=None, label=r"$\hat z$"):
    """Draw a code block after block: the entries of `z` as stems over all of `h` in grey.

    Parameters
    ----------
    z : array_like of shape (K, n)
    ax : matplotlib.axes.Axes, optional
    h : array_like of shape (K, n), optional
        The hidden units that `z` was pooled from.

    Returns
    -------
    matplotlib.axes.Axes
    """
    z = np.asarray(z)
    ax = plt.gca() if ax is None else ax
    if h is not None:
        for i, block in enumerate(np.asarray(h)):
            at = np.arange(i * len(block), (i + 1) * len(block))
            ax.plot(at, block, color=COLORS["h"], linewidth=0.9, label=None if i else r"$h = Wx$")
    at = np.flatnonzero(z)
    ax.vlines(at, 0, z.ravel()[at], color=COLORS["z"], linewidth=1.6)
    ax.plot(at, z.ravel()[at], "o", color=COLORS["z"], markersize=5, label=label)
    for edge in range(0, z.size + 1, z.shape[1]):
        ax.axvline(edge - 0.5, color="#BBBBBB", linewidth=0.6, zorder=0)
    ax.axhline(0, color="#BBBBBB", linewidth=0.6, zorder=0)
    ax.set_xlim(-0.5, z.size - 0.5)
    ax.set_xticks(z.shape[1] * (np.arange(len(z)) + 0.5) - 0.5, [f"$i={i}$" for i in range(len(z))])
    ax.tick_params(bottom=False)
    return ax
