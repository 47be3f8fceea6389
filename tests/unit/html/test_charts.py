from xml.etree import ElementTree

import pytest

from grapy_cli.html.charts import (
    NARROW,
    Bars,
    counted,
    draw_bars,
    draw_calibration,
    draw_confusion,
    to_percent,
)
from grapy_cli.html.svg import THEME

HAT, HAIR = ("hat", (128, 0, 0)), ("hair", (255, 0, 0))


def elements(drawing, name):
    return ElementTree.fromstring(str(drawing)).iter(name)


def titles(drawing):
    return [element.text for element in elements(drawing, "title")]


def words(drawing):
    return [element.text for element in elements(drawing, "text") if element.text]


def boxes(drawing, fill, key="width"):
    """Widths of the boxes of one color; the first is that of the legend if there is one."""
    found = (it for it in elements(drawing, "rect") if it.get("fill") == THEME[fill])
    return [float(it.get(key)) for it in found]


def test_bars_are_as_long_as_their_shares_and_have_numbers():
    rows = [Bars(*HAT, (0.5, None), "3 photos"), Bars(*HAIR, (1.0, 0.0))]
    drawing = draw_bars(["IoU", "F1"], rows, "parts")
    _, half, whole = boxes(drawing, "bar")
    assert half == whole / 2
    assert boxes(drawing, "second")[1:] == [0, 0]
    assert words(drawing) == [
        "IoU",
        "F1",
        "hat",
        "3 photos",
        "50.0%",
        "-",
        "hair",
        "100.0%",
        "0.0%",
    ]
    assert "#800000" in str(drawing)


def test_the_confusion_matrix_divides_each_row_by_its_sum():
    drawing = draw_confusion([HAT, HAIR], [[3, 1], [0, 2000]], "errors")
    assert titles(drawing) == [
        "hat found: 75.0%, 3 pixels",
        "hat parsed as hair: 25.0%, 1 pixel",
        "hair parsed as hat: 0.0%, 0 pixels",
        "hair found: 100.0%, 2,000 pixels",
    ]
    assert [number for number in words(drawing) if number.isdigit()] == ["75", "25", "100"]
    opacities = [it.get("fill-opacity") for it in elements(drawing, "rect")]
    assert [it for it in opacities if it] == ["0.768", "0.302", "0.07"]


def test_a_small_confusion_matrix_has_the_same_titles_and_no_numbers():
    nodes, counts = [HAT, HAIR] * 10, [[1] * 20] * 20
    large, small = (draw_confusion(nodes, counts, "errors", small=it) for it in (False, True))
    assert titles(small) == titles(large)
    assert not any(word.isdigit() for word in words(small))
    assert small.width <= NARROW < large.width


def test_a_part_that_is_nowhere_has_a_row_that_says_so():
    drawing = draw_confusion([HAT, HAIR], [[0, 0], [0, 9]], "errors")
    assert titles(drawing)[:2] == ["hat is in no photo"] * 2


def test_tab_stops_once_in_a_confusion_matrix():
    drawing = draw_confusion([HAT, HAIR], [[3, 1], [0, 2]], "errors")
    assert [it.get("tabindex") for it in elements(drawing, "g")] == ["0", "-1", "-1", "-1"]


def test_marked_cells_have_a_frame():
    drawing = draw_confusion([HAT, HAIR], [[3, 1], [0, 2]], "errors", marked=[(0, 1)])
    framed = [it.find("*[@stroke]") is not None for it in elements(drawing, "g")]
    assert framed == [False, True, False, False]


@pytest.mark.parametrize("draw", [draw_confusion, draw_bars], ids=["confusion", "bars"])
def test_names_are_text(draw):
    name = '<script>"&'
    if draw is draw_confusion:
        drawing = draw_confusion([(name, (0, 0, 0))], [[1]], name)
    else:
        drawing = draw_bars([name], [Bars(name, (0, 0, 0), (0.5,))], name)
    assert "<script" not in str(drawing)
    assert name in words(drawing)


@pytest.mark.parametrize("right", [0.5, 0.9])
def test_calibration_has_a_bar_and_a_gap_for_each_bin_with_pixels(right):
    drawing = draw_calibration([(None, None, 0), (0.7, right, 1200)], "calibration")
    assert titles(drawing) == [f"confidence 70.0%: {100 * right:.1f}% right, 1,200 pixels"]
    assert boxes(drawing, "bar", "height") == [pytest.approx(300 * right)]
    assert boxes(drawing, "gap", "height") == [pytest.approx(60)]


def test_counts_and_shares_read_well():
    assert [counted(count, "photo") for count in (0, 1, 2000)] == [
        "0 photos",
        "1 photo",
        "2,000 photos",
    ]
    assert [to_percent(share) for share in (None, 0.1234)] == ["-", "12.3%"]
