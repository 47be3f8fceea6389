"""Scores are the reference's, on its recorded cases."""

import json

import numpy as np
import pytest

from grapy_cli.evaluate.counts import count_photo
from grapy_cli.labels import LABEL_SETS
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import scores_of
from tests.support.golden import read_golden
from tests.support.parity import FOLDER, needs_parity

RECORDED = FOLDER / "dev" / "metrics.json"
QUIRKS = ("size_mismatch", "out_of_range", "skipped")
"""Cases that record the reference's bugs; strictly counted, such masks are refused."""


def recorded_cases(*, with_quirks):
    names = json.loads(RECORDED.read_text()) if RECORDED.exists() else []
    return [name for name in names if with_quirks or not any(word in name for word in QUIRKS)]


def recorded_photos(case, facts):
    """Masks, truths and names of a recorded case."""
    names = facts["names"] or [str(number) for number in range(facts["images"])]
    with np.load(RECORDED.with_suffix(".npz")) as arrays:
        return [
            (arrays[f"{case}/pred{n}"], arrays[f"{case}/gt{n}"], name)
            for n, name in enumerate(names)
        ]


def check(counts, iou, accuracy, means):
    """Hold counts' scores to the reference's: mean IoU, mean and pixel accuracy, weighted IoU."""
    names = [str(index) for index in range(len(counts))]
    scores = scores_of(counts, names)
    ours = [scores.mean_iou, scores.mean_accuracy, scores.pixel_accuracy, scores.weighted_iou]
    np.testing.assert_allclose(ours, means, rtol=1e-14)
    for of_ours, theirs in (("iou", iou), ("accuracy", accuracy)):
        values = [getattr(scores.parts[name], of_ours) for name in names]
        np.testing.assert_allclose(np.array(values, float), np.array(theirs, float), rtol=1e-14)


def count_all(photos, num_parts):
    return sum(count_pairs(mask, truth, num_parts) for mask, truth in photos)


@pytest.mark.parametrize(
    ("case", "num_photos"),
    [("absent_pascal", 1), ("ignore_absent_cihp", 1), ("three_images_atr", 3)],
)
def test_kept_cases(case, num_photos):
    kept = {
        name.split("/")[1]: array
        for name, array in read_golden("metrics").items()
        if name.startswith(f"{case}/")
    }
    photos = [(kept[f"mask{n}"], kept[f"truth{n}"]) for n in range(num_photos)]
    counts = count_all(photos, len(kept["counts"]))
    np.testing.assert_array_equal(counts, kept["counts"])
    check(counts, kept["iou"], kept["accuracy"], kept["scores"])


@needs_parity
@pytest.mark.parametrize("case", recorded_cases(with_quirks=False))
def test_recorded_cases(case):
    facts = json.loads(RECORDED.read_text())[case]
    photos = [photo[:2] for photo in recorded_photos(case, facts)]
    check_official(count_all(photos, facts["n_classes"]), facts["official"])


@needs_parity
@pytest.mark.parametrize("case", recorded_cases(with_quirks=True))
def test_the_reference_s_protocol_gives_all_of_its_numbers(case):
    facts = json.loads(RECORDED.read_text())[case]
    labels = LABEL_SETS[case.rpartition("_")[2]]
    assert labels.num_parts == facts["n_classes"]
    counted, refused = [], []
    for mask, truth, name in recorded_photos(case, facts):
        try:
            counted.append(count_photo(mask, truth, labels, key=name, protocol="reference").counts)
        except ValueError as error:
            refused.append(str(error))
    if "error" in facts["official"]:
        assert not counted
        assert all("the reference fails on it" in reason for reason in refused)
        return
    assert len(refused) == ("skipped" in case)
    check_official(sum(counted), facts["official"])


def check_official(counts, official):
    """Hold counts and scores to the recorded ones."""
    np.testing.assert_array_equal(counts, official["hist"])
    means = [official[k] for k in ("mean_IU", "mean_accuracy", "overall_accuracy", "fwavacc")]
    check(counts, official["per_class_iou"], official["per_class_accuracy"], means)
