"""A run that is stopped and resumed is the run that was not stopped, bit for bit."""

import os
import signal
from pathlib import Path

import pytest

from grapy_cli.errors import InterruptedRun, SettingsError
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.settings.layers import RUN_FILE, resolve
from grapy_cli.settings.toml import to_toml
from grapy_cli.settings.tree import groups, leaves
from grapy_cli.train.resume import FIXED, rate_change
from grapy_cli.train.schedule import build_schedule
from tests.support.training import AfterSteps, assert_same_run, recipe, resume, tensors_of, train

EPOCHS, STEPS = 3, 6  # of 2 batches
VARIANTS = {
    "sgd": [],
    "adamw with a running average": [
        "train.optimizer={name='adamw', clip=1.0}",
        "train.schedule.warmup=3",
        "train.ema=0.9",
    ],
}


def stop():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    return VARIANTS[request.param]


@pytest.fixture(scope="module")
def unbroken(data, variant, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken") / "run"
    train(*variant, data__root=data, data__dataset="pascal", train__epochs=EPOCHS, train__out=run)
    return run


@pytest.mark.parametrize("step", [3, STEPS])
def test_stopped_and_resumed(data, variant, unbroken, tmp_path, step):
    run = tmp_path / "run"
    with pytest.raises(InterruptedRun, match=f"after step {step}"):
        train(
            *variant,
            data__root=data,
            data__dataset="pascal",
            train__epochs=EPOCHS,
            train__out=run,
            report=AfterSteps(step, stop),
        )
    resume(run)
    assert_same_run(run, unbroken)
    steps = [
        row["step"] for row in read_journal(run / "journal.jsonl") if row["event"] == "StepDone"
    ]
    assert steps == list(range(1, STEPS + 1))


def test_stopped_again_and_again_with_other_workers(data, tmp_path):
    plain, run = tmp_path / "plain", tmp_path / "run"
    where = {"data__root": data, "data__dataset": "cihp,atr"}
    train(**where, train__out=plain)
    with pytest.raises(InterruptedRun):
        train(**where, train__out=run, data__workers=1, report=AfterSteps(1, stop))
    with pytest.raises(InterruptedRun):
        resume(run, "data.workers=2", report=AfterSteps(3, stop))
    resume(run, "data.workers=0")
    assert_same_run(plain, run)


def test_more_epochs_go_on_from_the_last(data, tmp_path):
    """With the schedule out of the way, two epochs and two more are four."""
    flat = "train.schedule.power=0"
    where = {"data__root": data, "data__dataset": "pascal"}
    train(flat, **where, train__epochs=4, train__score_every=2, train__out=tmp_path / "four")
    train(flat, **where, train__epochs=2, train__score_every=2, train__out=tmp_path / "two")
    resume(tmp_path / "two", "train.epochs=4")
    assert_same_run(tmp_path / "four", tmp_path / "two")
    assert resolve(config=tmp_path / "two" / RUN_FILE).settings.train.epochs == 4


def test_more_epochs_say_what_becomes_of_the_learning_rate(tmp_path):
    begun, folder = recipe(train__epochs=2, train__lr=0.1), RunFolder(tmp_path)
    folder.settings_file.write_text(to_toml(begun))
    more = recipe(train__epochs=4, train__lr=0.1)
    # 0.1 * (1 - 3 / 4) ** 0.9 before, 0.1 * (1 - 4 / 8) ** 0.9 now
    assert rate_change(folder, build_schedule(more.train, 2), more, 4) == (
        "the learning rate goes from 0.0287 at the last step to 0.0536 at the next: "
        "train.epochs goes from 2 to 4"
    )
    assert rate_change(folder, build_schedule(begun.train, 2), begun, 3) == ""


def test_the_same_command_twice_is_the_same_run(data, tmp_path):
    for name in "ab":
        train(data__root=data, data__dataset="atr", train__epochs=1, train__out=tmp_path / name)
    assert_same_run(tmp_path / "a", tmp_path / "b")
    train(
        "train.seed=1",
        data__root=data,
        data__dataset="atr",
        train__epochs=1,
        train__out=tmp_path / "c",
    )
    ours, theirs = tensors_of(tmp_path / "a"), tensors_of(tmp_path / "c")
    assert any((ours[key] != theirs[key]).any() for key in ours)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("finished") / "run"
    train("train.augment.mirror=0", data__root=data, train__epochs=1, train__out=run)
    return run


def test_a_run_goes_on_with_its_own_settings(finished):
    assert RunFolder(finished).settings_file.name == RUN_FILE
    resolved = resolve(flags={"train.resume": str(finished)}, stage_rows=True)
    assert resolved.settings.train.augment.mirror == 0
    assert resolved.origins["train.crop"] == str(finished / RUN_FILE)
    assert resolved.settings.train.out is None
    assert resolved.settings.data.dataset == ["atr", "cihp", "pascal"]


def test_options_and_a_named_file_win_over_a_runs_own_settings(finished, tmp_path):
    file = tmp_path / "more.toml"
    file.write_text("[train]\nepochs = 7\nlr = 0.5")
    flags = {"train.resume": str(finished), "train.lr": "0.25"}
    train = resolve(config=file, flags=flags, stage_rows=True).settings.train
    assert (train.epochs, train.lr, train.augment.mirror) == (7, 0.25, 0)


def test_a_settings_file_that_lies_about_does_not_disturb_a_run(finished, tmp_path):
    (tmp_path / "grapy.toml").write_text("[train]\nseed = 7")
    flags = {"train.resume": str(finished)}
    assert resolve(flags=flags, stage_rows=True, folder=tmp_path).settings.train.seed == 0


@pytest.mark.parametrize(
    "change",
    [
        "train.seed=1",
        "train.batch_size=4",
        "data.dataset=cihp",
        "train.crop=49,49",
        "model.width=0.1",
        "model.pyramid.rounds=2",
        "train.stage=pretrain",
        "train.ema=0.5",
        "train.mixing=mixed",
        "train.sampling=balanced",
        "train.shares=1,2,3",
        "train.optimizer.name=adamw",
        "data.more=elsewhere",
        "train.self_training.confidence=0.5",
    ],
)
def test_what_makes_a_run_cannot_change(finished, change):
    before = tensors_of(finished)
    with pytest.raises(SettingsError) as caught:
        resume(finished, change)
    assert caught.value.message.startswith(change.partition("=")[0])
    assert f"--init {finished}" in caught.value.hint
    after = tensors_of(finished)
    assert all((before[key] == after[key]).all() for key in before)


def test_fixed_settings_exist():
    assert set(FIXED) <= set(leaves()) | groups()


def test_a_finished_run_has_nothing_left_to_do(finished):
    before = tensors_of(finished)
    events = []
    resume(finished, report=events.append)
    assert [type(event).__name__ for event in events] == ["RunStarted"]
    assert set(before) == set(tensors_of(finished))


def test_resume_and_init_exclude_each_other(finished):
    with pytest.raises(SettingsError, match="cannot be used together"):
        resume(finished, f"train.init={finished}")


def test_a_run_that_was_begun_from_weights_is_resumed_without_saying_so(data, finished, tmp_path):
    run = tmp_path / "run"
    where = {"data__root": data, "train__init": finished, "train__out": run}
    with pytest.raises(InterruptedRun):
        train(**where, report=AfterSteps(1, stop))
    with pytest.raises(InterruptedRun):
        resume(run, report=AfterSteps(2, stop))
    begun = resolve(config=run / RUN_FILE).settings.train
    assert (begun.init, begun.out, begun.resume) == (finished, run, None)


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_that_is_no_run_is_refused(tmp_path, make):
    if make:
        (tmp_path / "run").mkdir()
    with pytest.raises(SettingsError, match="not a run folder"):
        resume(tmp_path / "run")


def test_a_run_folder_is_not_taken_twice(data, finished):
    with pytest.raises(SettingsError, match="holds a run already") as caught:
        train(data__root=data, train__out=finished)
    assert "--resume" in caught.value.hint


def test_a_settings_file_of_a_run_repeats_it(finished):
    again = resolve(config=Path(finished) / RUN_FILE, stage_rows=True).settings
    assert again.train.crop == recipe().train.crop
