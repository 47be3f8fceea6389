import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.inference.parser import HumanParser
from grapy_cli.predict.sources import find_photos
from grapy_cli.weights.card_photos import DOUBT, SIDE, Album, CardPhoto, parse_card_photos
from tests.support.networks import write_weights


@given(st.lists(st.floats(0, 1)), st.integers(1, 4))
def test_both_ends_of_the_doubts_are_kept_in_order(doubts, few):
    album = Album(few=few)
    for index, doubt in enumerate(doubts):
        album.add(CardPhoto(str(index), doubt, {}, "", (), [("hat", (0, 0, 0), "1%")]))
    kept = [shot.doubt for shot in album.photos]
    ordered = sorted(doubts)
    assert kept == (ordered if len(doubts) <= 2 * few else ordered[:few] + ordered[-few:])


def test_photos_without_anybody_stand_apart_and_crowd_out_no_other():
    album = Album(few=2)
    for index in range(5):
        album.add(CardPhoto(f"empty {index}", 1.0, {}, "", (), ()))
    album.add(CardPhoto("person", 0.5, {}, "", (), [("hat", (0, 0, 0), "1%")]))
    groups = {title: [shot.name for shot in some] for title, some in album.groups.items()}
    assert groups == {
        "The most doubtful first": ["person"],
        "No person found": ["empty 0", "empty 1"],
    }


@pytest.fixture
def photos(tmp_path):
    """One that is large, and one that is none."""
    noise = np.random.default_rng(0).integers(0, 256, (2 * SIDE, SIDE, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    (tmp_path / "broken.jpg").write_text("no photo")
    return find_photos([str(tmp_path)], leave_out=tmp_path / "page.html")


def picture(address):
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_photos_get_a_layer_for_each_label_set_and_one_for_doubt(photos, tmp_path):
    parser = HumanParser.load(
        write_weights(tmp_path / "weights", answer=3), device="cpu", longest_side=64
    )
    found = {photo.relative.name: shot for photo, shot in parse_card_photos(parser, photos)}
    assert isinstance(found["broken.jpg"], PhotoError)
    shot = found["large.png"]
    assert shot.doubt == 0
    assert [name for name, _ in shot.layers] == ["pascal", "atr", "doubt"]
    assert [(name, share) for name, _, share in shot.parts] == [("upper-arm", "100.0%")]
    small = picture(shot.photo)
    assert small.size == (SIDE // 2, SIDE)
    for name, address in shot.layers:
        layer = np.asarray(picture(address).convert("RGBA"))
        assert layer.shape[:2] == (SIDE, SIDE // 2)
        hides = bool(layer[..., 3].any())
        assert hides == (name != "doubt")  # it is quite certain


def test_doubt_is_the_redder_the_less_sure_the_network_is(tmp_path):
    weights = write_weights(tmp_path / "weights", ["pascal"])
    parser = HumanParser.load(weights, device="cpu", longest_side=64)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    ((_, shot),) = parse_card_photos(
        parser, find_photos([str(tmp_path / "photo.png")], leave_out=tmp_path)
    )
    layer = np.asarray(picture(dict(shot.layers)["doubt"]).convert("RGBA"))
    sure = parser.parse(noise).confidence
    assert np.corrcoef(layer[..., 3].ravel(), sure.ravel())[0, 1] < -0.95
    assert (layer[layer[..., 3] > 0][:, :3] == DOUBT).all()
