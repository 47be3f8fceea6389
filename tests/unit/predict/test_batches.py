"""Photos of one size that are parsed together."""

import json

import numpy as np
import pytest
import torch

from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference import stream
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tiles import TileLimit
from grapy_cli.predict.run import run_predict
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import (
    BatchSettings,
    DataSettings,
    InferSettings,
    PredictSettings,
    RunSettings,
)
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_decided_weights
from tests.support.photo_folders import write_noise

SIZES = [(40, 30), (40, 30), (80, 60), (30, 40), (30, 40), (40, 30), (20, 15), (40, 30), (9, 50)]
BROKEN = "5b.png"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_decided_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_noise(tmp_path / "photos", {f"{place}.png": size for place, size in enumerate(SIZES)})
    return tmp_path


@pytest.fixture
def predict(weights, work):
    def run(out, size, **infer):
        settings = Settings(
            data=DataSettings(dataset=["atr", "pascal"]),
            infer=InferSettings(weights=weights, **infer),
            predict=PredictSettings(out=out),
            batch=BatchSettings(size=size),
            run=RunSettings(device="cpu"),
        )
        run_predict(["photos"], settings, silence)
        folder = work / out
        masks = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}
        return masks, rows_of(folder / "manifest.jsonl")

    return run


def rows_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def batches(monkeypatch):
    """Sizes of the batches that go through the network."""
    seen = []
    plain = HumanParser._parse

    def parse(self, readings, datasets, tile):
        seen.append(len(readings))
        return plain(self, readings, datasets, tile)

    monkeypatch.setattr(HumanParser, "_parse", parse)
    return seen


@pytest.mark.parametrize("tta", ["none", "flip"])
def test_masks_and_manifest_are_those_of_one_by_one(predict, batches, tta):
    alone, rows = predict("one", 1, tta=tta)
    assert batches == [1] * 9
    batches.clear()
    together, same = predict("three", 3, tta=tta)
    assert batches == [3, 2, 3, 1]
    assert [row["source"] for row in same] == [row["source"] for row in rows]
    assert len(alone) == 18
    assert together == alone
    for one, other in zip(rows, same, strict=True):
        assert other["doubt"] == pytest.approx(one["doubt"], abs=1e-3)
        assert (other["files"], other["recipe"]) == (one["files"], one["recipe"])


def test_what_one_by_one_has_done_is_done(predict, batches):
    predict("masks", 1)
    batches.clear()
    predict("masks", 3)
    assert batches == []


def test_a_photo_that_fails_leaves_the_others(predict, work, batches):
    (work / "photos" / BROKEN).write_bytes(b"no photo")
    masks, rows = predict("masks", 4)
    assert len(masks) == 18
    assert len(rows) == 9
    (failure,) = rows_of(work / "masks" / "failures.jsonl")
    assert failure["source"] == f"photos/{BROKEN}"
    assert batches == [3, 2, 1, 2, 1]


def test_photos_that_wait_for_company_keep_nobody_out(predict, monkeypatch):
    """However little room there is for photos: they may be waiting for the one that is outside."""
    masks, _ = predict("much", 4)
    monkeypatch.setattr(stream, "PIXELS_UNDER_WAY", 1)
    assert predict("none", 4)[0] == masks


class Greedy(HumanParser):
    """Has memory for one photo at a time."""

    def _parse(self, readings, datasets, tile):
        if len(readings) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super()._parse(readings, datasets, tile)


@pytest.mark.parametrize(("kind", "tile"), [(Greedy, 0), (HumanParser, 33)])
def test_what_cannot_be_done_together_is_done_one_by_one(weights, batches, kind, tile):
    parser = HumanParser.load(weights, device="cpu")
    ours = kind(
        *(parser.network, parser.card, parser.device, parser.augmentation, parser.longest_side),
        TileLimit(tile),
    )
    random = np.random.default_rng(0)
    pixels = [random.integers(0, 256, (40, 30, 3), np.uint8) for _ in range(3)]
    together = ours.parse_together([ReadPhoto(one, (40, 30)) for one in pixels], ["atr"])
    assert batches == [1, 1, 1]
    assert ours.tiles.side == tile
    for one, parsings in zip(pixels, together, strict=True):
        np.testing.assert_array_equal(parsings["atr"].label_map, ours.parse(one, "atr").label_map)
