"""What serves the pages: data, trained networks, training, figures, sliders, exercises and phase diagrams.

Each name is loaded when it is first used, with the library that it needs: Matplotlib, ipywidgets,
scikit-learn or scikit-image.
"""

from importlib import import_module

_HOME = {
    "COLORS": "figures",
    "DIVERGING": "figures",
    "PhaseCell": "phase",
    "attack": "exercises",
    "check": "exercises",
    "crepe": "weights",
    "crepe_pitch": "weights",
    "dictionary_filters": "training",
    "digits": "data",
    "eeg": "data",
    "from_vgg": "weights",
    "live_figure": "live",
    "live_layer": "live",
    "packed": "live",
    "phase_diagram": "phase",
    "measured": "weights",
    "photograph": "data",
    "photographs": "data",
    "sample_photographs": "data",
    "show_matrix": "figures",
    "show_signal": "figures",
    "sliders": "widgets",
    "stem_code": "figures",
    "supervised_filters": "training",
    "to_vgg": "weights",
    "use_style": "figures",
    "vgg16": "weights",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    """Load a name when it is first used."""
    if name in _HOME:
        try:
            return getattr(import_module(f".{_HOME[name]}", __name__), name)
        except ModuleNotFoundError as error:
            raise import_module(".data", __name__).missing(error, name) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """List every public name."""
    return __all__
