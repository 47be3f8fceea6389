"""Recomputing changes what is kept in memory, and nothing else."""

import copy

import pytest
import torch

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.activation_checkpointing import checkpoint_activations
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers


def build(backbone) -> GrapyNet:
    torch.manual_seed(0)
    numbers = NetworkNumbers(backbone, 16, 0.1, 8, 4, PyramidNumbers(rounds=1))
    return build_network(numbers, [LABEL_SETS["atr"]]).train()


def learn(network: GrapyNet) -> tuple[torch.Tensor, int]:
    """A loss, with its gradients taken, and the bytes that were kept for them."""
    images = torch.rand(2, 3, 33, 49, generator=torch.Generator().manual_seed(1))
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = network(images, "atr")
        loss = logits.refined.square().mean() + logits.main.logsumexp(1).mean()
    loss.backward()
    return loss.detach(), sum(kept.values())


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("backbone", ["xception65", "efficientnet_lite0", "movenet_thunder"])
def test_loss_gradients_and_statistics_are_the_same_to_the_last_bit(backbone, frozen):
    plain = build(backbone)
    if frozen:
        plain.eval()
    sparing = checkpoint_activations(copy.deepcopy(plain))
    (loss, kept), (same_loss, fewer) = learn(plain), learn(sparing)
    assert loss == same_loss
    assert fewer < 0.6 * kept
    for (name, one), other in zip(plain.named_parameters(), sparing.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        assert one.grad is None or torch.equal(one.grad, other.grad), name
    state, same_state = plain.state_dict(), sparing.state_dict()
    assert list(state) == list(same_state)
    for name, value in state.items():
        assert torch.equal(value, same_state[name]), name
