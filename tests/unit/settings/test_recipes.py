"""The recipe of the embedded weights says nothing that cannot be set."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grapy_cli.settings.layers import resolve
from tests.support.command_line import ROOT, plain_environment

EXAMPLES = ROOT / "examples"
SHOW = f"""#!/bin/sh
echo "$@" >> calls
[ "$1" != train ] || "{sys.executable}" -m grapy_cli "$@" --show-settings > "$5.toml"
"""


class Call(NamedTuple):
    """A command of the recipe."""

    words: list[str]
    settings: Mapping[str, Any]
    """Of a training."""

    def option(self, name: str) -> str:
        return self.words[self.words.index(name) + 1]


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """What the recipe calls, with a `grapy` that shows the settings instead of training."""
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "runs").mkdir()
    (folder / "grapy").write_text(SHOW)
    (folder / "grapy").chmod(0o755)
    ran = subprocess.run(
        ["sh", str(EXAMPLES / "grapy-lite-ccp.sh"), "encoder.safetensors"],
        cwd=folder,
        env=plain_environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return [_call(line.split(), folder) for line in (folder / "calls").read_text().splitlines()]


def _call(words: list[str], folder: Path) -> Call:
    if words[0] != "train":
        return Call(words, {})
    assert words[3] == "--out"
    return Call(words, tomllib.loads((folder / f"{words[4]}.toml").read_text()))


def test_every_run_starts_from_what_an_earlier_one_made(calls):
    made = {"encoder.safetensors"}
    for call in calls:
        if call.words[0] == "train":
            assert call.option("--init").removesuffix("/last") in made
        else:
            assert {call.words[2], call.option("--mix")} <= made
        made.add(call.option("--out"))
    assert calls[-1].words[0] == "weights"


def test_every_run_learns_all_label_sets(calls):
    trainings = [call.settings for call in calls if call.settings]
    assert [one["train"]["stage"] for one in trainings] == ["pretrain"] + ["joint"] * 10
    assert all(one["data"]["dataset"] == ["cihp", "atr", "pascal"] for one in trainings)
    assert {one["model"]["backbone"] for one in trainings} == {"efficientnet_lite0"}


def test_the_file_has_every_ingredient():
    train = resolve(config=EXAMPLES / "grapy-lite-ccp.toml", stage_rows=True).settings.train
    augment = train.augment
    shares = (augment.copy_paste, augment.occlude, augment.focus, augment.color, augment.blur)
    assert all(shares)
    assert augment.backgrounds
    assert augment.rotate
    assert train.ema
    assert train.loss.balance
    assert train.self_training.photos
    assert train.self_training.relabel_every
    assert train.self_training.teacher is None  # what --init names
