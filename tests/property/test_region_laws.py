"""Whatever a region looks like, its polygons and run lengths are that region."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grapy_cli.predict.outputs.polygonize import polygons_of
from grapy_cli.predict.outputs.rle import encode_region

regions = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda size: arrays(bool, size))


def twice_the_area(ring):
    x, y = np.array(ring).T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def filled(polygons, shape):
    """Pixels whose row is crossed an odd number of times left of them."""
    crossed = np.zeros((shape[0], shape[1] + 1), int)
    for ring in (ring for polygon in polygons for ring in polygon):
        for (x, y), (to_x, to_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert (x == to_x) != (y == to_y)
            if x == to_x:
                crossed[min(y, to_y) : max(y, to_y), x] += 1
    return crossed.cumsum(1)[:, :-1] % 2 == 1


@given(regions)
def test_polygons_fill_to_the_region(region):
    polygons = polygons_of(region)
    np.testing.assert_array_equal(filled(polygons, region.shape), region)
    areas = [sum(map(twice_the_area, polygon)) / 2 for polygon in polygons]
    assert sum(areas) == region.sum()


@given(regions)
def test_polygons_are_what_other_programs_take(region):
    """Borders run one way and holes the other, no ring meets itself, pieces hold together."""
    for border, *holes in polygons_of(region):
        assert twice_the_area(border) > 0
        assert all(twice_the_area(hole) < 0 for hole in holes)
        assert all(len(set(ring)) == len(ring) for ring in (border, *holes))
        (low, high) = np.min(border, 0), np.max(border, 0)
        assert all(
            (np.array(hole) >= low).all() and (np.array(hole) <= high).all() for hole in holes
        )


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in its own code
@given(regions)
def test_run_lengths_are_read_by_pycocotools(region):
    mask = pytest.importorskip("pycocotools.mask")
    ours = encode_region(region)
    theirs = mask.encode(np.asfortranarray(region.astype(np.uint8)))
    assert ours == {"size": list(region.shape), "counts": theirs["counts"].decode()}
    np.testing.assert_array_equal(mask.decode(ours), region)
