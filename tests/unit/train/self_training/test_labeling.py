"""A teacher at work: what is written, and what is not done twice."""

import json
import shutil
from itertools import count
from types import MappingProxyType

import numpy as np
import pytest

from grapy_cli.errors import DatasetError, SettingsError, WeightsError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.reporting import Progressed, Warned
from grapy_cli.train.dry_run import Estimate
from grapy_cli.train.events import StepDone
from tests.support.networks import write_weights
from tests.support.training import assert_same_run, resume, train

SELF = "train.self_training"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    return write_weights(folder / "teacher", ["atr", "pascal"], longest_side=32)


@pytest.fixture
def photos(data, tmp_path):
    """Six photos; one has tags."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sorted((data / "atr" / "images").iterdir())):
        shutil.copy(path, folder / f"{number}.jpg")
    (folder / "tags.json").write_text(json.dumps({"0": ["skirt", "toga"]}))
    return folder


def taught(photos, weights, data, out, *sets, **more):
    """Train an epoch of ATR and PASCAL on the tiny data and on photos the teacher labels."""
    wanted = [f"{SELF}.photos={photos}", f"{SELF}.teacher={weights}", f"{SELF}.confidence=0.3"]
    where = {"data__root": data, "data__dataset": "atr,pascal", "train__out": out}
    return train(*wanted, *sets, **where, **{"train__epochs": 1} | more)


def maps_of(run):
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("pseudo/*/*/*/*"))
    }


def test_labeled_photos_are_one_more_folder_to_train_on(photos, weights, data, tmp_path):
    events, run = [], tmp_path / "run"
    taught(photos, weights, data, run, report=events.append)
    rows = {row["event"]: row for row in read_journal(run / "journal.jsonl")}
    assert rows["RunStarted"]["datasets"] == {"atr": 5 + 6, "pascal": 5 + 6}
    labeled = rows["PhotosLabeled"]
    assert (labeled["photos"], labeled["rejected"]) == (6, 0)
    assert 0 < sum(labeled["shares"]["atr"].values()) <= 1.00001
    [warning] = [event.text for event in events if isinstance(event, Warned)]
    assert "toga (1)" in warning
    # Of garments, only the skirt is allowed on the tagged photo, and all of them on the others.
    garments = {4, 5, 6, 7, 8}
    label_map = load_label_map(run / "pseudo/atr/labels/level3/0.png")
    assert garments & set(np.unique(label_map)) <= {5}
    others = [load_label_map(run / f"pseudo/atr/labels/level3/{n}.png") for n in range(1, 6)]
    assert garments & set(np.unique(others)) - {5}


def test_photos_that_cannot_be_read_are_left_out_and_named(photos, weights, data, tmp_path):
    (photos / "broken.jpg").write_text("no photo")
    run = tmp_path / "run"
    taught(photos, weights, data, run)
    problems = (run / "pseudo/atr/problems.csv").read_text().splitlines()
    assert [row.split(",")[:3] for row in problems[1:]] == [
        ["rejected", "unreadable-photo", "train"]
    ]
    assert "broken.jpg" in problems[1]
    assert (run / "pseudo/atr/splits/train.txt").read_text().split() == list("012345")


def test_photos_none_of_which_can_be_read(weights, data, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/broken.jpg").write_text("no photo")
    with pytest.raises(DatasetError, match="none of 1 photos can be read"):
        taught(tmp_path / "photos", weights, data, tmp_path / "run")


def stop_after(count):
    """A reporter that ends a labeling after so many photos, as Ctrl-C does."""

    def report(event):
        if isinstance(event, Progressed) and event.done == count:
            raise KeyboardInterrupt

    return report


def test_a_labeling_that_was_stopped_goes_on(photos, weights, data, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    taught(photos, weights, data, whole)
    with pytest.raises(KeyboardInterrupt):
        taught(photos, weights, data, cut, report=stop_after(4))
    first = sorted((cut / "pseudo/pascal/labels/level3").iterdir())
    before = {path: path.stat().st_mtime_ns for path in first}
    assert len(before) == 4
    taught(photos, weights, data, cut)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert maps_of(cut) == maps_of(whole)
    assert_same_run(cut, whole)


def test_another_confidence_labels_anew(photos, weights, data, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    taught(photos, weights, data, whole, f"{SELF}.confidence=0.9")
    with pytest.raises(KeyboardInterrupt):
        taught(photos, weights, data, cut, report=stop_after(4))
    taught(photos, weights, data, cut, f"{SELF}.confidence=0.9")
    assert maps_of(cut) == maps_of(whole)


def test_a_run_goes_on_without_its_teacher(photos, weights, data, tmp_path):
    unbroken, run = tmp_path / "unbroken", tmp_path / "run"
    taught(photos, weights, data, unbroken, "train.schedule.power=0", train__epochs=2)
    teacher = shutil.copy(weights, tmp_path / "teacher")
    taught(photos, teacher, data, run, "train.schedule.power=0")
    (tmp_path / "teacher").unlink()
    shutil.rmtree(photos)
    resume(run, "train.epochs=2")
    assert_same_run(unbroken, run)


def test_a_dry_run_counts_the_photos_and_labels_none(photos, weights, data, tmp_path):
    summary = taught(photos, weights, data, tmp_path / "run", dry_run=True)
    estimate: Estimate = summary.estimate
    assert estimate.to_label == 6
    assert estimate.photos == {"atr": 11, "pascal": 11}
    assert estimate.steps == 2 * (2 + 3)
    assert not (tmp_path / "run").exists()


def test_a_teacher_must_be_named(photos, data, tmp_path):
    with pytest.raises(SettingsError, match="no weights are named"):
        train(f"{SELF}.photos={photos}", data__root=data, train__out=tmp_path / "run")


def test_a_teacher_must_know_the_label_sets_or_translate_to_them(photos, data, tmp_path):
    weights = write_weights(tmp_path / "bodies", ["pascal"], longest_side=32)
    with pytest.raises(WeightsError, match="from which no table leads to cihp"):
        taught(photos, weights, data, tmp_path / "run", "data.dataset=cihp")


def test_weights_without_a_card_cannot_teach(photos, data, tmp_path):
    (tmp_path / "weights").write_text("none")
    with pytest.raises(WeightsError):
        taught(photos, tmp_path / "weights", data, tmp_path / "run")


class Relabeled:
    """Runs of two epochs that label their photos anew after the first, by an average of weights."""

    LONGER = MappingProxyType({"train__epochs": 2, "train__ema": 0.5, "train__lr": 0.05})

    def __init__(self, *where):
        self.where = where

    def run(self, out, *sets, **more):
        taught(*self.where, out, f"{SELF}.relabel_every=1", *sets, **self.LONGER, **more)
        return out


@pytest.fixture
def relabeled(photos, weights, data):
    return Relabeled(photos, weights, data)


def stop_at(is_time):
    """A reporter that ends a run as a kill does: nothing is saved any more."""

    def report(event):
        if is_time(event):
            raise KeyboardInterrupt

    return report


def test_a_run_labels_its_photos_anew(relabeled, photos, weights, data, tmp_path):
    run = relabeled.run(tmp_path / "run")
    said = [row["by"] for row in read_journal(run / "journal.jsonl") if "by" in row]
    assert said == ["the teacher", "the run itself"]
    taught(photos, weights, data, tmp_path / "once", **relabeled.LONGER)
    ours, theirs = maps_of(run), maps_of(tmp_path / "once")
    assert set(ours) == set(theirs)
    assert ours != theirs


@pytest.mark.parametrize("save_every", [0, 1])
def test_a_run_that_was_stopped_while_it_labeled_labels_anew(relabeled, tmp_path, save_every):
    pace = f"train.save_every={save_every}"
    whole, cut = relabeled.run(tmp_path / "whole", pace), tmp_path / "cut"
    labeled = count()
    stop = stop_at(lambda e: isinstance(e, Progressed) and next(labeled) == 6 + 3)
    with pytest.raises(KeyboardInterrupt):
        relabeled.run(cut, pace, report=stop)
    resume(cut)
    assert maps_of(cut) == maps_of(whole)
    assert_same_run(cut, whole)


def test_a_run_that_was_stopped_after_it_labeled_keeps_its_labels(relabeled, tmp_path):
    pace = "train.save_every=1"
    whole, cut = relabeled.run(tmp_path / "whole", pace), tmp_path / "cut"
    steps = [row["step"] for row in read_journal(whole / "journal.jsonl") if "lr" in row]
    stop = stop_at(lambda e: isinstance(e, StepDone) and e.step == steps[-1])
    with pytest.raises(KeyboardInterrupt):
        relabeled.run(cut, pace, report=stop)
    before = maps_of(cut)
    resume(cut)
    assert before == maps_of(cut) == maps_of(whole)
    assert_same_run(cut, whole)
