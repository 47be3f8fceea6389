"""Laws of regions, nodes and sizes that hold for whatever is fed in."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grapy_cli.inference.tta import base_size
from grapy_cli.labels import LABEL_SETS, Level
from grapy_cli.model import fused
from grapy_cli.model.graph import aggregate, distribute
from grapy_cli.model.pyramid import GraphPyramid, PyramidNumbers
from tests.support.reference import fill_by_recipe

tensors = settings(max_examples=40)
seeds = st.integers(0, 2**31)
sides = st.integers(1, 9)
LABELS = LABEL_SETS["pascal"]


def random_label_map(seed, height, width, num_parts=LABELS.num_parts):
    generator = torch.Generator().manual_seed(seed)
    shown = torch.randperm(num_parts, generator=generator)[: 1 + seed % num_parts]
    return shown[torch.randint(0, len(shown), (2, height, width), generator=generator)]


def random_features(seed, height, width, channels=6):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, channels, height, width, generator=generator, dtype=torch.float64)


@tensors
@given(seeds, sides, sides)
def test_constant_features_survive_aggregation_and_distribution(seed, height, width):
    label_map = random_label_map(seed, height, width)
    constant = random_features(seed, 1, 1).abs().expand(-1, -1, height, width)
    for pooling in ("mean", "max"):
        nodes = aggregate(constant, label_map, LABELS.num_parts, pooling)
        torch.testing.assert_close(distribute(nodes, label_map), constant)


@tensors
@given(seeds, sides, sides)
def test_moving_pixels_about_changes_no_node(seed, height, width):
    features, label_map = (
        random_features(seed, height, width),
        random_label_map(seed, height, width),
    )
    order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    moved = (
        features.flatten(2)[..., order].unflatten(2, (height, width)),
        label_map.flatten(1)[:, order].unflatten(1, (height, width)),
    )
    nodes = aggregate(features, label_map, LABELS.num_parts)
    torch.testing.assert_close(aggregate(*moved, LABELS.num_parts), nodes)


@tensors
@given(seeds, sides, sides)
def test_a_category_s_mean_is_that_of_its_parts_weighed_by_pixels(seed, height, width):
    features, label_map = (
        random_features(seed, height, width),
        random_label_map(seed, height, width),
    )
    lift = torch.tensor(LABELS.lift(Level.CATEGORY))
    coarse = aggregate(features, lift[label_map], 5, "mean")
    fine = aggregate(features, label_map, LABELS.num_parts, "mean")
    counts = torch.nn.functional.one_hot(label_map.flatten(1), LABELS.num_parts).sum(1).double()
    belongs = torch.nn.functional.one_hot(lift, 5).double()
    joined = torch.einsum("bpc,bp,pn->bnc", fine, counts, belongs)
    pixels = (counts @ belongs)[:, :, None].clamp(min=1)
    torch.testing.assert_close(joined / pixels, coarse)


PYRAMID = GraphPyramid([LABELS], 6, PyramidNumbers(rounds=2)).double().eval()
fill_by_recipe(PYRAMID)


@tensors
@given(seeds, sides, sides)
def test_the_folded_pyramid_is_the_plain_one(seed, height, width):
    features, label_map = (
        random_features(seed, height, width),
        random_label_map(seed, height, width),
    )
    with torch.inference_mode():
        plain = PYRAMID(features, label_map, "pascal")
        folded = fused.refine(PYRAMID, features, label_map, "pascal")
    torch.testing.assert_close(folded, plain, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(1, 4000))
def test_the_longest_side_is_as_long_as_asked_and_the_shape_stays(height, width, longest):
    scaled = base_size(height, width, longest)
    assert max(scaled) == longest
    assert min(scaled) >= 1
    scale = longest / max(height, width)
    for side, full in zip(scaled, (height, width), strict=True):
        assert abs(side - full * scale) <= 0.5 or side == 1
