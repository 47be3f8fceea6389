"""`grapy export` as a person runs it, and what becomes of the file.

An export takes ten seconds and more, so there is one, and all that can be asked is asked of it.
"""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from grapy_cli.data.sample import images_of
from grapy_cli.errors import WeightsError
from grapy_cli.export.equivalence import compare, demand
from grapy_cli.export.int8 import quantize
from grapy_cli.export.openvino_ir import write_openvino
from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference.engines.network import load_exported
from grapy_cli.inference.parser import HumanParser
from grapy_cli.model.exported.metadata import PRECISION_KEY, read_metadata
from grapy_cli.model.weights import load_weights, read_card
from tests.support.networks import write_decided_weights
from tests.support.photo_folders import write_good_photos
from tests.support.training import prepare_tiny
from tests.support.warm import call_grapy

CPU = torch.device("cpu")
HERE = ("--device", "cpu", "--threads", "1")
SIZES = ((1, 33, 49), (2, 64, 47), (3, 17, 17), (1, 5, 90), (1, 1, 1))
NAMES = ("pascal", "atr")
pytestmark = pytest.mark.timeout(900)  # on a machine that is busy with other things


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights, and next to them what `grapy export` made of them."""
    folder = tmp_path_factory.mktemp("export")
    write_decided_weights(folder / "tiny.safetensors")
    write_good_photos(folder / "photos", 2)
    ran = call_grapy(
        *("export", "--weights", "tiny.safetensors", "--out", "out/model.onnx"),
        *("--photos", "photos", "--threads", "1"),
        folder=folder,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    assert "checked on 2 photos" in ran.stdout
    assert "model.onnx (" in ran.stdout
    assert [path.name for path in (folder / "out").iterdir()] == ["model.onnx"]
    return folder


@pytest.fixture(scope="module")
def made(folder):
    """The file in every kind and precision: what an export does after its first step."""
    first = folder / "out" / "model.onnx"
    files = {"onnx": first, "openvino": folder / "model.xml", "bf16": folder / "bf16.xml"}
    write_openvino(first, files["openvino"], read_metadata(first))
    write_openvino(first, files["bf16"], read_metadata(first) | {PRECISION_KEY: "bf16"})
    files["int8"] = folder / "int8.onnx"
    model = onnx.load(first)
    onnx.helper.set_model_props(model, read_metadata(first) | {PRECISION_KEY: "int8"})
    onnx.save_model(model, files["int8"])
    shown = [photos(1, 64, 47)[0].numpy(), photos(1, 33, 49)[0].numpy()]
    quantize(files["int8"], shown)
    files["int8 of openvino"] = folder / "int8.xml"
    write_openvino(files["int8"], files["int8 of openvino"], read_metadata(files["int8"]))
    return files


def photos(batch, height, width):
    """Soft pictures: noise is what no photo is."""
    small = np.random.default_rng(batch).integers(0, 256, (batch, 8, 8, 3), np.uint8)
    size = (width, height)
    large = [
        np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in small
    ]
    return torch.from_numpy(np.stack(large).transpose(0, 3, 1, 2).copy())


@torch.inference_mode()
def torchs_logits(folder, some, name):
    network, _ = load_weights(folder / "tiny.safetensors")
    return network.parse(network.encode(images_of(some)), name).final


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
@pytest.mark.parametrize("size", SIZES)
def test_logits_are_torchs_at_any_size_and_batch(folder, made, kind, size):
    network, _ = load_exported(made[kind], CPU, "fp32")
    encoded = network.encode(photos(*size))
    for name in NAMES:
        ours, theirs = (
            network.parse(encoded, name).final,
            torchs_logits(folder, photos(*size), name),
        )
        assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()


@pytest.mark.parametrize("kind", ["bf16", "int8", "int8 of openvino"])
def test_less_precise_files_parse_much_alike(folder, made, kind):
    network, _ = load_exported(made[kind], CPU, "fp32")
    assert network.precision == kind.partition(" ")[0]
    ours = network.parse(network.encode(photos(1, 64, 47)), "atr").final
    theirs = torchs_logits(folder, photos(1, 64, 47), "atr")
    assert not torch.equal(ours, theirs)
    assert (ours.argmax(1) == theirs.argmax(1)).float().mean() > 0.5


def test_integers_end_where_it_is_decided(made):
    """Backbone and decoder are rounded; the pyramid and the heads are not."""
    graph = onnx.load(made["int8"]).graph
    rounded = {
        output
        for node in graph.node
        if node.op_type == "DequantizeLinear"
        for output in node.output
    }
    convs = [set(node.input) <= rounded for node in graph.node if node.op_type == "Conv"]
    assert sum(convs) > 50
    assert not all(convs)
    assert not any(
        rounded.intersection(node.input) for node in graph.node if node.op_type == "MatMul"
    )


def test_the_card_tells_where_the_file_comes_from(folder, made):
    card, own = read_card(made["onnx"]), read_card(folder / "tiny.safetensors")
    assert card.label_sets == own.label_sets
    assert card.longest_side == 65
    assert "for onnx in fp32" in card.provenance
    ran = call_grapy("weights", "info", "out/model.onnx", "--json", folder=folder)
    assert json.loads(ran.stdout)["name"] == "tiny"


def test_nothing_of_this_machine_is_in_the_file(made):
    assert b"site-packages" not in made["onnx"].read_bytes()
    assert b"grapy_cli/" not in made["onnx"].read_bytes()


def test_a_file_of_other_weights_is_not_kept(folder, made):
    parser = HumanParser.load(folder / "tiny.safetensors", device="cpu", folded=False)
    exported, _ = load_exported(made["onnx"], CPU, "fp32")
    some = [ReadPhoto(photos(1, 60, 40)[0].permute(1, 2, 0).numpy(), (60, 40))]
    same = compare(parser, exported, some)
    demand(same, "fp32", share=0.99)
    for head in parser.network.refined_heads.values():
        head.bias.data += torch.arange(len(head.bias))
    other = compare(parser, exported, some)
    with pytest.raises(WeightsError, match="was not kept"):
        demand(other, "fp32", share=0.0)
    with pytest.raises(WeightsError, match="was not kept"):
        demand(replace(same, equal=0.5), "int8")
    demand(replace(same, equal=0.5), "int8", share=0.4)


def test_predict_writes_the_same_masks_by_every_engine(folder, made):
    files = {"torch": "tiny.safetensors", "onnx": str(made["onnx"]), "ir": str(made["openvino"])}
    for name, file in files.items():
        ran = call_grapy(
            *("predict", "photos", "--dataset", "atr", "--weights", file, "--out", name),
            *("--tta", "flip", *HERE),
            folder=folder,
        )
        assert ran.returncode == 0, ran.stderr
    masks = sorted((folder / "torch").rglob("*.png"))
    assert len(masks) == 2
    for mask in masks:
        one = np.asarray(Image.open(mask))
        for name in ("onnx", "ir"):
            other = np.asarray(Image.open(folder / name / mask.relative_to(folder / "torch")))
            assert (one == other).mean() > 0.999


def test_eval_scores_both_in_one_run(folder):
    prepare_tiny(folder / "data", "atr")
    ran = call_grapy(
        *("eval", "--dataset", "atr", "--split", "train", "--json", *HERE),
        *("--weights", "tiny.safetensors,out/model.onnx"),
        folder=folder,
    )
    assert ran.returncode == 0, ran.stderr
    scores = [one["pixel_accuracy"] for one in json.loads(ran.stdout)["results"]]
    half = len(scores) // 2
    assert scores[:half] == pytest.approx(scores[half:], abs=1e-3)


def test_a_bench_says_which_engine_it_was(folder):
    (folder / "onnx.toml").write_text('[infer]\nweights = "out/model.onnx"\n')
    ran = call_grapy(
        *("bench", "photos", "--weights", "tiny.safetensors", "--dataset", "atr", *HERE),
        *("--against", "onnx.toml", "--repeats", "1", "--json"),
        folder=folder,
    )
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    torchs, other = document["contestants"]
    assert (torchs["engine"], torchs["form"]) == ("torch", "folded")
    assert other["engine"].startswith("onnxruntime ")
    assert other["form"] == "exported"
    assert document["against"]["equal_pixels"] > 0.999


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "onnx", "--precision", "bf16"), "onnx does not support bf16"),
        (("--precision", "int8"), "real photos"),
        (("--precision", "int8", "--photos", "photos"), "--calibrate"),
    ],
)
def test_what_cannot_be_meant_is_said_at_once(folder, arguments, words):
    ran = call_grapy("export", "--weights", "tiny.safetensors", *arguments, folder=folder)
    assert ran.returncode == 2, ran.stderr
    assert words in ran.stderr


def test_a_damaged_file_ends_with_exit_code_4(folder):
    whole = (folder / "out" / "model.onnx").read_bytes()
    (folder / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    ran = call_grapy(
        *("predict", "photos", "--dataset", "atr", "--weights", "cut.onnx", *HERE), folder=folder
    )
    assert ran.returncode == 4
    assert "is not an ONNX file" in ran.stderr
    assert "Traceback" not in ran.stderr
