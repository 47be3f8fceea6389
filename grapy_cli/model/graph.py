"""One level of the graph pyramid: aggregate, reason, distribute (the paper's GSA, GCR and GSD).

Regions are given as a node map: the node id of every pixel. The regions of a level cover the photo
without overlap, so a node map holds the same information as boolean masks.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.labels import Category

PIXELS_AT_ONCE = 512
"""Pixels per block of the backward pass, so that their features stay in the cache of the CPU."""

Pooling = Literal["both", "mean", "max"]
Reasoning = Literal["attention", "convolution"]


def aggregate(
    features: Float[Tensor, "b c h w"],
    node_map: Int[Tensor, "b h w"],
    num_nodes: int,
    pooling: Pooling = "both",
) -> Float[Tensor, "b n d"]:
    """Summarize each region of a photo as one graph node.

    A node is the mean of the features inside its region followed by their maximum. Outside its
    region a feature counts as zero for the maximum. So a maximum is negative only if its region
    covers the photo. An empty region is a node of zeros.

    Source: He et al. 2020, Graph Semantics Aggregation (eqs. 2 and 3).
    Differs: eq. 3 takes the maximum only inside the region; the reference multiplies by the mask
        first, and its checkpoints were trained that way.
    """
    pixels = features.flatten(2).transpose(1, 2)
    counts, sums, maxima = region_sums(pixels, node_map.flatten(1), num_nodes)
    return pool_nodes(counts, sums, maxima, pixels.shape[1], pooling)


def region_sums(
    pixels: Float[Tensor, "b hw c"], index: Int[Tensor, "b hw"], num_nodes: int
) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
    """Compute the pixel count, sum and maximum of each region; zeros for an empty region.

    Args:
        pixels: Features, one row per pixel.
        index: Node id of each pixel.
    """
    # Other engines have no sums by row. On a GPU they need a synchronization, and the order of
    # their additions varies.
    if torch.compiler.is_compiling() or pixels.device.type != "cpu":
        return _region_sums_by_matrix(pixels, index, num_nodes)
    if not torch.is_grad_enabled():
        return _region_sums_by_row(pixels, index, num_nodes)
    return _RegionSums.apply(pixels, index, num_nodes)  # type: ignore[no-untyped-call]


def _region_sums_by_matrix(
    pixels: Float[Tensor, "b hw c"], index: Int[Tensor, "b hw"], num_nodes: int
) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
    """Compute the same with operations that have gradients and that every engine has."""
    regions = _one_hot_regions(index, num_nodes, pixels)
    spread = index[:, :, None].expand_as(pixels)
    maxima = pixels.new_zeros(pixels.shape[0], num_nodes, pixels.shape[2]).scatter_reduce(
        1, spread, pixels, "amax", include_self=False
    )
    return regions.sum(2, keepdim=True), regions @ pixels, maxima


def look_up(table: Float[Tensor, "b n c"], index: Int[Tensor, "b hw"]) -> Float[Tensor, "b hw c"]:
    """Give each pixel the row of its node, in the fastest way with or without a gradient."""
    if not torch.is_grad_enabled():
        rows = _rows(index, table.shape[1])
        return table.flatten(0, 1).index_select(0, rows).view(*index.shape, -1)
    return _one_hot_regions(index, table.shape[1], table).transpose(1, 2) @ table


def _one_hot_regions(
    index: Int[Tensor, "b hw"], num_nodes: int, like: Float[Tensor, "b m c"]
) -> Float[Tensor, "b n hw"]:
    """Write node ids as one row of zeros and ones per node, in the type of `like`."""
    return (index[:, None, :] == torch.arange(num_nodes, device=index.device)[:, None]).to(like)


def _region_sums_by_row(
    pixels: Float[Tensor, "b hw c"], index: Int[Tensor, "b hw"], num_nodes: int
) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
    """Compute the same without a gradient in one pass over the pixels, 3 to 5 times as fast."""
    _silence_beta_warning()
    batch, _, channels = pixels.shape
    rows, flat = pixels.reshape(-1, channels), _rows(index, num_nodes)
    table = batch * num_nodes, channels
    counts = torch.bincount(flat, minlength=batch * num_nodes).to(pixels.dtype)
    sums = pixels.new_zeros(table).index_add_(0, flat, rows)
    # Start at -inf: `include_self=False` would write that once per pixel.
    maxima = pixels.new_full(table, -torch.inf).index_reduce_(0, flat, rows, "amax")
    maxima.masked_fill_(counts[:, None] == 0, 0)
    shape = (batch, num_nodes, -1)
    return counts.view(shape), sums.view(shape), maxima.view(shape)


class _RegionSums(torch.autograd.Function):
    """`_region_sums_by_row` with a gradient that also takes one pass over the pixels.

    Pixels that share the maximum share its gradient, as in torch's `amax`. On a GPU the result of
    sums by row varies, so GPUs use matrices.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context has no type
        pixels: Float[Tensor, "b hw c"],
        index: Int[Tensor, "b hw"],
        num_nodes: int,
    ) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
        counts, sums, maxima = _region_sums_by_row(pixels, index, num_nodes)
        ctx.save_for_backward(pixels, index, maxima)
        ctx.mark_non_differentiable(counts)
        return counts, sums, maxima

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401
        _: Tensor,
        sums_grad: Float[Tensor, "b n c"],
        maxima_grad: Float[Tensor, "b n c"],
    ) -> tuple[Float[Tensor, "b hw c"], None, None]:
        pixels, index, maxima = ctx.saved_tensors
        flat, most, sums_slope = (one.flatten(0, 1) for one in (pixels, maxima, sums_grad))
        rows = _rows(index, maxima.shape[1])
        pieces = list(zip(flat.split(PIXELS_AT_ONCE), rows.split(PIXELS_AT_ONCE), strict=True))
        ties = torch.zeros_like(most)
        for some, nodes in pieces:
            ties.index_add_(0, nodes, most.index_select(0, nodes).eq_(some))
        share = maxima_grad.flatten(0, 1) / ties.clamp(min=1)
        slopes = torch.empty(flat.shape, dtype=flat.dtype)
        for (some, nodes), slope in zip(pieces, slopes.split(PIXELS_AT_ONCE), strict=True):
            is_largest = most.index_select(0, nodes).eq_(some)
            shares = share.index_select(0, nodes)
            torch.addcmul(sums_slope.index_select(0, nodes), is_largest, shares, out=slope)
        return slopes.view_as(pixels), None, None


def _rows(index: Int[Tensor, "b hw"], num_nodes: int) -> Int[Tensor, " bhw"]:
    """Give the nodes of all photos consecutive numbers."""
    first = num_nodes * torch.arange(index.shape[0], device=index.device)
    return (index + first[:, None]).flatten()


@cache
def _silence_beta_warning() -> None:
    """Make torch issue its warning that `index_reduce` is in beta, and ignore it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.zeros(1).index_reduce(0, torch.zeros(1, dtype=torch.long), torch.ones(1), "amax")


def pool_nodes(
    counts: Float[Tensor, "b n 1"],
    sums: Float[Tensor, "b n c"],
    maxima: Float[Tensor, "b n c"],
    num_pixels: int,
    pooling: Pooling,
) -> Float[Tensor, "b n d"]:
    """Make nodes from counts, sums and maxima, with the edge cases that `aggregate` describes."""
    mean = sums / counts.clamp(min=1)
    maximum = torch.where(counts == num_pixels, maxima, maxima.clamp(min=0))
    maximum = torch.where(counts == 0, torch.zeros_like(maximum), maximum)
    match pooling:
        case "both":
            return torch.cat([mean, maximum], 2)
        case "mean":
            return mean
        case "max":
            return maximum


def distribute(
    nodes: Float[Tensor, "b n c"], node_map: Int[Tensor, "b h w"]
) -> Float[Tensor, "b c h w"]:
    """Copy each node back to the pixels of its region.

    Source: He et al. 2020, Graph Semantics Distribution (eq. 7).
    """
    index = node_map.flatten(1)[:, :, None].expand(-1, -1, nodes.shape[2])
    return nodes.gather(1, index).transpose(1, 2).unflatten(2, node_map.shape[1:])


class NodeAttention(nn.Module):
    """Self-attention: every node attends to every node of its photo.

    Source: He et al. 2020, eqs. 4 to 6; queries and keys have an eighth of the channels, and the
        product is not scaled.
    Differs: the paper adds the attended nodes themselves; the reference projects them first
        (`value`), and its checkpoints carry that projection.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(channels, max(1, channels // 8))
        self.key = nn.Linear(channels, max(1, channels // 8))
        self.value = nn.Linear(channels, channels)

    def forward(self, nodes: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        """Add to each node what it attends to."""
        weights = torch.softmax(self.query(nodes) @ self.key(nodes).transpose(1, 2), 2)
        return nodes + weights @ self.value(nodes)


class NodeConvolution(nn.Module):
    """Graph convolution along the joints of the body: the paper's ablation without attention.

    Source: He et al. 2020, Table 4 (GCN); Kipf and Welling 2017 for the normalization.
    """

    adjacency: Tensor

    def __init__(self, channels: int, categories: Sequence[int]) -> None:
        super().__init__()
        self.value = nn.Linear(channels, channels)
        self.register_buffer("adjacency", body_adjacency(categories), persistent=False)

    def forward(self, nodes: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        """Add to each node the projection of its neighbors."""
        return nodes + self.adjacency @ self.value(nodes)


def body_adjacency(categories: Sequence[int]) -> Float[Tensor, "n n"]:
    """Compute the normalized adjacency of nodes from their groups.

    Nodes of one group touch, the torso touches head, arms and legs, the background everything.
    """
    hubs = (Category.BACKGROUND, Category.TORSO)
    touching = [[float(a == b or a in hubs or b in hubs) for b in categories] for a in categories]
    matrix = torch.tensor(touching, device="cpu")  # never on the meta device: see GraphPyramid
    scale = matrix.sum(1).rsqrt()
    return scale[:, None] * matrix * scale[None, :]


class GraphReasoning(nn.Module):
    """Refine nodes by several rounds of attention or convolution.

    Args:
        inputs: Width of an aggregated node.
        channels: Width of the refined nodes, that of the features; it is doubled inside.
        categories: Level-2 group of each node, for graph convolution.

    Source: He et al. 2020, Graph Context Reasoning; three rounds in the paper.
    Differs: the linear layers before and after, and batch norm and ReLU around each round, come
        from the reference.
    """

    def __init__(
        self,
        inputs: int,
        channels: int,
        categories: Sequence[int],
        *,
        rounds: int,
        reasoning: Reasoning,
    ) -> None:
        super().__init__()
        wide = 2 * channels
        self.enter = nn.Linear(inputs, wide)
        self.norms = nn.ModuleList(nn.BatchNorm1d(wide) for _ in range(rounds))
        self.rounds = nn.ModuleList(
            NodeAttention(wide) if reasoning == "attention" else NodeConvolution(wide, categories)
            for _ in range(rounds)
        )
        self.leave = nn.Linear(wide, channels)

    def forward(self, nodes: Float[Tensor, "b n d"]) -> Float[Tensor, "b n c"]:
        """Refine the nodes of each photo together; empty ones take part as zeros."""
        nodes = self.enter(nodes)
        for norm, exchange in zip(self.norms, self.rounds, strict=True):
            nodes = F.relu(exchange(norm(nodes.transpose(1, 2)).transpose(1, 2)))
        return self.leave(nodes)
