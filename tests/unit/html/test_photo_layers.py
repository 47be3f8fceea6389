import re

from grapy_cli.html.photo_layers import layers

OVER = [("truth", "data:t"), ("parsing", "data:p")]


def drawn(base=("photo", "data:b"), group="one", what="a photo"):
    return layers(base, OVER, what, group=group, left="truth", right="parsing")


def test_the_first_choice_is_seen_without_a_script():
    html = drawn()
    classes = dict(re.findall(r'<img class="layer ([^"]*)" data-name="([^"]*)"', html))
    assert classes == {"at-left": "truth", "at-right": "parsing"}
    checked = re.findall(r'name="([^"]*)" value="([^"]*)" checked', html)
    assert checked == [("one-left", "truth"), ("one-right", "parsing")]


def test_each_side_can_show_each_layer_or_the_photo_alone():
    values = re.findall(r'name="one-left" value="([^"]*)"', drawn())
    assert values == ["photo", "truth", "parsing"]


def test_a_surface_without_a_name_is_no_choice():
    html = drawn(base=("", "data:grey"))
    assert re.findall(r'name="one-left" value="([^"]*)"', html) == ["truth", "parsing"]
    assert 'src="data:grey"' in html


def test_names_are_not_read_as_html():
    html = layers(
        ("photo", "data:b"),
        [('"><script>', "data:t")],
        '"><script>',
        group='"><script>',
        left="photo",
        right="photo",
    )
    assert "<script" not in html
