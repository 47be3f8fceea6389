import csv
import io
from dataclasses import replace

from grapy_cli.evaluate.records import Case
from grapy_cli.evaluate.report.tables import SCORES, percent, to_csv, to_markdown, to_texts
from grapy_cli.labels import PASCAL
from tests.support.evaluation import tiny_evaluation

RESULTS = tiny_evaluation().report.results


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_keeps_every_digit():
    rows = read(to_csv(RESULTS))
    assert [(row["dataset"], row["level"]) for row in rows] == [
        (it.dataset, str(it.level)) for it in RESULTS
    ]
    for row, result in zip(rows, RESULTS, strict=True):
        for score in SCORES:
            value = score.value(result)
            assert row[score.name] == ("" if value is None else repr(value))


def test_csv_says_who_was_scored_and_how():
    result = replace(RESULTS[0], case=Case("masks, of somebody", None, "reference"))
    (row,) = read(to_csv([result]))
    assert (row["parser"], row["tta"], row["protocol"]) == ("masks, of somebody", "", "reference")


def test_a_score_that_nothing_has_gets_no_column_for_people():
    heads, _ = to_texts(RESULTS)
    assert ">ECE" in heads
    heads, rows = to_texts([replace(it, calibration=None) for it in RESULTS])
    assert ">ECE" not in heads
    assert all(len(row) == len(heads) for row in rows)


def test_a_table_shows_percent_with_two_digits_and_the_interval():
    heads, (row,) = to_texts(RESULTS[:1])
    shown = dict(zip(heads, row, strict=True))
    low, high = RESULTS[0].interval["mean_iou"]
    assert (shown[">95% low"], shown[">95% high"]) == (percent(low), percent(high))
    assert (percent(0.98765), percent(None)) == ("98.77", "-")


def test_without_photos_there_is_no_interval():
    heads, _ = to_texts([replace(RESULTS[0], interval={})])
    assert ">95% low" not in heads


def test_markdown_has_as_many_cells_in_every_row():
    lines = to_markdown(RESULTS).splitlines()
    assert len(lines) == 2 + len(RESULTS)
    assert len({line.count("|") for line in lines}) == 1
    assert set(lines[1]) <= set("|-: ")


def test_a_bar_in_a_name_does_not_end_a_cell_of_markdown():
    odd = replace(RESULTS[0], case=Case("a|b", "none"))
    assert "| a\\|b |" in to_markdown([odd])


def test_a_label_set_without_left_and_right_has_no_exchange():
    (result, *_) = tiny_evaluation(PASCAL).report.results
    assert result.scores.left_right_exchange is None
    assert ">left-right exchange" not in to_texts([result])[0]
