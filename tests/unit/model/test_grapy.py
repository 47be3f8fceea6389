import pytest
import torch

from grapy_cli.labels import LABEL_SETS, PAPER_SETS
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers

TINY = {"width": 0.05, "features": 8, "low_level": 4}
ALL = list(LABEL_SETS.values())


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network(NetworkNumbers(**TINY), ALL)


def test_logits_have_the_size_of_the_images(network):
    logits = network.eval()(torch.rand(2, 3, 37, 29), "cihp")
    assert logits.main.shape == logits.refined.shape == (2, 20, 37, 29)
    assert logits.final is logits.refined


def test_encode_then_parse_is_forward_before_resizing(network):
    images = torch.rand(1, 3, 33, 33)
    parsed = network.eval().parse(network.encode(images), "atr")
    assert parsed.main.shape == (1, 18, 9, 9)
    corners = network(images, "atr").refined[..., ::32, ::32]
    torch.testing.assert_close(corners, parsed.refined[..., ::8, ::8])


def test_without_a_pyramid_there_is_the_main_parsing_alone():
    network = build_network(NetworkNumbers(**TINY, pyramid=None), ALL).eval()
    logits = network(torch.rand(1, 3, 32, 32), "pascal")
    assert logits.refined is None
    assert logits.final is logits.main
    assert not any("pyramid" in name or "refined" in name for name in network.state_dict())


def with_gradient(network, dataset):
    """The names of what learns from a batch of one data set."""
    network.train().zero_grad(set_to_none=True)
    logits = network(torch.rand(2, 3, 32, 32), dataset)
    (logits.refined.square().mean() + logits.main.square().mean()).backward()
    return {name for name, value in network.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("dataset", LABEL_SETS)
def test_what_is_shared_learns_from_every_data_set_and_the_rest_from_its_own(network, dataset):
    learned = with_gradient(network, dataset)
    names = {name for name, _ in network.named_parameters()}
    own = {f"main_heads.{dataset}.", f"refined_heads.{dataset}.", f"part-{dataset}."}
    others = {
        label.replace(dataset, name) for label in own for name in LABEL_SETS if name != dataset
    }
    assert learned == {name for name in names if not any(label in name for label in others)}
    shared = ("deeplab.", "pyramid.reasoning.human.", "pyramid.reasoning.category.")
    for prefix in (*shared, "pyramid.transforms.part.", "pyramid.fusion.", *own):
        assert any(prefix in name for name in learned)


def test_the_main_head_learns_from_its_own_loss_alone(network):
    network.train().zero_grad(set_to_none=True)
    network(torch.rand(2, 3, 32, 32), "atr").refined.sum().backward()
    assert network.main_heads["atr"].weight.grad is None
    assert network.deeplab.decoder[0].depthwise.weight.grad is not None


def test_levels_one_and_two_exist_once_and_level_three_for_each(network):
    assert set(network.pyramid.reasoning) == {
        "human", "category", "part-cihp", "part-pascal", "part-atr", "part-lip"
    }  # fmt: skip


def test_a_pyramid_of_level_three_alone_has_no_coarse_levels():
    numbers = NetworkNumbers(**TINY, pyramid=PyramidNumbers(levels="3"))
    network = build_network(numbers, ALL[:1])
    assert set(network.pyramid.reasoning) == {"part-cihp"}
    assert set(network.pyramid.transforms) == {"part"}


def test_full_size_has_the_reference_s_parameters():
    """Less what the reference never uses: `transform` and the heads of its pretraining."""
    with torch.device("meta"):
        network = build_network(NetworkNumbers(), PAPER_SETS)
    unused = 256 * 256 + 256 + sum(257 * labels.num_parts for labels in PAPER_SETS)
    assert sum(value.numel() for value in network.parameters()) == 48_914_087 - unused
