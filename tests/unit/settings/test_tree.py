from pathlib import Path

import pytest

from grapy_cli.settings.tree import groups, leaves, option_of, purposes, read_text


def test_leaves_reach_into_nested_sections():
    assert "train.lr" in leaves()
    assert "train.optimizer.momentum" in leaves()
    assert "train.optimizer" not in leaves()
    assert {"train", "train.optimizer", "model.pyramid"} <= groups()


def test_every_leaf_says_what_it_is():
    assert [path for path in leaves() if not purposes()[path]] == []
    assert purposes()["train.optimizer.momentum"] == "Of SGD."
    assert purposes()["prepare.seed"] != purposes()["train.seed"]


def test_options_are_spelled_with_dashes_or_as_the_flag_says():
    assert option_of("train.batch_size") == "--batch-size"
    assert option_of("data.root") == "--data"


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("data.dataset", "atr, cihp,", ["atr", "cihp"]),
        ("predict.levels", "3,1", [3, 1]),
        ("predict.levels", "4", ["4"]),
        ("train.crop", "512,256", ["512", "256"]),
        ("model.decoder.rates", "2,4,8", ["2", "4", "8"]),
        ("model.output_stride", "8", 8),
        ("model.pyramid.levels", "3", "3"),
        ("train.lr", "0.1", "0.1"),
        ("infer.weights", "~/w.safetensors", Path.home() / "w.safetensors"),
        ("run.device", "~", "~"),
    ],
)
def test_text_becomes_what_the_field_can_judge(path, text, value):
    assert read_text(text, leaves()[path]) == value
