from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.html.curves import COLORS, Curve, Panel, draw_curves, nice_ticks


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.37, [0, 0.1, 0.2, 0.3, 0.4]),
        (0, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
    ],
)
def test_ticks(highest, ticks):
    assert nice_ticks(highest) == ticks


@given(st.floats(1e-12, 1e12))
def test_ticks_are_few_and_reach_the_highest_value(highest):
    ticks = nice_ticks(highest)
    assert 3 <= len(ticks) <= 6
    assert ticks[-1] >= highest * (1 - 1e-6)
    assert ticks[-2] < highest


def lines(curve):
    """Points of each line in the curve's color; the last line is that of the legend."""
    root = ElementTree.fromstring(str(draw_curves([Panel("p", [curve])], "step")))
    color = "#{:02x}{:02x}{:02x}".format(*curve.color)
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in root.iter("polyline")
        if line.get("stroke") == color
    ]


def test_a_falling_line_falls_from_left_to_right():
    points, _ = lines(Curve("loss", [(step, 100 - step) for step in range(101)]))
    assert len(points) == 101
    assert points[-1][0] - points[0][0] > 600
    assert points[-1][1] - points[0][1] > 180
    assert points == sorted(points)


def test_a_line_of_one_point_has_a_marker():
    text = str(draw_curves([Panel("p", [Curve("score", [(10, 0.5)])])], "step"))
    assert text.count("<circle") == 1


@pytest.mark.parametrize("dashed", [False, True])
def test_a_dashed_line_is_dashed_in_plot_and_legend(dashed):
    points = [(step, 1.0) for step in range(101)]
    text = str(draw_curves([Panel("p", [Curve("x", points, COLORS[0], dashed=dashed)])], "step"))
    assert text.count("stroke-dasharray") == 2 * dashed


def test_many_curves_make_room_for_their_names():
    few, many = (
        draw_curves([Panel("p", [Curve(str(n), [(1, 1.0)]) for n in range(count)])], "step")
        for count in (2, 20)
    )
    assert many.height > few.height


def test_names_are_text():
    assert "a&lt;b" in str(draw_curves([Panel("p", [Curve("a<b", [(1, 1.0)])])], "step"))
