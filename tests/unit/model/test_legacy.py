import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from grapy_cli.errors import WeightsError
from grapy_cli.model import weights
from grapy_cli.model.legacy import import_legacy, read_checkpoint, rename_legacy
from tests.support.reference import (
    TINY,
    fill_by_recipe,
    reference_state,
    tiny_network,
    unused_names,
)

KINDS = [
    ("deeplab", ("cihp",)),
    ("deeplab", ("pascal",)),
    ("deeplab", ("atr",)),
    ("multi-set", ("cihp", "pascal", "atr")),
    ("grapynet", ("cihp",)),
    ("grapynet", ("pascal",)),
    ("grapynet", ("atr",)),
    ("mutual", ("cihp", "pascal", "atr")),
]
kinds = pytest.mark.parametrize(("kind", "datasets"), KINDS)


def filled(kind, datasets):
    network = tiny_network(kind, datasets)
    fill_by_recipe(network)
    return network


def write(state, path):
    torch.save(state, path)
    return path


def bring_in(path, out):
    return import_legacy(path, out, grapy="1.2.3", numbers=TINY)


@kinds
def test_every_kind_comes_in_whole(kind, datasets, tmp_path):
    network = filled(kind, datasets)
    path = write(reference_state(network, kind), tmp_path / "there.pth")
    report = bring_in(path, out := tmp_path / "here.safetensors")
    loaded, card = weights.load_weights(out)
    assert (report.kind, *(one.name for one in report.label_sets)) == (kind, *datasets)
    assert len(report.tensors) == len(network.state_dict())
    assert sorted(report.unused) == sorted(unused_names(kind))
    assert tuple(loaded.label_sets) == datasets
    torch.testing.assert_close(loaded.state_dict(), network.state_dict(), rtol=0, atol=0)
    assert (card.name, card.grapy, card.stage) == ("here", "1.2.3", "imported")
    assert "there.pth" in card.provenance
    assert "sha256" in card.provenance
    assert card.licence == "that of the imported file"
    assert card.limits == ""


def test_a_deeplab_for_other_parts_comes_in_without_its_head(tmp_path):
    network = filled("deeplab", ("cihp",))
    state = reference_state(network, "deeplab")
    state |= {"semantic.weight": torch.zeros(21, 16, 1, 1), "semantic.bias": torch.zeros(21)}
    out = tmp_path / "w.safetensors"
    report = bring_in(write(state, tmp_path / "v3.pth"), out)
    assert report.label_sets == []
    assert report.unused == ["semantic.weight", "semantic.bias"]
    loaded, card = weights.load_weights(out)
    assert loaded.label_sets == {}
    assert "only a training can start from it" in card.limits
    expected = network.deeplab.state_dict()
    torch.testing.assert_close(loaded.deeplab.state_dict(), expected, rtol=0, atol=0)


def test_a_grapynet_for_other_parts_is_refused():
    state = reference_state(filled("grapynet", ("cihp",)), "grapynet")
    state["gcn_network.sem.weight"] = torch.zeros(21, 16, 1, 1)
    with pytest.raises(WeightsError, match=r"21 parts instead of 20 \(cihp\), 7 \(pascal\)"):
        rename_legacy(state, TINY)


@kinds
def test_old_checkpoints_count_no_batches(kind, datasets):
    state = reference_state(filled(kind, datasets), kind)
    old = {name: value for name, value in state.items() if "num_batches_tracked" not in name}
    assert len(old) < len(state)
    renamed, complete = rename_legacy(old, TINY).tensors, rename_legacy(state, TINY).tensors
    torch.testing.assert_close(renamed, complete)


@pytest.mark.parametrize("old_format", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_wrappings_are_taken_off(wrapped, prefix, old_format, tmp_path):
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    content = {prefix + name: value for name, value in state.items()}
    content = {"state_dict": content, "epoch": 3} if wrapped else content
    path = tmp_path / "w.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not old_format)
    read = read_checkpoint(path)
    torch.testing.assert_close(read, state, rtol=0, atol=0)


def test_the_stem_is_turned_round_to_rgb():
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    theirs = state["xception_features.conv1.weight"]
    ours = rename_legacy(state, TINY).tensors["deeplab.backbone.stem.0.conv.weight"]
    assert torch.equal(ours[:, 0], theirs[:, 2])
    assert torch.equal(ours[:, 2], theirs[:, 0])


def test_half_precision_becomes_single():
    state = reference_state(filled("mutual", ("cihp", "pascal", "atr")), "mutual")
    half = {n: v.half() if v.is_floating_point() else v for n, v in state.items()}
    tensors = rename_legacy(half, TINY).tensors.values()
    assert {value.dtype for value in tensors} == {torch.float32, torch.int64}


def test_tensors_of_one_memory_can_be_written(tmp_path):
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    first, second = "decoder.1.atrous_convolution.{}wise_bn.weight".format, ("depth", "point")
    shared = torch.ones(16)
    state |= {first(half): shared for half in second}
    bring_in(write(state, tmp_path / "w.pth"), tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"aspp1.bn.weight": None}, r"deeplab.aspp.branches.0.norm.weight is missing"),
        ({"extra.weight": torch.zeros(1)}, r"extra.weight is unknown"),
        ({"aspp1.bn.weight": torch.zeros(3)}, r"norm.weight is \(3,\) instead of \(16,\)"),
        ({"gcn_network.sem_atr.bias": None}, r"main_heads.atr.bias is missing"),
        (
            {f"block{n}": torch.zeros(1) for n in range(5)},
            r"block0 is unknown; block1 is unknown; block2 is unknown \(and 2 more\)",
        ),
        (
            {"xception_features.block1.rep.1.depthwise.weight": torch.zeros(1)},
            "two tensors stand for the same one",
        ),
    ],
)
def test_the_first_faults_are_named(change, words, tmp_path):
    state = reference_state(filled("mutual", ("cihp", "pascal", "atr")), "mutual") | change
    path = write(
        {name: value for name, value in state.items() if value is not None}, tmp_path / "w"
    )
    with pytest.raises(WeightsError, match=words) as caught:
        bring_in(path, tmp_path / "out")
    assert str(path) in caught.value.message
    assert not (tmp_path / "out").exists()


def test_the_paper_s_size_is_expected_by_default():
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    with pytest.raises(WeightsError, match="instead of"):
        rename_legacy(state)


def test_the_numbers_given_do_not_decide_about_the_pyramid():
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    assert rename_legacy(state, replace(TINY)).numbers.pyramid is None


@pytest.mark.parametrize("name", ["backbone.conv1.weight", "semantic.weight"])
def test_other_networks_are_refused(name):
    with pytest.raises(WeightsError, match="no network of the reference"):
        rename_legacy({name: torch.zeros(1)})


class Hostile:
    """Says what to run when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize("old_format", [True, False])
def test_code_in_a_checkpoint_is_never_run(old_format, tmp_path):
    trap, path = tmp_path / "sprung", tmp_path / "w.pth"
    content = {"xception_features.conv1.weight": Hostile(trap)}
    torch.save(content, path, _use_new_zipfile_serialization=not old_format)
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        bring_in(path, tmp_path / "out")
    path.write_bytes(pickle.dumps(Hostile(trap)))
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        bring_in(path, tmp_path / "out")
    assert not trap.exists()


@pytest.mark.parametrize("old_format", [True, False])
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_told(share, old_format, tmp_path):
    path = tmp_path / "w.pth"
    content = {f"xception_features.{n}": torch.zeros(50) for n in range(50)}
    torch.save(content, path, _use_new_zipfile_serialization=not old_format)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint") as caught:
        bring_in(path, tmp_path / "out")
    assert "download it again" in caught.value.hint


@pytest.mark.parametrize("junk", [b"GIF89a", b"\x80\x02}q\x00.", b"<html>", bytes(range(256)) * 9])
def test_junk_is_told(junk, tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(junk)
    with pytest.raises(WeightsError, match=r"w\.pth"):
        bring_in(path, tmp_path / "out")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(WeightsError, match="does not exist"):
        bring_in(tmp_path / "none.pth", tmp_path / "out")
    with pytest.raises(WeightsError, match="cannot be read"):
        bring_in(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(1)],
        torch.zeros(3),
        {"a": 1},
        {1: torch.zeros(1)},
        {"state_dict": {"a": "b"}},
        {"a": torch.zeros(2, 2).to_sparse()},
    ],
)
def test_other_content_is_told(content, tmp_path):
    path = write(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds no table of tensors"):
        bring_in(path, tmp_path / "out")


def test_a_small_file_that_pretends_to_be_huge_is_refused(tmp_path):
    state = reference_state(filled("deeplab", ("atr",)), "deeplab")
    state["aspp1.bn.weight"] = torch.zeros(1).expand(10**12)
    path = write(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="instead of"):
        bring_in(path, tmp_path / "out")
