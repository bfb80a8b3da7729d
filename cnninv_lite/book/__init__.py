"""What serves the pages of the book: data, training, figures, sliders, exercises and phase diagrams.

Each name is loaded when it is first used, with the library that it needs: Matplotlib, ipywidgets or
scikit-learn.
"""

from importlib import import_module

_HOME = {
    "COLORS": "figures",
    "DIVERGING": "figures",
    "PhaseCell": "phase",
    "attack": "exercises",
    "check": "exercises",
    "dictionary_filters": "training",
    "digits": "data",
    "eeg": "data",
    "phase_diagram": "phase",
    "photograph": "data",
    "sample_photographs": "data",
    "show_matrix": "figures",
    "show_signal": "figures",
    "sliders": "widgets",
    "stem_code": "figures",
    "supervised_filters": "training",
    "use_style": "figures",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    """Load a name when it is first used."""
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """List every public name."""
    return __all__
