"""The gallery in a real browser."""

import pytest

from grapy_cli.predict.outputs.gallery import write_gallery
from tests.support.browser import open_page
from tests.support.galleries import write_run


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    kinds, rows = write_run(out)
    return write_gallery(out, kinds, rows, [{"source": "bad.jpg", "reason": "broken"}])[0]


def shown(page):
    return page.locator(".photo:visible .name").all_inner_texts()


def test_photos_are_sorted_filtered_opened_and_pointed_at(gallery):
    with open_page(gallery) as page:
        assert shown(page) == ["head.jpg", "nobody.jpg", "both.jpg"]
        page.select_option("#sort", "name")
        assert shown(page) == ["nobody.jpg", "both.jpg", "head.jpg"]
        assert page.locator("#picks button").all_inner_texts() == ["head 2", "torso 1"]
        page.click("#picks button:has-text('torso')")
        assert shown(page) == ["both.jpg"]
        assert page.inner_text("#count") == "1 of 3 photos"

        page.locator(".photo:visible").focus()
        page.keyboard.press("Enter")
        page.locator("#legend button").first.wait_for()
        _follow_keys(page)
        _follow_pointer(page)

        page.keyboard.press("Escape")
        assert not page.locator("#viewer").is_visible()
        assert page.evaluate("document.activeElement.title") == "trip/both.jpg"
        assert "broken" in page.inner_text("table")
        assert page.errors == []


def _follow_keys(page):
    """Left and right move the border, up and down the point on it."""
    border = page.locator("#large .compare")
    before = border.evaluate("it => it.style.getPropertyValue('--at')")
    page.keyboard.press("ArrowRight")
    assert border.evaluate("it => it.style.getPropertyValue('--at')") == "51%" != before
    assert page.inner_text("#part-here") == "torso"
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    assert page.inner_text("#part-here") == "head"


def _follow_pointer(page):
    box = page.locator("#large").bounding_box()
    for (x, y), part in {
        (0.5, 0.6): "torso",
        (0.5, 0.2): "head",
        (0.05, 0.05): "background",
    }.items():
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        assert page.inner_text("#part-here") == part


def test_another_label_set_and_the_next_photo_in_the_dark_on_a_phone(gallery):
    with open_page(gallery, dark=True, width=400) as page:
        page.select_option("#set", "atr")
        assert page.locator("#picks button").all_inner_texts() == ["hat 2"]
        assert shown(page) == ["both.jpg", "nobody.jpg", "head.jpg"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, background.removeprefix("rgb(").removesuffix(")").split(","))) < 150
        page.locator(".photo:visible").first.click()
        page.locator("#legend button:has-text('hat')").wait_for()
        page.keyboard.press("PageUp")
        assert page.inner_text("#photo-name") == "trip/head.jpg"
        page.locator("#legend button").focus()
        assert page.evaluate("document.querySelector('#large canvas').width") == 30
        assert page.errors == []
