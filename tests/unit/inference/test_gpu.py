"""Parsing on a CUDA GPU: `pytest -m gpu` on a machine that has one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference.cuda_graphs import GraphReplay, capture_on_gpu
from grapy_cli.inference.gpu_transfer import to_array, to_device
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import TTA
from tests.support.networks import write_decided_weights

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]

SIZES = [(40, 30), (30, 40), (40, 30), (80, 60), (30, 40), (40, 30)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_decided_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def parser(weights):
    """A parser whose graphs are those of this test alone."""
    return HumanParser.load(weights, device="cuda")


@pytest.fixture(scope="module")
def photos():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


def step_by_step(parser):
    return replace(parser, network=parser.network.network)


def check_same(ours, theirs):
    for name, parsing in theirs.items():
        np.testing.assert_array_equal(ours[name].label_map, parsing.label_map)
        np.testing.assert_allclose(ours[name].confidence, parsing.confidence, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("tta", ["none", "flip", "paper"])
def test_graphs_give_the_masks_of_work_step_by_step(weights, photos, tta, precision):
    parser = HumanParser.load(weights, device="cuda", tta=tta, precision=precision)
    plain = step_by_step(parser)
    for photo in photos:
        datasets = ["atr", "pascal"]
        check_same(parser.parse_all(photo, datasets), plain.parse_all(photo, datasets))
    # Two sizes, in each scale, for the features and two label sets.
    assert parser.network.num_graphs == 2 * 3 * len(TTA[tta].scales)


def test_batches_have_their_own_graphs(parser, photos):
    readings = [ReadPhoto(photo, photo.shape[:2]) for photo in (photos[0], photos[2], photos[3])]
    alone = [parser.parse_all(reading, ["atr"]) for reading in readings]
    before = parser.network.num_graphs
    for _ in range(3):
        for ours, theirs in zip(parser.parse_together(readings, ["atr"]), alone, strict=True):
            check_same(ours, theirs)
    assert parser.network.num_graphs == before + 2


def test_threads_share_graphs(parser, photos):
    plain = step_by_step(parser)
    wanted = [plain.parse_all(photo, ["atr"]) for photo in photos] * 20
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda photo: parser.parse_all(photo, ["atr"]), photos * 20))
    for ours, theirs in zip(found, wanted, strict=True):
        check_same(ours, theirs)


def test_dropped_graphs_give_their_memory_back(parser, photos):
    for photo in photos:
        parser.parse(photo, "atr")
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    assert parser.network.forget()
    assert not parser.network.forget()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() < before
    plain = step_by_step(parser)
    for photo in photos:
        check_same(parser.parse_all(photo, ["atr"]), plain.parse_all(photo, ["atr"]))


def test_graphs_share_their_memory():
    def work(given):
        return (given.repeat(64, 1) * 2).sum(0)

    replayed = GraphReplay(work, capture_on_gpu)
    reserved = []
    for size in (2**20, 2**19, 2**18, 2**20 - 1):
        given = torch.rand(size, device="cuda")
        for _ in range(2):
            torch.testing.assert_close(replayed(given), 128 * given)
        torch.cuda.empty_cache()
        reserved.append(torch.cuda.memory_reserved())
    assert replayed.num_graphs == 4
    assert reserved[-1] < 1.5 * reserved[0]


def test_work_that_waits_for_the_gpu_runs_step_by_step():
    waiting = GraphReplay(lambda given: given * given.sum().item(), capture_on_gpu)
    given = torch.ones(3, device="cuda")
    for _ in range(4):
        assert waiting(given).tolist() == [3, 3, 3]
    assert waiting.num_graphs == 0
    after = GraphReplay(lambda given: given * 2, capture_on_gpu)  # the GPU still works
    for _ in range(4):
        assert after(given).tolist() == [2, 2, 2]
    assert after.num_graphs == 1


def test_copies_to_a_gpu_and_back_are_the_same():
    random = np.random.default_rng(0)
    cuda = torch.device("cuda", torch.cuda.current_device())
    for _ in range(50):
        pixels = random.integers(0, 256, (2, 300, 200, 3), np.uint8)
        there = to_device(torch.from_numpy(pixels.transpose(0, 3, 1, 2)), cuda)
        bytes_back, halves = to_array(there), to_array(there.float() / 2)
        np.testing.assert_array_equal(bytes_back, pixels.transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(halves, bytes_back / np.float32(2))


def test_the_same_photo_has_the_same_logits_each_time(parser, photos):
    """Sums in a different order each time would differ in the last digits."""
    plain = step_by_step(parser)
    first = plain.parse(photos[0], "atr").logits
    for _ in range(5):
        assert torch.equal(plain.parse(photos[0], "atr").logits, first)
