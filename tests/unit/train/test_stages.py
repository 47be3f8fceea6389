"""The example of three stages in a row, on the tiny data sets."""

import pytest

from grapy_cli.model.weights import read_card
from grapy_cli.runtime.reporting import Told
from grapy_cli.settings.layers import resolve
from grapy_cli.train.run import run_train
from tests.support.command_line import ROOT

EXAMPLE = ROOT / "examples" / "tiny-three-stages.toml"


@pytest.fixture
def stage(data, tmp_path, monkeypatch):
    """Train a stage of the example for an epoch, in the working folder; gives what was said."""
    monkeypatch.chdir(tmp_path)

    def train(name, **flags):
        smaller = {"data.root": str(data), "data.workers": "0", "train.epochs": "1"}
        smaller |= {"model.width": "0.05", "train.crop": "65,49", "train.batch_size": "4"}
        flags = {"train.stage": name} | {key.replace("__", "."): str(v) for key, v in flags.items()}
        settings = resolve(config=EXAMPLE, flags=smaller | flags, stage_rows=True).settings
        told = []
        run_train(settings, told.append)
        return " ".join(event.text for event in told if isinstance(event, Told))

    return train


def test_three_stages_in_a_row(stage, tmp_path):
    assert stage("pretrain", train__out="runs/pretrain-tiny") == ""
    said = stage("joint", train__init="runs/pretrain-tiny", train__out="runs/joint-tiny")
    assert "; fresh: pyramid, refined_heads.atr, refined_heads.cihp, refined_heads.pascal" in said
    said = stage(
        "finetune",
        data__dataset="pascal",
        train__init="runs/joint-tiny",
        train__out="runs/finetune-tiny",
    )
    assert said.startswith("starting from runs/joint-tiny/best")
    assert "fresh" not in said
    card = read_card(tmp_path / "runs" / "finetune-tiny" / "best" / "weights.safetensors")
    assert [labels.name for labels in card.load_label_sets()] == ["pascal"]
