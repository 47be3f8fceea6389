"""How long programs take to start, networks to load, and the embedded weights per photo.

python -m tests.benchmarks.start

Whole programs are measured by their processor time from start to end, all else in this process by
turns.
"""

import argparse
import gc
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from grapy_cli import HumanParser
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.weights import card_of, load_weights, save_weights
from tests.benchmarks.contest import Row, costs, main, seconds, take_turns

PHOTOS = sorted(Path("examples/photos").glob("*.*g"))
PROGRAMS = {
    "nothing": "network = None",
    "plain": "network = start.load_plainly(pathlib.Path({file!r}))",
    "ours": "network, _ = start.load_weights(pathlib.Path({file!r}).with_suffix('.safetensors'))",
}
PYTHON = (sys.executable, "-c")
GRAPY = """
import os, sys
from grapy_cli.cli.app import main
sys.argv = ["grapy", *sys.argv[1:]]
try:
    main()
finally:
    os._exit(0)  # skip the cleanup of Python: the mask is written
"""
TORCH = "import os, torch; os._exit(0)"


def rows(given: argparse.Namespace) -> Iterator[Row]:
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    gc.freeze()  # as `grapy` does once torch is loaded
    with TemporaryDirectory() as scratch:
        yield from loading(Path(scratch) / "network.pth", given.repeats)
        yield first_mask(Path(scratch), given.repeats)
    yield from photos(given.repeats)
    (page,) = costs(given.repeats, (sys.executable, "-m", "grapy_cli", "--help"))
    how = f"{page.peak:.0f} MiB; that it loads no torch, numpy or cv2 is a test of the suite"
    yield Row("grapy --help, processor time", 0.2, page.cpu, how, " s", is_limit=True)


def loading(file: Path, repeats: int) -> Iterator[Row]:
    """Load the paper's network; memory counts after all of it was read."""
    network = build_network(NetworkNumbers(), [LABEL_SETS["cihp"]])
    torch.save(network.state_dict(), file)
    packed = file.with_suffix(".safetensors")
    save_weights(
        packed, network.state_dict(), card_of(network, name="paper", grapy="0", stage="joint")
    )
    del network
    took = take_turns(repeats, lambda: load_plainly(file), lambda: load_weights(packed))
    yield Row.of("network load", 4, *took)
    ending = "\nif network: sum(float(one.sum()) for one in network.state_dict().values())"
    starts = (
        f"import pathlib\nfrom tests.benchmarks import start\n{program.format(file=str(file))}"
        for program in PROGRAMS.values()
    )
    empty, theirs, ours = costs(1, *((*PYTHON, start + ending) for start in starts))
    extra = [one.peak - empty.peak for one in (theirs, ours)]
    how = f"{extra[0]:.0f} MiB plain, {extra[1]:.0f} ours, beside {empty.peak:.0f} of libraries"
    ratio = extra[1] / extra[0]
    yield Row("network load, peak memory it adds", 0.55, ratio, how, is_limit=True)


def load_plainly(file: Path) -> GrapyNet:
    network = build_network(NetworkNumbers(), [LABEL_SETS["cihp"]])
    network.load_state_dict(torch.load(file))
    return network


def first_mask(out: Path, repeats: int) -> Row:
    """Measure a program until one photo is parsed, against one until torch is imported."""
    options = ["--dataset", "atr", "--device", "cpu", "--threads", "1", "--overwrite"]
    words = ["predict", str(PHOTOS[-1]), *options, "--out", str(out / "masks")]
    bare, until, whole = costs(
        repeats,
        (*PYTHON, TORCH),
        (*PYTHON, GRAPY, *words),
        (sys.executable, "-m", "grapy_cli", *words),
    )
    how = f"{bare.cpu:.2f} s until torch is imported, {until.cpu:.2f} s until the mask is written, "
    how += f"{whole.cpu:.2f} s for the whole program"
    return Row("first mask, after torch's import", 0.5, until.cpu - bare.cpu, how, " s", True)


def photos(repeats: int) -> Iterator[Row]:
    parsers = {
        kind: HumanParser.load(device="cpu", longest_side=448, precision=kind)
        for kind in ("fp32", "bf16")
    }
    masks = {
        kind: [parser.parse(photo, "atr") for photo in PHOTOS] for kind, parser in parsers.items()
    }
    with TemporaryDirectory() as scratch:
        mask = Path(scratch) / "mask.png"
        took = [
            seconds(lambda photo=photo: parsers["fp32"].parse(photo, "atr").save_mask(mask))
            for photo in repeats * PHOTOS
        ]
    pace = 1 / statistics.median(took)
    how = f"{len(PHOTOS)} photos of examples/, from photo file to mask file, without flip"
    yield Row("embedded weights, 448 px, one core", 4, pace, how, " photos/s")
    pairs = zip(*masks.values(), strict=True)
    equal = [np.mean(one.label_map == other.label_map) for one, other in pairs]
    agreement = 100 * float(np.mean(equal))
    yield Row("bf16 agrees with fp32, embedded weights", 99, agreement, "the same photos", " %")


if __name__ == "__main__":
    main(rows, __doc__)
