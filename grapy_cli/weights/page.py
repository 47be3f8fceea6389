"""Render the card of weights as a page, with photos as the weights parse them."""

from collections.abc import Iterator, Sequence

from grapy_cli.html.charts import Bars, counted, draw_bars, to_percent
from grapy_cli.html.pages import render
from grapy_cli.html.svg import Drawing
from grapy_cli.model.weights import WeightsCard
from grapy_cli.weights.card_photos import Album
from grapy_cli.weights.card_sections import Parts, sections_of


def render_card(
    card: WeightsCard,
    album: Album | None = None,
    failed: Sequence[tuple[str, str]] = (),
) -> str:
    """Render the page; the same card and photos give the same bytes.

    Args:
        failed: Names of photos that could not be parsed, and why.
    """
    sections = list(sections_of(card))
    parts = [section for section in sections if isinstance(section, Parts)]
    return render(
        "weights.html",
        name=card.name,
        tiles=list(_tiles(card)),
        sections=[section for section in sections if not isinstance(section, Parts)],
        parts=[(section.title, _draw(section)) for section in parts],
        groups=album.groups if album else {},
        failed=failed,
    )


def _tiles(card: WeightsCard) -> Iterator[tuple[str, str]]:
    if card.recipe:
        yield "training crops", f"{sum(it.crops for it in card.recipe):,}"
        yield "training hours", f"{sum(it.hours for it in card.recipe):.2f}"
    for score in card.scores:
        if score["level"] == 3:
            words = f"mIoU, {score['dataset']} {score['split'] or ''}"
            yield words, to_percent(score["mean_iou"])


def _draw(parts: Parts) -> Drawing:
    rows = []
    for row in parts.rows:
        note = "" if row.photos is None else counted(row.photos, "training photo")
        rows.append(Bars(row.name, row.color, (row.iou, row.accuracy), note))
    return draw_bars(("IoU", "accuracy"), rows, parts.title)
