"""Figures that answer to sliders, on a published page with no kernel behind it as in JupyterLab."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from html import escape
from itertools import product
from math import prod
from urllib.parse import quote

import ipywidgets as widgets
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.image import AxesImage
from PIL import Image

__all__ = [
    "sliders",
]

MAX_FRAMES = 150
LETTERS = {"delta": "δ", "ell": "ℓ"}  # what a slider is called, where that is not its parameter's name
PNG = re.compile(r"(?<=data:image/png;base64,)[^\"]+")


def sliders(draw: Callable, *, alt: str, **values: Sequence):
    """Return a figure with one slider per parameter; every frame is drawn now.

    The sliders choose among frames that are there already, in the browser: moving one computes nothing.

    Parameters
    ----------
    draw : callable
        Called by keyword with one value of each parameter; returns a Matplotlib figure.
    alt : str
        What a frame shows, for readers who cannot see it: a format string over the parameters, as in
        ``"The matrix for stride {t}."``
    **values : sequence
        One or two parameters with the values of their sliders, in order.

    Returns
    -------
    ipywidgets.VBox
        Where widgets are not known it shows its first frame.

    Raises
    ------
    TypeError
        If `draw` returns something else than a figure.
    ValueError
        If there is not one or two parameters, one has no value, or there are more than 150 frames.

    Examples
    --------
    >>> def draw(k):
    ...     fig, ax = plt.subplots()
    ...     ax.plot([0, k])
    ...     return fig
    >>> sliders(draw, alt="A line that rises to {k}.", k=[1, 2, 3]).children[0].description
    'k'
    """
    if len(values) not in (1, 2):
        raise ValueError(f"sliders takes one or two parameters, but got {len(values)}: {list(values)}.")
    options = {name: list(choices) for name, choices in values.items()}
    for name, choices in options.items():
        if not choices:
            raise ValueError(f"{name} must have at least one value, but got none.")
    count = prod(map(len, options.values()))
    if count > MAX_FRAMES:
        raise ValueError(f"the sliders must have at most {MAX_FRAMES} frames, but got values for {count}.")

    frames, picture = [], b""
    for chosen in product(*options.values()):
        setting = dict(zip(options, chosen, strict=True))
        fig = draw(**setting)
        if not isinstance(fig, mpl.figure.Figure):
            raise TypeError(f"draw must return a Matplotlib figure, but got {type(fig).__name__}.")
        picture = picture or _bytes(fig, "png")
        for image in fig.findobj(AxesImage):  # pixels as they are, if that is fewer than are drawn
            extent = image.get_window_extent()
            if image.get_array().size < extent.width * extent.height:
                image.set_interpolation("none")
        svg = PNG.sub(_smaller, _bytes(fig, "svg").decode())
        plt.close(fig)
        source = "data:image/svg+xml," + quote(svg[svg.index("<svg") :], safe=" =:/;,()'")
        frames.append(widgets.HTML(f'<img alt="{escape(alt.format(**setting))}" src="{source}">'))

    controls = [
        widgets.SelectionSlider(options=[(str(v), v) for v in choices], description=LETTERS.get(name, name))
        for name, choices in options.items()
    ]
    if len(controls) == 2:
        inner = len(controls[1].options)
        rows = [_linked(controls[1], frames[i : i + inner]) for i in range(0, count, inner)]
    else:
        rows = frames
    box = widgets.VBox([*controls, _linked(controls[0], rows)])
    summary = f"Sliders over {' and '.join(options)}: {count} frames."

    def bundle(**kwargs):
        """Add the first frame, for viewers that know no widgets, and say in words what it is."""
        data = type(box)._repr_mimebundle_(box, **kwargs)
        return {**data, "text/plain": summary, "image/png": base64.b64encode(picture).decode()}

    box._repr_mimebundle_ = bundle
    return box


def _linked(control, children):
    """Stack `children` so that the browser shows the one that `control` has chosen."""
    stack = widgets.Stack(children, selected_index=0)
    widgets.jslink((control, "index"), (stack, "selected_index"))
    return stack


def _smaller(found) -> str:
    """Return a PNG picture with a palette in place of four bytes a pixel, if it has up to 256 colours."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGBA"))
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256 or colours[:, 3].min() < 255:
        return found[0]
    image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8))
    image.putpalette(colours[:, :3].tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _bytes(fig, kind: str) -> bytes:
    """Render `fig` to bytes that depend on the figure alone."""
    stable = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "cnninv_lite"}):
        fig.savefig(buffer, format=kind, metadata=stable[kind])
    return buffer.getvalue()
