"""What a run takes over from other weights, and what it says of it."""

import os

import pytest
import torch

from grapy_cli.errors import WeightsError
from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers
from grapy_cli.model.weights import card_of, save_weights
from grapy_cli.train.init_weights import advice_of, init_network, side_by_side
from tests.support.parity import FOLDER

ENCODER = FOLDER.parent / "data" / "encoder" / "efflite0_encoder_fp16.safetensors"
PYRAMID = PyramidNumbers(rounds=1)


def network_of(*names, seed=0, **changed):
    torch.manual_seed(seed)
    tiny = {"width": 0.05, "features": 16, "low_level": 8, "pyramid": PYRAMID}
    numbers = NetworkNumbers("efficientnet_lite0", **(tiny | changed))
    return build_network(numbers, [LABEL_SETS[name] for name in names])


def saved(network, path, **facts):
    card = card_of(network, name="test", grapy="0", stage="pretrain", **facts)
    save_weights(path, network.state_dict(), card)
    return path


def test_joint_takes_over_a_pretrained_network_and_has_a_fresh_pyramid(tmp_path):
    pretrained = network_of("cihp", "atr", "pascal", seed=1, pyramid=None)
    network = network_of("cihp", "atr", "pascal")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    told = init_network(network, saved(pretrained, tmp_path / "w.safetensors"))
    theirs = pretrained.state_dict()
    for key, value in network.state_dict().items():
        expected = theirs[key] if key in theirs else before[key]
        assert torch.equal(value, expected), key
    fresh = "pyramid, refined_heads.atr, refined_heads.cihp, refined_heads.pascal"
    assert told == f"starting from {tmp_path / 'w.safetensors'}; fresh: {fresh}"


def test_finetuning_takes_over_everything_of_its_data_set(tmp_path):
    joint = network_of("cihp", "atr", "pascal", seed=1)
    network = network_of("pascal")
    told = init_network(network, saved(joint, tmp_path / "w.safetensors"))
    assert "fresh" not in told
    theirs = joint.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in network.state_dict().items())


def test_a_new_label_set_gets_fresh_heads(tmp_path):
    told = init_network(
        network_of("atr", "cihp"), saved(network_of("cihp"), tmp_path / "w.safetensors")
    )
    assert told.endswith("; fresh: main_heads.atr, pyramid, refined_heads.atr")


@pytest.mark.parametrize("changed", [{"width": 0.3}, {"features": 24}])
def test_other_widths(tmp_path, changed):
    """Another backbone cannot be meant; another decoder begins anew and is named."""
    path = saved(network_of("cihp", **changed), tmp_path / "w.safetensors")
    if "width" in changed:
        with pytest.raises(WeightsError, match="does not fit the efficientnet_lite0") as caught:
            init_network(network_of("cihp"), path)
        assert "--width" in caught.value.hint
    else:
        assert "deeplab.decoder" in init_network(network_of("cihp"), path)


def test_weights_trained_with_another_dilation(tmp_path):
    card = card_of(network_of("cihp"), name="test", grapy="0", stage="joint")
    del card.numbers["exact_dilation"]  # as in weights from before this number
    path = tmp_path / "w.safetensors"
    save_weights(path, network_of("cihp").state_dict(), card)
    with pytest.raises(WeightsError, match="exact_dilation = false") as caught:
        init_network(network_of("cihp"), path)
    assert caught.value.hint == "Add --set model.exact_dilation=false."
    init_network(network_of("cihp", exact_dilation=False), path)


def test_one_name_for_two_label_sets(tmp_path):
    own = LABEL_SETS["pascal"].to_dict() | {"name": "own"}
    other = LABEL_SETS["atr"].to_dict() | {"name": "own"}
    numbers = network_of("cihp").numbers
    networks = [build_network(numbers, [LabelSet.from_dict(table)]) for table in (own, other)]
    with pytest.raises(WeightsError, match="another label set with the name 'own'") as caught:
        init_network(networks[0], saved(networks[1], tmp_path / "w.safetensors"))
    _, head, first, *_, last = caught.value.message.splitlines()
    assert head.split() == ["id", "weights", "data", "set"]
    assert first.split(maxsplit=1)[0] == "1"  # both have a background
    assert ("hat" in first, "head" in first) == (True, True)
    assert (last.split()[0], last.endswith("  -")) == ("17", True)


def test_label_sets_that_differ_in_a_mirror_partner_alone():
    """A network mirrored at test time would mix up its hands."""
    table = LABEL_SETS["atr"].to_dict() | {"name": "own"}
    parts = [
        {
            name: value
            for name, value in part.items()
            if name != "mirror" or "arm" not in part["name"]
        }
        for part in table["parts"]
    ]
    ours, theirs = (LabelSet.from_dict(table | {"parts": p}) for p in (table["parts"], parts))
    rows = list(side_by_side(theirs, ours))[1:]
    assert [" ".join(row.split()) for row in rows] == [
        "14 left-arm (arms) left-arm (arms, mirrors right-arm)",
        "15 right-arm (arms) right-arm (arms, mirrors left-arm)",
    ]


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_no_weights(tmp_path, content):
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        init_network(network_of("cihp"), path)


@pytest.mark.skipif(not ENCODER.exists(), reason=f"the ImageNet encoder {ENCODER} is not here")
def test_an_imagenet_encoder():
    network = network_of("cihp", width=1.0, pyramid=None)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    told = init_network(network, ENCODER)
    assert "; fresh: deeplab.aspp, deeplab.decoder, deeplab.low_level, main_heads.cihp" in told
    for key, value in network.state_dict().items():
        moved = not torch.equal(value, before[key])
        assert moved == (key.startswith("deeplab.backbone.") and "num_batches" not in key), key


@pytest.mark.skipif(not ENCODER.exists(), reason=f"the ImageNet encoder {ENCODER} is not here")
def test_an_imagenet_encoder_does_not_fit_another_width():
    with pytest.raises(WeightsError, match="does not fit"):
        init_network(network_of("cihp"), ENCODER)


def test_a_folder_without_weights_is_told_from_a_run_to_go_on_with(tmp_path):
    with pytest.raises(WeightsError, match=r"^--init: the folder .* holds no weights") as caught:
        init_network(network_of("cihp"), tmp_path)
    assert "--resume resumes a run" in caught.value.hint


def test_advice_names_the_newest_run_that_knows_the_data_sets(tmp_path):
    runs = {"old": ["cihp", "atr"], "new": ["cihp", "atr"], "newer": ["cihp"], "newest": None}
    for age, (name, datasets) in enumerate(runs.items()):
        file = tmp_path / f"pretrain-{name}" / "best" / "weights.safetensors"
        file.parent.mkdir(parents=True)
        if datasets is None:
            file.write_text("no weights")
        else:
            saved(network_of(*datasets), file)
        os.utime(file, (age, age))
    told = advice_of("joint", "pretrain", ["atr", "cihp"], tmp_path)
    assert told.endswith(f"starts from a pretrain run: --init {tmp_path / 'pretrain-new'}")
    told = advice_of("joint", "pretrain", ["pascal"], tmp_path)
    assert "grapy train --stage pretrain, then" in told
    assert "grapy train --stage joint, then" in advice_of("finetune", "joint", ["cihp"], tmp_path)
