"""cnninv_lite: one convolutional layer as a matrix, pooling as a projection, and how to invert them.

The module behind the book "The Invertibility of Convolutional Neural Networks". Its files follow its
chapters:
`layer`, `filters`, `codes`, `rip` and `coherence`, `energy_law` and `random_filters`, `reconstruction`,
`pursuit`, `network` and `depth`. What serves the pages alone is in `cnninv_lite.book`.
"""

from .codes import BlockModel, max_pool, unpool
from .coherence import coherence, cumulative_coherence, gram, rip_certificates
from .depth import depth_bound, error_recursion, gain_bound
from .energy_law import EnergyLaw, energy_law
from .filters import dct_filters, gaussian_filters, load_filters, pca_filters, rademacher_filters
from .layer import FilterBank, adjoint_error
from .network import Network, Pooled
from .network_layer import Layer
from .pursuit import Pursuit, cosamp, iht, iht_rate, lasso
from .random_filters import (
    connected_supports,
    paper_condition,
    rip_guarantee,
    rip_necessary,
    size_needed,
)
from .reconstruction import (
    Reconstruction,
    certificate,
    code_bound,
    reconstruct,
    reconstruction_bound,
    relative_error,
    sharp_certificate,
)
from .rip import (
    RIPBracket,
    rip_bracket,
    rip_exact,
    rip_sample,
    rip_sample_parts,
    rip_search,
)

__version__ = "0.1.0"

__all__ = [
    "BlockModel",
    "EnergyLaw",
    "FilterBank",
    "Layer",
    "Network",
    "Pooled",
    "Pursuit",
    "RIPBracket",
    "Reconstruction",
    "adjoint_error",
    "certificate",
    "code_bound",
    "coherence",
    "connected_supports",
    "cosamp",
    "cumulative_coherence",
    "dct_filters",
    "depth_bound",
    "energy_law",
    "error_recursion",
    "gain_bound",
    "gaussian_filters",
    "gram",
    "iht",
    "iht_rate",
    "lasso",
    "load_filters",
    "max_pool",
    "paper_condition",
    "pca_filters",
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
    "sharp_certificate",
    "size_needed",
    "unpool",
]


def __dir__():
    """List every public name."""
    return __all__
