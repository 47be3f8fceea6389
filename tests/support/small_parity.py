"""The small set of the reference's outputs, taken from the larger one.

It keeps the first photo of a batch (in training the whole batch, which shares its statistics),
images as 8-bit pixels, and every n-th element of large arrays. Where the larger set is beside the
clone, `python -m tests.support.small_parity` writes the small set again.
"""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.support import parity

FACTS = ("slices", "lr", "momentum", "weight_decay", "zero_gradient_names", "scaled_sha256")
WHOLE = ("features", "margin", "loss", "grad_norms")
"""Float arrays of which a test needs every element."""


def kept(name: str) -> Mapping[str, Any]:
    """Read a file of the small set: the arrays of a case, the index or the manifests."""
    match name:
        case "manifests.json.gz":
            return json.loads(gzip.decompress((parity.SMALL / name).read_bytes()))
        case "index.json":
            return json.loads((parity.SMALL / name).read_text())
        case _:
            return parity.arrays_of(f"small/{name}")


def taken(name: str) -> Mapping[str, Any]:
    """Take the same content from the larger set."""
    match name:
        case "manifests.json.gz":
            return dict(map(_manifest, sorted(parity.FOLDER.glob("manifest_*.json"))))
        case "index.json":
            return {f"{case}.npz": _facts(case) for case in parity.SMALL_CASES}
        case _:
            return _arrays(name)


def _manifest(file: Any) -> tuple[str, dict[str, Any]]:
    facts = json.loads(file.read_text())
    return file.stem.removeprefix("manifest_"), {
        "digest": facts["sha256_of_recipe_tensors_in_entry_order"],
        "shapes": {entry["key"]: entry["shape"] for entry in facts["entries"]},
    }


def _facts(case: str) -> dict[str, Any]:
    facts = parity.facts_of(case)
    return {key: facts[key] for key in FACTS if key in facts}


def _arrays(case: str) -> dict[str, np.ndarray]:
    arrays = {
        name: array[:1] if case.endswith("_eval") else array
        for name, array in parity.arrays_of(case).items()
        if not name.endswith("_f32")
    }
    if "input" in arrays:
        arrays["input"] = np.round((arrays["input"] + 1) * 127.5).astype(np.uint8)
    return {
        name: parity.thinned(f"small/{case}", array)
        if array.dtype.kind == "f" and name not in WHOLE
        else array
        for name, array in arrays.items()
    }


def write() -> None:
    """Write the small set."""
    parity.SMALL.mkdir(parents=True, exist_ok=True)
    manifests = json.dumps(taken("manifests.json.gz"), separators=(",", ":")).encode()
    (parity.SMALL / "manifests.json.gz").write_bytes(gzip.compress(manifests, mtime=0))
    index = json.dumps(taken("index.json"), indent=1)
    (parity.SMALL / "index.json").write_text(f"{index}\n")
    for case in parity.SMALL_CASES:
        np.savez_compressed(parity.SMALL / f"{case}.npz", **taken(case))


if __name__ == "__main__":
    write()
