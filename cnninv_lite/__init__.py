"""cnninv_lite: one convolutional layer as a matrix, pooling as a projection, and how to invert them.

The module behind the book "The Invertibility of Convolutional Neural Networks". Its files follow the theory:
`filters`, `operators` and `models` at the bottom, `recovery` above them; `plotting` and `interactive`
(which need Matplotlib and ipywidgets) are loaded only when asked for.
"""

from importlib import import_module

from .bounds import (
    PaperCondition,
    RIPNecessary,
    connected_supports,
    filters_needed,
    paper_condition,
    rip_guarantee,
    rip_necessary,
)
from .coherence import coherence, cumulative_coherence, rip_certificates
from .depth import error_recursion, gain_bound
from .exact import rip_bracket, rip_exact
from .exercises import attack, check
from .filters import dct_filters, gaussian_filters, rademacher_filters
from .gram import gram
from .guarantees import code_bound, depth_bound, iht_rate, largest_useful_delta, reconstruction_bound
from .laws import EnergyLaw, energy_law, laurent_massart
from .models import BlockModel
from .network import Layer, LayerErrors, Network, Pooled
from .operators import FilterBank, adjoint_error
from .phase import PhaseCell, phase_diagram
from .pooling import fixed_unpool, max_pool, unpool
from .pursuit import Pursuit, cosamp, iht
from .recovery import Reconstruction, certificate, error_from_code, reconstruct, relative_error
from .rip import RIPBracket, RIPSample, Witness, rip_sample, rip_sample_parts, rip_search
from .sparse_coding import lasso, sparse_code

__version__ = "0.1.0"

_LAZY = {
    "dictionary_filters": ".learning",
    "digits": ".learning",
    "eeg": ".signals",
    "load_filters": ".learning",
    "pca_filters": ".learning",
    "photograph": ".signals",
    "sample_photographs": ".learning",
    "sliders": ".interactive",
    "supervised_filters": ".training",
}

__all__ = [
    "BlockModel",
    "EnergyLaw",
    "FilterBank",
    "Layer",
    "LayerErrors",
    "Network",
    "PaperCondition",
    "PhaseCell",
    "Pooled",
    "Pursuit",
    "RIPBracket",
    "RIPNecessary",
    "RIPSample",
    "Reconstruction",
    "Witness",
    "adjoint_error",
    "attack",
    "certificate",
    "check",
    "code_bound",
    "coherence",
    "connected_supports",
    "cosamp",
    "cumulative_coherence",
    "dct_filters",
    "depth_bound",
    "energy_law",
    "error_from_code",
    "error_recursion",
    "filters_needed",
    "fixed_unpool",
    "gain_bound",
    "gaussian_filters",
    "gram",
    "iht",
    "iht_rate",
    "largest_useful_delta",
    "lasso",
    "laurent_massart",
    "max_pool",
    "paper_condition",
    "phase_diagram",
    "rademacher_filters",
    "reconstruct",
    "reconstruction_bound",
    "relative_error",
    "rip_bracket",
    "rip_certificates",
    "rip_exact",
    "rip_guarantee",
    "rip_necessary",
    "rip_sample",
    "rip_sample_parts",
    "rip_search",
    "sparse_code",
    "unpool",
]


def __getattr__(name):
    """Load the names that need Matplotlib or ipywidgets when they are first used."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
