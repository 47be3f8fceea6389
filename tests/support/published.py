"""Networks as others publish them, made on the spot: tiny, of random weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from grapy_cli.labels import LABEL_SETS

CLOTHES = [name.capitalize() for name in LABEL_SETS["atr"].names]
"""The labels of SegFormer networks for clothes, as their makers write them."""


def write_segformer(folder: Path, names: Sequence[str] = CLOTHES, **processor: object) -> Path:
    """Save a SegFormer as its library does, with the processor of such networks."""
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    torch.manual_seed(0)
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        **_labels(names),
    )
    _save(SegformerForSemanticSegmentation(config), folder)
    SegformerImageProcessorPil(
        **{"size": {"height": 64, "width": 64}, **processor}
    ).save_pretrained(folder)
    return folder


def write_upernet(folder: Path, names: Sequence[str] = CLOTHES) -> Path:
    """Save an UPerNet, which gives logits of the size of its input."""
    from transformers import (
        ConvNextConfig,
        SegformerImageProcessorPil,
        UperNetConfig,
        UperNetForSemanticSegmentation,
    )

    torch.manual_seed(1)
    backbone = ConvNextConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        pool_scales=[1, 2],
        use_auxiliary_head=False,
        **_labels(names),
    )
    _save(UperNetForSemanticSegmentation(config), folder)
    SegformerImageProcessorPil(size={"height": 96, "width": 64}).save_pretrained(folder)
    return folder


def _labels(names: Sequence[str]) -> dict[str, object]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }


def _save(network: torch.nn.Module, folder: Path) -> None:
    """Sharpen the head, so that parts differ by more than rounding, and save."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "classifier" in name:
                value.mul_(50)
    network.eval().save_pretrained(folder)


def library_mask(folder: Path, photo: np.ndarray) -> np.ndarray:
    """The mask that the library gives by its own processor and its own post-processing."""
    from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    network = AutoModelForSemanticSegmentation.from_pretrained(folder).eval()
    with torch.inference_mode():
        outputs = network(
            **processor(photo, return_tensors="pt", input_data_format="channels_last")
        )
    [mask] = processor.post_process_semantic_segmentation(outputs, [photo.shape[:2]])
    return mask.numpy().astype(np.uint8)


def schp_matrix() -> np.ndarray:
    """How much each part of ATR likes each value, blue first."""
    return np.random.default_rng(3).normal(size=(18, 3, 1, 1)).astype(np.float32)


def write_schp_onnx(path: Path, side: int = 512) -> Path:
    """Write a file with the inputs and outputs of SCHP's export: the second output counts."""
    shapes = {"parsing": schp_matrix() * 0, "fusion": schp_matrix(), "edge": schp_matrix()[:2]}
    values = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, side, side])
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input.1", f"{name}-matrix"], [name], strides=[4, 4])
            for name in shapes
        ],
        "schp",
        [values],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [1, len(matrix), -(-side // 4), -(-side // 4)]
            )
            for name, matrix in shapes.items()
        ],
        [numpy_helper.from_array(matrix, f"{name}-matrix") for name, matrix in shapes.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save_model(model, str(path))
    return path
