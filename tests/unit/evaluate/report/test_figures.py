import numpy as np
import pytest

from grapy_cli.evaluate.report.figures import (
    DEEPEST,
    GAP,
    HUES,
    PAPER,
    RAIL,
    draw_calibration,
    draw_confusion,
    draw_parts,
    figures_of,
)
from grapy_cli.labels import ATR, CIHP, PASCAL
from grapy_cli.metrics.calibration import Bin
from tests.support.evaluation import tiny_evaluation


def pixels_of(picture, color):
    return int((np.array(picture) == color).all(-1).sum())


def test_a_result_has_three_figures_and_one_without_confidences_two():
    (result, *_) = tiny_evaluation(ATR).report.results
    assert [name for name, _ in figures_of(result)] == ["parts", "confusion", "calibration"]
    (result, *_) = tiny_evaluation(ATR, calibrated=False).report.results
    assert [name for name, _ in figures_of(result)] == ["parts", "confusion"]


@pytest.mark.parametrize("labels", [CIHP, ATR, PASCAL], ids=lambda labels: labels.name)
def test_bars_are_as_long_as_the_scores(labels):
    (result, *_) = tiny_evaluation(labels).report.results
    picture, scores = draw_parts(result), result.scores.parts.values()
    for hue, key in zip(HUES, ("iou", "accuracy", "f1"), strict=True):
        drawn = sum(getattr(part, key) or 0 for part in scores) * 2 * 360 * 2 * 10
        legend = 22 * 22
        assert pixels_of(picture, hue) - legend == pytest.approx(drawn, rel=0.02)


def test_the_diagonal_of_a_perfect_parsing_is_all_that_is_dark():
    nodes = PASCAL.nodes(3)
    cell = 58 * 58
    picture = draw_confusion(nodes, np.eye(len(nodes), dtype=np.int64))
    assert pixels_of(picture, DEEPEST) == pytest.approx(len(nodes) * cell, rel=0.2)  # but numbers
    assert pixels_of(picture, RAIL) == len(nodes) * (len(nodes) - 1) * cell


def test_a_part_that_is_nowhere_has_an_empty_row():
    nodes = PASCAL.nodes(3)
    picture = draw_confusion(nodes, np.zeros((len(nodes),) * 2, np.int64))
    assert pixels_of(picture, DEEPEST) == 0


@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_calibration_shows_how_far_right_is_from_sure(accuracy):
    bins = [Bin(0, None, None), Bin(10, 0.7, accuracy)]
    picture = draw_calibration(bins)
    gap = abs(0.7 - accuracy) * 360 * 2 * 178 * 2
    assert pixels_of(picture, GAP) == pytest.approx(gap, rel=0.05)  # but the line
    assert pixels_of(picture, PAPER) > 0
