import numpy as np
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


def shown(curve, panel_height=220):
    """Which pixels a curve's colour is seen at, x and y."""
    picture = np.array(draw_curves([Panel("p", [curve], panel_height)], "step"), int)
    at = np.abs(picture - curve.color).max(2) < 40
    at[:, 730:] = False  # the legend
    return np.nonzero(at)


def test_a_falling_line_falls_from_left_to_right():
    rows, columns = shown(Curve("loss", [(step, 100 - step) for step in range(101)]))
    assert columns.max() - columns.min() > 600
    left, right = rows[columns == columns.min()].mean(), rows[columns == columns.max()].mean()
    assert right - left > 180


def test_a_line_of_one_point_is_seen():
    rows, _ = shown(Curve("score", [(10, 0.5)]))
    assert len(rows)


def test_a_dashed_line_has_gaps_and_covers_the_same_way():
    points = [(step, 1.0) for step in range(101)]
    whole, dashed = (set(shown(Curve("x", points, COLORS[0], dashed=d))[1]) for d in (False, True))
    assert 0.5 < len(dashed) / len(whole) < 0.85
    assert max(whole) - max(dashed) < 12


def test_many_curves_make_room_for_their_names():
    few, many = (
        draw_curves([Panel("p", [Curve(str(n), [(1, 1.0)]) for n in range(count)])], "step")
        for count in (2, 20)
    )
    assert many.height > few.height
