"""grapy: human parsing, on the command line and from Python.

from grapy_cli import HumanParser
HumanParser.load().parse("me.jpg", dataset="atr").save_mask("mask.png")
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["HumanParser", "__version__", "label_set", "load_network"]

if TYPE_CHECKING:
    from grapy_cli.inference.parser import HumanParser
    from grapy_cli.labels import label_set
    from grapy_cli.model.weights import load_weights as load_network

_LAZY = {
    "HumanParser": ("grapy_cli.inference.parser", "HumanParser"),
    "label_set": ("grapy_cli.labels", "label_set"),
    "load_network": ("grapy_cli.model.weights", "load_weights"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class or a function
    """Import what is asked for when it is asked for: the command line must not wait for torch."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)
