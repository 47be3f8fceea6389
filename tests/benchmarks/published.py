"""The embedded weights beside the architectures that public human parsers have, on one core.

python -m tests.benchmarks.published [--repeats 3]

The others have random weights, which cost the same as trained ones: SegFormer-B0 and -B2 as the
transformers library builds them, and a ResNet-101 with ASPP, output stride 16, as large as that of
SCHP. All take the same photos from file to label map, each in its own process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli import HumanParser
from grapy_cli.inference.engines.adopted import fit_of, values_of
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.inference.tta import TTA
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.card import PhotoInput
from grapy_cli.model.weights import WeightsCard, resolve_weights, weights_size
from tests.benchmarks.contest import seconds

PHOTOS = sorted(Path("examples/photos").glob("*.*g"))
ATR = LABEL_SETS["atr"]
SEGFORMERS: Mapping[str, tuple[list[int], list[int], int]] = MappingProxyType(
    {
        "SegFormer-B0": ([2, 2, 2, 2], [32, 64, 160, 256], 256),
        "SegFormer-B2": ([3, 4, 6, 3], [64, 128, 320, 512], 768),
    }
)
"""Depths, widths, and width of the decoder; Xie et al. 2021, Table 6 of the appendix."""


def embedded(scratch: Path) -> tuple[HumanParser, int]:
    return HumanParser.load(device="cpu"), weights_size(resolve_weights(None))


def segformer(name: str, scratch: Path) -> tuple[HumanParser, int]:
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    depths, widths, decoder = SEGFORMERS[name]
    names = dict(enumerate(ATR.names))
    config = SegformerConfig(
        depths=depths,
        hidden_sizes=widths,
        decoder_hidden_size=decoder,
        id2label=names,
        label2id={one: index for index, one in names.items()},
    )
    SegformerForSemanticSegmentation(config).save_pretrained(scratch)
    SegformerImageProcessorPil().save_pretrained(scratch)
    return HumanParser.load(scratch, device="cpu"), weights_size(scratch)


def resnet(scratch: Path) -> tuple[HumanParser, int]:
    network = ResNetDeepLab(ATR.num_parts).eval()
    rule = PhotoInput(height=512, width=512, fit="letterbox", channels="bgr")
    card = WeightsCard(
        name="resnet", grapy="", numbers={}, label_sets=[ATR.to_dict()], stage="", network="ResNet"
    )

    def run(pictures: Tensor) -> Tensor:
        logits = network(values_of(pictures, rule))
        return F.interpolate(logits, pictures.shape[2:], mode="bilinear", align_corners=True)

    wrapped = PublishedNetwork(card, run, fit_of(rule), engine="torch", precision="fp32")
    size = sum(4 * value.numel() for value in network.state_dict().values())
    return HumanParser(wrapped, card, torch.device("cpu"), TTA["none"], None), size


class Bottleneck(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_unit(width_in, width, 1),
            nn.ReLU(),
            *_unit(width, width, 3, stride, dilation),
            nn.ReLU(),
            *_unit(width, 4 * width, 1),
        )
        is_same = stride == 1 and width_in == 4 * width
        shortcut = nn.Sequential(*_unit(width_in, 4 * width, 1, stride))
        self.shortcut = nn.Identity() if is_same else shortcut

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.body(features) + self.shortcut(features))


class ResNetDeepLab(nn.Module):
    """ResNet-101, the last stage dilated, with ASPP and two 3x3 convolutions behind it."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        stages = [(3, 64, 1, 1), (4, 128, 2, 1), (23, 256, 2, 1), (3, 512, 1, 2)]
        blocks, width_in = [], 64
        for count, width, stride, dilation in stages:
            for index in range(count):
                blocks.append(Bottleneck(width_in, width, 1 if index else stride, dilation))
                width_in = 4 * width
        stem = [*_unit(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        self.backbone = nn.Sequential(*stem, *blocks)
        self.branches = nn.ModuleList(
            nn.Sequential(*_unit(2048, 256, size, 1, dilation), nn.ReLU())
            for size, dilation in ((1, 1), (3, 6), (3, 12), (3, 18))
        )
        self.head = nn.Sequential(
            *_unit(1024, 256, 3), nn.ReLU(), *_unit(256, 256, 3), nn.ReLU(),
            nn.Conv2d(256, parts, 1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone(images)
        joined = torch.cat([branch(features) for branch in self.branches], 1)
        return self.head(F.interpolate(joined, scale_factor=4, mode="bilinear"))


def _unit(
    width_in: int, width: int, size: int, stride: int = 1, dilation: int = 1
) -> tuple[nn.Module, nn.Module]:
    padding = dilation * (size // 2)
    conv = nn.Conv2d(width_in, width, size, stride, padding, dilation, bias=False)
    return conv, nn.BatchNorm2d(width)


NETWORKS: Mapping[str, Callable[[Path], tuple[HumanParser, int]]] = MappingProxyType(
    {
        "embedded": embedded,
        **{name: lambda scratch, name=name: segformer(name, scratch) for name in SEGFORMERS},
        "ResNet-101 DeepLab": resnet,
    }
)


def measure(name: str, repeats: int) -> dict[str, float]:
    """Measure one network in this process."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        parser, size = NETWORKS[name](Path(scratch))
        parser.parse(PHOTOS[0], "atr")
        took = [
            seconds(lambda photo=photo: parser.parse(photo, "atr")) for photo in repeats * PHOTOS
        ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": statistics.median(took), "peak": peak, "size": size / 1e6}


def main() -> None:
    """Print a table of all networks, or the figures of one as JSON."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--repeats", type=int, default=3)
    given.add_argument("--one", choices=NETWORKS)
    options = given.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.repeats)))
        return
    print("| network | photos per processor second | peak memory, MiB | weights, MB |")
    print("| --- | ---: | ---: | ---: |")
    for name in NETWORKS:
        command = [sys.executable, "-m", "tests.benchmarks.published", "--one", name]
        done = subprocess.run(
            [*command, "--repeats", str(options.repeats)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = json.loads(done.stdout)
        figures = f"{1 / found['seconds']:.2f} | {found['peak']:.0f} | {found['size']:.1f}"
        print(f"| {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
