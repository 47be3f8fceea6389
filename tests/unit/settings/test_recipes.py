"""The recipes in `examples` say nothing that cannot be set."""

from pathlib import Path

import pytest

from grapy_cli.settings.layers import resolve

EXAMPLES = Path(__file__).parents[3] / "examples"
RECIPES = sorted(EXAMPLES.glob("grapy-lite-ccp-[!c]*.toml"))  # the card is no recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_can_be_read(recipe):
    settings = resolve(config=recipe, stage_rows=True).settings
    assert settings.data.dataset == ["cihp", "atr", "pascal"]
    assert settings.model.backbone == "efficientnet_lite0"


def test_the_taught_run_has_more_than_labelled_photos():
    settings = resolve(config=EXAMPLES / "grapy-lite-ccp-taught.toml", stage_rows=True).settings
    assert len(settings.data.more) == len(settings.data.more_shares) == 1
    assert settings.train.self_training.photos
    assert settings.train.self_training.teacher is None  # what --init names
