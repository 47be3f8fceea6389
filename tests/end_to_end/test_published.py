"""Networks of others as a person uses them: from a folder, a file, and a hub on loopback."""

import json

import numpy as np
import pytest
from PIL import Image

from grapy_cli.labels import LABEL_SETS
from tests.support.command_line import run_python
from tests.support.hub_server import COMMIT, TOKEN, Repository, hub_of
from tests.support.published import write_schp_onnx, write_segformer
from tests.support.training import prepare_tiny
from tests.support.warm import call_grapy

READ = """
import sys
from pathlib import Path
from grapy_cli.errors import GrapyError
from grapy_cli.model.weights import read_card, resolve_weights
for name in sys.argv[1:]:
    try:
        print(read_card(resolve_weights(Path(name))).provenance)
    except GrapyError as error:
        print(error.exit_code, error.message, "|", error.hint)
"""


@pytest.fixture(scope="module")
def clothes(tmp_path_factory):
    return write_segformer(tmp_path_factory.mktemp("published") / "clothes")


@pytest.fixture(scope="module")
def hub(clothes, tmp_path_factory):
    pickled = tmp_path_factory.mktemp("pickled")
    (pickled / "config.json").write_text((clothes / "config.json").read_text())
    (pickled / "pytorch_model.bin").write_bytes(b"not read")
    repositories = {
        "me/clothes": Repository(clothes),
        "me/private": Repository(clothes, "private"),
        "me/gated": Repository(clothes, "gated"),
        "me/pickled": Repository(pickled),
    }
    with hub_of(repositories) as running:
        yield running


def read(hub, home, *names, **variables):
    """What weights of the hub say of themselves, a line each."""
    ran = run_python(
        *("-W", "error", "-c", READ, *names),
        folder=home,
        HF_ENDPOINT=hub.endpoint,
        HF_HOME=str(home),
        **{"HF_HUB_OFFLINE": "0", **variables},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_the_hub_is_asked_once_and_its_cache_serves_offline(hub, tmp_path):
    hub.requests.clear()
    expected = f"hf:me/clothes@{COMMIT}"
    assert (
        read(hub, tmp_path, "hf:me/clothes", "hf:me/clothes@main", f"{expected}") == [expected] * 3
    )
    fetched = [one for one in hub.requests if one.startswith("GET") and "/resolve/" in one]
    assert len(fetched) == 3  # config.json, model.safetensors, preprocessor_config.json
    hub.requests.clear()
    offline, absent = read(hub, tmp_path, "hf:me/clothes", "hf:me/gated", HF_HUB_OFFLINE="1")
    assert offline == expected
    assert absent.startswith("4 hf:me/gated is not in the cache, and the Hub cannot be reached")
    assert hub.requests == []


def test_what_the_hub_refuses_is_said_in_a_sentence(hub, tmp_path):
    names = ("hf:me/none", "hf:me/private", "hf:me/gated", "hf:me/clothes@nope", "hf:a b", "hf:")
    absent, private, gated, revision, *unnamed = read(hub, tmp_path, *names)
    assert absent.startswith("4 hf:me/none does not exist, or is private | Check the name")
    assert private.startswith("4 hf:me/private does not exist, or is private")
    assert gated.startswith("4 hf:me/gated asks for its terms to be accepted")
    assert "HF_TOKEN" in private
    assert "HF_TOKEN" in gated
    assert revision.startswith("4 hf:me/clothes@nope has no such revision")
    for line in unnamed:
        assert "is not the name of a repository | Name it as hf:OWNER/NAME" in line
    opened = read(hub, tmp_path, "hf:me/private", "hf:me/gated", HF_TOKEN=TOKEN)
    assert opened == [f"hf:me/private@{COMMIT}", f"hf:me/gated@{COMMIT}"]


def test_pickles_are_not_even_downloaded(hub, tmp_path):
    [line] = read(hub, tmp_path, "hf:me/pickled")
    assert line.startswith("4 hf:me/pickled@")
    assert "no model.safetensors, and pickles" in line
    assert not [one for one in hub.requests if one.endswith(".bin")]


def test_photos_are_parsed_by_a_network_of_the_hub(hub, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "a.png")
    variables = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    ran = call_grapy(
        *("predict", "photos", "--weights", "hf:me/clothes", "--dataset", "atr,cihp"),
        *("--levels", "3,2,1", "--out", "masks", "--device", "cpu"),
        folder=tmp_path,
        **variables,
    )
    assert ran.returncode == 0, ran.stderr
    [row] = map(json.loads, (tmp_path / "masks" / "manifest.jsonl").read_text().splitlines())
    assert row["weights"] == f"me/clothes@{COMMIT}"
    assert len(row["files"]) == 6
    with Image.open(tmp_path / "masks" / "atr" / "a.png") as mask:
        assert (mask.mode, mask.size) == ("P", (60, 40))
        colors = mask.getpalette()[: 3 * 18]
    assert colors == LABEL_SETS["atr"].palette()[: 3 * 18]
    told = call_grapy("weights", "info", "hf:me/clothes", folder=tmp_path, **variables)
    assert told.returncode == 0, told.stderr
    assert "SegformerForSemanticSegmentation" in told.stdout
    shown = call_grapy("labels", "hf:me/clothes", folder=tmp_path, **variables)
    assert shown.returncode == 0, shown.stderr
    assert "upper-clothes" in shown.stdout
    assert "as cihp" in shown.stdout


def test_several_weights_are_scored_and_measured_side_by_side(clothes, tmp_path):
    prepare_tiny(tmp_path / "data", "atr", photos=4)
    write_schp_onnx(tmp_path / "parsing_atr.onnx")
    adopted = call_grapy(
        *("weights", "adopt", "parsing_atr.onnx", "--like", "schp-atr", "--out", "schp.onnx"),
        folder=tmp_path,
    )
    assert (adopted.returncode, adopted.stdout) == (0, "schp.onnx\n"), adopted.stderr
    weights = f"grapy-lite,{clothes},schp.onnx"
    ran = call_grapy(
        *("eval", "--dataset", "atr", "--weights", weights, "--json", "--device", "cpu"),
        folder=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert [one["parser"] for one in report["parsers"]] == ["grapy-lite", "clothes", "schp"]
    assert len(report["results"]) == 9
    engines = [one["engine"].split()[0] for one in report["parsers"]]
    assert engines == ["torch", "transformers", "onnxruntime"]
