"""A network in a file, run by either engine, beside numpy."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from grapy_cli.errors import DeviceError, SettingsError, WeightsError
from grapy_cli.export.openvino_ir import write_openvino
from grapy_cli.inference.engines import network as engines
from grapy_cli.inference.engines.network import ExportedNetwork, load_exported
from grapy_cli.inference.engines.runner import Runner, runner_by_threads
from grapy_cli.inference.parser import HumanParser, device_for
from grapy_cli.inference.tiles import TileLimit
from grapy_cli.inference.tta import TTA
from grapy_cli.model.exported.metadata import PRECISION_KEY
from grapy_cli.model.weights import CARD_KEY
from grapy_cli.runtime.device import kept_threads
from tests.support.engines import NAMES, card, flat_logits, flat_model, write_flat_onnx

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    write_flat_onnx(folder / "flat.onnx")
    metadata = {CARD_KEY: card().model_dump_json(), PRECISION_KEY: "fp32"}
    write_openvino(folder / "flat.onnx", folder / "flat.xml", metadata)
    return {"onnx": folder / "flat.onnx", "openvino": folder / "flat.xml"}


@pytest.fixture(params=["onnx", "openvino"])
def file(files, request):
    return files[request.param]


def photos(*shape):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


@pytest.mark.parametrize("shape", [(1, 3, 33, 49), (2, 3, 64, 47), (3, 3, 1, 1)])
def test_logits_are_those_of_the_file_at_any_size(file, shape):
    network, _ = load_exported(file, CPU, "fp32")
    encoded = network.encode(photos(*shape))
    for name in NAMES:
        logits = network.parse(encoded, name)
        assert logits.refined is None
        expected = flat_logits(photos(*shape).numpy(), name)
        np.testing.assert_allclose(logits.final.numpy(), expected, rtol=1e-4, atol=1e-2)


def test_what_was_computed_stays_when_more_is(file):
    network, _ = load_exported(file, CPU, "fp32")
    first = network.encode(photos(1, 3, 33, 33))
    before = first.clone()
    network.encode(photos(1, 3, 33, 33) // 2)
    torch.testing.assert_close(first, before, rtol=0, atol=0)


@pytest.mark.parametrize("tta", list(TTA))
def test_a_parser_does_all_it_does_with_torch(file, tta):
    parser = HumanParser.load(file, device="auto", tta=tta)
    assert parser.datasets == NAMES
    assert parser.engine.startswith(("onnxruntime ", "openvino "))
    assert parser.precision == "fp32"
    assert parser.device.type == "cpu"
    assert parser.longest_side == 65
    photo = photos(90, 70, 3).numpy()
    found = parser.parse_all(photo, NAMES)
    assert found["atr"].label_map.shape == (90, 70)
    tiled = replace(parser, tiles=TileLimit(33)).parse(photo, "atr")
    assert (tiled.label_map == found["atr"].label_map).mean() > 0.9


def test_bf16_is_openvinos_alone(files):
    network, _ = load_exported(files["openvino"], CPU, "bf16")
    assert network.precision == "bf16"
    with pytest.raises(SettingsError, match="bf16") as caught:
        load_exported(files["onnx"], CPU, "bf16")
    assert caught.value.hint


def test_a_file_has_its_own_precision(tmp_path):
    metadata = {CARD_KEY: card().model_dump_json(), PRECISION_KEY: "int8"}
    onnx.save_model(flat_model(metadata=metadata), tmp_path / "int8.onnx")
    network, _ = load_exported(tmp_path / "int8.onnx", CPU, "fp32")
    assert network.precision == "int8"


def test_a_missing_engine_is_said_with_what_to_type(file, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="not installed") as caught:
        load_exported(file, CPU, "fp32")
    assert "pip install '.[" in caught.value.hint


@pytest.mark.skipif(torch.cuda.is_available(), reason="here ONNX Runtime may have a GPU")
def test_a_gpu_that_the_engine_cannot_use_is_said_so(file):
    with pytest.raises(DeviceError) as caught:
        load_exported(file, torch.device("cuda", 0), "fp32")
    assert "--device cpu" in caught.value.hint


def test_only_an_exported_network_prefers_the_cpu(file, tmp_path):
    assert device_for(file, "auto") == CPU
    with pytest.raises(DeviceError):
        device_for(file, "cuda:99")


def test_an_operation_nobody_knows_is_refused(tmp_path):
    model = flat_model()
    model.graph.node[0].op_type = "Conjure"
    onnx.save_model(model, tmp_path / "odd.onnx")
    with pytest.raises(WeightsError, match="cannot load"):
        load_exported(tmp_path / "odd.onnx", CPU, "fp32")


def test_outputs_that_the_card_does_not_speak_of_are_refused(tmp_path):
    metadata = {CARD_KEY: card(["atr"]).model_dump_json()}
    onnx.save_model(flat_model(NAMES, metadata), tmp_path / "more.onnx")
    with pytest.raises(WeightsError, match="its card has atr"):
        load_exported(tmp_path / "more.onnx", CPU, "fp32")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"numbers": {"output_stride": 7}}, "output stride"),
        ({"label_sets": [{"name": "x", "parts": ["y"]}]}, "is damaged"),
    ],
)
def test_a_card_that_cannot_be_is_refused(tmp_path, change, words):
    metadata = {CARD_KEY: card().model_copy(update=change).model_dump_json()}
    onnx.save_model(flat_model(metadata=metadata), tmp_path / "odd.onnx")
    with pytest.raises(WeightsError, match=words):
        load_exported(tmp_path / "odd.onnx", CPU, "fp32")


def failing(error, tmp_path):
    def run(photos):
        raise error

    return ExportedNetwork(tmp_path / "a.onnx", card(), Runner(run, NAMES, "none"), "fp32")


def test_want_of_memory_is_told_from_other_failures(tmp_path):
    short = failing(RuntimeError("Failed to allocate memory for requested buffer"), tmp_path)
    with pytest.raises(MemoryError):
        short.encode(photos(1, 3, 9, 9))
    with pytest.raises(WeightsError, match=r"a\.onnx cannot be run: nonsense"):
        failing(RuntimeError("nonsense\nin detail"), tmp_path).encode(photos(1, 3, 9, 9))


def test_logits_of_a_wrong_shape_are_refused(tmp_path):
    runner = Runner(lambda photos: [np.zeros((1, 7, 2, 2), np.float32)] * 2, NAMES, "none")
    network = ExportedNetwork(tmp_path / "a.onnx", card(), runner, "fp32")
    with pytest.raises(WeightsError, match="wrong shape"):
        network.encode(photos(1, 3, 9, 9))


def test_a_file_is_loaded_once_for_each_number_of_threads_that_runs_it():
    loads = []

    def load(threads):
        loads.append(threads)
        return Runner(lambda photos: [np.full(1, threads)], NAMES, "none")

    runner = runner_by_threads(load, 4)
    with kept_threads():
        found = []
        for threads in (1, 1, 2, 4, 1):
            torch.set_num_threads(threads)
            [logits] = runner.run(np.zeros((1, 3, 1, 1), np.uint8))
            found.append(int(logits[0]))
    assert found == [1, 1, 2, 4, 1]
    assert loads == [4, 1, 2, 4]  # the first one never ran, so it was dropped


def test_masks_of_a_folder_do_not_depend_on_the_number_of_threads(file):
    """To the last bit of the logits."""
    pictures = [photos(40 + 9 * n, 50, 3).numpy() for n in range(5)]
    found = {}
    for count in (1, 2, 4):
        with kept_threads():
            torch.set_num_threads(count)
            parser = HumanParser.load(file, device="cpu")
            assert parser.cpu_workers == count
            results = parser.parse_many(pictures, ["atr"])
            found[count] = [one.parsings["atr"].logits for one in results]
    for count in (2, 4):
        for one, other in zip(found[1], found[count], strict=True):
            assert torch.equal(one, other)
