"""Output folders that two processes want, and such that are removed while a command works."""

import os
import shutil

import pytest
from typer.testing import CliRunner

from grapy_cli.cli.app import app
from grapy_cli.errors import PhotoError
from grapy_cli.evaluate.run import run_evaluate
from grapy_cli.predict.run import run_predict
from grapy_cli.runtime.lock import locked
from grapy_cli.settings.layers import resolve
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny

OUT = {"prepare": "new/pascal/.prepare.lock", "eval": "out/.eval.lock"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    prepare_tiny(tmp_path / "data", "pascal", photos=12)
    (tmp_path / "data" / "raw").rename(tmp_path / "raw")
    write_weights(tmp_path / "w.safetensors", ["pascal"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", OUT)
def test_one_process_at_a_time_works_on_a_folder(folder, command):
    arguments = {
        "prepare": ["--source", "raw", "--data", "new"],
        "eval": ["--weights", "w.safetensors", "--out", "out", "--threads", "1"],
    }[command]
    typed = [command, "--dataset", "pascal", *arguments]
    with locked(folder / OUT[command]):
        ran = CliRunner().invoke(app, typed)
        assert ran.exit_code == 2, ran.output
        assert f"is being worked on by process {os.getpid()} on " in ran.stderr
        assert [path.name for path in (folder / OUT[command]).parent.iterdir()] == [
            (folder / OUT[command]).name
        ]
    ran = CliRunner().invoke(app, typed)
    assert ran.exit_code == 0, ran.output
    assert not (folder / OUT[command]).exists()


class RemoveOnce:
    """A reporter that removes a folder as soon as something is in it."""

    def __init__(self, folder):
        self.folder = folder
        self.is_done = False

    def __call__(self, event):
        if not self.is_done and self.folder.exists() and any(self.folder.rglob("*.png")):
            shutil.rmtree(self.folder)
            self.is_done = True


def test_masks_that_are_removed_are_not_said_to_be_done(folder):
    out = folder / "out"
    flags = {"data.dataset": "pascal", "predict.out": str(out), "infer.weights": "w.safetensors"}
    settings = resolve(flags=flags).settings
    photos = [str(folder / "data" / "pascal" / "images")]
    with pytest.raises(PhotoError, match="removed during the run"):
        run_predict(photos, settings, RemoveOnce(out))
    assert run_predict(photos, settings, lambda event: None).failed == 0
    assert len(list(out.glob("*.png"))) == 12


def test_scores_that_are_removed_are_said(folder):
    out = folder / "out"
    flags = {"data.dataset": "pascal", "evaluate.out": str(out), "evaluate.split": "train"}
    settings = resolve(flags=flags | {"infer.weights": "w.safetensors"}).settings
    remove = RemoveOnce(out)
    with pytest.raises(PhotoError, match=r"cannot be written.*No such file"):
        run_evaluate(settings, remove)
    assert remove.is_done
