import re

import pytest

from grapy_cli.html.charts import bar_table, heat_map, reliability

HAT, HAIR = ("hat", (128, 0, 0)), ("hair", (255, 0, 0))


def cells(html):
    return re.findall(r'<td[^>]*title="([^"]*)"[^>]*>(\d*)<', html)


def test_bars_say_their_numbers_and_are_as_long():
    html = bar_table(["IoU", "F1"], [(*HAT, (0.5, None)), (*HAIR, (1.0, 0.0))], "parts")
    assert re.findall(r"--to:([\d.%]+)", html) == ["50.0%", "100.0%", "0.0%"]
    assert re.findall(r"<td><span[^>]*>([^<]*)", html) == ["50.0%", "-", "100.0%", "0.0%"]
    assert "rgb(128, 0, 0)" in html


def test_a_heat_map_divides_each_row_by_its_sum():
    assert cells(heat_map([HAT, HAIR], [[3, 1], [0, 2000]], "errors")) == [
        ("hat found: 75.0%, 3 pixels", "75"),
        ("hat taken for hair: 25.0%, 1 pixels", "25"),
        ("hair taken for hat: 0.0%, 0 pixels", ""),
        ("hair found: 100.0%, 2,000 pixels", "100"),
    ]


def test_a_part_that_is_nowhere_has_a_row_that_says_so():
    assert (
        cells(heat_map([HAT, HAIR], [[0, 0], [0, 9]], "errors"))[:2] == [("hat is nowhere", "")] * 2
    )


def test_tab_stops_once_in_a_heat_map():
    html = heat_map([HAT, HAIR], [[3, 1], [0, 2]], "errors")
    assert html.count('tabindex="0"') == 1


def test_marked_cells_have_a_frame():
    html = heat_map([HAT, HAIR], [[3, 1], [0, 2]], "errors", marked=[(0, 1)])
    (framed,) = re.findall(r'<td class="framed"[^>]*title="([^"]*)"', html)
    assert framed.startswith("hat taken for hair")


@pytest.mark.parametrize("draw", [heat_map, bar_table], ids=["heat map", "bars"])
def test_names_are_not_read_as_html(draw):
    evil = ('<script>"alert"</script>', (0, 0, 0))
    if draw is heat_map:
        html = heat_map([evil], [[1]], "<script>")
    else:
        html = bar_table(["<script>"], [(*evil, (0.5,))], '"<script>')
    assert "<script" not in html
    assert '"alert"' not in html


def test_calibration_has_a_bar_for_each_bin_with_pixels():
    html = reliability([(0.0, 0.0, 0), (0.7, 0.5, 1200)], "calibration")
    assert html.count('class="bar"') == html.count('class="gap"') == 1
    assert "<title>confidence 70.0%: 50.0% right, 1,200 pixels</title>" in html
    assert 'height="130.0"' in html  # half of 260
    assert 'height="52.0"' in html  # a fifth
