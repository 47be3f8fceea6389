"""Compare scores with those of an earlier evaluation."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grapy_cli.errors import BaselineError, SettingsError
from grapy_cli.safe_text import read_json

COMPARED = (
    *("mean_iou", "mean_accuracy", "pixel_accuracy"),
    *("weighted_iou", "mean_f1", "boundary_iou"),
)
"""Scores of which more is better."""
PARTS_SHOWN = 3

Document = Mapping[str, Any]
"""What `grapy eval --json` prints."""


def read_baseline(path: Path) -> Document:
    """Read the JSON of an earlier evaluation.

    Raises:
        SettingsError: If the file does not hold one.
    """
    try:
        document = read_json(path)
        list(map(_key, document["results"]))
        dict(document["protocol"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"the baseline {path} cannot be used: {error}",
            hint="A baseline is the output of `grapy eval --json`, or scores.json of its --out.",
        ) from error
    return document


def compare(document: Document, baseline: Document, tolerance: float) -> str:
    """Compare each data set and level with the baseline, and return a sentence of success.

    Args:
        baseline: Of the earlier one. The weights may differ, everything else must be equal.
        tolerance: By how much a score may fall, in [0, 1].

    Raises:
        SettingsError: If the two cannot be compared; the message lists the differences.
        BaselineError: If a score fell by more.
    """
    earlier = {_key(result): result for result in baseline["results"]}
    pairs = [(result, earlier.get(_key(result))) for result in document["results"]]
    differences = list(dict.fromkeys(_differences(document, baseline, pairs)))
    if differences:
        raise SettingsError(
            "the baseline cannot be compared with:\n" + "\n".join(differences),
            hint="Scores can be compared only when they were measured in the same way.",
        )
    falls = [line for now, then in pairs for line in _falls(now, then or {}, tolerance)]
    if falls:
        raise BaselineError(
            "\n".join(falls), hint=f"The tolerance is {tolerance}; --tolerance sets another."
        )
    return f"no score fell more than {tolerance} below the baseline"


def _key(result: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(result.get(name) for name in ("dataset", "level", "tta", "protocol"))


def _differences(
    document: Document,
    baseline: Document,
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]],
) -> Iterator[str]:
    if len({_key(result) for result in baseline["results"]}) < len(baseline["results"]):
        yield "it holds several weights: a baseline holds one"
    for now, then in pairs:
        name = str(now["dataset"])
        if then is None:
            yield f"{_place(now)}: the baseline has no such result"
            continue
        facts = {
            "split": (now["split"], then.get("split")),
            "photos scored": (now["photos"], then.get("photos")),
            "longest side": (_side(document, now), _side(baseline, then)),
            **_data(document, baseline, name),
        }
        for what, (ours, theirs) in facts.items():
            if ours != theirs:
                yield f"{name}: {what} is {ours} now, {theirs} in the baseline"


def _data(document: Document, baseline: Document, dataset: str) -> dict[str, tuple[Any, Any]]:
    ours, theirs = (
        one["protocol"].get("data", {}).get(dataset, {}) for one in (document, baseline)
    )
    titles = {"list_sha256": "the list's sha256", "label_set": "the label set's digest"}
    return {title: (ours.get(key), theirs.get(key)) for key, title in titles.items()}


def _side(document: Document, result: Mapping[str, Any]) -> object:
    sides = {one.get("parser"): one.get("longest_side") for one in document.get("parsers", ())}
    return sides.get(result.get("parser"))


def _falls(now: Mapping[str, Any], then: Mapping[str, Any], tolerance: float) -> Iterator[str]:
    for score in COMPARED:
        before, after = then.get(score), now[score]
        if before is not None and before - (after or 0) > tolerance:
            yield (
                f"{_place(now)}: {score} fell by {before - (after or 0):.4f}, "
                f"from {before:.4f} to {after or 0:.4f}; {_fallen_parts(now, then)}"
            )


def _fallen_parts(now: Mapping[str, Any], then: Mapping[str, Any]) -> str:
    """Name the parts whose IoU fell most."""
    falls = {
        name: ((then["parts"].get(name) or {}).get("iou") or 0) - (part["iou"] or 0)
        for name, part in now["parts"].items()
    }
    worst = sorted(falls, key=lambda name: -falls[name])[:PARTS_SHOWN]
    fallen = [f"{name} by {falls[name]:.4f}" for name in worst if falls[name] > 0]
    return f"IoU fell most of {', '.join(fallen)}" if fallen else "no part's IoU fell"


def _place(result: Mapping[str, Any]) -> str:
    more = [str(result[key]) for key in ("tta", "protocol") if result.get(key)]
    return f"{result['dataset']} level {result['level']} ({', '.join(more)})"
