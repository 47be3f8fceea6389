"""The service through its addresses, with tiny weights."""

import base64
import hashlib
import io
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event, Lock, Thread

import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli import HumanParser
from grapy_cli.labels import LABEL_SETS
from grapy_cli.runtime.device import kept_threads
from tests.support.networks import write_weights
from tests.support.photos import png_that_claims

pytest.importorskip("fastapi", reason="the extra serve is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # newer ones prefer httpx2, older know httpx alone
    from fastapi.testclient import TestClient

from grapy_cli.serve.app import Limits, build_app


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    weights = write_weights(tmp_path_factory.mktemp("weights") / "w.safetensors")
    return HumanParser.load(weights, device="cpu")


@pytest.fixture
def open_client(parser):
    def open_client(own=parser, **limits):
        app = build_app(own, Limits(**limits))
        return TestClient(app, base_url="http://127.0.0.1")

    return open_client


@pytest.fixture
def client(open_client):
    with open_client() as client:
        yield client


@pytest.fixture(scope="module")
def photo():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    return png_of(Image.fromarray(pixels))


def png_of(picture):
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def ids_of(png):
    picture = Image.open(io.BytesIO(png))
    assert picture.mode == "P"
    return np.asarray(picture), picture


def test_a_photo_in_the_body_or_in_a_form_gets_its_mask(client, parser, photo):
    expected = parser.parse(Image.open(io.BytesIO(photo)), "atr").label_map
    form = {"note": (None, "hello"), "photo": ("me.png", photo, "image/png")}
    for request in ({"content": photo}, {"files": form}):
        response = client.post("/parse?dataset=atr", **request)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "image/png"
        ids, picture = ids_of(response.content)
        np.testing.assert_array_equal(ids, expected)
        assert picture.getpalette()[:54] == LABEL_SETS["atr"].palette()[:54]


def test_an_overlay_is_a_picture_with_a_legend(client, photo):
    response = client.post("/parse?dataset=atr&kind=overlay&levels=2", content=photo)
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.mode == "RGB"
        assert picture.height > 40


def test_an_overlay_shows_a_photo_that_masks_need_only_reduced(open_client, parser):
    own = replace(parser, longest_side=33, reduced_jpeg=True)
    written = io.BytesIO()
    pixels = np.zeros((160, 160, 3), np.uint8)
    pixels[:, ::2] = 255  # stripes that no reduced photo has
    Image.fromarray(pixels).save(written, "JPEG", quality=95)
    with open_client(own) as client:
        for kind in ("mask", "overlay"):
            response = client.post(f"/parse?dataset=atr&kind={kind}", content=written.getvalue())
            picture = Image.open(io.BytesIO(response.content))
            assert picture.width == 160
    assert np.asarray(picture)[:160].std(1).min() > 20


def test_json_holds_every_label_set_and_level_asked_for(client, parser, photo):
    response = client.post("/parse?dataset=all&levels=3,1&kind=json", content=photo)
    parsings = response.json()["parsings"]
    assert [(one["dataset"], one["level"]) for one in parsings] == [
        (name, level) for name in parser.datasets for level in (3, 1)
    ]
    for one in parsings:
        assert (one["width"], one["height"]) == (30, 40)
        assert 0 <= one["doubt"] <= 1
        ids, _ = ids_of(base64.b64decode(one["mask"]))
        named = {part["id"]: part for part in one["parts"]}
        assert set(named) == set(np.unique(ids)) - {0}
        for part in named.values():
            node = LABEL_SETS[one["dataset"]].nodes(one["level"])[part["id"]]
            assert (part["part"], tuple(part["color"])) == node


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("image/png, application/json", "image/png"),
        ("*/*", "image/png"),
    ],
)
def test_without_a_kind_it_goes_by_what_the_client_takes(client, photo, accept, expected):
    response = client.post("/parse?dataset=atr", content=photo, headers={"Accept": accept})
    assert response.headers["content-type"] == expected


@pytest.mark.parametrize(
    ("query", "body", "words"),
    [
        ("dataset=atr", b"", "no photo"),
        ("dataset=atr", b"hello", "cannot be read"),
        ("dataset=cihp", None, "do not know the label set 'cihp'"),
        ("", None, "several label sets"),
        ("dataset=all", None, "one picture"),
        ("dataset=atr&levels=3,2", None, "one picture"),
        ("dataset=atr&levels=4", None, "levels=4"),
        ("dataset=atr&kind=film", None, "kind"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(client, photo, query, body, words):
    response = client.post(f"/parse?{query}", content=photo if body is None else body)
    assert response.status_code == 422
    assert words in response.json()["error"]
    assert " at 0x" not in response.text


def test_a_broken_form_is_a_bad_request(client):
    kind = {"Content-Type": "multipart/form-data"}  # without the boundary it needs
    assert client.post("/parse?dataset=atr", content=b"x", headers=kind).status_code == 422
    assert client.post("/parse?dataset=atr", files={"a": (None, "b")}).status_code == 422


def test_large_requests_and_large_photos_are_refused(open_client, photo):
    with open_client(megabytes=0.001) as client:
        assert client.post("/parse?dataset=atr", content=photo).status_code == 413
        chunks = (photo[at : at + 100] for at in range(0, len(photo), 100))
        assert client.post("/parse?dataset=atr", content=chunks).status_code == 413
    with open_client(megapixels=1.0) as client:
        response = client.post("/parse?dataset=atr", content=png_that_claims(1000, 1001))
        assert response.status_code == 413
        assert "1.0 megapixels" in response.json()["error"]


def slow(parser):
    """A parser that says when it begins and ends when told to."""
    begun, finish = Event(), Event()

    class Slow(HumanParser):
        def parse_all(self, photo, datasets):
            begun.set()
            finish.wait(60)
            return super().parse_all(photo, datasets)

    fields = {name: getattr(parser, name) for name in parser.__dataclass_fields__}
    return Slow(**fields), begun, finish


def test_who_comes_when_the_queue_is_full_is_told_when_to_come_again(open_client, parser, photo):
    own, begun, finish = slow(parser)
    first = []
    with open_client(own, waiting=0) as client:

        def ask():
            return client.post("/parse?dataset=atr", content=photo)

        thread = Thread(target=lambda: first.append(ask()))
        thread.start()
        assert begun.wait(60)
        refused = ask()
        finish.set()
        thread.join()
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert first[0].status_code == 200


def test_a_photo_that_takes_too_long_is_given_up(open_client, parser, photo):
    own, _, finish = slow(parser)
    with open_client(own, timeout=0.05) as client:
        response = client.post("/parse?dataset=atr", content=photo)
        assert response.status_code == 504
        finish.set()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_requests_side_by_side_get_the_masks_of_a_folder(open_client, parser, count):
    random = np.random.default_rng(count)
    pictures = [random.integers(0, 256, (40 + 9 * n, 30, 3), np.uint8) for n in range(count)]
    expected = [it.parsings["atr"].label_map for it in parser.parse_many(pictures, ["atr"])]
    together, threads = Barrier(count, timeout=60), []

    class Watched(HumanParser):
        def parse_all(self, photo, datasets):
            together.wait()  # until all of them are being parsed
            threads.append(torch.get_num_threads())
            return super().parse_all(photo, datasets)

    with kept_threads():
        torch.set_num_threads(count)
        own = Watched(**{name: getattr(parser, name) for name in parser.__dataclass_fields__})
        with open_client(own, waiting=0) as client, ThreadPoolExecutor(count) as pool:
            photos = [png_of(Image.fromarray(picture)) for picture in pictures]
            responses = list(
                pool.map(lambda photo: client.post("/parse?dataset=atr", content=photo), photos)
            )
        assert torch.get_num_threads() == count
    assert threads == [1] * count
    for response, label_map in zip(responses, expected, strict=True):
        np.testing.assert_array_equal(ids_of(response.content)[0], label_map)


def test_the_pixels_of_requests_side_by_side_are_bounded(open_client, parser, monkeypatch):
    monkeypatch.setattr("grapy_cli.serve.app.PIXELS_UNDER_WAY", 1500)
    inside, most, lock = [], [], Lock()

    class Watched(HumanParser):
        def parse_all(self, photo, datasets):
            with lock:
                inside.append(1)
                most.append(len(inside))
            parsed = super().parse_all(photo, datasets)
            with lock:
                inside.pop()
            return parsed

    photo = png_of(Image.fromarray(np.zeros((40, 30, 3), np.uint8)))
    with kept_threads():
        torch.set_num_threads(4)
        own = Watched(**{name: getattr(parser, name) for name in parser.__dataclass_fields__})
        with open_client(own) as client, ThreadPoolExecutor(6) as pool:
            asked = pool.map(
                lambda _: client.post("/parse?dataset=atr", content=photo).status_code, range(6)
            )
            assert list(asked) == [200] * 6
    assert most == [1] * 6


def test_health_and_labels(client, photo):
    assert client.get("/health").json()["parsed"] == 0
    client.post("/parse?dataset=atr", content=photo)
    health = client.get("/health").json()
    assert (health["status"], health["parsed"]) == ("ok", 1)
    assert health["weights"] == "tiny"
    labels = {one["name"]: one for one in client.get("/labels").json()}
    assert set(labels) == {"pascal", "atr"}
    assert labels["atr"]["levels"]["3"][1] == {"id": 1, "name": "hat", "color": [128, 0, 0]}
    assert len(labels["pascal"]["levels"]["2"]) == 5


def test_only_weights_of_one_label_set_need_no_name_of_it(open_client, parser, photo):
    network = parser.network
    both, network.label_sets = network.label_sets, {"atr": network.label_sets["atr"]}
    try:
        with open_client(replace(parser)) as client:
            assert client.post("/parse", content=photo).status_code == 200
    finally:
        network.label_sets = both


def test_programs_can_read_what_to_send(client):
    parse = client.get("/openapi.json").json()["paths"]["/parse"]["post"]
    assert set(parse["requestBody"]["content"]) == {"image/*", "multipart/form-data"}
    assert [one["name"] for one in parse["parameters"]] == ["dataset", "levels", "kind"]


def test_a_page_of_the_web_cannot_reach_the_service_by_a_name_of_its_own(client):
    assert client.get("/health", headers={"Host": "rebound.example"}).status_code == 400
    assert client.get("/health", headers={"Host": "localhost:8000"}).status_code == 200


def test_the_page_may_run_what_it_brings_along_and_nothing_else(client):
    response = client.get("/")
    policy = dict(
        rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        found = re.findall(f"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)
        digests = [
            base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in found
        ]
        assert found
        assert policy[rule] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert not re.search(r"https?://", response.text)
    assert " style=" not in response.text  # the policy would not let it


@pytest.mark.parametrize(("claimed", "status"), [("abc", 200), ("9" * 5000, 413)])
def test_a_length_that_is_none_is_not_believed(client, photo, claimed, status):
    headers = {"content-type": "image/png", "content-length": claimed}
    answered = client.post("/parse?dataset=pascal", content=photo, headers=headers)
    assert answered.status_code == status
