"""How fast the paper's network parses, beside the reference's formulation written plainly.

python -m tests.benchmarks.network [--full] [--repeats 10] [--profile]

Plain is: convolutions and batch norms one after the other, each region found by a loop over all
classes, every level a map as large as the features. Both ways do the same on the same numbers,
which is checked first. They take turns on one thread; what is shown are medians of processor time.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from grapy_cli.labels import LABEL_SETS, Level
from grapy_cli.model import fused
from grapy_cli.model.deeplab import resize
from grapy_cli.model.graph import aggregate
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.inference import encode_in_bf16, fold_for_inference
from grapy_cli.model.pyramid import GraphPyramid
from grapy_cli.predict.augment import TTA, parse_logits
from tests.support.reference import fill_by_recipe

DATASET = "cihp"
SIDE = 512
FEATURES = 128  # the side of what the pyramid works on


class Contest(NamedTuple):
    name: str
    goal: float
    plain: Callable[[], object]
    ours: Callable[[], object]
    repeats: int | None = None
    """Where it takes too long for as many as the others."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="bf16 and all six scales as well")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--profile", action="store_true", help="show where our time goes")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plain, ours = build_both()
    contests = [*always(plain, ours), *(at_length(plain, ours) if given.full else ())]
    print(f"{'milliseconds of one core':34}{'plain':>10}{'ours':>10}{'ratio':>8}{'goal':>7}")
    for contest in contests:
        print(measure(contest, contest.repeats or given.repeats), flush=True)
    print(share_of_peak(ours, given.repeats))
    if given.profile:
        print(where_it_goes(lambda: forward(ours, images())))


def build_both() -> tuple[GrapyNet, GrapyNet]:
    plain = build_network(NetworkNumbers(), [LABEL_SETS[DATASET]]).eval()
    fill_by_recipe(plain)
    ours = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    return plain, fold_for_inference(ours)


def always(plain: GrapyNet, ours: GrapyNet) -> Iterator[Contest]:
    with torch.inference_mode():
        logits, theirs = forward(ours, images()), forward_plainly(plain, images())
    assert (logits - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    yield Contest(
        "one forward, 512x512",
        2.2,
        inferring(lambda: forward_plainly(plain, images())),
        inferring(lambda: forward(ours, images())),
    )
    features, regions = torch.rand(1, 256, FEATURES, FEATURES), blobs(1)
    last = features.to(memory_format=torch.channels_last)
    yield Contest(
        "pyramid alone",
        20,
        inferring(lambda: refine_plainly(plain.pyramid, features, regions)),
        inferring(lambda: refine_ours(ours, last, regions)),
    )
    yield from pooling()


def pooling() -> Iterator[Contest]:
    """Of two photos, as training has at least."""
    features, regions = torch.rand(2, 256, FEATURES, FEATURES) - 0.5, blobs(2)
    last = features.to(memory_format=torch.channels_last)
    one_hot = F.one_hot(regions, 20).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(aggregate(last, regions, 20), pool_plainly(features, one_hot))
    yield Contest(
        "region pooling, K = 20",
        50,
        inferring(lambda: pool_plainly(features, one_hot)),
        inferring(lambda: aggregate(last, regions, 20)),
    )
    yield Contest(
        "region pooling and its gradient",
        33,
        lambda: with_gradient(features, lambda some: pool_plainly(some, one_hot)),
        lambda: with_gradient(last, lambda some: aggregate(some, regions, 20)),
    )


def at_length(plain: GrapyNet, ours: GrapyNet) -> Iterator[Contest]:
    half = encode_in_bf16(copy.deepcopy(ours))
    yield Contest(
        "one forward, bf16",
        4,
        inferring(lambda: forward_plainly(plain, images())),
        inferring(lambda: forward(half, images())),
        repeats=5,
    )
    photo = images()[0].add(1).mul(127.5).byte().permute(1, 2, 0).numpy()[:, :384].copy()
    yield Contest(
        "six scales with mirror, 512x384",
        2.3,
        lambda: augment_plainly(plain, photo),
        lambda: parse_logits(ours, photo, [DATASET], TTA["paper"]),
        repeats=1,
    )


def forward(network: GrapyNet, some: Tensor) -> Tensor:
    """As photos are parsed: of the two parsings the refined one alone is brought to their size."""
    features = network.encode(some.to(memory_format=torch.channels_last))
    return resize(network.parse(features, DATASET).final, *some.shape[2:])


def forward_plainly(network: GrapyNet, some: Tensor) -> Tensor:
    features = network.encode(some)
    main = network.main_heads[DATASET](features)
    refined = refine_plainly(network.pyramid, features, main.argmax(1))
    logits = network.refined_heads[DATASET](refined)
    resize(main, *some.shape[2:])
    return resize(logits, *some.shape[2:])


def refine_ours(network: GrapyNet, features: Tensor, regions: Tensor) -> Tensor:
    return fused.refine(network.pyramid, features, regions, DATASET)


def refine_plainly(pyramid: GraphPyramid, features: Tensor, label_map: Tensor) -> Tensor:
    floors = [features]
    for level in pyramid.levels:
        node_map = pyramid.lift(level, DATASET)[label_map]
        one_hot = F.one_hot(node_map, pyramid.num_nodes[level][DATASET]).permute(0, 3, 1, 2).float()
        block = f"part-{DATASET}" if level == Level.PART else level.name.lower()
        nodes = pyramid.reasoning[block](pool_plainly(floors[-1], one_hot))
        spread = (nodes.transpose(1, 2) @ one_hot.flatten(2)).unflatten(2, label_map.shape[1:])
        transform = pyramid.transforms[level.name.lower()]
        weight = transform.weight[:, :, None, None]
        floors.append(floors[-1] + F.conv2d(spread, weight, transform.bias))
    return F.relu(pyramid.fusion(torch.cat(floors, 1)))


def pool_plainly(features: Tensor, one_hot: Tensor) -> Tensor:
    """The mean and the maximum of each region, one after the other."""
    means, maxima = [], []
    for node in range(one_hot.shape[1]):
        region = one_hot[:, node : node + 1]
        inside = (features * region).flatten(2)
        means.append(inside.sum(2) / region.sum((2, 3)).clamp(min=1))
        maxima.append(inside.max(2).values)
    return torch.cat([torch.stack(means, 1), torch.stack(maxima, 1)], 2)


@torch.inference_mode()
def augment_plainly(network: GrapyNet, photo: np.ndarray) -> Tensor:
    """Six scales, each with its mirror image, summed at the photo's size."""
    height, width = photo.shape[:2]
    total = torch.zeros(1, LABEL_SETS[DATASET].num_parts, height, width)
    for scale in TTA["paper"].scales:
        version = cv2.resize(photo, (int(width * scale), int(height * scale)))
        one = torch.from_numpy(version).permute(2, 0, 1).float() / 127.5 - 1
        logits = forward_plainly(network, torch.stack([one, one.flip(2)]))
        mirrored = logits[1:, list(LABEL_SETS[DATASET].mirror_ids)].flip(3)
        total += resize((logits[:1] + mirrored) / 2, height, width)
    return total


def with_gradient(features: Tensor, pool: Callable[[Tensor], Tensor]) -> None:
    leaf = features.detach().requires_grad_()
    pool(leaf).square().sum().backward()


def inferring(work: Callable[[], object]) -> Callable[[], object]:
    return torch.inference_mode()(work)


def images() -> Tensor:
    """A soft picture: noise alone would be parsed as no photo is."""
    small = torch.rand(1, 3, 16, 16, generator=torch.manual_seed(0)) * 2 - 1
    return F.interpolate(small, (SIDE, SIDE), mode="bicubic").clamp(-1, 1)


def blobs(batch: int) -> Tensor:
    """Regions of 20 parts, each in a few places, as parts are."""
    tiles = torch.randint(0, 20, (batch, 1, 8, 8), generator=torch.manual_seed(0)).float()
    return F.interpolate(tiles, (FEATURES, FEATURES), mode="nearest")[:, 0].long()


def measure(contest: Contest, repeats: int) -> str:
    if repeats > 1:  # what takes minutes needs no warming up
        contest.plain(), contest.ours()
    turns = [(seconds(contest.plain), seconds(contest.ours)) for _ in range(repeats)]
    plain, ours = (1e3 * statistics.median(column) for column in zip(*turns, strict=True))
    row = f"{contest.name:34}{plain:10.1f}{ours:10.1f}{plain / ours:8.2f}{contest.goal:7g}"
    return row if plain / ours >= contest.goal else f"{row}  missed"


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def share_of_peak(network: GrapyNet, repeats: int) -> str:
    """How near one forward comes to what this core can multiply at all."""
    matrix = torch.rand(2048, 2048)
    peak = 2 * 2048**3 / min(seconds(lambda: matrix @ matrix) for _ in range(repeats))
    with FlopCounterMode(display=False) as counter:  # with gradients, so that it sees convolutions
        network(images(), DATASET)
    work = inferring(lambda: forward(network, images()))
    pace = counter.get_total_flops() / statistics.median(seconds(work) for _ in range(repeats))
    return (
        f"one forward: {counter.get_total_flops() / 1e9:.0f} GFLOP at {pace / 1e9:.0f} GFLOP/s, "
        f"{100 * pace / peak:.0f} % of the {peak / 1e9:.0f} of a matrix product (goal 85 %)"
    )


def where_it_goes(work: Callable[[], object]) -> str:
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        work()
    return profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)


if __name__ == "__main__":
    main()
