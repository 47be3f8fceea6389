"""`grapy weights` on a file with a card and hardly a tensor."""

import json
import os

import pytest
import torch
from PIL import Image

from grapy_cli.cli.weights import app
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.card import DataRow, Measurement
from grapy_cli.model.weights import (
    WeightsCard,
    card_of,
    embedded_weights,
    load_weights,
    save_weights,
)
from tests.support.networks import tiny_network, write_weights


@pytest.fixture
def file(tmp_path):
    card = WeightsCard(
        name="tiny",
        grapy="0.1.0",
        numbers={"backbone": "xception65"},
        label_sets=[LABEL_SETS["pascal"].to_dict()],
        stage="joint",
        scores=[
            {
                "dataset": "pascal",
                "split": "val",
                "level": 3,
                "photos": 7,
                "mean_iou": 0.5,
                "mean_accuracy": 0.25,
                "pixel_accuracy": None,
            }
        ],
    )
    save_weights(tmp_path / "w.safetensors", {"weight": torch.zeros(1)}, card)
    return tmp_path / "w.safetensors"


def test_info_shows_the_card(invoke, file):
    result = invoke(app, "info", str(file))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    rows = [line.split() for line in lines]
    assert rows[0] == ["tiny"]
    assert ["network", "xception65"] in rows
    assert ["pascal", "val", "3", "7", "unknown", "50.0", "-", "25.0", "-"] in rows
    assert "background, head, torso, upper-arm, lower-arm, upper-leg, lower-leg" in lines


def test_info_fits_80_columns_without_color_however_long_the_words(invoke, tmp_path):
    card = WeightsCard(
        name="tiny",
        grapy="0.1.0",
        numbers={"backbone": "xception65"},
        label_sets=[],
        stage="joint",
        limits="many words " * 50,
        data=[DataRow(name="x" * 60, photos=1, used_for="all", licence="of some kind " * 9)],
        also_measured=[Measurement(name="y" * 99, what="IoU", value=0.5)],
    )
    save_weights(tmp_path / "w.safetensors", {}, card)
    result = invoke(app, "info", "w.safetensors")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout.count("words") == 50
    assert "\x1b" not in result.stdout


def test_photos_without_a_page_are_a_mistake(invoke, file):
    result = invoke(app, "info", str(file), "--photos", ".")
    assert result.exit_code == 2
    assert "--page card.html" in result.stderr


def test_a_page_names_photos_that_failed_and_says_so(invoke, tmp_path):
    write_weights(tmp_path / "w.safetensors")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_text("none")
    Image.new("RGB", (40, 30)).save(tmp_path / "photos" / "black.png")
    result = invoke(app, "info", "w.safetensors", "--page", "card.html", "--photos", "photos")
    assert result.exit_code == 5
    assert result.stdout == "card.html\n"
    page = (tmp_path / "card.html").read_text()
    assert "<b>black.png</b>: doubt" in page
    assert "broken.jpg" in page


def test_info_as_json_is_the_card(invoke, file):
    card = json.loads(invoke(app, "info", str(file), "--json").stdout)
    assert card["name"] == "tiny"
    assert card["label_sets"] == [LABEL_SETS["pascal"].to_dict()]


def test_pack_mixes_halves_and_completes_the_card(invoke, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    for path, value in ((first, 0.0), (second, 1.0)):
        network = tiny_network(["pascal"])
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(value)
        card = card_of(network, name="tiny", grapy="0.1.0", stage="joint")
        save_weights(path, network.state_dict(), card)
    (tmp_path / "card.toml").write_text('name = "packed"\nlongest_side = 336\n')
    out = tmp_path / "packed.safetensors"
    options = ["--mix", second, "--share", "0.25", "--card", tmp_path / "card.toml", "--out", out]
    result = invoke(app, "pack", str(first), *map(str, options))
    assert result.exit_code == 0, result.output
    network, card = load_weights(out)
    assert (card.name, card.longest_side) == ("packed", 336)
    assert all((parameter == 0.25).all() for parameter in network.parameters())
    assert out.stat().st_mode & 0o044 == 0o044 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_list_names_what_is_embedded(invoke):
    result = invoke(app, "list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list(embedded_weights())


def test_import_of_something_else_says_so(invoke, file):
    result = invoke(app, "import", str(file), "--out", "o.safetensors")
    assert result.exit_code == 4
