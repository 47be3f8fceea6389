"""Complete data sets, stages, devices and settings in a shell, without importing torch."""

from collections.abc import Callable, Iterable, Mapping

from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.orders import ORDERS
from grapy_cli.settings.tree import choices, is_list, leaves

Completer = Callable[[str], list[str]]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "data.dataset": (*LABEL_SETS, "synthetic", "all"),
    "predict.remap": tuple(ORDERS),
    "evaluate.remap": tuple(ORDERS),
    "run.device": ("auto", "cpu", "cuda", "mps"),
}
"""Suggested values of settings that allow others too: a label file, a second GPU."""


def completer_of(path: str) -> Completer | None:
    """Return the completer of a setting's option; None without suggestions."""
    field = leaves()[path]
    words = _NAMES.get(path) or tuple(map(str, choices(field)))
    if not words:
        return None
    offer = _of_list if is_list(field) else _of_words

    def complete(incomplete: str) -> list[str]:  # Typer reads the signature
        return offer(words, incomplete)

    return complete


def complete_label_sets(incomplete: str) -> list[str]:
    """Complete label sets and label orders."""
    return _of_words((*LABEL_SETS, *ORDERS), incomplete)


def complete_presets(incomplete: str) -> list[str]:
    """Presets of `grapy weights adopt`."""
    presets = ("schp-atr", "schp-lip", "schp-pascal", "segformer-clothes", "fashn")
    return _of_words(presets, incomplete)


def complete_settings(incomplete: str) -> list[str]:
    """Complete settings by their full name."""
    return _of_words((f"{path}=" for path in leaves()), incomplete)


def _of_words(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _of_list(words: Iterable[str], incomplete: str) -> list[str]:
    """Complete the next member of a comma-separated list; named ones are not offered again."""
    before, comma, begun = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{word}" for word in _of_words(words, begun) if word not in named]
