from dataclasses import replace
from itertools import permutations

import pytest

from grapy_cli.evaluate.records import Case, PhotoScore
from grapy_cli.evaluate.report.choose import Few, choose_photos

CASE = Case("tiny", "none")
FEW = Few(worst=2, best=1, of_part=1)


def row(photo, mean_iou, hat=1.0, wrong=0):
    return PhotoScore(CASE, "atr", photo, mean_iou, 0.9, {"hat": hat}, {"hat": wrong})


def names(fewest):
    return [row.photo for row in fewest.rows()]


def chosen(*rows, few=FEW):
    return choose_photos(rows, few)[CASE, "atr"]


def test_the_worst_come_first_and_so_do_the_best():
    few = chosen(row("a", 0.5), row("b", 0.1), row("c", 0.9), row("d", 0.3))
    assert names(few.worst) == ["b", "d"]
    assert names(few.best) == ["c"]


def test_the_order_of_the_rows_does_not_matter_even_among_equals():
    rows = [row("a", 0.5), row("b", 0.5), row("c", 0.5, hat=0.0), row("d", 0.2, hat=0.0)]
    found = {
        (*names(few.worst), *names(few.best), *names(few.parts["hat"]))
        for order in permutations(rows)
        for few in [chosen(*order)]
    }
    assert found == {("d", "a", "a", "c")}


def test_of_a_part_nobody_found_the_photo_with_most_wrong_pixels_is_shown():
    few = chosen(row("a", 0.5, hat=0.0, wrong=3), row("b", 0.5, hat=0.0, wrong=900))
    assert names(few.parts["hat"]) == ["b"]


def test_a_part_that_is_right_everywhere_has_no_worst_photo():
    assert "hat" not in chosen(row("a", 0.5, hat=1.0)).parts


def test_a_photo_of_which_nothing_is_scored_is_not_shown():
    assert names(chosen(row("a", None), row("b", 0.5)).worst) == ["b"]


def test_cases_and_data_sets_are_chosen_from_apart():
    one = row("a", 0.5)
    every = choose_photos([one, replace(one, dataset="cihp")], FEW)
    assert set(every) == {(CASE, "atr"), (CASE, "cihp")}


def test_only_the_few_are_kept_of_however_many_rows():
    few = chosen(*(row(f"{index:05d}", index / 5000) for index in range(5000)))
    assert len(few.worst._kept) == 2
    assert names(few.worst) == ["00000", "00001"]
    assert names(few.best) == ["04999"]


@pytest.mark.parametrize(("results", "few"), [(0, (8, 4, 3)), (3, (8, 4, 3)), (6, (4, 2, 1))])
def test_the_more_results_the_fewer_photos_of_each(results, few):
    assert Few.of(results) == few


def test_at_least_one_photo_of_each_result_is_shown():
    assert Few.of(1000) == (1, 1, 1)
