"""The sliders, the shared plots and the real signals."""

import base64
import re
import sys
from subprocess import run

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnninv_lite.book import (
    COLORS,
    DIVERGING,
    eeg,
    photograph,
    show_matrix,
    show_signal,
    sliders,
    stem_code,
    use_style,
)


def draw(k, a=1):
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, k * a])
    return fig


def frames(box):
    """All frames of the figure in order, as HTML."""
    found = []

    def walk(widget):
        if hasattr(widget, "value") and isinstance(widget.value, str) and "<img" in widget.value:
            found.append(widget.value)
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(box)
    return found


def test_every_frame_has_its_alt_text_and_its_picture():
    html = frames(sliders(draw, alt="Line with {k} < {a}.", k=[1, 2, 3], a=[5, 6]))
    assert [re.search('alt="([^"]*)"', frame)[1] for frame in html] == [
        f"Line with {k} &lt; {a}." for k in (1, 2, 3) for a in (5, 6)
    ]
    assert len({re.search('src="([^"]*)"', frame)[1] for frame in html}) == 6
    assert plt.get_fignums() == []


def test_frames_are_the_same_bytes_each_time():
    assert frames(sliders(draw, alt="x", k=[1, 2])) == frames(sliders(draw, alt="x", k=[1, 2]))


def test_viewers_without_widgets_get_the_first_frame():
    data = sliders(draw, alt="x", k=[1, 2], a=[3])._repr_mimebundle_()
    assert data["text/plain"] == "Sliders over k and a: 2 frames."
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sliders(draw, alt="x"), ValueError, "one or two parameters"),
        (lambda: sliders(draw, alt="x", a=[1], b=[1], c=[1]), ValueError, "got 3"),
        (lambda: sliders(draw, alt="x", k=[]), ValueError, "k must have at least one value"),
        (lambda: sliders(draw, alt="x", k=range(151)), ValueError, "values for 151"),
        (lambda: sliders(lambda k: "text", alt="x", k=[1]), TypeError, "got str"),
        (lambda: photograph(100), ValueError, "size must divide 384"),
        (lambda: photograph(0), ValueError, "size must be"),
    ],
)
def test_bad_calls_are_told_in_sentences(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()


def test_the_plots_show_what_they_are_given():
    rng = np.random.default_rng(0)
    _, ax = plt.subplots()
    show_matrix(rng.standard_normal((6, 4)), ax, blocks=(3, 2))
    assert ax.images[0].get_array().shape == (6, 4)
    _, ax = plt.subplots()
    x = rng.standard_normal((3, 20))
    gap = show_signal(x, ax)
    for m, line in enumerate(ax.lines):
        assert np.allclose(line.get_ydata(), x[m] - m * gap)
    _, ax = plt.subplots()
    z = np.zeros((3, 5))
    z[1, 2] = -2
    stem_code(z, ax, h=rng.standard_normal((3, 5)))
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == "o"]
    assert np.array_equal(points[0], [[7, -2]])
    plt.close("all")


def test_signals_are_what_they_say():
    x = eeg()
    assert x.shape == (4, 800)
    assert np.allclose(x.mean(axis=1), 0)
    assert np.allclose(x.std(axis=1), 1)
    grey, colour = photograph(48), photograph(48, colour=True)
    assert grey.shape == (1, 48, 48)
    assert np.allclose(colour.mean(axis=0), grey[0])
    assert 0 <= grey.min() < grey.max() <= 1


def test_the_module_imports_neither_matplotlib_nor_ipywidgets():
    code = "import cnninv_lite, sys; assert not {'matplotlib', 'ipywidgets', 'sklearn'} & set(sys.modules)"
    run([sys.executable, "-c", code], check=True)


def test_style_makes_the_bytes_of_pictures_repeatable():
    with mpl.rc_context():
        use_style()
        assert mpl.rcParams["svg.hashsalt"] == "cnninv_lite"
        cycle = [COLORS[name] for name in ("x", "z", "x_hat", "w", "h")]
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == cycle
        assert mpl.rcParams["image.cmap"] == DIVERGING


def test_white_is_zero_with_and_without_blocks():
    ax = show_matrix([[1.0, -3.0]])
    assert ax.images[0].get_clim() == (-3.0, 3.0)
    assert not ax.lines
    assert len(show_matrix(np.eye(4), plt.figure().gca(), blocks=(2, 1)).lines) == 1 + 3


def test_hidden_units_stand_behind_the_stems():
    z = np.array([[0.0, 2.0], [0.0, 0.0]])
    plain = len(stem_code(z, plt.figure().gca()).lines)
    ax = stem_code(z, plt.figure().gca(), h=np.ones((2, 2)))
    assert len(ax.lines) == plain + 2
    plt.close("all")
