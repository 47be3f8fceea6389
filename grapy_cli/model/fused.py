"""The graph pyramid folded: the same function and gradients in one pass over the features.

This works for three reasons. A level adds to a pixel a vector that depends only on the part of the
pixel, so a level is a table with one vector per part. Sums and maxima of a coarse region follow
from those of its parts, so the features are read once. Fusion is linear before its ReLU, so its two
convolutions are one matrix, and only its block for the features is applied to every pixel.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.labels import Level
from grapy_cli.model.graph import look_up, pool_nodes, region_sums
from grapy_cli.model.pyramid import GraphPyramid


def refine(
    pyramid: GraphPyramid,
    features: Float[Tensor, "b c h w"],
    label_map: Int[Tensor, "b h w"],
    dataset: str,
) -> Float[Tensor, "b c h w"]:
    """Compute `pyramid(features, label_map, dataset)` faster.

    Differs: only in the order of float additions (relative difference about 1e-6 in float32).
    """
    pixels = features.flatten(2).transpose(1, 2)
    index = label_map.flatten(1)
    tables = _tables(pyramid, pixels, index, dataset)
    matrix, bias = fusion_matrix(pyramid.fusion)
    own, *per_level = matrix.split(features.shape[1], 1)
    # Every level is the features plus its table, so the features are multiplied by the sum of all
    # blocks.
    shared = own + torch.stack(per_level).sum(0)
    vectors = bias + sum(table @ block.T for table, block in zip(tables, per_level, strict=True))
    # In place: to allocate a map of this size takes longer than the addition.
    fused = (
        look_up(vectors, index).baddbmm_(pixels, shared.T.expand(pixels.shape[0], -1, -1)).relu_()
    )
    return fused.transpose(1, 2).unflatten(2, label_map.shape[1:])


def _tables(
    pyramid: GraphPyramid,
    pixels: Float[Tensor, "b hw c"],
    index: Int[Tensor, "b hw"],
    dataset: str,
) -> list[Float[Tensor, "b p c"]]:
    """Compute for each level what all levels up to it add to the pixels of each part."""
    counts, sums, maxima = region_sums(pixels, index, len(pyramid.lift(Level.PART, dataset)))
    table = torch.zeros_like(sums)
    tables = []
    for level in pyramid.levels:
        lift = pyramid.lift(level, dataset)
        num_nodes = pyramid.num_nodes[level][dataset]
        nodes = _gather_nodes(counts, sums + counts * table, maxima + table, lift, num_nodes)
        pooled = pool_nodes(*nodes, pixels.shape[1], pyramid.pooling)
        table = table + pyramid.reason(pooled, level, dataset)[:, lift]
        tables.append(table)
    return tables


def _gather_nodes(
    counts: Float[Tensor, "b p 1"],
    sums: Float[Tensor, "b p c"],
    maxima: Float[Tensor, "b p c"],
    lift: Int[Tensor, " p"],
    num_nodes: int,
) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
    """Join the parts of each node; the maximum ignores empty parts."""
    belongs = F.one_hot(lift, num_nodes).to(sums.dtype).T
    seen = torch.where(counts > 0, maxima, torch.full_like(maxima, -torch.inf))
    spread = lift[None, :, None].expand_as(seen)
    joined = seen.new_zeros(seen.shape[0], belongs.shape[0], seen.shape[2]).scatter_reduce(
        1, spread, seen, "amax", include_self=False
    )
    node_counts = belongs @ counts
    # A node without pixels has only -inf; zero keeps its unused branch finite.
    joined = torch.where(node_counts > 0, joined, torch.zeros_like(joined))
    return node_counts, belongs @ sums, joined


def fusion_matrix(fusion: nn.Sequential) -> tuple[Float[Tensor, "c d"], Float[Tensor, " c"]]:
    """Multiply the linear convolutions of a fusion into one matrix and one bias."""
    first, *others = (layer for layer in fusion if isinstance(layer, nn.Conv2d))
    matrix, bias = first.weight.flatten(1), _bias_of(first)
    for layer in others:
        outer = layer.weight.flatten(1)
        matrix, bias = outer @ matrix, outer @ bias + _bias_of(layer)
    return matrix, bias


def _bias_of(layer: nn.Conv2d) -> Float[Tensor, " c"]:
    assert layer.bias is not None
    return layer.bias
