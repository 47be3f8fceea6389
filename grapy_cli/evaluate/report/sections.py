"""What the page says of one result: its parts, what is taken for what, and photos to look at."""

from collections.abc import Iterator, Sequence
from html import escape

from grapy_cli.evaluate.records import PhotoScore, Result
from grapy_cli.evaluate.report.album import Album
from grapy_cli.evaluate.report.error_maps import FOUND, INVENTED, KINDS, MISSED, Layers
from grapy_cli.evaluate.report.tables import percent
from grapy_cli.html import charts, photo_layers
from grapy_cli.html.elements import chips, table
from grapy_cli.labels import LabelSet
from grapy_cli.metrics.scores import exchange_of

WORST_PARTS = 4  # parts named below a photo


STYLE = f"""
{charts.STYLE}
{photo_layers.STYLE}
.numbers {{ display: grid; gap: 0 2rem; align-items: start }}
@media (min-width: 1100px) {{ .numbers {{ grid-template-columns: minmax(20rem, 1fr) auto }} }}
.numbers > * {{ min-width: 0 }}
.cards {{ grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)) }}
.shots {{ display: grid; gap: .5rem 1rem; margin: .4rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)) }}
.shots h4 {{ margin: 0; font-size: 14px; font-weight: 500 }}
.row {{ display: flex; gap: .4rem; align-items: flex-end }}
.row div {{ width: 7rem; font-size: 12px; line-height: 1.3 }}
.row img {{ max-width: 100%; max-height: 7rem; display: block; border-radius: 3px }}
""".strip()
SCRIPT = f"{charts.SCRIPT}\n{photo_layers.SCRIPT}"


def say_result(result: Result, album: Album, anchor: str) -> Iterator[str]:
    """The elements of one result, which links reach by its anchor."""
    yield f'<section id="{anchor}"><h2>{escape(title_of(result))}</h2>'
    yield from _numbers(result)
    yield from _photos(album, result, anchor)
    yield from _cutouts(album)
    yield "</section>"


def title_of(result: Result) -> str:
    """What was scored on what."""
    return f"{result.case} on {' '.join(filter(None, (result.dataset, result.split)))}"


def _numbers(result: Result) -> Iterator[str]:
    yield '<div class="numbers"><div><h3>Parts</h3>'
    parts = result.scores.parts
    rows = [
        (node.name, node.color, (part.iou, part.accuracy, part.f1))
        for node in result.nodes
        for part in (parts[node.name],)
    ]
    yield charts.bar_table(["IoU", "accuracy", "F1"], rows, "scores of each part")
    yield from _calibration(result)
    yield "</div><div><h3>What is taken for what</h3>"
    partners = [(a, b) for a, b in enumerate(result.label_set.mirror_ids) if a != b]
    counts = result.counts.tolist()
    yield charts.heat_map(
        result.nodes,
        counts,
        "rows: truth, columns: parsing, in percent of the row",
        marked=partners,
    )
    yield '<p class="soft">Rows: the truth. Columns: what it was taken for, in percent.</p>'
    yield from _exchanges(result, [(a, b) for a, b in partners if a < b])
    yield "</div></div>"


def _exchanges(result: Result, pairs: Sequence[tuple[int, int]]) -> Iterator[str]:
    """How often the two of each pair are exchanged."""
    if not pairs:
        return
    rows = []
    for a, b in pairs:
        only = list(range(len(result.nodes)))  # nothing has a partner but these two
        only[a], only[b] = b, a
        share = exchange_of(result.counts, only)
        names = f"{result.nodes[a].name} and {result.nodes[b].name}"
        rows.append((names, "-" if share is None else f"{share:.1%}"))
    yield '<p class="soft">Framed: left and right exchanged, of the pixels found as either.</p>'
    yield table(["pair", ">exchanged"], rows)


def _calibration(result: Result) -> Iterator[str]:
    if result.calibration is None:
        return
    bins = [(it.confidence or 0.0, it.accuracy or 0.0, it.pixels) for it in result.calibration.bins]
    yield "<h3>Is it as sure as it is right?</h3>"
    yield (
        f"<p>Expected calibration error: {result.calibration.ece:.2%}. "
        '<span class="soft">Bars: how often pixels of a confidence are right; red: how far that '
        "is from the confidence.</span></p>"
    )
    yield charts.reliability(bins, "share that is right, by confidence")


def _photos(album: Album, result: Result, anchor: str) -> Iterator[str]:
    for what, shots in (("worst", album.worst), ("best", album.best)):
        if not shots:
            continue
        yield f"<h3>The {what} photos</h3>"
        if what == "worst":
            yield (
                '<p class="soft">Move the border with the pointer or the arrow keys; what lies on '
                "either side is chosen below. Errors are shown by kind:</p>"
            )
            yield chips((kind.name, kind.color, "") for kind in KINDS[1:])
        yield '<div class="cards">'
        for index, (row, shot) in enumerate(shots):
            yield _shot(row, shot, result.label_set, f"{anchor}-{what}-{index}")
        yield "</div>"


def _shot(row: PhotoScore, shot: Layers, labels: LabelSet, group: str) -> str:
    colors = {part.name: part.color for part in labels.parts}
    poor = sorted(row.parts.items(), key=lambda it: (it[1], -row.wrong.get(it[0], 0)))
    parts = chips((name, colors[name], f"{iou:.0%}") for name, iou in poor[:WORST_PARTS])
    what = f"{row.photo}: truth and parsing"
    picture = photo_layers.layers(*shot, what, group=group, left="truth", right="parsing")
    return (
        f"<figure>{picture}<figcaption><b>{escape(row.photo)}</b>: mIoU {percent(row.mean_iou)}, "
        f"pixel accuracy {percent(row.pixel_accuracy)}{parts}</figcaption></figure>"
    )


def _cutouts(album: Album) -> Iterator[str]:
    if not album.parts:
        return
    yield "<h3>Where each part is found worst</h3>"
    colors = (
        ("found", FOUND),
        ("missed", KINDS[MISSED].color),
        ("invented", KINDS[INVENTED].color),
    )
    yield chips((name, color, "") for name, color in colors)
    yield '<div class="shots">'
    for name, rows in album.parts.items():
        pictures = "".join(
            f'<div><img src="{address}" alt="">{escape(row.photo)}: {row.parts[name]:.0%}</div>'
            for row, address in rows
        )
        yield f'<div><h4>{escape(name)}</h4><div class="row">{pictures}</div></div>'
    yield "</div>"
