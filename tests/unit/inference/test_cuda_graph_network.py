"""How photos are parsed on a GPU, shown on the CPU: CUDA graphs, threads, order."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli.inference.cuda_graph_network import CudaGraphNetwork
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import TTA
from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.plan import Plan
from grapy_cli.predict.sources import find_photos, name_masks
from tests.support.graph_capture import Capture
from tests.support.networks import write_decided_weights

SIZES = [(40, 30), (30, 40), (40, 30), (80, 60), (30, 40), (40, 30), (40, 30)]


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    weights = write_decided_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")
    return HumanParser.load(weights, device="cpu")


@pytest.fixture(scope="module")
def photos():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


@pytest.fixture
def capture():
    return Capture()


@pytest.fixture
def replayed(parser, capture):
    return replace(parser, network=CudaGraphNetwork(parser.network, capture))


class OnGpu(HumanParser):
    """Says that it is on a GPU, and works on the CPU."""

    is_on_gpu = True
    cpu_workers = 1


@pytest.mark.parametrize("tta", ["none", "flip"])
def test_graphs_give_the_same_masks(parser, replayed, capture, photos, tta):
    ours, theirs = (replace(one, augmentation=TTA[tta]) for one in (replayed, parser))
    for photo in photos:
        found, wanted = (one.parse_all(photo, ["atr", "pascal"]) for one in (ours, theirs))
        for name in wanted:
            np.testing.assert_array_equal(found[name].label_map, wanted[name].label_map)
            np.testing.assert_array_equal(found[name].confidence, wanted[name].confidence)
    assert ours.network.num_graphs == 2 * 3  # two sizes, for the features and two label sets
    assert capture.replays > ours.network.num_graphs


def test_precision_and_engine_are_those_of_the_network(replayed):
    assert (replayed.precision, replayed.engine) == ("fp32", "torch")
    assert replayed.datasets == ("pascal", "atr")


def test_where_memory_is_short_graphs_are_dropped_before_tiles_get_smaller(parser, photos):
    def hungry(given):
        if network.num_graphs and given.shape[2] < given.shape[3]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(given)

    network = CudaGraphNetwork(parser.network, Capture())
    plain, network._encode._work = network._encode._work, hungry
    ours = replace(parser, network=network)
    for photo in (photos[0], photos[0]):
        ours.parse(photo, "atr")
    assert network.num_graphs == 2
    label_map = ours.parse(photos[1], "atr").label_map
    np.testing.assert_array_equal(label_map, parser.parse(photos[1], "atr").label_map)
    assert network.num_graphs == 0
    assert ours.tiles.side == parser.tiles.side


def on_gpu(parser):
    return OnGpu(**{name: getattr(parser, name) for name in HumanParser.__dataclass_fields__})


@pytest.fixture
def folder(tmp_path, photos):
    """Photos, one of which is broken."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for place, photo in enumerate(photos):
        Image.fromarray(photo).save(folder / f"{place}.png")
    (folder / "3b.png").write_bytes(b"no photo")
    return folder


def begin(parser, folder, out, batch=1):
    """Begin to parse a folder of photos."""
    found = find_photos([str(folder)], leave_out=out)
    results = Results(out, plan_kinds([parser.network.label_sets["atr"]], [3], ["mask"]))
    plan = Plan(found, name_masks(found), ["atr"], results, recipe="")
    return Job(parser, plan, batch=batch).run(plan.tasks(Shard()), lambda: False)


def masks_of(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize("batch", [1, 3])
def test_a_folder_on_a_gpu_is_as_on_a_cpu(parser, replayed, folder, tmp_path, batch):
    ours, theirs = (
        [{**outcome.row, "seconds": 0} for outcome in begin(one, folder, tmp_path / out, batch)]
        for out, one in (("ours", on_gpu(replayed)), ("theirs", parser))
    )
    assert json.dumps(ours) == json.dumps(theirs)
    assert "reason" in ours[4]
    assert len(masks_of(tmp_path / "ours")) == len(SIZES)
    assert masks_of(tmp_path / "ours") == masks_of(tmp_path / "theirs")


def test_of_a_folder_that_is_left_early_what_was_begun_is_whole(parser, folder, tmp_path):
    list(begin(parser, folder, tmp_path / "all"))
    outcomes = begin(on_gpu(parser), folder, tmp_path / "some")
    assert next(outcomes).row["files"] == ["0.png"]
    outcomes.close()
    assert masks_of(tmp_path / "some").items() <= masks_of(tmp_path / "all").items()
