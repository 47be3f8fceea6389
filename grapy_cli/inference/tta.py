"""Parsing a photo several times, in several sizes and mirrored, and taking the mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from grapy_cli.data.sample import images_of
from grapy_cli.inference.cuda_graph_network import CudaGraphNetwork
from grapy_cli.inference.engines.network import ExportedNetwork
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.inference.tiles import Photo, at_stride, blend_tiles
from grapy_cli.labels import LabelSet
from grapy_cli.model.deeplab import resize
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.runtime.profiler import span

Network = GrapyNet | ExportedNetwork | CudaGraphNetwork | PublishedNetwork


@dataclass(frozen=True)
class Augmentation:
    """Which versions of a photo are parsed."""

    scales: tuple[float, ...] = (1.0,)
    """Factors on the base size."""
    mirror: bool = False
    """Parse every version's mirror image as well."""


TTA: Mapping[str, Augmentation] = {
    "none": Augmentation(),
    "flip": Augmentation(mirror=True),
    "paper": Augmentation((1.0, 0.5, 0.75, 1.25, 1.5, 1.75), mirror=True),
}


def base_size(
    height: int, width: int, longest_side: int | None = None, *, grid: int = 1
) -> tuple[int, int]:
    """Say in which size (height, width) a photo is parsed at scale 1.

    Args:
        longest_side: What the longest side becomes, larger or smaller than it was; None or 0 for
            the photo as it is.
        grid: See `on_grid`.
    """
    if not longest_side:
        return height, width
    scale = longest_side / max(height, width)
    return on_grid(height * scale, grid), on_grid(width * scale, grid)


def on_grid(side: float, grid: int) -> int:
    """Round a side, pixels, to a multiple of the output stride plus one.

    Then the corners of photo and features coincide, and resizing with aligned corners moves
    nothing. Elsewhere features lie up to half a stride beside what they saw, which cost a half
    trained `grapy-lite-ccp` 5 points of mean IoU (PASCAL parts, longest side 320). A grid of 1
    rounds to whole pixels.
    """
    return max(1, grid * round((side - 1) / grid) + 1)


def parse_logits(
    network: Network,
    photo: Photo,
    datasets: Sequence[str],
    augmentation: Augmentation,
    *,
    size: tuple[int, int] | None = None,
    grid: int = 0,
    tile: int = 0,
) -> dict[str, Float[Tensor, "_p h4 w4"]]:
    """Parse one photo; see `parse_together`.

    Args:
        size: Height and width of the photo at scale 1; the photo's own by default.
    """
    size = size or (photo.shape[0], photo.shape[1])
    parsed = parse_together(
        network, [photo], datasets, augmentation, size=size, grid=grid, tile=tile
    )
    return {dataset: logits[0] for dataset, logits in parsed.items()}


@span("resizing logits")
@torch.inference_mode()
def parse_together(
    network: Network,
    photos: Sequence[UInt8[np.ndarray, "_h _w 3"]],
    datasets: Sequence[str],
    augmentation: Augmentation,
    *,
    size: tuple[int, int],
    grid: int = 0,
    tile: int = 0,
) -> dict[str, Float[Tensor, "b _p h4 w4"]]:
    """Parse photos in one size by several label sets, mean over their augmentations.

    The expensive features are computed once per version of a photo and serve all label sets.
    The logits are on the network's device; the caller resizes them to the photo. They have the
    base size where there are several versions of different sizes. Otherwise, and where there are
    tiles, they are as the network gives them, at every fourth pixel.

    Args:
        network: In evaluation mode.
        photos: RGB, of any sizes; where there are tiles, one alone.
        size: Height and width of the photos at scale 1.
        grid: Bring the size of every version onto this grid (see `on_grid`); 0 truncates it to
            whole pixels, as the reference does.
        tile: Versions with a side above this many pixels are parsed in tiles of this side, which
            bounds the memory; 0 parses all of them whole.

    Source: the reference's evaluation: every version is resized from the photo itself; logits are
        resized to the base size, those of a version and its mirror image after being joined.
    Differs: the mean over scales where the reference has the sum, which has the same argmax.
    """
    stride = network.numbers.output_stride
    is_tiled = [0 < tile < max(size) * scale for scale in augmentation.scales]
    # The network gives logits at every fourth pixel. Where there is one version, it would change
    # nothing to resize them to the base size on the way to the photo's. In tiles of a large photo
    # they would be larger than everything else in memory.
    is_alone = augmentation.scales == (1.0,)
    is_coarse = is_alone or any(is_tiled)
    shape = tuple(map(at_stride, size)) if is_coarse else size

    def logits_of(part: Photo) -> dict[str, Tensor]:
        alone = version_logits(network, [part], datasets, mirror=augmentation.mirror)
        return {dataset: logits[0] for dataset, logits in alone.items()}

    total: dict[str, Tensor] = {}
    for scale, tiled in zip(augmentation.scales, is_tiled, strict=True):
        on = grid or (stride if tiled else 0)
        versions = [scaled_photo(photo, size, scale, on) for photo in photos]
        if tiled:
            (version,) = versions
            blended = blend_tiles(version, tile, stride, logits_of)
            logits = {dataset: own[None] for dataset, own in blended.items()}
        else:
            logits = version_logits(network, versions, datasets, mirror=augmentation.mirror)
        for dataset in datasets:
            at_version = logits[dataset]
            if not (tiled or is_alone):
                at_version = resize(at_version, *versions[0].shape[:2])
            if at_version.shape[2:] != shape:
                at_version = resize(at_version, *shape)
            if dataset in total:
                total[dataset] += at_version
            else:
                total[dataset] = at_version
    return {dataset: logits.div_(len(augmentation.scales)) for dataset, logits in total.items()}


@span("heads and pyramid")
@torch.inference_mode()
def version_logits(
    network: Network, versions: Sequence[Photo], datasets: Sequence[str], *, mirror: bool
) -> dict[str, Float[Tensor, "b _p h4 w4"]]:
    """Parse one version of each photo, or a tile of one, by each label set.

    On the CPU their mirror images are parsed after them, which needs half the memory and is no
    slower.
    """
    mirrored = [version[:, ::-1] for version in versions] if mirror else []
    turns = [[*versions, *mirrored]] if _is_on_gpu(network) else [list(versions), mirrored]
    parsed: dict[str, list[Tensor]] = {dataset: [] for dataset in datasets}
    for turn in filter(None, turns):
        features = _encode(network, turn)
        for dataset in datasets:
            parsed[dataset].append(network.parse(features, dataset).final)
    return {
        dataset: _join(
            torch.cat(logits).unflatten(0, (-1, len(versions))), network.label_sets[dataset]
        )
        for dataset, logits in parsed.items()
    }


@span("resizing the photo")
def scaled_photo(
    photo: Photo, size: tuple[int, int], scale: float, grid: int = 0
) -> UInt8[np.ndarray, "u v 3"]:
    """Resize a photo to a base size (height, width) times a factor, on a grid or truncated."""
    height, width = (
        on_grid(side * scale, grid) if grid else max(1, int(side * scale)) for side in size
    )
    resized = Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


@span("backbone and decoder")
def _encode(network: Network, pictures: Sequence[Photo]) -> Float[Tensor, "b c h4 w4"]:
    photos = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2))
    if not isinstance(network, GrapyNet):  # others map bytes to what they eat by themselves
        return network.encode(photos)
    parameter = next(network.parameters())
    images = images_of(photos.to(parameter.device)).to(parameter.dtype)
    return network.encode(images)


def _is_on_gpu(network: Network) -> bool:
    if isinstance(network, ExportedNetwork | PublishedNetwork):
        return False
    return next(network.parameters()).device.type == "cuda"


def _join(logits: Float[Tensor, "t b p h w"], labels: LabelSet) -> Float[Tensor, "b p h w"]:
    """Take the mean of the versions' logits and those of their mirror images, mirrored back."""
    if logits.shape[0] == 1:
        return logits[0]
    own, mirrored = logits.unbind()
    joined: Tensor = (own + mirrored[:, list(labels.mirror_ids)].flip(-1)) / 2
    return joined
