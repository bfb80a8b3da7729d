"""Figures that compute in the reader's browser: on a page with no kernel behind it as in JupyterLab."""

from __future__ import annotations

import base64
import io
import os
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np

from ..codes import max_pool, unpool
from ..filters import dct_filters, gaussian_filters
from ..layer import FilterBank
from .data import photographs
from .weights import vgg16

__all__ = [
    "live_figure",
    "live_layer",
    "packed",
]

#: The type of a live figure's output. tools/live_figures.py puts it on the pages.
LIVE = "application/vnd.cnninv.live+json"


def source(name: str) -> str:
    """Return the script of a figure: an ES module in anywidget's convention, after what all figures share."""
    folder = files(__package__).joinpath("js")
    return "\n".join(folder.joinpath(f"{part}.js").read_text(encoding="utf8") for part in ("common", name))


def packed(a) -> dict:
    """Return an array as JSON, for the state of a live figure.

    Parameters
    ----------
    a : array_like of real numbers

    Returns
    -------
    dict
        `dtype` ("uint8" if `a` has it, else "float32"), `shape`, and `data`: base64, little-endian.

    Examples
    --------
    >>> packed([[1.0, 2.0]])
    {'dtype': 'float32', 'shape': [1, 2], 'data': 'AACAPwAAAEA='}
    """
    a = np.asarray(a)
    a = a.astype("u1" if a.dtype == np.uint8 else "<f4")
    return {
        "dtype": "uint8" if a.dtype.itemsize == 1 else "float32",
        "shape": list(a.shape),
        "data": base64.b64encode(a.tobytes()).decode(),
    }


class Live:
    """A live figure, which shows itself in the way that the viewer knows.

    On the built pages a script draws it, in JupyterLab an anywidget; elsewhere it is a picture.

    Attributes
    ----------
    name : str
        The script, cnninv_lite/book/js/NAME.js.
    state : dict
        What the script gets from ``model.get``: JSON, arrays as `packed` writes them.
    """

    def __init__(self, name, state, picture, summary):
        self.name, self.state, self._picture, self._summary = name, state, picture, summary
        self._widget = None

    @property
    def widget(self):
        """The anywidget that JupyterLab shows, made when it is first asked for."""
        if self._widget is None:
            import anywidget
            import traitlets

            traits = {name: traitlets.Any().tag(sync=True) for name in self.state}
            kind = type(f"Live_{self.name}", (anywidget.AnyWidget,), {"_esm": source(self.name), **traits})
            self._widget = kind(**self.state)
        return self._widget

    def _repr_mimebundle_(self, **kwargs):
        data = {
            "text/plain": self._summary,
            "image/png": base64.b64encode(self._picture).decode(),
            LIVE: {"module": self.name, "state": self.state},
        }
        if "CNNINV_PAGES" not in os.environ:  # a page with the state of an anywidget would ask a CDN for it
            shown = self.widget._repr_mimebundle_(**kwargs)
            shown = shown[0] if isinstance(shown, tuple) else shown
            data |= {kind: value for kind, value in shown.items() if "widget-view" in kind}
        return data


def live_figure(name: str, fig, summary: str, **state) -> Live:
    """Return the live figure of a script, with a picture for viewers that run no scripts.

    Parameters
    ----------
    name : str
        The script: cnninv_lite/book/js/NAME.js.
    fig : matplotlib.figure.Figure
        The picture; it is closed.
    summary : str
        What the figure is, in words, for viewers that show text alone.
    **state
        What the script reads: numbers, texts, lists, and arrays as `packed` returns them.

    Returns
    -------
    Live
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(fig)
    return Live(name, state, buffer.getvalue(), summary)


def bands(size: int, count=14) -> np.ndarray:
    """Return the band of each frequency of pictures of `size` pixels on a side; 0 is the mean's."""
    f = np.fft.fftfreq(size)
    return np.digitize(np.hypot(f[:, None], f), np.geomspace(0.01, 0.71, count))


def there_and_back(x, other, w, window, places, per_band=True):
    """Take a picture through a layer with ReLU and max pooling, and back by the transpose.

    Parameters
    ----------
    x, other : ndarray of shape (1, D, D)
        The picture, and the one whose places are taken for ``places="other"``; each with mean 0.
    w : ndarray of shape (K, 1, ell, ell)
    window : int
    places : {"known", "fixed", "spread", "other"}
        Where the kept values go: to their places, to the middle of the window, to all of the window alike, or
        to the places of `other`.
    per_band : bool
        Scale each band of frequencies by its best factor, not the whole picture by one. For "other" no factor
        is the best: each band gets the energy that it has in `x`, which tells nothing about `other`.

    Returns
    -------
    ndarray of shape (1, D, D)
    """
    W = FilterBank(w, x.shape)
    values, switches = max_pool(W.analysis(x), (window, window), nonnegative=True)
    if places == "other":
        switches = max_pool(W.analysis(other), (window, window), nonnegative=True)[1]
    where = {"known": switches, "other": switches}.get(places, places)
    z = unpool(values, where, (W.K, *W.n), window=window, place=window // 2 if places == "fixed" else 0)
    back = W.synthesis(z)
    band = bands(x.shape[-1]).ravel() if per_band else np.zeros(x[0].size, int)
    X, B = (np.fft.fft2(a[0]).ravel() for a in (x, back))

    def in_bands(energy):
        return np.bincount(band, energy)

    before, after = in_bands(np.abs(X) ** 2), np.maximum(in_bands(np.abs(B) ** 2), np.finfo(float).tiny)
    gain = np.sqrt(before / after) if places == "other" else in_bands(np.real(X.conj() * B)) / after
    return np.fft.ifft2((B * gain[band]).reshape(x[0].shape)).real[None]


def live_layer(places="known") -> Live:
    """Return the figure "Throw it away, get it back": one layer with max pooling, and the way back.

    Parameters
    ----------
    places : {"known", "fixed", "spread", "other"}
        Where the kept values go at first, as in `there_and_back`.

    Returns
    -------
    Live

    Raises
    ------
    ValueError
        If there is no such way to use the places.
    """
    ways = {"known": "places known", "fixed": "places fixed", "other": "of another", "spread": "spread"}
    if places not in ways:
        raise ValueError(f"places must be one of {', '.join(map(repr, ways))}, but got {places!r}.")
    found = photographs(96)
    names = ["cat", "astronaut", "coffee", "rocket"]
    pictures = np.array([np.round(255 * found[name].mean(axis=0)).astype(np.uint8) for name in names])
    trained = vgg16().layers[0].filters.astype(float)
    banks = {
        "random": gaussian_filters(64, 1, (8, 8), rng=0),
        "cosine": dct_filters(64, 1, (8, 8)),
        "VGG-16": trained.sum(axis=1, keepdims=True),  # a grey picture has the same in its three channels
    }
    banks = {name: w.astype(np.float32) for name, w in banks.items()}

    x, other = (pictures[i : i + 1] / 255 for i in (0, 1))
    mean, w = x.mean(), banks["random"].astype(float)
    fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.1), dpi=100)
    panels = {"$x$": x}
    for way in ("known", "fixed", "other"):
        panels[ways[way]] = mean + there_and_back(x - mean, other - other.mean(), w, 8, way)
    for ax, (title, picture) in zip(axes, panels.items(), strict=True):
        ax.imshow(picture[0], "gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=9)
        ax.axis("off")
    return live_figure(
        "layer",
        fig,
        "One layer and back, on a picture of yours: a live figure.",
        names=names,
        pictures=packed(pictures),
        banks={name: packed(w) for name, w in banks.items()},
        setting={
            "picture": names[0],
            "other": names[1],
            "bank": "random",
            "K": 64,
            "window": 8,
            "places": places,
            "per_band": True,
        },
    )
