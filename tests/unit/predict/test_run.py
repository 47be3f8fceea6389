import errno
import json
import os
import resource

import numpy as np
import pytest
from PIL import Image
from torch.nn.modules.module import register_module_forward_hook

from grapy_cli.errors import DatasetError, PhotoError, SettingsError
from grapy_cli.model.deeplab import DeepLabV3Plus
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.predict.run import run_predict
from grapy_cli.runtime.reporting import Progressed, silence
from grapy_cli.settings.sections import DataSettings, InferSettings, PredictSettings, RunSettings
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_weights
from tests.support.photo_folders import write_noise


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = {"a.png": (30, 40), "b.jpg": (20, 20), "deep/c.webp": (9, 7)}
    write_noise(tmp_path / "photos", sizes)
    return tmp_path


@pytest.fixture
def predict(weights):
    def run(*sources, dataset=("atr",), weights=weights, report=silence, **more):
        settings = Settings(
            data=DataSettings(dataset=list(dataset)),
            infer=InferSettings(weights=weights),
            predict=PredictSettings(**{"out": "masks", **more}),
            run=RunSettings(device="cpu"),
        )
        return run_predict([str(source) for source in sources], settings, report)

    return run


def test_the_mask_of_one_photo_goes_to_standard_output(predict, work, capfdbinary):
    predict("photos/a.png")
    assert predict("photos/a.png", out="-").parsed == 1
    assert capfdbinary.readouterr().out == (work / "masks/a.png").read_bytes()
    assert predict("photos/a.png", out="-", levels=[1], save=["overlay"]).parsed == 1
    assert capfdbinary.readouterr().out[:4] == b"\x89PNG"
    assert not (work / "-").exists()


def test_a_photo_that_fails_leaves_standard_output_empty(predict, work, capfdbinary):
    (work / "photos/a.png").write_bytes(b"nothing")
    assert predict("photos/a.png", out="-").failed == 1
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("sources", "more"),
    [
        (["photos"], {}),
        (["photos/a.png"], {"dataset": ("atr", "pascal")}),
        (["photos/a.png"], {"levels": [3, 1]}),
        (["photos/a.png"], {"save": ["cutouts"]}),
        (["photos/a.png"], {"gallery": True}),
    ],
)
def test_standard_output_holds_one_file(predict, sources, more, capfdbinary):
    with pytest.raises(SettingsError, match="one file of one photo") as caught:
        predict(*sources, out="-", **more)
    assert "--out masks" in caught.value.hint
    assert capfdbinary.readouterr().out == b""


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_manifest_says_how_an_odd_photo_was_read(predict, work):
    ramp = np.arange(600, dtype=np.uint16).reshape(20, 30)
    Image.fromarray(ramp).save(work / "ten bits.png")
    predict("ten bits.png", "photos/b.jpg")
    odd, plain = rows(work / "masks/manifest.jsonl")
    assert odd["notes"] == ["brightness is scaled from the range 0 to 1023"]
    assert "notes" not in plain


def test_each_photo_has_its_mask_and_its_row(predict, work):
    events = []
    summary = predict("photos", report=events.append)
    assert (summary.parsed, summary.failed) == (3, 0)
    assert files(work / "masks") == ["a.png", "b.png", "deep/c.png", "manifest.jsonl"]
    with Image.open(work / "masks/a.png") as mask:
        assert (mask.mode, mask.size) == ("P", (40, 30))
    manifest = rows(work / "masks/manifest.jsonl")
    assert [row["source"] for row in manifest] == [
        f"photos/{n}" for n in ("a.png", "b.jpg", "deep/c.webp")
    ]
    first = manifest[0]
    assert (first["files"], first["width"], first["height"]) == (["a.png"], 40, 30)
    assert sum(first["shares"]["atr"].values()) == pytest.approx(1, abs=1e-4)
    assert 0 < first["confidence"]["atr"] <= 1
    assert first["seconds"] > 0
    parsed = [event for event in events if isinstance(event, PhotoParsed)]
    assert parsed[0].files == ("a.png",)
    assert [e.done for e in events if isinstance(e, Progressed)] == [1, 2, 3]


def test_nothing_is_written_beside_the_photos(predict, work):
    before = {path: path.stat().st_mtime_ns for path in (work / "photos").rglob("*")}
    folders = [work / "photos", work / "photos/deep"]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert predict("photos", save=["mask", "overlay", "probs"]).failed == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in (work / "photos").rglob("*")} == before


def test_everything_comes_from_one_pass(predict, work):
    passes = []
    hook = register_module_forward_hook(
        lambda module, *_: passes.append(1) if isinstance(module, DeepLabV3Plus) else None
    )
    events = []
    try:
        both = {"levels": [3, 2], "save": ["mask", "overlay"]}
        predict("photos/a.png", dataset=["all"], report=events.append, **both)
    finally:
        hook.remove()
    assert passes == [1]
    masks = {f"{name}{level}/a.png" for name in ("atr", "pascal") for level in ("", "-level2")}
    expected = masks | {f"overlay-{mask}" for mask in masks}
    assert set(files(work / "masks")) == expected | {"manifest.jsonl"}
    [parsed] = [event for event in events if isinstance(event, PhotoParsed)]
    assert set(parsed.files) == expected


def test_a_label_set_that_is_named_twice_counts_once(predict, work):
    predict("photos/a.png", save=["mask", "probs"])
    predict("photos/a.png", save=["mask", "probs"], dataset=["atr", "atr"], out="twice")
    for file in ("atr/a.png", "probs/a.npz"):
        assert (work / "twice" / file).read_bytes() == (work / "masks" / file).read_bytes()


def test_every_kind_of_result(predict, work):
    predict("photos/a.png", save=["mask", "overlay", "color", "probs", "confidence"])
    out = work / "masks"
    label_map = np.array(Image.open(out / "atr/a.png"))
    with np.load(out / "probs/a.npz") as arrays:
        assert arrays["probs"].shape == (18, 30, 40)
        assert arrays["names"][0] == "background"
        sure = arrays["probs"].max(0)
        won = np.take_along_axis(arrays["probs"], label_map[None].astype(int), 0)[0]
    np.testing.assert_array_equal(won, sure)
    with Image.open(out / "confidence/a.png") as confidence:
        assert confidence.mode == "L"
        np.testing.assert_allclose(np.array(confidence) / 255, sure, atol=0.01)
    with Image.open(out / "color/a.png") as color, Image.open(out / "atr/a.png") as mask:
        np.testing.assert_array_equal(np.array(color), np.array(mask.convert("RGB")))
    with Image.open(out / "overlay/a.png") as overlay:
        assert overlay.mode == "RGB"


def test_photos_of_greatest_doubt_are_named_at_the_end(predict, work):
    Image.new("RGB", (8, 8)).save(work / "photos/d.png")
    told = []
    predict("photos", report=told.append)
    (advice,) = (event.text for event in told if "look first" in getattr(event, "text", ""))
    doubts = {row["source"]: row["doubt"] for row in rows(work / "masks/manifest.jsonl")}
    assert all(0 <= doubt <= 1 for doubt in doubts.values())
    first = sorted(doubts, key=doubts.__getitem__, reverse=True)[:3]
    assert set(first) == {source for source in doubts if source in advice}
    few = []
    predict("photos/a.png", out="few", report=few.append)
    assert not any("look first" in getattr(event, "text", "") for event in few)


def test_consistency_compares_all_label_sets_and_writes_those_asked_for(predict, work):
    predict("photos", consistency=True)
    kinds = {"/".join(name.split("/")[:1]) for name in files(work / "masks") if "/" in name}
    assert kinds == {"atr", "disagreement"}
    for row in rows(work / "masks/manifest.jsonl"):
        assert set(row["confidence"]) == {"pascal", "atr"}
        assert 0 < row["disagreement"] <= 1
    with Image.open(work / "masks/disagreement/a.png") as picture:
        assert (picture.mode, picture.size) == ("L", (40, 30))
    predict("photos", out="plain")
    assert all("disagreement" not in row for row in rows(work / "plain/manifest.jsonl"))


def test_one_label_set_alone_has_nothing_to_be_consistent_with(predict, work, tmp_path):
    alone = write_weights(tmp_path / "alone.safetensors", ["atr"])
    with pytest.raises(DatasetError, match="have only one"):
        predict("photos", weights=alone, consistency=True)


def test_a_broken_photo_is_a_row_and_the_others_are_done(predict, work):
    (work / "photos/broken.jpg").write_text("no photo")
    whole = (work / "photos/a.png").read_bytes()
    (work / "photos/short.png").write_bytes(whole[: len(whole) // 2])
    events = []
    summary = predict("photos", report=events.append)
    assert (summary.parsed, summary.failed) == (3, 2)
    failures = rows(work / "masks/failures.jsonl")
    assert [row["source"] for row in failures] == ["photos/broken.jpg", "photos/short.png"]
    assert all("cannot be read" in row["reason"] for row in failures)
    assert [e.photo for e in events if isinstance(e, PhotoRejected)] == [
        "photos/broken.jpg",
        "photos/short.png",
    ]
    (work / "photos/broken.jpg").unlink()
    (work / "photos/short.png").unlink()
    predict("photos")
    assert not (work / "masks/failures.jsonl").exists()


def test_photos_of_equal_names_keep_their_full_names(predict, work):
    for name in ("a.jpg", "A.png"):
        (work / "photos" / name).write_bytes((work / "photos/b.jpg").read_bytes())
    predict("photos")
    assert files(work / "masks")[:4] == ["A.png.png", "a.jpg.png", "a.png-2.png", "b.png"]


def test_a_photo_is_never_overwritten(predict, work):
    before = (work / "photos/a.png").read_bytes()
    with pytest.raises(SettingsError, match=r"overwrite the photo photos/a\.png"):
        predict("photos/a.png", out="photos")
    assert predict("photos/b.jpg", out="photos").parsed == 1  # which gives photos/b.png
    (work / "a.png").symlink_to(work / "photos/a.png")
    with pytest.raises(SettingsError, match="overwrite the photo"):
        predict("a.png", out=".")
    assert (work / "photos/a.png").read_bytes() == before


def test_results_that_cannot_be_written_end_the_run_cleanly(predict, work):
    (work / "file").write_text("")
    (work / "masks").mkdir()
    (work / "masks/manifest.jsonl").mkdir()
    with pytest.raises(PhotoError, match="cannot be written to masks"):
        predict("photos")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="files have no limit here")
def test_a_full_disk_ends_the_run_cleanly_and_the_next_one_goes_on(predict, work):
    """No file may grow beyond 4 KB: the disk is full for `probs` alone, which is larger."""
    predict("photos/deep", save=["mask", "probs"])  # 63 pixels
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(PhotoError, match=os.strerror(errno.EFBIG)):
            predict("photos", save=["mask", "probs"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not any(".part" in name for name in files(work / "masks"))
    assert "probs/a.npz" not in files(work / "masks")
    assert predict("photos", save=["mask", "probs"]).parsed >= 2
    for name in ("a", "b", "deep/c"):
        np.load(work / f"masks/probs/{name}.npz").close()
    assert len(rows(work / "masks/manifest.jsonl")) == 3


def test_a_name_no_file_can_have_is_one_photo_s_failure(predict, work):
    (work / "photos" / ("n" * 250 + ".png")).write_bytes((work / "photos/a.png").read_bytes())
    (work / "photos" / ("n" * 250 + ".jpg")).write_bytes((work / "photos/b.jpg").read_bytes())
    summary = predict("photos")
    assert (summary.parsed, summary.failed) == (3, 2)
    assert all("cannot be written" in row["reason"] for row in rows(work / "masks/failures.jsonl"))


def test_a_name_that_is_no_text(predict, work):
    (work / "photos/a.png").rename(work / "photos" / os.fsdecode(b"\xff.png"))
    assert predict("photos").parsed == 3
    assert (work / "masks" / os.fsdecode(b"\xff.png")).exists()
    assert rows(work / "masks/manifest.jsonl")[-1]["files"] == ["\udcff.png"]


def test_the_label_set_must_be_said_where_there_are_several(predict):
    with pytest.raises(DatasetError, match="several label sets"):
        predict("photos", dataset=[])


@pytest.mark.parametrize("dataset", [[], ["all"], ["atr"]])
def test_weights_without_heads_parse_nothing(predict, work, dataset):
    weights = write_weights(work / "bare", [])
    with pytest.raises(DatasetError, match="--init"):
        predict("photos", dataset=dataset, weights=weights)


def test_which_weights_parse_is_said_once_in_a_line(predict, weights):
    for named, words in ((weights, str(weights)), (None, "`grapy weights import`")):
        heard = []
        predict("photos/a.png", weights=named, report=heard.append, out=f"masks-{bool(named)}")
        said = [
            event.text for event in heard if getattr(event, "text", "").startswith("using the ")
        ]
        assert len(said) == 1
        assert words in said[0]
        assert "\n" not in said[0]
