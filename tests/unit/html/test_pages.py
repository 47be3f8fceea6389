import re

import pytest
from jinja2 import UndefinedError

from grapy_cli.html.pages import _environment, render

OVER = [("truth", "data:t"), ("parsing", "data:p")]


def layers(base=("photo", "data:b"), over=OVER, words="a photo", group="one"):
    elements = _environment().get_template("elements.html").module
    return str(elements.layers(base, over, words, group, "truth", "parsing"))


def test_the_first_choice_is_seen_without_a_script():
    html = layers()
    classes = dict(re.findall(r'<img class="layer ([^"]*)" data-name="([^"]*)"', html))
    assert classes == {"at-left": "truth", "at-right": "parsing"}
    checked = re.findall(r'name="([^"]*)" value="([^"]*)" checked', html)
    assert checked == [("one-left", "truth"), ("one-right", "parsing")]


def test_each_side_can_show_each_layer_or_the_photo_alone():
    values = re.findall(r'name="one-left" value="([^"]*)"', layers())
    assert values == ["photo", "truth", "parsing"]


def test_a_surface_without_a_name_cannot_be_chosen():
    html = layers(base=("", "data:gray"))
    assert re.findall(r'name="one-left" value="([^"]*)"', html) == ["truth", "parsing"]
    assert 'src="data:gray"' in html


def test_names_are_text():
    evil = '"><script>'
    assert "<script" not in layers(over=[(evil, "data:t")], words=evil, group=evil)


def test_a_page_has_its_styles_and_scripts_in_it():
    page = render("serve.html")
    assert page.startswith("<!doctype html>")
    assert "color-scheme: light dark" in page
    assert "document.addEventListener" in page
    assert not re.search(r"https?://", page)


def test_a_missing_value_is_an_error():
    with pytest.raises(UndefinedError):
        render("weights.html", name="tiny")
