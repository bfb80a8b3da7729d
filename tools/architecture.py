"""Draw the one figure that no cell makes, as chapter 1 opens with it before there is code: the architecture.

python tools/architecture.py        writes book/assets/architecture.svg; the same bytes each time
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

from cnninv_lite.book import COLORS, use_style

ASSETS = Path(__file__).resolve().parent.parent / "book" / "assets"
INK = "#222222"


def strips(ax, left, bottom, signals, color, width=1.9, height=0.5, **line):
    """Draw the rows of `signals` as framed strips, the first on top; return the top edge."""
    for m, row in enumerate(signals):
        base = bottom + (len(signals) - 1 - m) * height
        ax.add_patch(
            Rectangle((left, base), width, height * 0.86, facecolor="none", edgecolor=color, linewidth=0.9)
        )
        at = left + width * (np.arange(len(row)) + 0.5) / len(row)
        ax.plot(at, base + height * 0.43 * (1 + 0.85 * row / np.abs(signals).max()), color=color, **line)
    return bottom + len(signals) * height


def arrow(ax, start, end, label, offset=(0, 0.14), bend=0.0):
    """Draw an arrow with its label above the middle."""
    style = f"arc3,rad={bend}"
    ax.add_patch(
        FancyArrowPatch(
            start, end, connectionstyle=style, arrowstyle="-|>", mutation_scale=13, color=INK, linewidth=1.2
        )
    )
    middle = (np.add(start, end) / 2) + offset
    ax.text(*middle, label, ha="center", va="bottom", color=INK, fontsize=12)


def architecture(path="architecture.svg"):
    """Figure 1: x -> W -> h -> M(., k) -> z^, and the way back to x^ through W^T."""
    rng = np.random.default_rng(7)
    K, M, D, ell, k = 5, 2, 44, 14, 2
    window = np.hanning(ell + 2)[1:-1]
    w = window * np.array(
        [[np.convolve(rng.standard_normal(ell + 2), np.ones(3), "valid") for _ in range(M)] for _ in range(K)]
    )
    w /= np.linalg.norm(w, axis=(1, 2), keepdims=True)
    x = np.zeros((M, D))
    for i, p, value in ((1, 3, 1.0), (3, 24, -0.9)):  # the signal of a code, with a little more
        x[:, p : p + ell] += value * w[i]
    x += 0.04 * rng.standard_normal(x.shape)
    h = sum(np.array([np.correlate(x[m], w[i, m], mode="valid") for i in range(K)]) for m in range(M))
    peak = np.abs(h).argmax(axis=1)
    active = np.sort(np.argsort(-np.abs(h).max(axis=1))[:k])
    back = np.zeros_like(x)
    for i in active:
        back[:, peak[i] : peak[i] + ell] += h[i, peak[i]] * w[i]

    fig, ax = plt.subplots(figsize=(7.9, 3.35))
    ax.set(xlim=(-0.15, 11.1), ylim=(-0.95, 3.75), aspect="equal")
    ax.axis("off")
    line = {"linewidth": 1.1}
    strips(ax, 0, 1.65, x, COLORS["x"], height=0.62, **line)
    strips(ax, 0, -0.05, back, COLORS["x_hat"], height=0.62, **line)
    for i in range(K):
        strips(ax, 3.1, 0.32 + 0.62 * (K - 1 - i), w[i], COLORS["w"], width=0.75, height=0.28, **line)
    strips(ax, 5.3, 0.3, h, COLORS["h"], height=0.62, **line)
    for i in range(K):
        base = 0.3 + (K - 1 - i) * 0.62
        ax.add_patch(
            Rectangle((8.9, base), 1.9, 0.53, facecolor="none", edgecolor=COLORS["z"], linewidth=0.9)
        )
        if i in active:
            at = 8.9 + 1.9 * (peak[i] + 0.5) / h.shape[1]
            ax.vlines(at, base + 0.06, base + 0.44, color=COLORS["z"], linewidth=2)
            ax.plot(at, base + 0.44, "o", color=COLORS["z"], markersize=5)
    for at, above, below, color in (
        (0.95, "input $x$", "$M\\times D$", COLORS["x"]),
        (3.475, "filters $w_i$", "$K$ of $M\\times\\ell$", COLORS["w"]),
        (6.25, "hidden units $h=Wx$", "$K\\times n$", COLORS["h"]),
        (9.85, "code $\\hat{z}$", "$k$ filters, one place each", COLORS["z"]),
    ):
        top = 3.0 if at < 1 else 3.5
        ax.text(at, top, above, ha="center", va="bottom", color=color, fontsize=12, weight="bold")
        ax.text(at, 1.56 if at < 1 else 0.18, below, ha="center", va="top", color=color, fontsize=11)
    bold = {"va": "top", "color": COLORS["x_hat"], "fontsize": 12, "weight": "bold"}
    ax.text(0.95, -0.14, "reconstruction $\\hat{x}$", ha="center", **bold)
    arrow(ax, (2.0, 2.27), (3.0, 2.27), "slide")
    arrow(ax, (3.95, 1.85), (5.2, 1.85), "$W$")
    arrow(ax, (7.3, 1.85), (8.8, 1.85), "max pool\n$\\mathbb{M}(h,k)$")
    ax.plot([9.85, 9.85], [-0.2, -0.62], color=INK, linewidth=1.2)
    ax.plot([9.85, 2.6], [-0.62, -0.62], color=INK, linewidth=1.2)
    ax.plot([2.6, 2.6], [-0.62, 0.5], color=INK, linewidth=1.2)
    arrow(ax, (2.6, 0.5), (1.98, 0.5), "")
    ax.text(6.25, -0.56, "$W^{\\top}$", ha="center", va="bottom", color=INK, fontsize=12)
    fig.savefig(ASSETS / path, metadata={"Date": None, "Creator": None})
    plt.close(fig)


if __name__ == "__main__":
    use_style()
    architecture()
