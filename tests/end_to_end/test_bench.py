"""`grapy bench` as a person runs it."""

import json

import pytest

from tests.support.command_line import run_grapy
from tests.support.networks import write_decided_weights
from tests.support.photo_folders import write_good_photos


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_decided_weights(folder / "tiny.safetensors")
    write_good_photos(folder / "photos", 2)
    (folder / "plain.toml").write_text('[bench]\nform = "plain"\n')
    return folder


def bench(folder, *arguments):
    weights = ("--weights", "tiny.safetensors", "--device", "cpu", "--threads", "1")
    return run_grapy("bench", *weights, *arguments, folder=folder)


def test_two_contestants_in_one_document(folder):
    ran = bench(folder, "photos", "--against", "plain.toml", "--json", "--repeats", "2")
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    first, second = document["contestants"]
    assert (first["name"], first["form"]) == ("this", "folded")
    assert (second["name"], second["form"]) == ("plain", "plain")
    assert document["against"]["differences"] == {"bench.form": "plain"}
    assert document["against"]["equal_pixels"] > 0.999
    assert len(document["photos"]["sizes"]) == 2
    assert document["repeats"] == 2
    assert not document["photos"]["drawn"]


def test_photos_are_drawn_where_none_are_named(folder):
    ran = bench(folder, "--repeats", "1", "--size", "448px")
    assert ran.returncode == 0, ran.stderr
    assert "photos per second" in ran.stdout
    assert "448x336" in ran.stdout
    assert "drawn for this" in ran.stdout


def test_errors_of_the_process_that_measures_come_through(folder):
    (folder / "broken.jpg").write_bytes(b"no photo")
    ran = bench(folder, "broken.jpg", "--repeats", "1")
    assert ran.returncode == 5
    assert "broken.jpg cannot be read" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--against", "none.toml"), "none.toml does not exist"),
        (("--json", "--markdown"), "cannot be used together"),
        (("--size", "2mp", "--truth", "photos"), "needs the photos' own sizes"),
        (("nowhere/",), "nowhere"),
    ],
)
def test_what_cannot_be_meant_is_said_at_once(folder, arguments, words):
    ran = bench(folder, *arguments)
    assert ran.returncode == 2
    assert words in ran.stderr
