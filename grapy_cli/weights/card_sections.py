"""The sections of a card, words or tables; the terminal and the page show the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from grapy_cli.labels import LabelSet, Level
from grapy_cli.labels.label_set import CATEGORY_NODES, HUMAN_NODES, Color
from grapy_cli.model.weights import WeightsCard

Score = Mapping[str, Any]
"""One result on the card, of any format."""


class Words(NamedTuple):
    """Sentences."""

    title: str
    text: str


class Rows(NamedTuple):
    """A table; heads of numbers begin with ">"."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    below: str = ""
    """Words below the table."""


class PartRow(NamedTuple):
    """How well one part is found, and how many training photos show it."""

    name: str
    color: Color
    iou: float | None
    accuracy: float | None
    photos: int | None
    """Number of training photos that show it; None if it is unknown."""


class Parts(NamedTuple):
    """The parts of one data set."""

    title: str
    rows: Sequence[PartRow]


Section = Words | Rows | Parts


def sections_of(card: WeightsCard) -> Iterator[Section]:
    """Return the sections of a card; sections without content are left out."""
    for section in _sections(card):
        if section[1] if isinstance(section, Words | Parts) else section.rows:
            yield section


def _sections(card: WeightsCard) -> Iterator[Section]:
    label_sets = [LabelSet.from_dict(table) for table in card.label_sets]
    yield Rows("", ("", ""), [*_facts(card)])
    yield Words("Trained on", card.trained_on)
    yield _data(card)
    yield Words("License", card.licence)
    yield Words("Provenance", card.provenance)
    yield _recipe(card)
    yield Words("Limits", card.limits)
    yield _scores(card)
    yield _also(card)
    yield _groups(card, label_sets)
    for labels in label_sets:
        yield _parts(card, labels)


def _facts(card: WeightsCard) -> Iterator[tuple[str, str]]:
    if card.network:
        yield from _facts_of_published(card)
        return
    numbers = card.numbers
    pyramid = numbers.get("pyramid")
    yield "network", str(numbers.get("backbone", "xception65"))
    if pyramid:
        facts = (f"levels {pyramid['levels']}", pyramid["pooling"], pyramid["reasoning"])
        yield "pyramid", ", ".join(facts)
    else:
        yield "pyramid", "none"
    yield "label sets", ", ".join(labels["name"] for labels in card.label_sets) or "none"
    yield "photos", f"{card.longest_side} pixels" if card.longest_side else "at their own size"
    yield "last stage", f"{card.stage}, {card.step:,} steps" if card.step else card.stage
    yield "written by", f"grapy {card.grapy}, card format {card.format}"


def _facts_of_published(card: WeightsCard) -> Iterator[tuple[str, str]]:
    yield "network", card.network
    yield "label set", ", ".join(labels["name"] for labels in card.label_sets)
    if translations := card.load_translations():
        yield "also as", ", ".join(translations)
    if rule := card.input:
        yield "photos", f"{rule.width}x{rule.height} pixels, {rule.fit}, {rule.channels}"
    if card.grapy:
        yield "adopted by", f"grapy {card.grapy}"


def _data(card: WeightsCard) -> Rows:
    rows = [(it.name, f"{it.photos:,}", it.used_for, it.licence) for it in card.data]
    return Rows("Data", ("set", ">photos", "used for", "license"), rows)


def _recipe(card: WeightsCard) -> Rows:
    rows = [
        (it.settings, it.stage, f"{it.epochs:g}", f"{it.crops:,}", f"{it.hours:.2f}")
        for it in card.recipe
    ]
    crops, hours = (sum(getattr(it, key) for it in card.recipe) for key in ("crops", "hours"))
    machines = ", ".join(dict.fromkeys(it.machine for it in card.recipe if it.machine))
    below = f"{crops:,} crops seen in {hours:.2f} hours{f' on {machines}' if machines else ''}."
    return Rows("Recipe", ("settings", "stage", ">epochs", ">crops", ">hours"), rows, below)


def _scores(card: WeightsCard) -> Rows:
    heads = ("data set", ">level", ">photos", "tta", ">mIoU", ">95%", ">accuracy", ">pixels")
    rows = [
        (
            f"{score['dataset']} {score['split'] or ''}".rstrip(),
            str(score["level"]),
            f"{score['photos']:,}",
            tta_of(score),
            percent(score["mean_iou"]),
            _interval(score.get("interval", {}).get("mean_iou")),
            percent(score["mean_accuracy"]),
            percent(score["pixel_accuracy"]),
        )
        for score in card.scores
    ]
    levels = "Level 3: parts; 2: head, torso, arms and legs; 1: person."
    return Rows("Scores, percent", heads, rows, levels)


def _also(card: WeightsCard) -> Rows:
    rows = [
        (
            it.name,
            it.what,
            "-" if it.photos is None else f"{it.photos:,}",
            percent(it.value),
            _interval(it.interval),
        )
        for it in card.also_measured
    ]
    heads = ("photos of", "what", ">photos", ">percent", ">95%")
    commands = dict.fromkeys(f"by {it.command}" for it in card.also_measured if it.command)
    return Rows("Also measured", heads, rows, "\n".join(commands))


def _groups(card: WeightsCard, label_sets: Sequence[LabelSet]) -> Rows:
    """Return the IoU of each node of the coarse levels, without the background."""
    nodes = {Level.CATEGORY: CATEGORY_NODES[1:], Level.HUMAN: HUMAN_NODES[1:]}
    rows = []
    for labels in label_sets:
        found = {level: _parts_of(card, labels.name, level) for level in nodes}
        if any(found.values()):
            ious = [found[at].get(it.name, {}).get("iou") for at in nodes for it in nodes[at]]
            rows.append((labels.name, *map(percent, ious)))
    heads = ("data set", *(f">{node.name}" for of_level in nodes.values() for node in of_level))
    return Rows("IoU of groups and person, percent", heads, rows)


def _parts(card: WeightsCard, labels: LabelSet) -> Parts | Words:
    """Return the parts with their scores, or their names if nothing was measured."""
    scores = _parts_of(card, labels.name, Level.PART)
    seen = card.training_photos.get(labels.name, {})
    title = f"Parts of {labels.name}"
    if not scores and not seen:
        return Words(title, ", ".join(labels.names))
    rows = []
    for part in labels.parts:
        score = scores.get(part.name, {})
        found = (score.get("iou"), score.get("accuracy"))
        rows.append(PartRow(part.name, part.color, *found, seen.get(part.name)))
    return Parts(title, rows)


def _parts_of(card: WeightsCard, dataset: str, level: int) -> Score:
    """Return the parts of the first score of a data set and level."""
    for score in card.scores:
        if (score["dataset"], score["level"]) == (dataset, level):
            return dict(score.get("parts", {}))
    return {}


def part_rows(parts: Parts) -> Rows:
    """Return the parts as a table."""
    counted = any(row.photos is not None for row in parts.rows)
    heads = ("part", ">IoU", ">accuracy", *([">training photos"] if counted else []))
    rows = []
    for row in parts.rows:
        count = ["-" if row.photos is None else f"{row.photos:,}"] if counted else []
        rows.append((row.name, percent(row.iou), percent(row.accuracy), *count))
    return Rows(parts.title, heads, rows)


def tta_of(score: Score) -> str:
    """Return the test-time augmentation of a score; old cards may have it in the protocol."""
    protocol = score.get("protocol")
    inside = protocol.get("tta") if isinstance(protocol, Mapping) else None
    return str(score.get("tta") or inside or "unknown")


def percent(share: float | None) -> str:
    """Return a share of [0, 1] in percent; a dash for None."""
    return "-" if share is None else f"{100 * share:.1f}"


def _interval(ends: Sequence[float] | None) -> str:
    return f"{100 * ends[0]:.1f}-{100 * ends[1]:.1f}" if ends else "-"
