"""Read the scores of an evaluation for a card."""

from pathlib import Path
from typing import Any

from grapy_cli.errors import SettingsError
from grapy_cli.evaluate.baseline import COMPARED, Document
from grapy_cli.safe_text import read_json

DIGITS = 5
"""Decimals of a share; further ones would be noise."""
MEANS = (*COMPARED, "left_right_exchange")
OF_A_PART = ("iou", "accuracy")


def read_scores(path: Path) -> dict[str, Any]:
    """Read an evaluation, and return the card fields `scores` and `protocol`.

    Raises:
        SettingsError: If the file is not an evaluation of exactly one weights file.
    """
    try:
        return _facts(read_json(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"the scores {path} cannot be used: {type(error).__name__}: {error}",
            hint="`grapy eval --weights FILE --json` prints such a file.",
        ) from error


def _facts(document: Document) -> dict[str, Any]:
    if len({result["parser"] for result in document["results"]}) != 1:
        raise ValueError("it must have the scores of exactly one weights file")
    protocol, weights = document["protocol"], document["weights"]
    common = {key: value for key, value in protocol.items() if key != "data"}
    return {
        "scores": [_score(result, protocol["data"]) for result in document["results"]],
        "protocol": {**common, "weights_sha256": weights["sha256"]},
    }


def _score(result: Document, data: Document) -> dict[str, Any]:
    calibration = result["calibration"]
    return {
        **{key: result[key] for key in ("dataset", "split", "level", "tta", "protocol", "photos")},
        "skipped": len(result["skipped"]),
        "list_sha256": data[result["dataset"]]["list_sha256"],
        **{key: _short(result[key]) for key in MEANS},
        "ece": _short(calibration["ece"]) if calibration else None,
        "interval": {key: [*map(_short, ends)] for key, ends in result["interval"].items()},
        "parts": {
            name: {key: _short(part[key]) for key in OF_A_PART}
            for name, part in result["parts"].items()
        },
    }


def _short(share: float | None) -> float | None:
    return None if share is None else round(share, DIGITS)
