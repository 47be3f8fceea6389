"""What holds for any photos."""

import io
import math
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from grapy_cli.image_io.photos import read_shrunk
from grapy_cli.inference.stream import in_groups
from grapy_cli.predict.sources import FoundPhoto, name_masks

STEMS = st.text("aA\u00e9e\u0301\u00df-.2", min_size=1, max_size=3).filter(
    lambda s: s not in (".", "..")
)
NAMES = st.builds("{}{}".format, STEMS, st.sampled_from(["", ".jpg", ".JPG", ".png", ".webp"]))
RELATIVES = st.lists(NAMES, min_size=1, max_size=2).map(lambda parts: PurePosixPath(*parts))


def on_disk(name):
    """What a file system that knows neither case nor ways to write an accent makes of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


@given(st.lists(RELATIVES.filter(lambda path: path.name not in ("", ".", "..")), max_size=8))
@example([PurePosixPath("..2"), PurePosixPath("...jpg"), PurePosixPath("a/..jpg")])
def test_no_two_photos_share_a_mask(relatives):
    photos = [FoundPhoto(Path(f"{n}"), relative) for n, relative in enumerate(relatives)]
    names = name_masks(photos)
    assert len(names) == len(photos)
    assert len({on_disk(name) for name in names}) == len(names)
    for relative, name in zip(relatives, names, strict=True):
        assert name.parent == relative.parent
        assert name.name.startswith(relative.stem)


@given(st.lists(st.sampled_from([None, 1, 2]), max_size=20), st.integers(1, 4))
def test_groups_are_neighbors_of_one_kind_and_as_large_as_they_can_be(kinds, most):
    taken = []
    items = (taken.append(item) or item for item in enumerate(kinds))
    joined = []
    for group in in_groups(items, lambda item: item[1], most):
        joined += group
        own = {kind for _, kind in group}
        assert len(own) == 1
        assert len(group) == 1 if own == {None} else len(group) <= most
        is_full = len(group) == most or own == {None}
        if is_full:
            assert taken == joined  # nobody waits for one that is not needed
        elif len(joined) < len(kinds):
            assert kinds[len(joined)] not in own
    assert joined == list(enumerate(kinds))


SIDES = st.integers(1, 200)


@given(SIDES, SIDES, st.integers(1, 8), st.floats(0.01, 1))
def test_a_reduced_jpeg_keeps_its_size_and_has_twice_of_what_suffices(
    height, width, orientation, share
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "JPEG", exif=exif)
    sizes = []

    def enough(*size):
        sizes.append((size, tuple(math.ceil(side * share) for side in size)))
        return sizes[-1][1]

    found, whole = read_shrunk(file.getvalue(), enough=enough), read_shrunk(file.getvalue())
    [(size, wanted)] = sizes
    assert found.size == size == whole.size == whole.pixels.shape[:2]
    is_reduced = found.pixels.shape != whole.pixels.shape
    assert len(found.notes) == is_reduced
    if is_reduced:
        assert (np.array(found.pixels.shape[:2]) >= 2 * np.array(wanted)).all()
