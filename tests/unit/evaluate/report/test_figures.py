import pytest

from grapy_cli.evaluate.report.figures import draw_figures
from grapy_cli.labels import ATR, CIHP, PASCAL
from tests.support.evaluation import tiny_evaluation


def test_a_result_has_three_figures_and_one_without_confidences_two():
    (result, *_) = tiny_evaluation(ATR).report.results
    assert list(draw_figures(result)) == ["parts", "confusion", "calibration"]
    (result, *_) = tiny_evaluation(ATR, calibrated=False).report.results
    assert list(draw_figures(result)) == ["parts", "confusion"]


@pytest.mark.parametrize("labels", [CIHP, ATR, PASCAL], ids=lambda labels: labels.name)
def test_every_part_has_its_scores_and_a_row_of_cells(labels):
    (result, *_) = tiny_evaluation(labels).report.results
    figures = {name: str(drawing) for name, drawing in draw_figures(result).items()}
    assert figures["confusion"].count("<title>") == labels.num_parts**2
    for name, score in result.scores.parts.items():
        assert f">{name}</text>" in figures["parts"]
        if score.iou is not None:
            assert f">{score.iou:.1%}</text>" in figures["parts"]


@pytest.mark.parametrize(("labels", "pairs"), [(ATR, 3), (PASCAL, 0)], ids=["atr", "pascal"])
def test_cells_of_exchanged_parts_are_framed(labels, pairs):
    (result, *_) = tiny_evaluation(labels).report.results
    confusion = draw_figures(result)["confusion"]
    assert str(confusion).split("<title>", 1)[1].count("stroke=") == 2 * pairs
