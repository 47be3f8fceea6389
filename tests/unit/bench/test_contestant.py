import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from grapy_cli.bench.build import build_contestant
from grapy_cli.bench.report import STAGES
from grapy_cli.bench.run import share_of_equal
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.image_io.photos import read_size
from grapy_cli.image_io.sample_photos import SIZES, draw_photos
from grapy_cli.predict.run import run_predict
from grapy_cli.predict.sources import find_photos
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import (
    BatchSettings,
    BenchSettings,
    DataSettings,
    InferSettings,
    PredictSettings,
    RunSettings,
)
from grapy_cli.settings.settings import Settings
from tests.support.command_line import run_python
from tests.support.networks import write_weights
from tests.support.photo_folders import write_noise


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_noise(folder, dict.fromkeys(["one.png", "two.png"], (40, 30)))
    return folder


@pytest.fixture
def build(weights, photos, tmp_path):
    """Build a contestant by some settings: `build("atr", form="plain")`."""

    def build(*datasets, form="folded", out=None, batch=1, **infer):
        settings = Settings(
            data=DataSettings(dataset=list(datasets)),
            infer=InferSettings(weights=weights, **infer),
            batch=BatchSettings(size=batch),
            bench=BenchSettings(form=form),
            run=RunSettings(device="cpu"),
        )
        out = out or tmp_path / "masks"
        found = find_photos([str(photos)], leave_out=out)
        return build_contestant(settings, found, out)

    return build


def test_every_stage_is_measured_and_together_they_are_most_of_it(build):
    contestant, facts = build("atr")
    one = contestant.measure()
    assert set(one.stages) == set(STAGES)
    assert min(one.stages.values()) > 0
    assert 0.5 * sum(one.latencies) < sum(one.stages.values()) <= sum(one.latencies)
    assert len(one.latencies) == 2
    assert one.photos_per_second > 0
    assert one.cpu_seconds > 0
    assert one.gpu_peak is None
    assert facts.load_seconds > 0
    assert facts.datasets == ("atr",)


def test_masks_are_those_of_predict(build, weights, photos, tmp_path):
    contestant, _ = build("atr")
    contestant.parse_once()
    settings = Settings(
        data=DataSettings(dataset=["atr"]),
        infer=InferSettings(weights=weights),
        predict=PredictSettings(out=tmp_path / "predicted"),
        run=RunSettings(device="cpu"),
    )
    run_predict([str(photos)], settings, silence)
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["one.png", "two.png"]
    assert share_of_equal(tmp_path / "masks", tmp_path / "predicted") == 1


@pytest.mark.parametrize(("more", "least"), [({"form": "plain"}, 0.999), ({"tta": "flip"}, 0)])
def test_forms_agree_and_other_work_does_not(build, tmp_path, more, least):
    build("atr")[0].parse_once()
    build("atr", out=tmp_path / "other", **more)[0].parse_once()
    share = share_of_equal(tmp_path / "masks", tmp_path / "other")
    assert least <= share <= 1
    assert (share == 1) == (least > 0)


def test_forms_are_what_they_say(build):
    def norms(form):
        contestant, facts = build("atr", form=form)
        assert facts.form == form
        return [one for one in contestant.parser.network.modules() if _is_norm(one)]

    assert not norms("folded")
    assert norms("plain")


def _is_norm(module):
    return isinstance(module, torch.nn.BatchNorm2d)


def test_without_a_label_set_it_is_the_first_one(build):
    assert build()[1].datasets == ("pascal",)
    with pytest.raises(DatasetError, match="cihp"):
        build("cihp")


def test_a_photo_that_cannot_be_read_ends_it(build, photos):
    (photos / "broken.png").write_bytes(b"no photo")
    contestant, _ = build("atr")
    with pytest.raises(PhotoError, match=r"broken\.png"):
        contestant.parse_once()
    with pytest.raises(PhotoError, match=r"broken\.png"):
        contestant._parse_folder()


def test_masks_agree_by_pixels_not_by_photos(tmp_path):
    maps = {"small": np.zeros((2, 2), np.uint8), "large": np.zeros((4, 3), np.uint8)}
    for folder, value in (("one", 0), ("other", 1)):
        for name, label_map in maps.items():
            changed = label_map + (value if name == "small" else 0)
            path = tmp_path / folder / "deep" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_label_map(path, changed.astype(np.uint8), [0] * 768)
    assert share_of_equal(tmp_path / "one", tmp_path / "other") == 12 / 16
    assert share_of_equal(tmp_path / "one", tmp_path / "nothing") is None


def test_drawn_photos_are_the_same_every_time(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        draw_photos(tmp_path / name)
    ones, others = ([*sorted((tmp_path / name).iterdir())] for name in ("one", "other"))
    assert [path.read_bytes() for path in ones] == [path.read_bytes() for path in others]
    sizes = {read_size(path) for path in ones}
    assert sizes == set(SIZES)


PEAKS = """
import numpy as np
import torch

from grapy_cli.bench.machine import forget_peak, process_peak
from grapy_cli.runtime.device import peak_memory

cpu = torch.device("cpu")
forget_peak(cpu)
before = process_peak()
np.ones(2**28, np.uint8)  # and freed at once
during = process_peak()
forget_peak(cpu)
print(before, during, process_peak(), peak_memory(cpu))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak")
def test_the_peak_of_memory_is_that_since_it_was_forgotten(tmp_path):
    """In a process of its own: the peak of this one depends on the tests before."""
    result = run_python("-c", PEAKS, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    before, during, after, gpu = result.stdout.split()
    assert int(during) - int(before) > 2**27
    assert gpu == "None"
    if can_reset_peak():
        assert int(during) - int(after) > 2**27


def can_reset_peak():
    """Tell whether this system lets a process reset its peak; some containers do not."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def test_photos_of_one_size_are_measured_together(build, tmp_path):
    alone, _ = build("atr")
    alone.parse_once()
    together, facts = build("atr", out=tmp_path / "other", batch=2)
    one = together.measure()
    assert facts.batch == 2
    assert len(one.latencies) == 1
    assert sum(one.stages.values()) <= sum(one.latencies)
    assert share_of_equal(tmp_path / "masks", tmp_path / "other") > 0.99
