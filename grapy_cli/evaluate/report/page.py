"""`report.html`: the findings of an evaluation on one page, in one file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grapy_cli.evaluate.records import EvalReport, Look, PhotoScore, Result
from grapy_cli.evaluate.report.album import Album, fill_album
from grapy_cli.evaluate.report.choose import Few, choose_photos
from grapy_cli.evaluate.report.error_maps import FOUND, INVENTED, KINDS, MISSED, Layers
from grapy_cli.evaluate.report.figures import confusion_of, draw_figures
from grapy_cli.evaluate.report.tables import percent, to_texts
from grapy_cli.html.charts import NARROW, counted, to_percent
from grapy_cli.html.pages import render
from grapy_cli.html.svg import Color, Drawing
from grapy_cli.labels import Level
from grapy_cli.metrics.scores import exchange_of

WORST_PARTS = 4
"""Parts named below a photo."""

Chip = tuple[str, Color, str]
"""Name, color and words of a part."""


@dataclass(frozen=True)
class Section:
    """What the page shows of one result."""

    result: Result
    album: Album
    figures: dict[str, Drawing]
    anchor: str
    """The target of links to this section."""

    @property
    def title(self) -> str:
        """What was scored, and on which photos."""
        place = " ".join(filter(None, (self.result.dataset, self.result.split)))
        return f"{self.result.case} on {place}"

    @property
    def small_confusion(self) -> Drawing | None:
        """The confusion matrix for a phone, if the large one is too wide for it."""
        is_wide = self.figures["confusion"].width > NARROW
        return confusion_of(self.result, small=True) if is_wide else None

    @property
    def photos(self) -> Iterator[tuple[str, list[tuple[PhotoScore, Layers]]]]:
        """Groups of photos, each with its pictures; empty groups are left out."""
        groups = (("worst", self.album.worst), ("best", self.album.best))
        return ((word, rows) for word, rows in groups if rows)

    @property
    def exchanged(self) -> list[tuple[str, str]]:
        """How often the two parts of each left-right pair are exchanged, in percent."""
        nodes, rows = self.result.nodes, []
        for a, b in enumerate(self.result.label_set.mirror_ids):
            if a < b:
                only = list(range(len(nodes)))  # a mirror map that swaps nothing but these two
                only[a], only[b] = b, a
                share = exchange_of(self.result.counts, only)
                rows.append((f"{nodes[a].name} and {nodes[b].name}", percent(share)))
        return rows

    def worst_parts(self, row: PhotoScore) -> list[Chip]:
        """Return the parts of a photo with the lowest IoU."""
        colors = {part.name: part.color for part in self.result.label_set.parts}
        worst = sorted(row.parts.items(), key=lambda it: (it[1], -row.wrong.get(it[0], 0)))
        return [(name, colors[name], to_percent(iou)) for name, iou in worst[:WORST_PARTS]]


def render_page(report: EvalReport, rows: Iterable[PhotoScore], look: Look) -> str:
    """Render the page; the same findings give the same bytes, in any order of the rows.

    Args:
        rows: One for each photo; they are read once.
        look: Returns the pictures of a photo that is shown; called for one photo at a time.
    """
    whole = part_results(report)
    chosen = choose_photos(rows, Few.of(len(whole)))
    sections = []
    for number, result in enumerate(whole, 1):
        album = fill_album(chosen[result.case, result.dataset], result.label_set, look)
        sections.append(Section(result, album, draw_figures(result), f"result-{number}"))
    photos = {it.dataset: f"{it.dataset} ({counted(it.photos, 'photo')})" for it in whole}
    return render(
        "evaluation.html",
        cases=list(dict.fromkeys(str(result.case) for result in whole)),
        datasets=list(photos.values()),
        scores=to_texts(report.results),
        protocol={"protocol": report.protocol, "scored": report.parsers or report.weights},
        skipped=_skipped(whole),
        sections=sections,
        kinds=[(kind.name, kind.color, "") for kind in KINDS[1:]],
        cutout_colors=[
            ("found", FOUND, ""),
            ("missed", KINDS[MISSED].color, ""),
            ("invented", KINDS[INVENTED].color, ""),
        ],
    )


def part_results(report: EvalReport) -> list[Result]:
    """Return the results of level 3; coarser levels have no pictures, only rows of the table."""
    return [result for result in report.results if result.level == Level.PART]


def _skipped(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """Return each skipped photo once, however many cases skipped it."""
    rows = ((it.dataset, row["photo"], row["reason"]) for it in results for row in it.skipped)
    return list(dict.fromkeys(rows))
