"""Weights that anybody can make again from names alone: seeded by each tensor's own name.

The words of the recipe are those of the parity data; it needs numpy and no torch.
"""

import hashlib
import re
from collections.abc import Mapping

import numpy as np

Shape = tuple[int, ...]

# Factors on sqrt(2 / fan_in), which keep the activations of random networks near 1.
GAINS = (
    (r"xception_features\.block.*pointwise\.weight", 0.7),
    (r"concat_projection_conv1\.weight", 0.3),
    (r"feature_projection_conv1\.weight", 4.0),
    (r"(gcn_network\.sem|semantic|sem2)(_\w+)?\.weight", 3.0),
    (r".*\.graph_transfer_back\.weight", 0.5),
    (r".*\.(query|key)_conv\.weight", 0.3),
    (r".*\.value_conv\.weight", 0.5),
    (r"gcn_network\.transform_lv[123]\.weight", 0.6),
)
# Keeps the middle flow's residuals small.
CALM = r"xception_features\.block([4-9]|1\d)\.rep\.5\.pointwise_bn\.weight"
SHIFTS = (
    (r"decoder\.1\..*pointwise_bn\.bias", -1.0),
    (r"gcn_network\.fusion\.1\.bias", -1.0),
    (r".*gcn_block_feature\w+\.bn[123]\.bias", -0.5),
)
BACKGROUND = r"gcn_network\.sem(_\w+)?\.bias"


def recipe_state(shapes: Mapping[str, Shape], salt: str = "") -> dict[str, np.ndarray]:
    """Make every tensor of a state dict from its name and shape."""
    return {
        name: _tensor(name, shape, _is_norm(name, shapes), salt) for name, shape in shapes.items()
    }


def digest_of(state: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of all tensors' bytes, in order."""
    digest = hashlib.sha256()
    for tensor in state.values():
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _is_norm(name: str, shapes: Mapping[str, Shape]) -> bool:
    return f"{name.rpartition('.')[0]}.running_mean" in shapes


def _tensor(name: str, shape: Shape, is_norm: bool, salt: str) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    normal = _normal(salt + name, shape)
    if name.endswith("running_mean"):
        return np.float32(0.1) * normal
    if name.endswith("running_var"):
        return np.float32(1) + np.float32(0.1) * np.abs(normal)
    if name.endswith(".bias"):
        return _bias(name, normal, is_norm)
    if is_norm:
        weight = np.float32(1) + np.float32(0.1) * normal
        return np.float32(0.3) * weight if re.fullmatch(CALM, name) else weight
    scale = (2 / np.prod(shape[1:], dtype=float)) ** 0.5
    for pattern, gain in GAINS:
        scale *= gain if re.fullmatch(pattern, name) else 1
    return np.float32(scale) * normal


def _bias(name: str, normal: np.ndarray, is_norm: bool) -> np.ndarray:
    bias = np.float32(0.1 if is_norm else 0.05) * normal
    for pattern, shift in SHIFTS:
        if re.fullmatch(pattern, name):
            bias += np.float32(shift)
    if re.fullmatch(BACKGROUND, name):
        bias[0] += np.float32(2)
    return bias


def _normal(seed: str, shape: Shape) -> np.ndarray:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "little")
    generator = np.random.Generator(np.random.PCG64(number))
    return generator.standard_normal(shape, dtype=np.float32)
