"""What becomes of a video: each kind of result is a video of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from PIL import Image

from grapy_cli.predict import render
from grapy_cli.predict.outputs import Kind
from grapy_cli.predict.views import Layer

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".wmv", ".3gp"}
)
"""Files with these names are taken for videos when they are named themselves."""


@dataclass(frozen=True)
class Film:
    """How the frames of one kind of result are drawn and kept."""

    suffix: str
    draw: Callable[[Layer], Image.Image]
    """Gives a picture of the frame's size."""
    exact: bool = False
    """Whether every pixel keeps its very colour; else it is for looking, and has the sound."""


def film_path(kind: Kind, out: Path, name: PurePosixPath) -> Path:
    """The file of a video's result; `kind` is one of `FILMS`."""
    folder, film = out / kind.folder / name.parent, FILMS[kind.save]
    return folder / f"{name.name}{film.suffix}"


def _color(layer: Layer) -> Image.Image:
    return render.color_mask(layer.label_map, layer.view.nodes)


def _overlay(layer: Layer) -> Image.Image:
    nodes, alpha = layer.view.nodes, layer.alpha
    return render.overlay(layer.parsing.photo, layer.label_map, nodes, alpha, legend=False)


def _contours(layer: Layer) -> Image.Image:
    return render.contours(layer.parsing.photo, layer.label_map, layer.view.nodes)


FILMS: Mapping[str, Film] = MappingProxyType(
    {
        "mask": Film(".mkv", _color, exact=True),
        "color": Film(".mp4", _color),
        "overlay": Film(".mp4", _overlay),
        "contours": Film(".mp4", _contours),
    }
)
"""By what `--save` calls it."""
