import numpy as np
import pytest

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.errors import SettingsError
from grapy_cli.labels import IGNORE, PASCAL
from grapy_cli.model.weights import FORMAT, read_card
from grapy_cli.weights.pack import pack_weights

CARD = """
name = "packed"
limits = "none known"

[[data]]
name = "street"
photos = 790
used_for = "training"
licence = "Apache-2.0"

[[recipe]]
settings = "joint.toml"
stage = "joint"
epochs = 3
crops = 2400
hours = 0.5
machine = "two cores"

[[also_measured]]
name = "elsewhere"
what = "person IoU"
value = 0.41
interval = [0.35, 0.5]
photos = 100
command = "grapy eval --pred masks"
"""


@pytest.fixture
def prepared(tmp_path):
    """`pascal` of two training photos, the first of which alone shows a head."""
    writer = DatasetWriter(tmp_path / "data" / "pascal", PASCAL)
    maps = {"a": [[0, 1], [2, IGNORE]], "b": [[0, 0], [2, 2]]}
    for key, label_map in maps.items():
        (tmp_path / f"data/pascal/images/{key}.jpg").touch()
        writer.add_label_map(key, np.array(label_map, np.uint8))
    lists = {"train": ["a", "b"], "val": ["a"]}
    writer.finish(lists, extensions=[".jpg"], problems=[], source="made up", version="0.1.0")
    return tmp_path / "data"


def test_the_card_of_the_file_says_all_that_was_given(
    weights, write, evaluation, prepared, tmp_path
):
    out = tmp_path / "out.safetensors"
    pack_weights(
        weights,
        out,
        card=write("card.toml", CARD),
        scores=write("scores.json", evaluation),
        data=prepared,
    )
    card = read_card(out)
    assert (card.name, card.stage, card.format) == ("packed", "joint", FORMAT)
    assert (card.data[0].photos, card.recipe[0].crops) == (790, 2400)
    assert card.also_measured[0].interval == (0.35, 0.5)
    assert [score["level"] for score in card.scores] == [3, 2, 1]
    photos = card.training_photos["pascal"]
    assert list(photos) == list(PASCAL.names)
    assert (photos["background"], photos["head"], photos["torso"]) == (2, 1, 2)
    assert sum(photos.values()) == 5
    assert set(card.training_photos) == {"pascal"}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("name = ", "cannot be read"),
        ("color = 'red'", "color: Extra inputs"),
        ("[[recipe]]\nsettings = 'a'", "recipe.0.stage"),
        (
            "[[also_measured]]\nname = 'a'\nwhat = 'IoU'\nvalue = 41.1",
            "also_measured.0.value: .* less than or equal to 1",
        ),
    ],
)
def test_a_card_that_cannot_be_used_leaves_no_file(weights, write, tmp_path, toml, words):
    with pytest.raises(SettingsError, match=words):
        pack_weights(weights, tmp_path / "out", card=write("card.toml", toml))
    assert not (tmp_path / "out").exists()


def test_a_folder_without_data_of_theirs_is_refused(weights, tmp_path):
    with pytest.raises(SettingsError, match=r"no prepared data set in .* for atr, pascal"):
        pack_weights(weights, tmp_path / "out", data=tmp_path)
