"""How a run is seen: its sheets, its best weights, its estimate before it begins, TensorBoard."""

import builtins
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import SettingsError
from grapy_cli.inference.tta import TTA
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.runtime.world import World
from grapy_cli.settings.layers import resolve
from grapy_cli.train.checkpoints import Progress, Trained
from grapy_cli.train.events import StepDone
from grapy_cli.train.run import run_train
from grapy_cli.train.scoring import Scorer, pixel_accuracy
from tests.support.networks import tiny_network
from tests.support.training import recipe, resume, train


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("finished") / "run"
    events = []
    train(
        "train.score_every=1",
        "train.tensorboard=true",
        data__root=data,
        train__out=run,
        report=events.append,
    )
    return run, events


def test_each_scoring_draws_a_sheet_of_every_data_set(finished):
    run, _ = finished
    sheets = sorted(path.name for path in (run / "sheets").iterdir())
    assert sheets == ["epoch-0001.png", "epoch-0002.png"]
    with Image.open(run / "sheets" / sheets[0]) as sheet:
        rows, columns = round(sheet.height / 266), round(sheet.width / 248)
    assert (rows, columns) == (3, 3)  # a val photo each of three data sets; photo, truth, parsing


def test_a_sheet_shows_photo_truth_and_what_the_weights_find(data, tmp_path):
    """A network that answers the same part everywhere paints its parsing in one color."""
    network = tiny_network(["pascal"], answer=1)
    dataset = PreparedDataset.open(data / "pascal")
    scaler = torch.amp.GradScaler(enabled=False)
    trained = Trained(network, torch.optim.SGD(network.parameters()), None, scaler)
    score = Scorer(
        trained,
        {"pascal": dataset},
        RunFolder(tmp_path),
        torch.device("cpu"),
        TTA["none"],
        0,
        World(),
    )
    scores = score(7)
    sheet = np.array(Image.open(tmp_path / "sheets" / "epoch-0007.png"))
    # Photos of 48x64 stand at the bottom of cells of 240, 8 apart.
    photo, truth, parsing = (sheet[184:248, left : left + 48] for left in (104, 352, 600))
    color = dataset.label_set.parts[1].color
    assert (parsing == color).all()
    # A tiny photo is its label map in colors, but for what JPEG does to them.
    assert np.abs(photo.astype(int) - truth).mean() < 12
    assert not (truth == color).all()
    assert 0 < scores["pascal"] < 0.3


def test_pixel_accuracy_leaves_out_what_is_ignored():
    truth = np.array([[0, 1], [255, 2]], np.uint8)
    assert pixel_accuracy(np.array([[0, 1], [9, 9]], np.uint8), truth) == pytest.approx(2 / 3)
    assert pixel_accuracy(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) is None
    assert pixel_accuracy(np.zeros((2, 3), np.uint8), truth) is None


def test_what_is_best_by_the_mean_and_by_data_set():
    progress, names = Progress().after_scores({"atr": 0.2, "cihp": 0.6})
    assert names == ["best", "best-atr", "best-cihp"]
    progress, names = progress.after_scores({"atr": 0.3, "cihp": 0.4})
    assert names == ["best-atr"]
    assert progress.best == pytest.approx(0.4)
    assert progress.best_by_dataset == {"atr": 0.3, "cihp": 0.6}
    assert progress.after_scores({"atr": 0.3, "cihp": 0.6})[1] == ["best"]
    assert Progress().after_scores({"atr": 0.1})[1] == ["best"]  # one set: its best is the best


def test_the_best_weights_of_each_data_set_are_kept_and_resumed(finished, tmp_path):
    run = shutil.copytree(finished[0], tmp_path / "run")
    names = {"last", "best", "best-atr", "best-cihp", "best-pascal"}
    assert {path.name for path in run.iterdir() if (path / "state.json").exists()} == names
    state = json.loads((run / "last" / "state.json").read_text())
    scores = [row["mean_iou"] for row in read_journal(run / "journal.jsonl") if "mean_iou" in row]
    best = {name: max(row[name] for row in scores) for name in scores[0]}
    assert state["best_by_dataset"] == best
    state["best_by_dataset"]["atr"] = 0.99
    (run / "last" / "state.json").write_text(json.dumps(state))
    before = (run / "best-atr" / "state.json").read_text()
    resume(run, "train.epochs=3")
    again = json.loads((run / "last" / "state.json").read_text())
    assert again["best_by_dataset"]["atr"] == 0.99
    assert (run / "best-atr" / "state.json").read_text() == before


def test_steps_tell_how_long_they_waited_and_what_is_left(finished):
    steps = [event for event in finished[1] if isinstance(event, StepDone)]
    assert all(0 <= step.waited <= 1 for step in steps)
    assert steps[0].seconds_left > 0
    assert steps[-1].seconds_left == 0
    assert {step.memory for step in steps} == {None}


def test_tensorboard_gets_losses_scores_and_pace(finished):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run, events = finished
    read = accumulator.EventAccumulator(str(run / "tensorboard"))
    read.Reload()
    steps = [event for event in events if isinstance(event, StepDone)]
    lr = read.Scalars("pace/lr")
    assert [one.step for one in lr] == [step.step for step in steps]
    assert [one.value for one in lr] == pytest.approx([step.lr for step in steps])
    tags = set(read.Tags()["scalars"])
    assert {"mIoU/atr", "loss/atr/main", "loss/cihp/refined", "pace/photos per second"} <= tags


def test_without_tensorboard_its_extra_is_named_and_nothing_begun(data, tmp_path, monkeypatch):
    plain = builtins.__import__

    def without(name, *rest):
        if name == "tensorboard":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match="TensorBoard") as caught:
        train("train.tensorboard=true", data__root=data, train__out=tmp_path / "run")
    assert "[tensorboard]" in caught.value.hint
    assert not (tmp_path / "run").exists()


def test_a_dry_run_foretells_and_leaves_nothing(data, tmp_path):
    out = tmp_path / "run"
    settings = recipe("train.score_every=1", data__root=data, train__out=out, train__epochs=5)
    estimate = run_train(settings, lambda event: None, dry_run=True).estimate
    assert not list(tmp_path.iterdir())
    assert estimate.photos == {"atr": 5, "cihp": 5, "pascal": 5}
    assert (estimate.steps, estimate.batch_size, estimate.scorings) == (30, 2, 5)
    assert 0 <= estimate.waited <= 1
    assert not estimate.on_gpu
    parts = 30 * estimate.seconds_per_step + 5 * estimate.seconds_per_scoring
    assert parts < estimate.seconds < parts + 60
    train(data__root=data, train__out=out, train__epochs=1)
    size = sum(file.stat().st_size for file in (out / "last").iterdir())
    # Two steps of one data set each: the third's heads have no momentum yet.
    assert estimate.checkpoint == pytest.approx(size, rel=0.05)


def test_a_dry_run_of_a_run_that_goes_on_counts_what_is_left(finished, tmp_path):
    run = shutil.copytree(finished[0], tmp_path / "run")
    before = sorted(path.stat().st_mtime_ns for path in run.rglob("*"))
    done = json.loads((run / "last" / "state.json").read_text())["step"]
    flags = {"train.resume": str(run), "train.epochs": "3"}
    settings = resolve(flags=flags, stage_rows=True).settings
    estimate = run_train(settings, lambda event: None, dry_run=True).estimate
    assert estimate.steps == done // 2
    assert sorted(path.stat().st_mtime_ns for path in run.rglob("*")) == before


def test_a_finished_run_has_no_step_to_try(finished):
    settings = resolve(flags={"train.resume": str(finished[0])}, stage_rows=True).settings
    with pytest.raises(SettingsError, match="finished"):
        run_train(settings, lambda event: None, dry_run=True)
