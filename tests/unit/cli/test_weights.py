"""`grapy weights` on a file with a card and hardly a tensor."""

import json

import pytest
import torch

from grapy_cli.cli.weights import app
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.weights import WeightsCard, embedded_weights, save_weights


@pytest.fixture
def file(tmp_path):
    card = WeightsCard(
        name="tiny",
        grapy="0.1.0",
        numbers={"backbone": "xception65"},
        label_sets=[LABEL_SETS["pascal"].to_dict()],
        stage="joint",
        scores=[{"dataset": "pascal", "mean_iou": 0.5}],
    )
    save_weights(tmp_path / "w.safetensors", {"weight": torch.zeros(1)}, card)
    return tmp_path / "w.safetensors"


def test_info_shows_the_card(invoke, file):
    result = invoke(app, "info", str(file))
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["numbers.backbone", "xception65"] in rows
    assert ["scores.0.mean_iou", "0.5"] in rows
    assert ["label_sets.pascal", "background,", "head,"] in [row[:3] for row in rows]


def test_info_as_json_is_the_card(invoke, file):
    card = json.loads(invoke(app, "info", str(file), "--json").stdout)
    assert card["name"] == "tiny"
    assert card["label_sets"] == [LABEL_SETS["pascal"].to_dict()]


def test_list_names_what_is_embedded(invoke):
    result = invoke(app, "list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list(embedded_weights())


def test_import_of_something_else_says_so(invoke, file):
    result = invoke(app, "import", str(file), "--out", "o.safetensors")
    assert result.exit_code == 4
