"""The charts of one result, for the page and as SVG files for slides and papers."""

from grapy_cli.evaluate.records import Result
from grapy_cli.html.charts import Bars, draw_bars, draw_calibration, draw_confusion
from grapy_cli.html.svg import Drawing

CHARTS = ("parts", "confusion", "calibration")


def draw_figures(result: Result) -> dict[str, Drawing]:
    """Draw the `CHARTS` by name; a result without confidences has no calibration."""
    scores = result.scores.parts
    rows = []
    for node in result.nodes:
        part = scores[node.name]
        rows.append(Bars(node.name, node.color, (part.iou, part.accuracy, part.f1)))
    figures = [
        draw_bars(("IoU", "accuracy", "F1"), rows, "scores of each part"),
        confusion_of(result),
    ]
    if result.calibration is not None:
        bins = [(it.confidence, it.accuracy, it.pixels) for it in result.calibration.bins]
        figures.append(draw_calibration(bins, "share that is right, by confidence"))
    return dict(zip(CHARTS, figures, strict=False))


def confusion_of(result: Result, *, small: bool = False) -> Drawing:
    """Draw the confusion matrix, with left and right exchanged framed; small for a phone."""
    return draw_confusion(
        [(node.name, node.color) for node in result.nodes],
        result.counts.tolist(),
        "rows: truth, columns: parsing, in percent of the row",
        marked=[(a, b) for a, b in enumerate(result.label_set.mirror_ids) if a != b],
        small=small,
    )
