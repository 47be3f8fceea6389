"""The network gives what the reference implementation gives, on its recorded cases.

The cases named `small/...` travel with the code: one network of each kind at full size (DeepLab for
one label set and for three, the graph pyramid for one and for three), in the form that trains and
in the form that parses, and the paper's six scales with mirror images.
"""

import copy
import hashlib
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from grapy_cli.inference.tta import TTA, parse_logits, scaled_photo
from grapy_cli.model import fused
from grapy_cli.model.xception import Xception
from tests.support import parity, small_parity
from tests.support.recipe import digest_of

TOLERANCE = 1e-4  # of the largest value; the reference's own float32 noise is up to 1e-5
FOLDED_TOLERANCE = 1e-5  # of the logits that the form for inference gives

DEEPLAB = {
    "block1": "deeplab.backbone.entry.0",
    "block2": "deeplab.backbone.entry.1",
    "block3": "deeplab.backbone.entry.2",
    "block4": "deeplab.backbone.middle.0",
    "block19": "deeplab.backbone.middle.15",
    "block20": "deeplab.backbone.last",
    "backbone": "deeplab.backbone",
    "low_level": "deeplab.backbone:1",
    **{f"aspp{n + 1}": f"deeplab.aspp.branches.{n}" for n in range(4)},
    "aspp_pool": "deeplab.aspp.pool",
    "decoder": "deeplab",
}

# Name of the recorded case, of the network, and of the label set.
DEEPLAB_CASES = parity.both_sets(
    ("deeplab18_eval", "deeplab18", "atr"),
    ("multiset_cihp_eval", "multiset", "cihp"),
    ("multiset_pascal_eval", "multiset", "pascal"),
    ("multiset_atr_eval", "multiset", "atr"),
)
GRAPY_CASES = parity.both_sets(
    ("grapynet20_eval", "grapynet20", "cihp"),
    ("grapynet7_eval", "grapynet7", "pascal"),
    ("mutual_cihp_eval", "mutual", "cihp"),
    ("mutual_pascal_eval", "mutual", "pascal"),
    ("mutual_atr_eval", "mutual", "atr"),
)


def pyramid_taps(dataset: str) -> dict[str, str]:
    blocks = ("human", "category", f"part-{dataset}")
    taps = {}
    for level, block in enumerate(blocks, 1):
        path = f"pyramid.reasoning.{block}"
        taps |= {f"lv{level}_nodes_in": f"{path}:in", f"lv{level}_nodes_out": path}
        taps |= {f"lv{level}_gcr{n + 1}": f"{path}.rounds.{n}" for n in range(3)}
    return taps


def as_theirs(name: str, value: Tensor) -> Tensor:
    """The reference keeps nodes last where it convolves over them."""
    return (
        value.transpose(1, 2) if name.endswith(("_nodes_out", "_gcr1", "_gcr2", "_gcr3")) else value
    )


@pytest.mark.parametrize("model", ["deeplab7", "deeplab20", "grapynet18", *parity.MODELS])
def test_recipe_gives_the_bytes_of_the_manifest(model):
    digest = digest_of(parity.recipe_of(model))
    assert digest == parity.manifest(model)["digest"]


@parity.needs_parity
@pytest.mark.parametrize("name", ["manifests.json.gz", "index.json", *parity.SMALL_CASES])
def test_small_set_is_a_part_of_the_larger(name):
    kept, taken = small_parity.kept(name), small_parity.taken(name)
    assert kept.keys() == taken.keys()
    for key, value in taken.items():
        assert np.array_equal(kept[key], value), key


@pytest.mark.parametrize(("case", "model", "dataset"), DEEPLAB_CASES)
def test_deeplab(case, model, dataset, record):
    arrays = parity.arrays_of(case)
    network = parity.network_of(model)
    heads = {"semantic_low": f"main_heads.{dataset}"}
    with torch.inference_mode(), parity.Taps(network, DEEPLAB | heads) as heard:
        refined, main = network(parity.images_of(arrays), dataset)
    assert refined is None
    check_values(case, arrays, {**heard, "out": main}, record)
    check_choice(arrays["mask_low"], heard["semantic_low"], margin=0)
    check_choice(arrays["out_argmax"], main)


@pytest.mark.parametrize(("case", "model", "dataset"), GRAPY_CASES)
def test_grapy(case, model, dataset, record):
    arrays = parity.arrays_of(case)
    network = parity.network_of(model)
    heads = {
        "aux_low": f"main_heads.{dataset}",
        "final_low": f"refined_heads.{dataset}",
        "fusion": f"refined_heads.{dataset}:in",
    }
    taps = DEEPLAB | pyramid_taps(dataset) | heads
    with torch.inference_mode(), parity.Taps(network, taps) as heard:
        final, aux = network(parity.images_of(arrays), dataset)
        label_map = heard["aux_low"].argmax(1)
        plain = network.pyramid(heard["decoder"], label_map, dataset)
    check_values(case, arrays, {**heard, "final": final, "aux": aux}, record)
    check_values(case, arrays, {"fusion": plain}, record)
    check_choice(arrays["mask_low"], heard["aux_low"], margin=0)
    check_choice(arrays["final_argmax"], final)


@pytest.mark.parametrize(("case", "model", "dataset"), [*DEEPLAB_CASES, *GRAPY_CASES])
def test_form_for_inference(case, model, dataset, record):
    """It is what parses photos, so it is held to the reference as the network itself is."""
    arrays = parity.arrays_of(case)
    with torch.inference_mode():
        refined, main = parity.folded_of(model)(parity.images_of(arrays), dataset)
    logits = {"out": main} if refined is None else {"final": refined, "aux": main}
    check_values(case, arrays, logits, record, FOLDED_TOLERANCE)
    choice = "out" if refined is None else "final"
    check_choice(arrays[f"{choice}_argmax"], logits[choice])


@pytest.mark.parametrize("how", ["plain", "fused"])
@pytest.mark.parametrize(
    ("case", "model", "dataset", "training"),
    parity.both_sets(
        ("gpm_unit20_eval", "grapynet20", "cihp", False),
        ("gpm_unit20_train", "grapynet20", "cihp", True),
        ("gpm_unit7_eval", "grapynet7", "pascal", False),
    ),
)
def test_pyramid_alone(case, model, dataset, training, how, record):
    arrays = parity.arrays_of(case)
    network = parity.network_of(model)
    part = torch.nn.ModuleDict({"pyramid": copy.deepcopy(network.pyramid).train(training)})
    refine = part["pyramid"] if how == "plain" else partial(fused.refine, part["pyramid"])
    features = torch.from_numpy(arrays["features"])
    with torch.no_grad(), parity.Taps(part, pyramid_taps(dataset)) as heard:
        aux = network.main_heads[dataset](features)
        fusion = refine(features, aux.argmax(1), dataset)
    values = {**heard, "aux": aux, "fusion": fusion}
    check_values(case, arrays, values, record)
    check_choice(arrays["mask"], aux, margin=0)


@pytest.mark.parametrize(
    ("case", "model", "dataset", "form"),
    parity.both_sets(
        ("msflip_grapynet20", "grapynet20", "cihp", "plain"),
        ("msflip_grapynet20", "grapynet20", "cihp", "folded"),
        ("msflip_mutual_cihp", "mutual", "cihp", "plain"),
        ("msflip_mutual_pascal", "mutual", "pascal", "plain"),
        ("msflip_mutual_atr", "mutual", "atr", "plain"),
        ("msflip_mutual_atr", "mutual", "atr", "folded"),
    ),
)
def test_six_scales_and_mirror(case, model, dataset, form, record):
    arrays, facts = parity.arrays_of(case), parity.facts_of(case)
    photo, paper = arrays["image_rgb"], TTA["paper"]
    for scale in paper.scales:
        scaled = scaled_photo(photo, photo.shape[:2], scale)
        digest = hashlib.sha256(scaled.tobytes()).hexdigest()
        assert digest == facts["scaled_sha256"][f"{scale:g}"]
    folded = form == "folded"
    network = parity.folded_of(model) if folded else parity.network_of(model)
    logits = parse_logits(network, photo, [dataset], paper)
    summed = logits[dataset] * len(paper.scales)
    tolerance = FOLDED_TOLERANCE if folded else TOLERANCE
    check_values(case, arrays, {"logits_sum": summed}, record, tolerance)
    wide = arrays["margin"] > 1e-3
    assert wide.mean() > 0.99
    assert (summed.argmax(0).numpy() == arrays["argmax"])[wide].all()


def test_all_label_sets_at_once_are_each_by_itself():
    photo = parity.arrays_of("small/msflip_mutual_pascal")["image_rgb"]
    network, flip = parity.network_of("mutual"), TTA["flip"]
    together = parse_logits(network, photo, ["atr", "pascal", "cihp"], flip)
    assert list(together) == ["atr", "pascal", "cihp"]
    alone = parse_logits(network, photo, ["pascal"], flip)["pascal"]
    torch.testing.assert_close(together["pascal"], alone)


@pytest.mark.parametrize(("stride", "size"), [(8, (13, 15)), (16, (7, 8)), (32, (4, 4))])
def test_one_checkpoint_serves_every_output_stride(stride, size):
    state = parity.network_of("deeplab18").deeplab.backbone.state_dict()
    with torch.device("meta"):
        backbone = Xception(output_stride=stride)
    backbone.load_state_dict(state, strict=True, assign=True)
    images = parity.images_of(parity.arrays_of("small/deeplab18_eval"))
    with torch.inference_mode():
        deep, low_level, _ = backbone.eval()(images)
    assert deep.shape == (1, 2048, *size)
    assert low_level.shape == (1, 256, 25, 29)
    assert deep.isfinite().all()


def check_values(case, arrays, values, record, tolerance=TOLERANCE) -> None:
    """Hold every value against the case's, where it has it."""
    checked = [name for name in values if name in arrays]
    assert checked
    for name in checked:
        value = as_theirs(name, values[name])
        difference = parity.relative_difference(parity.sliced(case, name, value), arrays[name])
        record(f"{case} {name}", difference)
        assert difference <= tolerance, name


def check_choice(label_map: np.ndarray, logits: Tensor, margin: float = 1e-3) -> None:
    """The best part is the reference's wherever it leads by more than `margin`."""
    leads = parity.clear(logits.numpy(), margin)
    assert leads.mean() > 0.99
    assert (logits.argmax(1).numpy() == label_map)[leads].all()
