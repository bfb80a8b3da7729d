"""cnninv_lite: one convolutional layer as a matrix, pooling as a projection, and how to invert them.

The module behind the book "The Invertibility of Convolutional Neural Networks". Its files follow the theory:
`filters`, `operators` and `models` at the bottom, `recovery` above them; `plotting` and `interactive`
(which need Matplotlib and ipywidgets) are loaded only when asked for.
"""

from importlib import import_module

from .filters import dct_filters, gaussian_filters, rademacher_filters
from .models import BlockModel, fixed_unpool, max_pool, unpool
from .operators import FilterBank, adjoint_error
from .recovery import Reconstruction, reconstruct, relative_error

__version__ = "0.1.0"

_LAZY = {"sliders": ".interactive"}

__all__ = [
    "BlockModel",
    "FilterBank",
    "Reconstruction",
    "adjoint_error",
    "dct_filters",
    "fixed_unpool",
    "gaussian_filters",
    "max_pool",
    "rademacher_filters",
    "reconstruct",
    "relative_error",
    "unpool",
]


def __getattr__(name):
    """Load the names that need Matplotlib or ipywidgets when they are first used."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
