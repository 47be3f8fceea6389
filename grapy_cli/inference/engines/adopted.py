"""A network in an ONNX file of another tool that `grapy weights adopt` wrote a card into."""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from grapy_cli.errors import WeightsError, first_line
from grapy_cli.inference.engines.runner import Runner
from grapy_cli.inference.photo_fit import Letterbox, PhotoFit, Stretch
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.model.card import PhotoInput
from grapy_cli.model.deeplab import resize
from grapy_cli.model.weights import WeightsCard


def adopted_network(path: Path, card: WeightsCard, runner: Runner) -> PublishedNetwork:
    """Build a network from what an engine has loaded.

    Args:
        card: That of the file; it has an `input`.
        runner: Takes values as floats, a picture at a time.

    Raises:
        WeightsError: If the card does not fit the file; also when the network runs.
    """
    rule = card.input
    if rule is None:
        raise WeightsError(f"the weights card of {path} lacks the size and scaling of photos")
    if rule.output >= len(runner.outputs):
        raise WeightsError(
            f"{path} has {len(runner.outputs)} outputs ({', '.join(runner.outputs)}), and its "
            f"logits are looked for in number {rule.output}, counted from 0"
        )
    parts = len(card.label_sets[0]["parts"])

    def run(pictures: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b p u v"]:
        return torch.cat([logits_of(one[None]) for one in values_of(pictures, rule)])

    def logits_of(values: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 p u v"]:
        try:
            found = torch.from_numpy(runner.run(values.numpy())[rule.output])
        except Exception as error:  # ONNX Runtime has an error class for each failure
            raise WeightsError(f"{path} cannot be run: {first_line(error)}") from error
        if found.ndim != 4 or found.shape[:2] != (1, parts):
            raise WeightsError(
                f"{path} gives {tuple(found.shape)} where logits of {parts} labels are expected",
                hint="See --like: another preset, or a file with another output.",
            )
        # A letterbox is undone at the size of the picture, as SCHP's extractor does.
        return resize(found, *values.shape[2:]) if rule.fit == "letterbox" else found

    return PublishedNetwork(card, run, fit_of(rule), engine=runner.engine, precision="fp32")


def fit_of(rule: PhotoInput) -> PhotoFit:
    """Build the rule by which photos become pictures."""
    if rule.fit == "letterbox":
        return Letterbox(rule.height, rule.width)
    return Stretch(rule.height, rule.width, rule.resample)


def values_of(pictures: UInt8[Tensor, "b 3 h w"], rule: PhotoInput) -> Float[Tensor, "b 3 h w"]:
    """Turn pictures, RGB in [0, 255], into the values that the network takes."""
    ordered = pictures.flip(1) if rule.channels == "bgr" else pictures
    mean, deviation = (
        torch.tensor(numbers)[:, None, None] for numbers in (rule.mean, rule.deviation)
    )
    return (ordered.float() / 255 - mean) / deviation
