import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError
from grapy_cli.evaluate.build import load_parsers
from grapy_cli.evaluate.provenance import device_facts, parser_digest
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tiles import TileLimit
from grapy_cli.labels import IGNORE, LABEL_SETS, Level
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import scores_of
from grapy_cli.runtime.reporting import Progressed, Warned
from grapy_cli.runtime.world import World
from grapy_cli.settings.sections import InferSettings, RunSettings
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_weights


def truths(root, name, split="val", level=3):
    dataset = PreparedDataset.open(root / name)
    return [load_label_map(dataset.label_map(key, level)) for key in dataset.keys(split)]


def test_a_parser_that_finds_nobody_has_the_score_of_the_background(evaluate, weights, prepared):
    report = evaluate(weights.background, "atr")
    for result, level in zip(report["results"], (3, 2, 1), strict=True):
        seen = np.concatenate([truth.ravel() for truth in truths(prepared, "atr", level=level)])
        seen = seen[seen != IGNORE]
        share = (seen == 0).mean()
        there = len(np.unique(seen))
        assert (result["dataset"], result["split"], result["level"]) == ("atr", "val", level)
        assert (result["photos"], result["skipped"]) == (2, [])
        assert result["pixel_accuracy"] == pytest.approx(share)
        assert result["mean_iou"] == pytest.approx(share / there)
        assert result["mean_accuracy"] == pytest.approx(1 / there)
        names = [node.name for node in LABEL_SETS["atr"].nodes(level)]
        assert list(result["parts"]) == names
        background = result["parts"]["background"]
        assert (background["iou"], background["accuracy"]) == (pytest.approx(share), 1)
        for part, name in enumerate(names[1:], 1):
            nothing = 0 if part in seen else None
            assert result["parts"][name] == dict.fromkeys(background, nothing)


def test_coarse_scores_are_those_of_the_coarse_maps(evaluate, weights, prepared):
    """Levels 2 and 1 as if maps had been lifted and scored."""
    report = evaluate(weights.looking, "atr")
    parser = HumanParser.load(weights.looking, device="cpu")
    dataset = PreparedDataset.open(prepared / "atr")
    for result in report["results"]:
        level = result["level"]
        names = [node.name for node in dataset.label_set.nodes(level)]
        counts = sum(
            count_pairs(
                parser.parse(dataset.photo(key), "atr").label_map_at(level),
                load_label_map(dataset.label_map(key, level)),
                len(names),
            )
            for key in dataset.keys("val")
        )
        scores = scores_of(counts, names)
        assert result["mean_iou"] == scores.mean_iou
        assert result["mean_accuracy"] == scores.mean_accuracy
        assert result["pixel_accuracy"] == scores.pixel_accuracy
        assert {name: part["iou"] for name, part in result["parts"].items()} == {
            name: part.iou for name, part in scores.parts.items()
        }


def test_without_a_name_every_prepared_set_the_weights_know_is_scored(evaluate, weights):
    report = evaluate(weights.background)
    assert [(row["dataset"], row["level"]) for row in report["results"]] == [
        (name, level) for name in ("atr", "pascal") for level in (3, 2, 1)
    ]


def test_the_report_says_how_and_of_what(evaluate, weights, prepared):
    report = evaluate(weights.looking, "pascal", tta=["flip"], longest_side=40)
    assert report["protocol"]["split"] == "val"
    assert report["protocol"]["tta"] == "flip"
    assert report["protocol"]["longest_side"] == 40
    assert report["protocol"]["reduced_jpeg"] is False
    assert report["protocol"]["device"] == "cpu"
    digest = hashlib.sha256(weights.looking.read_bytes()).hexdigest()
    facts = {key: report["weights"][key] for key in ("name", "file", "sha256")}
    assert facts == {"name": "tiny", "file": "looking", "sha256": digest}
    assert report["weights"]["card"]["stage"] == "joint"
    [scored] = report["parsers"]
    assert scored == {
        "parser": "tiny",
        "longest_side": 40,
        "engine": "torch",
        "weights": report["weights"],
    }
    keys = PreparedDataset.open(prepared / "pascal").keys("val")
    listed = hashlib.sha256("".join(f"{key}\n" for key in keys).encode()).hexdigest()
    data = {"list_sha256": listed, "listed": 2, "label_set": LABEL_SETS["pascal"].digest}
    assert report["protocol"]["data"] == {"pascal": data}


def test_the_json_is_the_contract_s(evaluate, weights):
    document = json.loads(json.dumps(evaluate(weights.background, "atr"), allow_nan=False))
    assert set(document) == {"results", "protocol", "weights", "parsers"}
    for result in document["results"]:
        assert {
            "dataset",
            "split",
            "level",
            "photos",
            "skipped",
            "mean_iou",
            "mean_accuracy",
            "pixel_accuracy",
            "parts",
        } <= set(result)
        keys = {"iou", "accuracy", "f1", "boundary_iou"}
        assert all(set(part) == keys for part in result["parts"].values())


def test_two_runs_give_the_same_report(evaluate, weights):
    first, second = (json.dumps(evaluate(weights.looking, "atr")) for _ in range(2))
    assert first == second


@pytest.fixture
def changed(prepared, tmp_path):
    """A copy of the data that a test may spoil, and its keys of `train`."""
    shutil.copytree(prepared, tmp_path / "data")
    return tmp_path / "data", PreparedDataset.open(tmp_path / "data" / "atr").keys("train")


def test_a_split_without_label_maps_is_skipped_with_the_reason(evaluate, weights, changed):
    root, keys = changed
    (root / "atr/splits/test.txt").write_text("\n".join(keys[:2]))
    for key in keys[:2]:
        for level in Level:
            (root / f"atr/labels/level{level:d}/{key}.png").unlink()
    events = []
    [result, *_] = evaluate(
        weights.background, "atr", root=root, split="test", report=events.append
    )["results"]
    assert result["photos"] == 0
    assert [row["photo"] for row in result["skipped"]] == sorted(keys[:2])
    assert all("cannot be read" in row["reason"] for row in result["skipped"])
    assert result["mean_iou"] is result["pixel_accuracy"] is None
    assert [event.text.split(" is ")[0] for event in events if isinstance(event, Warned)] == [
        f"atr: {key}" for key in sorted(keys[:2])
    ]


def test_what_does_not_fit_is_skipped_and_the_others_count(evaluate, weights, changed):
    root, keys = changed
    dataset = PreparedDataset.open(root / "atr")
    dataset.photo(keys[0]).unlink()
    dataset.photo(keys[1]).write_text("no photo")
    Image.new("L", (5, 5)).save(dataset.label_map(keys[2]))
    Image.fromarray(np.full_like(load_label_map(dataset.label_map(keys[3])), 18)).save(
        dataset.label_map(keys[3])
    )
    [result, *_] = evaluate(weights.background, "atr", root=root, split="train")["results"]
    assert result["photos"] == len(keys) - 4
    reasons = {row["photo"]: row["reason"] for row in result["skipped"]}
    assert set(reasons) == set(keys[:4])
    assert "has no photo" in reasons[keys[0]]
    assert "cannot be read" in reasons[keys[1]]
    assert reasons[keys[2]] == "the mask is 48x64 pixels, the truth 5x5"
    assert "ids 18 lie outside the 18 parts" in reasons[keys[3]]


def test_of_many_skipped_photos_the_first_are_told(evaluate, weights, changed):
    root, keys = changed
    for path in (root / "atr/images").iterdir():
        path.unlink()
    events = []
    evaluate(weights.background, "atr", root=root, split="train", report=events.append)
    texts = [event.text for event in events if isinstance(event, Warned)]
    assert len(keys) == 6
    assert texts[5:] == ["atr: 1 more are skipped; --json lists them all"]
    assert [e.done for e in events if isinstance(e, Progressed)] == [1, 2, 3, 4, 5, 6]


def test_photos_lie_on_white_as_predict_sees_them(evaluate, weights, changed):
    """A transparent PNG is scored as `grapy predict` parses it."""
    root, _ = changed
    dataset = PreparedDataset.open(root / "atr")
    for key in dataset.keys("val"):
        with Image.open(dataset.photo(key)) as photo:
            clear = photo.convert("RGBA")
        clear.putalpha(128)
        dataset.photo(key).unlink()
        clear.save(root / f"atr/images/{key}.jpg", format="PNG")
    [result, *_] = evaluate(weights.looking, "atr", root=root)["results"]
    parser = HumanParser.load(weights.looking, device="cpu")
    counts = sum(
        count_pairs(
            parser.parse(dataset.photo(key), "atr").label_map,
            load_label_map(dataset.label_map(key)),
            18,
        )
        for key in dataset.keys("val")
    )
    assert result["mean_iou"] == scores_of(counts, dataset.label_set.names).mean_iou


@pytest.mark.parametrize("name", ["cihp", "synthetic"])
def test_what_the_weights_do_not_know_cannot_be_scored(evaluate, weights, name):
    with pytest.raises(DatasetError, match="do not know"):
        evaluate(weights.background, name)


def test_what_is_not_prepared_cannot_be_scored(evaluate, weights, tmp_path):
    with pytest.raises(DatasetError, match="prepare"):
        evaluate(weights.background, "atr", root=tmp_path)
    with pytest.raises(DatasetError, match="nothing below"):
        evaluate(weights.background, root=tmp_path)
    with pytest.raises(DatasetError, match="no test photos"):
        evaluate(weights.background, "atr", split="test")


def test_weights_without_heads_score_nothing(evaluate, tmp_path):
    with pytest.raises(DatasetError, match="prepared for the weights'"):
        evaluate(write_weights(tmp_path / "bare", []))


def test_precision_and_tiles_are_those_of_the_settings(weights):
    settings = Settings(
        infer=InferSettings(weights=weights.looking, precision="bf16", tile=24),
        run=RunSettings(device="cpu"),
    )
    ((path, parser),) = load_parsers(settings, World()).values()
    assert path == weights.looking
    assert parser.tiles.side == 24
    assert device_facts(parser)["precision"] == "bfloat16"


def test_a_photo_that_was_scored_in_other_tiles_or_reduced_is_scored_anew(weights):
    parser = HumanParser.load(weights.looking, device="cpu")
    tiled = replace(parser, tiles=TileLimit(24))
    assert parser_digest(parser, "weights", "none") == parser_digest(parser, "weights", "none")
    reduced = replace(parser, reduced_jpeg=True)
    for other in (tiled, reduced):
        assert parser_digest(parser, "weights", "none") != parser_digest(other, "weights", "none")
