"""How fast other engines run exported networks, against torch and the reference's form.

python -m tests.benchmarks.engines [--network lite] [--repeats 10] [--calibrate DIR] [--keep DIR]

The paper's network on 512x512 with one label set, or with --network lite the embedded weights on
336x256. All take turns on one thread. Shown are medians of processor time, and the share of pixels
that are equal to torch's. --calibrate, a folder of photos, adds int8. Files are kept in --keep and
used again, because an export takes longer than the rest.
"""

import argparse
import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from grapy_cli import __version__
from grapy_cli.export.form import ExportForm, write_onnx
from grapy_cli.export.int8 import quantize
from grapy_cli.export.openvino_ir import write_openvino
from grapy_cli.inference.engines.network import load_exported
from grapy_cli.inference.fold import encode_in_bf16, fold_for_inference
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.model.exported.metadata import PRECISION_KEY, read_metadata
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.weights import CARD_KEY, card_of, load_weights, resolve_weights
from tests.benchmarks.contest import Row, main, take_turns
from tests.benchmarks.network import DATASET, forward_plainly
from tests.support.reference import fill_by_recipe

CPU = torch.device("cpu")
SIZES = {"paper": (512, 512), "lite": (337, 257)}
REFERENCE = "the reference's form"
Forward = Callable[[Tensor], Tensor]


def rows(given: argparse.Namespace) -> Iterator[Row]:
    plain = NETWORKS[given.network]()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.keep or scratch)
        files = exported(plain, folder / given.network, given.calibrate)
        runs = dict(contestants(plain, files))
        some = photo(*SIZES[given.network])
        took, equal = measure(runs, some, given.repeats)
    said = [f"{name} {1e3 * took[name]:.1f} ms {100 * equal[name]:.2f} %" for name in runs]
    best = min(took[name] for name in ("ONNX Runtime fp32", "OpenVINO fp32"))
    ratio = took["torch fp32"] / best
    what = f"torch against the best engine, fp32, {given.network}"
    yield Row(what, 1.1, ratio, "; ".join(said), is_limit=True)
    if REFERENCE in runs:
        yield Row.of("OpenVINO in bf16", 4.3, took[REFERENCE], took["OpenVINO bf16"])


def papers() -> GrapyNet:
    network = build_network(NetworkNumbers(), [LABEL_SETS[DATASET]]).eval()
    fill_by_recipe(network)
    return network


def embedded() -> GrapyNet:
    return load_weights(resolve_weights(None))[0]


NETWORKS = {"paper": papers, "lite": embedded}


def exported(plain: GrapyNet, folder: Path, calibrate: str) -> Mapping[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "fp32.onnx"
    if not first.exists():
        card = card_of(plain, name="benchmark", grapy=__version__, stage="joint")
        labels = [LABEL_SETS[DATASET].to_dict()]
        card = card.model_copy(update={"label_sets": labels})
        metadata = {CARD_KEY: card.model_dump_json(), PRECISION_KEY: "fp32"}
        folded = fold_for_inference(copy.deepcopy(plain))
        write_onnx(ExportForm(folded, [DATASET]), first, metadata)
    files = {
        "ONNX Runtime fp32": first,
        "OpenVINO fp32": converted(first, folder / "fp32.xml", "fp32"),
        "OpenVINO bf16": converted(first, folder / "bf16.xml", "bf16"),
    }
    if calibrate:
        rounded = folder / "int8.onnx"
        if not rounded.exists():
            rounded.write_bytes(first.read_bytes())
            quantize(rounded, [small(path) for path in sorted(Path(calibrate).glob("*.jpg"))[:24]])
        files["ONNX Runtime int8"] = rounded
        files["OpenVINO int8"] = converted(rounded, folder / "int8.xml", "int8")
    return files


def converted(first: Path, path: Path, precision: str) -> Path:
    if not path.exists():
        write_openvino(first, path, read_metadata(first) | {PRECISION_KEY: precision})
    return path


def contestants(plain: GrapyNet, files: Mapping[str, Path]) -> Iterator[tuple[str, Forward]]:
    """Yield functions from bytes `b 3 h w` to logits at stride 4, by name."""
    if plain.numbers.backbone == "xception65":  # the only one with a reference's form
        yield REFERENCE, lambda some: forward_plainly(plain, floats(some))
    ours = fold_for_inference(copy.deepcopy(plain).to(memory_format=torch.channels_last))
    half = encode_in_bf16(copy.deepcopy(ours))
    for name, network in (("torch fp32", ours), ("torch bf16", half)):
        yield name, lambda some, network=network: in_torch(network, some)
    for name, path in files.items():
        other, _ = load_exported(path, CPU, "fp32")
        yield name, other.encode


def in_torch(network: GrapyNet, some: Tensor) -> Tensor:
    features = network.encode(floats(some).to(memory_format=torch.channels_last))
    return network.parse(features, DATASET).final


def floats(some: Tensor) -> Tensor:
    return some.float() * (2 / 255) - 1


@torch.inference_mode()
def measure(
    runs: Mapping[str, Forward], some: Tensor, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Measure seconds of each, and the share of pixels that are equal to torch's."""
    logits = {name: run(some) for name, run in runs.items()}
    truth = logits["torch fp32"].argmax(1)
    height, width = truth.shape[1:]
    equal = {
        name: float((resize(one, height, width).argmax(1) == truth).float().mean())
        for name, one in logits.items()
    }
    took = take_turns(repeats, *(partial(run, some) for run in runs.values()), warm=False)
    return dict(zip(runs, took, strict=True)), equal


def photo(height: int, width: int) -> Tensor:
    path = Path(__file__).parents[2] / "examples" / "photos" / "astronaut.png"
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((width, height)))
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


def small(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        scale = 336 / max(picture.size)
        width, height = (16 * round(scale * side / 16) + 1 for side in picture.size)
        return np.asarray(picture.convert("RGB").resize((width, height))).transpose(2, 0, 1).copy()


if __name__ == "__main__":
    main(rows, __doc__, network="paper", calibrate="", keep="")
