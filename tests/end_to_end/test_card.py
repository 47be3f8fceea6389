"""From an evaluation to the card of weights, and the card as a page in a real browser."""

import json

import pytest

from tests.support.browser import open_page
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny
from tests.support.warm import call_grapy

CARD = """
name = "tiny-street"
limits = "Blocks of color alone."

[[also_measured]]
name = "elsewhere"
what = "person IoU"
value = 0.41
photos = 50
"""
CPU = ("--device", "cpu", "--threads", "1")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with weights that were scored and packed, and the page with photos they parse."""
    folder = tmp_path_factory.mktemp("card")

    def run(*arguments):
        ran = call_grapy(*arguments, folder=folder)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    prepare_tiny(folder / "data", "atr", "pascal")
    write_weights(folder / "w.safetensors")
    (folder / "card.toml").write_text(CARD)
    (folder / "scores.json").write_text(run("eval", "--weights", "w.safetensors", "--json", *CPU))
    facts = ("--card", "card.toml", "--scores", "scores.json", "--data", "data")
    run("weights", "pack", "w.safetensors", *facts, "--out", "packed.safetensors")
    (folder / "info.txt").write_text(run("weights", "info", "packed.safetensors"))
    page = ("--page", "card.html", "--photos", "data/atr/images", *CPU)
    run("weights", "info", "packed.safetensors", *page)
    return folder


def test_the_card_has_the_scores_of_the_evaluation(folder):
    info = (folder / "info.txt").read_text()
    lines = [line.split() for line in info.splitlines()]
    for result in json.loads((folder / "scores.json").read_text())["results"]:
        place = [result["dataset"], "val", str(result["level"]), str(result["photos"]), "none"]
        (line,) = (line for line in lines if line[:5] == place)
        ends = result["interval"]["mean_iou"]
        assert line[5:7] == [
            f"{100 * result['mean_iou']:.1f}",
            "-".join(f"{100 * end:.1f}" for end in ends),
        ]
    assert ["elsewhere", "person", "IoU", "50", "41.0", "-"] in lines
    assert ["part", "IoU", "accuracy", "training", "photos"] in lines
    assert max(map(len, info.splitlines())) <= 80


def test_the_page_shows_photos_with_their_parts_and_doubt(folder):
    with open_page(folder / "card.html") as page:
        assert page.inner_text("h1") == "tiny-street"
        doubts = page.locator("figcaption").all_inner_texts()
        photos = len(list((folder / "data/atr/images").iterdir()))
        assert len(doubts) == photos
        values = [float(text.partition("doubt ")[2].split()[0]) for text in doubts]
        assert values == sorted(values, reverse=True)
        figure = page.locator("figure").first
        assert figure.locator(".at-right").get_attribute("data-name") == "pascal"
        figure.locator("[data-side=at-right] input[value=doubt]").check()
        assert figure.locator(".at-right").get_attribute("data-name") == "doubt"
        for picture in figure.locator("img").all():
            assert picture.evaluate("it => it.naturalWidth") > 0


def test_the_page_fits_a_phone_in_the_dark(folder):
    with open_page(folder / "card.html", dark=True, width=400) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, background.removeprefix("rgb(").removesuffix(")").split(","))) < 150
