"""Scores are those of other people's libraries, on any label maps, ignore and absent parts too."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from grapy_cli.labels import IGNORE
from grapy_cli.metrics.boundary import SHARE, count_boundaries
from grapy_cli.metrics.calibration import calibration_of, count_confidences
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import scores_of

metrics = pytest.importorskip("sklearn.metrics")
functional = pytest.importorskip("torchmetrics.functional.classification")
law = settings(max_examples=60)
NUM = 6
NAMES = [f"part {index}" for index in range(NUM)]


@st.composite
def parsed_photos(draw, max_side=12):
    """A mask and its truth."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=max_side))
    parts = st.integers(0, draw(st.integers(0, NUM - 1)))  # the last ones are often nowhere
    truths = arrays(np.uint8, shape, elements=parts | st.just(IGNORE))
    return draw(arrays(np.uint8, shape, elements=parts)), draw(truths)


def known(photo):
    mask, truth = photo
    return mask[truth != IGNORE], truth[truth != IGNORE]


@law
@given(parsed_photos())
def test_scikit_learn_s_scores(photo):
    mask, truth = known(photo)
    scores = scores_of(count_pairs(*photo, NUM), NAMES)
    if not truth.size:
        assert scores.mean_iou is scores.mean_f1 is None
        return
    expected = metrics.confusion_matrix(truth, mask, labels=range(NUM))
    np.testing.assert_array_equal(count_pairs(*photo, NUM), expected)
    seen = sorted({*truth.tolist(), *mask.tolist()})
    each = {"labels": seen, "average": None, "zero_division": 0}
    columns = {
        "iou": metrics.jaccard_score(truth, mask, **each),
        "f1": metrics.f1_score(truth, mask, **each),
    }
    for column, values in columns.items():
        ours = [getattr(part, column) for part in scores.parts.values()]
        assert [ours[part] for part in seen] == pytest.approx(list(values))
        assert {ours[part] for part in range(NUM) if part not in seen} <= {None}
    assert scores.mean_iou == pytest.approx(columns["iou"].mean())
    assert scores.mean_f1 == pytest.approx(columns["f1"].mean())
    assert scores.pixel_accuracy == pytest.approx(metrics.accuracy_score(truth, mask))
    true = sorted(set(truth.tolist()))
    recalls = metrics.recall_score(truth, mask, labels=true, average=None, zero_division=0)
    assert scores.mean_accuracy == pytest.approx(recalls.mean())
    weighted = metrics.jaccard_score(truth, mask, labels=seen, average="weighted", zero_division=0)
    assert scores.weighted_iou == pytest.approx(weighted)


@law
@given(parsed_photos())
def test_torchmetrics_confusion_matrix_and_iou(photo):
    mask, truth = (torch.from_numpy(ids.astype(np.int64)) for ids in photo)
    counts = functional.multiclass_confusion_matrix(mask, truth, NUM, ignore_index=IGNORE)
    np.testing.assert_array_equal(count_pairs(*photo, NUM), counts.numpy())
    if not known(photo)[1].size:
        return
    scores = scores_of(counts.numpy(), NAMES)
    iou = functional.multiclass_jaccard_index(mask, truth, NUM, average="none", ignore_index=IGNORE)
    for ours, theirs in zip(scores.parts.values(), iou.tolist(), strict=True):
        assert (ours.iou or 0) == pytest.approx(theirs, rel=1e-5)


@law
@given(parsed_photos(), st.integers(0, 2**32 - 1))
def test_torchmetrics_calibration_error(photo, seed):
    mask, truth = photo
    sure = np.random.default_rng(seed).random(mask.shape, np.float32)
    right, counted = mask == truth, truth != IGNORE
    found = calibration_of(count_confidences(sure, right, counted))
    if not counted.any():
        assert found is None
        return
    steps = np.rint(sure[counted] * 65535) / 65535
    theirs = functional.binary_calibration_error(
        torch.from_numpy(steps), torch.from_numpy(right[counted].astype(np.int64)), n_bins=15
    )
    assert found.ece == pytest.approx(float(theirs), abs=1e-6)
    assert sum(one.pixels for one in found.bins) == counted.sum()


def outline_band(part, distance):
    """The source's own steps: what eroding the mask of one part takes away."""
    padded = cv2.copyMakeBorder(part.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=distance)
    return part & ~eroded[1:-1, 1:-1].astype(bool)


@law
@given(parsed_photos(max_side=90))
def test_boundaries_are_what_eroding_part_by_part_gives(photo):
    mask, truth = photo
    distance = max(1, round(SHARE * np.hypot(*truth.shape)))
    expected = []
    for part in range(NUM):
        true = outline_band(truth == part, distance)
        parsed = outline_band((mask == part) & (truth != IGNORE), distance)
        expected.append([(true & parsed).sum(), true.sum(), parsed.sum()])
    np.testing.assert_array_equal(count_boundaries(mask, truth, NUM).T, expected)
