"""What holds of the evaluation's page for all findings."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grapy_cli.evaluate.records import Case, PhotoScore
from grapy_cli.evaluate.report.choose import Few, choose_photos
from grapy_cli.evaluate.report.error_maps import KINDS, MISSED, RIGHT, UNSCORED, error_map
from grapy_cli.labels import ATR, IGNORE

CASE = Case("tiny", "none")
PARTS = st.integers(0, ATR.num_parts - 1)
SHAPE = (7, 9)


def rows():
    ious = st.sampled_from([None, 0.0, 0.25, 0.5, 1.0])
    return st.lists(ious, max_size=30).map(
        lambda found: [
            PhotoScore(CASE, "atr", f"{index:02d}", iou, iou, {}) for index, iou in enumerate(found)
        ]
    )


@given(rows(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_few_that_are_kept_are_the_first_of_all_sorted(rows, random, size):
    shuffled = random.sample(rows, len(rows))
    few = choose_photos(shuffled, Few(size, size, size))[CASE, "atr"]
    scored = [row for row in rows if row.mean_iou is not None]
    assert few.worst.rows() == sorted(scored, key=lambda row: (row.mean_iou, row.photo))[:size]
    assert few.best.rows() == sorted(scored, key=lambda row: (-row.mean_iou, row.photo))[:size]


@given(
    arrays(np.uint8, SHAPE, elements=PARTS | st.just(IGNORE)),
    arrays(np.uint8, SHAPE, elements=PARTS),
)
def test_every_pixel_has_one_kind_that_fits_it(truth, label_map):
    errors = error_map(truth, label_map, ATR.mirror_ids)
    assert errors.max() < len(KINDS)
    assert ((errors == UNSCORED) == (truth == IGNORE)).all()
    assert ((errors == RIGHT) == (truth == label_map)).all()
    assert (label_map[errors == MISSED] == 0).all()


@given(
    arrays(np.uint8, SHAPE, elements=PARTS | st.just(IGNORE)),
    arrays(np.uint8, SHAPE, elements=PARTS),
)
def test_errors_of_the_mirrored_parsing_are_the_same_errors(truth, label_map):
    mirror = np.append(np.asarray(ATR.mirror_ids, np.uint8), np.zeros(256, np.uint8))[:256]
    mirror[IGNORE] = IGNORE
    assert (
        error_map(mirror[truth], mirror[label_map], ATR.mirror_ids)
        == error_map(truth, label_map, ATR.mirror_ids)
    ).all()
