"""What a run says, leaves, refuses, and survives."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, DivergedError, SettingsError
from grapy_cli.model.weights import load_weights, save_weights
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.reporting import Told
from grapy_cli.train.events import EpochScored, StepDone
from tests.support.training import prepare_tiny, resume, tensors_of, train


def steps_of(events):
    return [event for event in events if isinstance(event, StepDone)]


def told(events):
    return [event.text for event in events if isinstance(event, Told)]


def test_joint_training_takes_every_prepared_data_set(data, tmp_path):
    events = []
    summary = train(
        "train.score_every=1", data__root=data, train__out=tmp_path / "run", report=events.append
    )
    steps = steps_of(events)
    assert [step.step for step in steps] == list(range(1, 13))
    assert {step.datasets for step in steps} == {("atr",), ("cihp",), ("pascal",)}
    assert all(
        set(step.losses) == {f"{d}/{n}" for d in step.datasets for n in ("main", "refined")}
        for step in steps
    )
    assert all(first.lr > second.lr for first, second in pairwise(steps))
    scores = [event for event in events if isinstance(event, EpochScored)]
    assert [set(event.mean_iou) for event in scores] == [{"atr", "cihp", "pascal"}] * 2
    means = [sum(event.mean_iou.values()) / 3 for event in scores]
    assert summary.best == pytest.approx(max(means))
    assert [event.best for event in scores] == [True, means[1] > means[0]]
    journal = read_journal(tmp_path / "run" / "journal.jsonl")
    assert journal[0]["event"] == "RunStarted"
    network, card = load_weights(tmp_path / "run" / "last" / "weights.safetensors")
    assert set(network.label_sets) == {"atr", "cihp", "pascal"}
    assert (card.stage, card.step) == ("joint", 12)


def test_the_network_learns(tmp_path, data):
    events = []
    train(
        "train.augment={scale=[1.0, 1.0], mirror=0.0}",
        "train.optimizer.name=adamw",
        "model.decoder.features=32",
        data__root=data,
        data__dataset="pascal",
        train__stage="pretrain",
        train__epochs=10,
        train__lr=0.02,
        train__crop="65,49",
        train__out=tmp_path / "run",
        report=events.append,
    )
    losses = [step.losses["pascal/main"] for step in steps_of(events)]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(("mixing", "batch_size"), [("alternate", 2), ("mixed", 6)])
def test_joined_photos_teach_all_their_label_sets_at_once(tmp_path, mixing, batch_size):
    """Two data sets with the same photos: every step of those has the losses of both.

    What one data set has beside them stands in steps of its own, or among them.
    """
    root = prepare_tiny(tmp_path / "data", "pascal")
    other = root / "cihp"
    prepare_tiny(tmp_path / "more", "cihp")
    (tmp_path / "more" / "cihp").rename(other)
    names = dict(
        zip(
            PreparedDataset.open(other).keys("train"),
            (root / "pascal" / "images").iterdir(),
            strict=False,
        )
    )
    for key, photo in names.items():
        (other / "images" / f"{photo.name}").write_bytes(photo.read_bytes())
        (other / "labels" / "level3" / f"{key}.png").rename(
            other / "labels" / "level3" / f"{photo.stem}.png"
        )
    stems = sorted(photo.stem for photo in names.values())
    (other / "splits" / "train.txt").write_text("\n".join(stems))
    events = []
    train(
        "data.join_photos=true",
        data__root=root,
        train__epochs=1,
        train__mixing=mixing,
        train__batch_size=batch_size,
        train__out=tmp_path / "run",
        report=events.append,
    )
    seen = {step.datasets for step in steps_of(events)}
    assert seen == {("cihp", "pascal")} if mixing == "mixed" else seen >= {("cihp", "pascal")}


def test_a_data_set_smaller_than_a_batch(data, tmp_path):
    events = []
    train(
        data__root=data,
        data__dataset="cihp",
        train__batch_size=12,
        train__epochs=1,
        train__out=tmp_path / "run",
        report=events.append,
    )
    assert len(steps_of(events)) == 1


@pytest.mark.parametrize("size", [1, 0])
def test_a_batch_of_one_photo_is_refused(data, tmp_path, size):
    with pytest.raises(SettingsError, match="batch_size"):
        train(f"train.batch_size={size}", data__root=data, train__out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("names", ["", "cihp,atr"])
def test_finetuning_is_for_one_data_set(data, tmp_path, names):
    with pytest.raises(SettingsError, match="takes one data set") as caught:
        train(
            data__root=data,
            data__dataset=names,
            train__stage="finetune",
            train__out=tmp_path / "run",
        )
    assert "--dataset" in caught.value.hint


def test_nothing_prepared(tmp_path):
    with pytest.raises(DatasetError, match="there is no prepared data set") as caught:
        train(data__root=tmp_path, train__out=tmp_path / "run")
    assert "grapy prepare" in caught.value.hint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_file_ends_the_run_with_its_name(tmp_path, workers):
    root = prepare_tiny(tmp_path / "data", "pascal")
    key = PreparedDataset.open(root / "pascal").keys("train")[0]
    path = root / "pascal" / "labels" / "level3" / f"{key}.png"
    path.write_text("no picture")
    with pytest.raises(DatasetError, match=f"{key}.png") as caught:
        train(data__root=root, data__workers=workers, train__out=tmp_path / "run")
    assert "Traceback" not in caught.value.message


def test_a_diverging_run_stops_and_keeps_its_checkpoint(data, tmp_path):
    run = tmp_path / "run"
    where = {"data__root": data, "data__dataset": "pascal", "train__out": run}
    train(**where, train__epochs=1)
    before = tensors_of(run)
    with pytest.raises(DivergedError) as caught:
        resume(run, "train.epochs=30", "train.lr=1e30")
    assert caught.value.exit_code == 7
    assert "smaller --lr" in caught.value.hint
    assert json.loads((run / "diverged.json").read_text())["step"] >= 2
    after = tensors_of(run)
    assert all((before[key] == after[key]).all() for key in before)


def test_a_step_with_a_loss_that_is_no_number_changes_no_parameter(data, tmp_path):
    """Shown by a poisoned weight: its batch is named, and nothing else happens."""
    run = tmp_path / "run"
    where = {"data__root": data, "data__dataset": "pascal"}
    train(**where, train__out=run, train__epochs=1)
    network, card = load_weights(run / "last" / "weights.safetensors")
    with torch.no_grad():
        network.main_heads["pascal"].bias[0] = float("nan")
    save_weights(tmp_path / "bad.safetensors", network.state_dict(), card)
    with pytest.raises(DivergedError, match=r"step 0 is nan \(data: pascal; photos: 2008_"):
        train(**where, train__init=tmp_path / "bad.safetensors", train__out=tmp_path / "other")
    assert not (tmp_path / "other" / "last").exists()


def test_without_a_val_split_nothing_is_scored(tmp_path):
    root = prepare_tiny(tmp_path / "data", "pascal")
    folder = root / "pascal"
    card = json.loads((folder / "dataset.json").read_text())
    del card["photos"]["val"]
    (folder / "dataset.json").write_text(json.dumps(card))
    (folder / "splits" / "val.txt").unlink()
    events = []
    summary = train(
        data__root=root, train__epochs=1, train__out=tmp_path / "run", report=events.append
    )
    assert summary.best is None
    assert not any(isinstance(event, EpochScored) for event in events)
    assert (tmp_path / "run" / "last").exists()


def test_a_data_set_of_nothing_but_ignored_pixels(tmp_path):
    root = prepare_tiny(tmp_path / "data", "pascal")
    for path in (root / "pascal" / "labels" / "level3").iterdir():
        Image.fromarray(np.full((64, 48), 255, np.uint8)).save(path)
    events = []
    train(
        "train.loss.balance=0.5",
        data__root=root,
        train__epochs=1,
        train__out=tmp_path / "run",
        report=events.append,
    )
    assert all(set(step.losses.values()) == {0.0} for step in steps_of(events))


def test_every_way_to_vary_and_to_weigh(data, tmp_path):
    events = []
    train(
        "train.augment={rotate=20.0, color=0.5, blur=0.5, keep_aspect=true, even_scales=true}",
        "train.augment.padding=background",
        "train.loss={stride=4, balance=0.5, refined=0.5}",
        "train.schedule={warmup=2, every_epochs=1}",
        data__root=data,
        train__epochs=1,
        train__out=tmp_path / "run",
        report=events.append,
    )
    assert len(steps_of(events)) == 6


@pytest.mark.parametrize("stage", ["pretrain", "joint", "finetune"])
def test_the_stage_before_is_named_where_none_is_given(data, tmp_path, stage):
    before = {"joint": "pretrain", "finetune": "joint"}
    events = []
    where = {"data__root": data, "data__dataset": "atr", "train__epochs": 1, "train__stage": stage}
    train(**where, train__out=tmp_path / "run", report=events.append)
    advice = [text for text in told(events) if "the paper's" in text]
    assert len(advice) == (stage in before)
    if advice:
        assert f"grapy train --stage {before[stage]}" in advice[0]
        events.clear()
        train(
            **where,
            train__init=tmp_path / "run",
            train__out=tmp_path / "next",
            report=events.append,
        )
        assert not any("the paper's" in text for text in told(events))
