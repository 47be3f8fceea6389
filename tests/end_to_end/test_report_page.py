"""The page of an evaluation, as a person reads it in a browser."""

import pytest

from grapy_cli.evaluate.report.publish import write_report
from grapy_cli.labels import CIHP, PASCAL
from tests.support.browser import open_page
from tests.support.evaluation import tiny_evaluation

NARROW = 400


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    evaluation = tiny_evaluation(CIHP, PASCAL, key="a rather long name of a photo/{}")
    folder = tmp_path_factory.mktemp("report")
    return write_report(folder, evaluation.report, evaluation.rows, evaluation.look)


def border(compare):
    return compare.evaluate("it => getComputedStyle(it).getPropertyValue('--at')")


def visible(compare):
    """Names of the layers that are seen left and right of the border."""
    return compare.evaluate(
        """it => ["at-left", "at-right"].map(side =>
        [...it.querySelectorAll(".layer")].filter(layer => layer.classList.contains(side)
        && getComputedStyle(layer).visibility === "visible").map(layer => layer.dataset.name))"""
    )


def test_the_border_moves_by_pointer_and_by_arrow_keys(report):
    with open_page(report) as page:
        compare = page.locator(".compare").nth(1)
        assert border(compare) == "50%"
        compare.scroll_into_view_if_needed()
        box = compare.bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
        clicked = border(compare)
        assert 20 < float(clicked.rstrip("%")) < 30
        page.keyboard.press("ArrowRight")
        assert float(border(compare).rstrip("%")) == float(clicked.rstrip("%")) + 1
        page.keyboard.press("End")
        assert border(compare) == "100%"
        assert border(page.locator(".compare").first) == "50%"  # the others stay
        clip = compare.locator(".at-right").evaluate("it => getComputedStyle(it).clipPath")
        assert "100%" in clip


def test_each_side_shows_the_layer_that_is_chosen(report):
    with open_page(report) as page:
        layers = page.locator(".layers").first
        compare = layers.locator(".compare")
        assert visible(compare) == [["truth"], ["parsing"]]
        layers.locator("[data-side=at-left] input[value=errors]").check()
        assert visible(compare) == [["errors"], ["parsing"]]
        layers.locator("[data-side=at-right] input[value=photo]").check()
        assert visible(compare) == [["errors"], []]
        layers.locator("[data-side=at-right] input[value=photo]").press("ArrowRight")
        assert visible(compare) == [["errors"], ["truth"]]
        assert visible(page.locator(".compare").nth(1)) == [["truth"], ["parsing"]]


def test_every_picture_can_be_shown(report):
    with open_page(report) as page:
        broken = "imgs => imgs.filter(it => !(it.complete && it.naturalWidth)).length"
        assert page.locator("img").count() > 20
        assert page.locator("img").evaluate_all(broken) == 0


def test_arrow_keys_walk_through_the_confusion_map_and_it_says_what_is_there(report):
    with open_page(report) as page:
        told = page.locator("output").first
        page.locator(".map .cell[tabindex='0']").first.focus()
        assert told.inner_text().startswith("background found")
        page.keyboard.press("ArrowRight")
        assert told.inner_text().startswith("background parsed as hat")
        page.keyboard.press("ArrowDown")
        assert told.inner_text().startswith("hat found")
        for _ in range(30):
            page.keyboard.press("ArrowRight")
        assert told.inner_text().startswith("hat parsed as right-shoe")
        page.locator(".map .cell").nth(2).hover()
        assert told.inner_text().startswith("background parsed as hair")


def test_what_was_measured_unfolds_by_key(report):
    with open_page(report) as page:
        proof = page.locator("dl").first
        assert not proof.is_visible()
        page.locator("summary").first.press("Enter")
        assert proof.is_visible()
        assert "0f0f" in proof.inner_text()


def test_where_the_keyboard_is_can_be_seen(report):
    with open_page(report) as page:
        seen = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            seen.add(
                page.evaluate(
                    """() => { const it = document.activeElement, near = it.closest(".compare");
                    const style = getComputedStyle(near ?? it);
                    return [it.type || it.tagName, style.outlineStyle !== "none"].join() }"""
                )
            )
        assert {"SUMMARY,true", "A,true", "g,true", "range,true", "radio,true"} <= seen
        assert {what for what in seen if what.endswith("false")} <= {"BODY,false"}  # round again


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_stand_out_from_the_paper(report, dark):
    with open_page(report, dark=dark) as page:
        words, paper = page.evaluate(
            """() => { const style = getComputedStyle(document.body);
            return [style.color, style.backgroundColor].map(it =>
                it.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)) }"""
        )
        assert words > paper + 450 if dark else paper > words + 450


def test_a_narrow_screen_needs_no_sideways_scrolling(report):
    with open_page(report, width=NARROW) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
        for what in (".chart", "figure", "nav"):
            box = page.locator(what).first.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= NARROW


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_the_whole_confusion_matrix_is_seen_and_read(report, dark):
    with open_page(report, width=NARROW, dark=dark) as page:
        for matrix in page.locator(".map").all():
            (box,) = [it.bounding_box() for it in matrix.locator("svg:visible").all()]
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= NARROW
        matrix = page.locator(".map").first
        matrix.locator(".cell:visible").nth(1).click()
        assert matrix.locator("output").inner_text().startswith("background parsed as hat")


def test_on_paper_there_is_nothing_to_press(report):
    with open_page(report) as page:
        page.emulate_media(media="print")
        assert not page.locator(".sides").first.is_visible()
        assert not page.locator("nav").is_visible()
        assert page.locator(".at-left").first.is_visible()
