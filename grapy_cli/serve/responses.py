"""Build the response for a photo: a mask, an overlay, or everything as JSON."""

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi.responses import Response
from PIL import Image

from grapy_cli.errors import SettingsError
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LabelSet
from grapy_cli.predict.outputs.remap import Layer, plan_views
from grapy_cli.predict.outputs.summary import summarize
from grapy_cli.predict.outputs.writers import pack_picture


def check_kind(kind: str, datasets: Sequence[str], levels: Sequence[int]) -> None:
    """Check that one response can hold the results.

    Raises:
        SettingsError: If there would be several pictures.
    """
    if kind != "json" and (len(datasets) > 1 or len(levels) > 1):
        raise SettingsError(
            f"kind={kind} returns one picture",
            hint="Ask for one dataset and one level, or for kind=json, which holds any number.",
        )


def build_response(kind: str, parsings: Mapping[str, Parsing], levels: Sequence[int]) -> Response:
    """Build the response of one of `KINDS`."""
    label_sets = [parsing.label_set for parsing in parsings.values()]
    views = plan_views(label_sets, levels, [], None)
    layers = {
        (name, level): Layer(parsing, views[name, level], parsings)
        for name, parsing in parsings.items()
        for level in levels
    }
    return KINDS[kind](layers)


Layers = Mapping[tuple[str, int], Layer]
"""By label set and level."""


def _mask(layers: Layers) -> Response:
    return Response(_png(_indexed(_only(layers))), media_type="image/png")


def _overlay(layers: Layers) -> Response:
    return Response(_png(_only(layers).overlay()), media_type="image/png")


def _json(layers: Layers) -> Response:
    described = [_describe(layer, level) for (_, level), layer in layers.items()]
    return Response(json.dumps({"parsings": described}), media_type="application/json")


def _describe(layer: Layer, level: int) -> dict[str, Any]:
    """Everything in `--save summary`, and the mask."""
    summary = summarize(layer)
    for part in summary["parts"]:
        part["color"] = list(layer.view.nodes[part["id"]].color)
    return {
        "level": level,
        **summary,
        "confidence": round(layer.parsing.mean_confidence, 4),
        "doubt": round(layer.parsing.doubt, 4),
        "mask": base64.b64encode(_png(_indexed(layer))).decode(),
    }


def _indexed(layer: Layer) -> Image.Image:
    mask = Image.fromarray(layer.label_map)
    mask.putpalette(layer.view.palette)
    mask.info["transparency"] = 0  # the background, so that a page can draw it over the photo
    return mask


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    pack_picture(picture, written)
    return written.getvalue()


def _only(layers: Layers) -> Layer:
    (layer,) = layers.values()
    return layer


SHOWS_PHOTO = frozenset({"overlay"})
"""Kinds that have the photo's own pixels."""

KINDS: Mapping[str, Callable[[Layers], Response]] = {
    "mask": _mask,
    "overlay": _overlay,
    "json": _json,
}


def describe_labels(label_set: LabelSet) -> dict[str, Any]:
    """Return a label set with the ids, names and colors of every level."""
    return {
        **label_set.to_dict(),
        "levels": {
            str(level): [
                {"id": index, "name": node.name, "color": list(node.color)}
                for index, node in enumerate(label_set.nodes(level))
            ]
            for level in (3, 2, 1)
        },
    }
