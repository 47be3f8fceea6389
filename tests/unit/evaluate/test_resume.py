"""An evaluation that is stopped goes on, and nobody can tell from its numbers."""

import json
import shutil
from dataclasses import dataclass, field

import pytest

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.evaluate.evaluator import Evaluator
from grapy_cli.evaluate.finished import PHOTOS, FinishedPhotos, read_photo_scores
from grapy_cli.evaluate.report.images import KeptMasks
from grapy_cli.evaluate.results import results_of
from grapy_cli.evaluate.scoring import ParsingJob, score_photos
from grapy_cli.inference.parser import HumanParser
from grapy_cli.runtime.world import World

TINY = ("tiny", "none")
ALONE = World()


@dataclass(frozen=True)
class NotingParser(HumanParser):
    """A parser that notes by which label sets it was asked to parse a photo."""

    asked: list = field(default_factory=list)

    def parse_all(self, photo, datasets):
        self.asked.append(tuple(datasets))
        return super().parse_all(photo, datasets)


@dataclass(frozen=True)
class LonelyWorld(World):
    """One of several processes, whose others never answer."""

    def sum(self, tensor):
        return tensor

    def gather(self, rows):
        return rows


@pytest.fixture
def root(prepared, tmp_path):
    """A copy of the data that a test may change; half of the photos are the same in both sets."""
    shutil.copytree(prepared, tmp_path / "data")
    for number in range(3):
        name = f"images/photo {number}.jpg"
        shutil.copyfile(tmp_path / "data/atr" / name, tmp_path / "data/pascal" / name)
    return tmp_path / "data"


@pytest.fixture
def score(root, weights, tmp_path):
    """Score `train` of both data sets: `score(out, digest="weights")`; parsers note their work."""

    def run(out=None, *, digest="weights", stop_after=None, world=ALONE):
        loaded = HumanParser.load(weights.looking, device="cpu")
        parser = NotingParser(**vars(loaded))
        datasets = {name: PreparedDataset.open(root / name) for name in ("atr", "pascal")}
        job = ParsingJob({TINY: parser}, datasets, "train")
        cases = dict.fromkeys(job.cases(TINY), digest)
        finished = None
        if out:
            kept = KeptMasks(tmp_path / out, cases)
            job = ParsingJob({TINY: parser}, datasets, "train", ("strict",), kept.path)
            finished = FinishedPhotos(tmp_path / out, world.rank)
        book = Evaluator(cases, job.label_sets, finished)
        report = _stopping(stop_after) if stop_after else (lambda event: None)
        all_counts = score_photos(job, book, world=world, report=report)
        if finished and world.size == 1:
            finished.finish(finished.places)
        found = [result.to_json() for result in results_of(all_counts, "train")]
        return found, parser.asked, finished

    return run


def _stopping(after):
    def report(event):
        if event.done == after:
            raise KeyboardInterrupt

    return report


def lines(folder):
    return (folder / PHOTOS).read_text().splitlines()


def test_what_label_sets_share_of_a_photo_is_computed_once(score):
    """Three photos have the same bytes in both data sets, three only the same key."""
    _, asked, _ = score()
    assert sorted(asked) == [*[("atr",)] * 3, *[("atr", "pascal")] * 3, *[("pascal",)] * 3]


def test_a_run_that_is_stopped_does_only_what_is_missing(score, tmp_path):
    fresh, everything, _ = score("fresh")
    with pytest.raises(KeyboardInterrupt):
        score("out", stop_after=2)
    with (tmp_path / "out/photos.0.jsonl.part").open("ab") as file:
        file.write(b'{"id": "cut o')  # the kill came while it was written
    with pytest.raises(KeyboardInterrupt):
        score("out", stop_after=3)
    resumed, asked, _ = score("out")
    assert len(asked) == len(everything) - 3
    assert json.dumps(resumed) == json.dumps(fresh)
    assert lines(tmp_path / "out") == lines(tmp_path / "fresh")
    assert not list((tmp_path / "out").glob("*.part"))
    again, asked, _ = score("out")
    assert asked == []
    assert json.dumps(again) == json.dumps(fresh)


def test_other_weights_take_nothing_over(score, tmp_path):
    _, everything, _ = score("out")
    assert len(score("out", digest="others")[1]) == len(everything)
    assert len(lines(tmp_path / "out")) == 12


def test_a_photo_or_truth_that_was_changed_is_scored_anew(score, root):
    score("out")
    shutil.copyfile(root / "atr/images/photo 4.jpg", root / "atr/images/photo 5.jpg")
    shutil.copyfile(
        root / "pascal/labels/level3/photo 4.png", root / "pascal/labels/level3/photo 3.png"
    )
    assert sorted(score("out")[1]) == [("atr",), ("pascal",)]


def test_a_mask_that_is_gone_is_made_again(score, tmp_path):
    score("out")
    [mask] = (tmp_path / "out/masks").rglob("pascal/photo 0.png")
    mask.unlink()
    assert score("out")[1] == [("pascal",)]
    assert mask.exists()


def test_processes_leave_together_what_one_would(score, tmp_path):
    score("one")
    ledgers = [score("two", world=LonelyWorld(rank, 2))[2] for rank in range(2)]
    ledgers[0].finish([place for finished in ledgers for place in finished.places])
    assert lines(tmp_path / "two") == lines(tmp_path / "one")


def test_the_rows_of_photos_can_be_read(score, tmp_path):
    found, _, _ = score("out")
    rows = list(read_photo_scores(tmp_path / "out"))
    assert [(row.dataset, row.photo) for row in rows[:7]] == [
        *(("atr", f"photo {number}") for number in range(6)),
        ("pascal", "photo 0"),
    ]
    assert set(rows[0].parts) == set(rows[0].wrong)
    assert str(rows[0].case) == found[0]["parser"] == "tiny"
