"""The borders of a region as polygons that follow the edges of its pixels exactly."""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Bool

Point = tuple[int, int]
"""x and y of a corner between pixels: pixel 0 lies between 0 and 1."""
Ring = list[Point]
"""Corners in order; the last joins the first."""

# Steps right, down, left and up. Walking so, a region lies on the right hand; the pixel there,
# seen from the corner that the step begins at, is the second table's.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
_INSIDE = ((0, 0), (-1, 0), (-1, -1), (0, -1))


def polygons_of(region: Bool[np.ndarray, "h w"]) -> list[list[Ring]]:
    """Trace a region: for each connected piece its border and then the borders of its holes.

    Pixels that touch at a corner alone are two pieces. Borders have a positive area (x to the
    right, y down), holes a negative one; no ring meets a corner twice.
    """
    _, pieces = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    borders: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for ring in _rings(region):
        piece = _piece_beside(ring, pieces)
        if _area(ring) > 0:
            borders[piece] = ring
        else:
            holes.setdefault(piece, []).append(ring)
    return [[border, *holes.get(piece, [])] for piece, border in sorted(borders.items())]


def _rings(region: Bool[np.ndarray, "h w"]) -> Iterator[Ring]:
    ways = _ways(region)
    for start in list(ways):
        while start in ways:
            yield from _simple(_walk(ways, start))


def _ways(region: Bool[np.ndarray, "h w"]) -> dict[Point, list[int]]:
    """The steps that begin at each corner; two where pixels of the region touch at it alone."""
    padded = np.pad(region, 1)
    across, down = padded[1:, 1:-1], padded[1:-1, 1:]
    above, before = padded[:-1, 1:-1], padded[1:-1, :-1]
    edges = (
        (across & ~above, 0, 0),
        (before & ~down, 0, 0),
        (above & ~across, 1, 0),
        (down & ~before, 0, 1),
    )
    ways: dict[Point, list[int]] = {}
    for step, (marked, right, low) in enumerate(edges):
        ys, xs = np.nonzero(marked)
        for corner in zip((xs + right).tolist(), (ys + low).tolist(), strict=True):
            ways.setdefault(corner, []).append(step)
    return ways


def _walk(ways: dict[Point, list[int]], start: Point) -> Ring:
    """Follow a border back to where it began, using up its steps; corners alone are kept.

    Where two ways are open, the one to the right stays with the same pixel.
    """
    ring, at, last = [], start, -1
    while steps := ways.get(at):
        step = (last + 1) % 4 if len(steps) > 1 and last >= 0 else steps[0]
        steps.remove(step)
        if not steps:
            del ways[at]
        if step != last:
            ring.append(at)
        at, last = (at[0] + _STEPS[step][0], at[1] + _STEPS[step][1]), step
    return ring


def _simple(ring: Ring) -> Iterator[Ring]:
    """Divide a ring that meets a corner twice into rings that don't."""
    open_: Ring = []
    seen: dict[Point, int] = {}
    for corner in ring:
        if corner in seen:
            loop = open_[seen[corner] :]
            del open_[seen[corner] :]
            for one in loop:
                del seen[one]
            yield loop
        seen[corner] = len(open_)
        open_.append(corner)
    yield open_


def _piece_beside(ring: Ring, pieces: np.ndarray) -> int:
    (x, y), (to_x, to_y) = ring[:2]
    right, low = _INSIDE[_STEPS.index((_sign(to_x - x), _sign(to_y - y)))]
    return int(pieces[y + low, x + right])


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _area(ring: Ring) -> int:
    """Twice the area within."""
    following = [*ring[1:], ring[0]]
    return sum(x * to_y - to_x * y for (x, y), (to_x, to_y) in zip(ring, following, strict=True))
