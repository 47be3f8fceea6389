import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.model.weights import read_card
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import RunSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.weights.card_photos import FEW, Album, CardPhoto
from grapy_cli.weights.page import render_card
from grapy_cli.weights.run import write_card_page

NO_SETTINGS = Settings(run=RunSettings(device="cpu"))


HAT = [("hat", (0, 0, 0), "1%")]


def shots(count):
    return [
        CardPhoto(f"photo {n:02}.jpg", n / 100, {"atr": 0.5}, "data:,", [("atr", "data:,")], HAT)
        for n in range(count)
    ]


def order(page):
    names = [shot.name for shot in shots(2 * FEW)]
    return sorted((name for name in names if f"<b>{name}" in page), key=lambda it: page.index(it))


def test_a_few_photos_stand_together_the_most_doubtful_first(weights):
    page = render_card(read_card(weights), Album(shots(3)))
    assert order(page) == ["photo 02.jpg", "photo 01.jpg", "photo 00.jpg"]
    assert "The most confident" not in page


def test_of_many_both_ends_are_told_apart(weights):
    page = render_card(read_card(weights), Album(shots(2 * FEW)))
    assert len(order(page)) == 2 * FEW
    assert order(page)[0] == f"photo {2 * FEW - 1}.jpg"
    assert page.index("The most doubtful") < page.index("The most confident")
    assert page.index("The most confident") < page.index("<b>photo 00.jpg")


def test_names_and_words_of_a_card_are_no_markup(weights):
    card = read_card(weights).model_copy(update={"name": "<i>", "limits": "a < b & c"})
    page = render_card(card, failed=[("<b>.jpg", "none")])
    assert "<i>" not in page.partition("<body>")[2].replace('<i class="swatch"', "")
    assert "a &lt; b &amp; c" in page
    assert "&lt;b&gt;.jpg" in page


def test_a_score_that_is_missing_is_a_dash(weights):
    score = {"dataset": "atr", "split": "val", "level": 3, "photos": 0}
    missing = dict.fromkeys(("mean_iou", "mean_accuracy", "pixel_accuracy"))
    card = read_card(weights).model_copy(update={"scores": [score | missing]})
    page = render_card(card)
    assert "mIoU, atr val" in page
    assert "-%" not in page.partition("<body>")[2]


def test_without_photos_there_is_a_page_all_the_same(weights, tmp_path):
    assert write_card_page(weights, tmp_path / "card.html", None, NO_SETTINGS, silence) == 0
    assert "Parts of pascal" in (tmp_path / "card.html").read_text()


def test_no_photo_found_leaves_no_page(weights, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = str(tmp_path / "empty")
    with pytest.raises(SettingsError, match="no photo found"):
        write_card_page(weights, tmp_path / "card.html", empty, NO_SETTINGS, silence)
    assert not (tmp_path / "card.html").exists()
