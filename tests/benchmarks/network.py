"""How fast the paper's network parses, against a plain version of the reference's form.

python -m tests.benchmarks.network [--repeats 5] [--profile 1]

Both compute the same with the same weights, which is checked first. They take turns on one thread;
shown are medians of processor time. The weights come from the recipe of the golden tests.
"""

import argparse
import copy
import statistics
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from grapy_cli.inference.fold import encode_in_bf16, fold_for_inference
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model import fused
from grapy_cli.model.deeplab import resize
from grapy_cli.model.graph import aggregate
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from tests.benchmarks import plain
from tests.benchmarks.contest import Row, main, seconds, take_turns
from tests.support.reference import fill_by_recipe

DATASET = "cihp"
SIDE = 512
FEATURES = 128  # side of the features of the pyramid, pixels


def rows(given: argparse.Namespace) -> Iterator[Row]:
    theirs, ours = build_both()
    if given.profile:
        print(where_it_goes(lambda: forward(ours, images())))
    yield from forwards(theirs, ours, given.repeats)
    yield from pyramids(theirs, ours, given.repeats)
    yield from poolings(given.repeats)


def build_both() -> tuple[GrapyNet, GrapyNet]:
    """Build the reference's form and ours with the same weights."""
    theirs = build_network(NetworkNumbers(), [LABEL_SETS[DATASET]]).eval()
    fill_by_recipe(theirs)
    ours = copy.deepcopy(theirs).to(memory_format=torch.channels_last)
    return plain.spell_out(theirs), fold_for_inference(ours)


def forwards(theirs: GrapyNet, ours: GrapyNet, repeats: int) -> Iterator[Row]:
    half = encode_in_bf16(copy.deepcopy(ours))
    ways = [lambda: forward_plainly(theirs, images()), lambda: forward(ours, images())]
    ways = [inferring(way) for way in (*ways, lambda: forward(half, images()))]
    check_agreement(*(way() for way in ways[:2]))
    slow, quick, rough = take_turns(repeats, *ways)
    yield Row.of("one forward, fp32, 512x512", 2.2, slow, quick)
    yield share_of_peak(ours, quick, repeats)
    yield Row.of("one forward, bf16", 4, slow, rough)


def check_agreement(theirs: Tensor, ours: Tensor) -> None:
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    first, second = theirs.topk(2, 1).values.unbind(1)
    assert ((ours.argmax(1) == theirs.argmax(1)) | (first - second <= 1e-3)).all()


def share_of_peak(network: GrapyNet, took: float, repeats: int) -> Row:
    """Compare one forward pass with the peak arithmetic rate of this core."""
    matrix = torch.rand(2048, 2048)
    peak = 2 * 2048**3 / statistics.median(seconds(lambda: matrix @ matrix) for _ in range(repeats))
    with FlopCounterMode(display=False) as counter:  # with gradients, so that it sees convolutions
        network(images(), DATASET)
    flops = counter.get_total_flops()
    how = f"{flops / 1e9:.0f} GFLOP at {flops / took / 1e9:.0f} GFLOP/s, "
    how += f"a matrix product at {peak / 1e9:.0f}"
    return Row("one forward, share of the peak of a core", 85, 100 * flops / took / peak, how, " %")


def pyramids(theirs: GrapyNet, ours: GrapyNet, repeats: int) -> Iterator[Row]:
    features, regions = torch.rand(1, 256, FEATURES, FEATURES), blobs(1)
    last = features.to(memory_format=torch.channels_last)
    took = take_turns(
        2 * repeats,
        inferring(lambda: plain.refine(theirs.pyramid, features, regions, DATASET)),
        inferring(lambda: fused.refine(ours.pyramid, last, regions, DATASET)),
    )
    yield Row.of("pyramid alone, inference", 20, *took)
    features, regions = torch.rand(2, 256, FEATURES, FEATURES), blobs(2)
    last = features.to(memory_format=torch.channels_last)
    learning = copy.deepcopy(theirs.pyramid).train()
    took = take_turns(
        repeats,
        lambda: with_gradient(features, lambda f: plain.refine(learning, f, regions, DATASET)),
        lambda: with_gradient(last, lambda f: fused.refine(learning, f, regions, DATASET)),
    )
    yield Row.of("pyramid alone, training", 10, *took)


def poolings(repeats: int) -> Iterator[Row]:
    """Measure two photos, the least for training."""
    features, regions = torch.rand(2, 256, FEATURES, FEATURES) - 0.5, blobs(2)
    last = features.to(memory_format=torch.channels_last)
    one_hot = F.one_hot(regions, 20).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(aggregate(last, regions, 20), plain.pool(features, one_hot))
    took = take_turns(
        2 * repeats,
        inferring(lambda: plain.pool(features, one_hot)),
        inferring(lambda: aggregate(last, regions, 20)),
    )
    yield Row.of("region pooling, K = 20, forward", 50, *took)
    took = take_turns(
        repeats,
        lambda: with_gradient(features, lambda some: plain.pool(some, one_hot)),
        lambda: with_gradient(last, lambda some: aggregate(some, regions, 20)),
    )
    yield Row.of("region pooling, forward and backward", 33, *took)


def forward(network: GrapyNet, some: Tensor) -> Tensor:
    """Parse as `grapy predict` does: only the refined logits are resized to the photo."""
    features = network.encode(some.to(memory_format=torch.channels_last))
    return resize(network.parse(features, DATASET).final, *some.shape[2:])


def forward_plainly(network: GrapyNet, some: Tensor) -> Tensor:
    return plain.parse(network, some, DATASET)[1]


def with_gradient(features: Tensor, work: Callable[[Tensor], Tensor]) -> None:
    leaf = features.detach().requires_grad_()
    work(leaf).square().sum().backward()


def inferring(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    return torch.inference_mode()(work)


def images() -> Tensor:
    """Draw a smooth picture, because noise is not parsed as photos are."""
    small = torch.rand(1, 3, 16, 16, generator=torch.manual_seed(0)) * 2 - 1
    return F.interpolate(small, (SIDE, SIDE), mode="bicubic").clamp(-1, 1)


def blobs(batch: int) -> Tensor:
    """Draw regions of 20 parts, each in a few places."""
    tiles = torch.randint(0, 20, (batch, 1, 8, 8), generator=torch.manual_seed(0)).float()
    return F.interpolate(tiles, (FEATURES, FEATURES), mode="nearest")[:, 0].long()


def where_it_goes(work: Callable[[], object]) -> str:
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        work()
    return profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)


if __name__ == "__main__":
    main(rows, __doc__, profile=0)
