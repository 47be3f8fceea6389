import pytest
import torch

from grapy_cli.labels import LABEL_SETS, Category, Level
from grapy_cli.model import graph
from grapy_cli.model.graph import (
    GraphReasoning,
    NodeAttention,
    aggregate,
    body_adjacency,
    distribute,
    region_sums,
)


def picture(*rows):
    """One channel, one photo."""
    return torch.tensor(rows, dtype=torch.float32)[None, None]


def regions(*rows):
    return torch.tensor(rows)[None]


def test_a_node_is_mean_then_maximum():
    nodes = aggregate(picture([1, 3], [5, 2]), regions([0, 0], [0, 1]), 2)
    assert nodes.tolist() == [[[3, 5], [2, 2]]]


def test_an_empty_region_is_a_node_of_zeros():
    nodes = aggregate(picture([-1, -3], [-5, -2]), regions([0, 0], [0, 2]), 4)
    assert nodes[0, 1].tolist() == [0, 0]
    assert nodes[0, 3].tolist() == [0, 0]


def test_outside_a_region_a_feature_counts_as_zero_for_the_maximum():
    nodes = aggregate(picture([-1, -3], [-5, -2]), regions([0, 0], [0, 1]), 2)
    assert nodes.tolist() == [[[-3, 0], [-2, 0]]]


def test_a_region_that_covers_the_photo_keeps_a_negative_maximum():
    nodes = aggregate(picture([-1, -3], [-5, -3]), regions([1, 1], [1, 1]), 2)
    assert nodes.tolist() == [[[0, 0], [-3, -1]]]


def test_photos_of_a_batch_are_aggregated_apart():
    features = torch.cat([picture([-1.0, -3.0]), picture([2.0, 4.0])])
    node_map = torch.cat([regions([0, 0]), regions([0, 1])])
    nodes = aggregate(features, node_map, 2)
    assert nodes.tolist() == [[[-2, -1], [0, 0]], [[2, 2], [4, 4]]]


@pytest.mark.parametrize(("pooling", "node"), [("both", [2, 3]), ("mean", [2]), ("max", [3])])
def test_pooling_says_what_a_node_holds(pooling, node):
    nodes = aggregate(picture([1, 3]), regions([0, 0]), 1, pooling)
    assert nodes.tolist() == [[node]]


def test_mean_and_maximum_carry_the_gradient_to_the_pixels():
    features = picture([1, 3], [5, 2]).requires_grad_()
    aggregate(features, regions([0, 0], [0, 1]), 2).sum().backward()
    third = 1 / 3
    assert torch.allclose(features.grad, picture([third, third], [third + 1, 2]))


def test_distribute_hands_each_pixel_its_node():
    nodes = torch.tensor([[[1.0, -1.0], [2.0, -2.0]]])
    spread = distribute(nodes, regions([0, 1, 1]))
    assert spread.tolist() == [[[[1, 2, 2]], [[-1, -2, -2]]]]


def test_attention_does_not_depend_on_the_order_of_nodes():
    attention, nodes = NodeAttention(16), torch.randn(2, 5, 16)
    order = [3, 0, 4, 1, 2]
    torch.testing.assert_close(attention(nodes[:, order]), attention(nodes)[:, order])


def test_attention_adds_a_mean_of_values_where_all_look_alike():
    attention, node = NodeAttention(16), torch.randn(1, 1, 16)
    nodes = node.expand(1, 4, 16)
    torch.testing.assert_close(attention(nodes), nodes + attention.value(nodes))


def test_adjacency_of_human_and_background_mixes_both():
    assert torch.allclose(body_adjacency([0, 2]), torch.full((2, 2), 0.5))


@pytest.mark.parametrize("name", LABEL_SETS)
def test_adjacency_joins_groups_torso_and_background(name):
    categories = LABEL_SETS[name].lift(Level.CATEGORY)
    adjacency = body_adjacency(categories)
    assert torch.equal(adjacency, adjacency.T)
    assert torch.linalg.eigvalsh(adjacency).abs().max() < 1 + 1e-5  # mixes, does not grow
    hubs = (Category.BACKGROUND, Category.TORSO)
    for a, first in enumerate(categories):
        for b, second in enumerate(categories):
            assert bool(adjacency[a, b]) == (first == second or first in hubs or second in hubs)


@pytest.mark.parametrize("reasoning", ["attention", "convolution"])
def test_reasoning_goes_back_to_the_width_of_the_features(reasoning):
    block = GraphReasoning(32, 16, range(5), rounds=2, reasoning=reasoning)
    assert block(torch.randn(3, 5, 32)).shape == (3, 5, 16)
    assert len(block.rounds) == len(block.norms) == 2


def by_loops(pixels, index, num_nodes):
    """Counts, sums and maxima, one region after the other."""
    sums, maxima = [], []
    for photo, nodes in zip(pixels, index, strict=True):
        inside = [photo[nodes == node] for node in range(num_nodes)]
        sums.append(torch.stack([some.sum(0) for some in inside]))
        nothing = torch.zeros_like(photo[0])
        maxima.append(torch.stack([some.amax(0) if len(some) else nothing for some in inside]))
    return torch.stack(sums), torch.stack(maxima)


@pytest.mark.parametrize("ties", [False, True])
def test_gradients_of_regions_are_those_of_loops(ties):
    random = torch.manual_seed(0)
    pixels = torch.randn(2, 30, 4, generator=random, dtype=torch.float64)
    if ties:
        pixels = pixels.round()
    index = torch.randint(0, 4, (2, 30), generator=random)  # the fifth region is empty
    weights = torch.randn(2, 2, 5, 4, generator=random, dtype=torch.float64)
    gradients = []
    for regions in (lambda *given: region_sums(*given)[1:], by_loops):
        leaf = pixels.clone().requires_grad_()
        (torch.stack(regions(leaf, index, 5)) * weights).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_sums_for_other_engines_are_the_same():
    """What is exported pools by matrices; a node without pixels and a whole photo included."""
    pixels = torch.randn(2, 60, 5, generator=torch.manual_seed(0))
    index = torch.randint(0, 6, (2, 60), generator=torch.manual_seed(1))
    index[1] = 3
    with torch.inference_mode():
        ours = graph._region_sums_by_matrix(pixels, index, 7)
        quick = graph._region_sums_by_row(pixels, index, 7)
    for one, other in zip(ours, quick, strict=True):
        torch.testing.assert_close(one, other)
