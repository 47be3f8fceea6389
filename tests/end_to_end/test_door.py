"""The Python interface as a program sees it, without the type checks of the other tests."""

from tests.support.command_line import ROOT, run_python
from tests.support.networks import write_weights

PROGRAM = """
import sys
import grapy_cli
from grapy_cli import label_set
assert label_set("atr").num_parts == 18
print(*(name for name in ("torch", "numpy", "cv2", "PIL", "typer") if name in sys.modules))
from grapy_cli import HumanParser
assert "typer" not in sys.modules and "rich" not in sys.modules
"""


def test_importing_grapy_loads_nothing_heavy():
    done = run_python("-c", PROGRAM, folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


WRONG = """
import sys
import numpy as np
import torch
from PIL import Image
from grapy_cli import HumanParser
from grapy_cli.errors import GrapyError

photo = np.zeros((8, 9, 3), np.uint8)
weights = sys.argv[1]
parser = HumanParser.load(weights, device="cpu")
for call in (
    lambda: HumanParser.load(weights, precision="fp64"),
    lambda: parser.parse(None, "atr"),
    lambda: parser.parse([1, 2], "atr"),
    lambda: parser.parse(torch.zeros(3, 8, 8), "atr"),
    lambda: parser.parse_many(photo, ["atr"]),
    lambda: parser.parse_many("photo.png", ["atr"]),
    lambda: parser.parse_many([photo], "atr"),
    lambda: parser.parse(photo, "atr").label_map_at(4),
    lambda: parser.parse(photo, "atr").overlay(alpha=2),
):
    try:
        call()
    except GrapyError as error:
        print(type(error).__name__, error)
(result,) = parser.parse_many([None], ["atr"])
print(result.parsings, result.error)
"""


def test_wrong_values_are_refused_in_a_sentence(tmp_path):
    weights = write_weights(tmp_path / "tiny.safetensors", ["atr"])
    done = run_python("-c", WRONG, str(weights), folder=ROOT)
    assert done.stdout.splitlines() == [
        "SettingsError precision must be one of fp32, bf16, not 'fp64'",
        "PhotoError a NoneType is not a photo",
        "PhotoError a list is not a photo",
        "PhotoError a Tensor is not a photo",
        "PhotoError parse_many takes several photos, and this is one",
        "PhotoError parse_many takes several photos, and this is one",
        "DatasetError label sets come as a list: ['atr']",
        "SettingsError level must be one of 3, 2, 1, not 4",
        "SettingsError alpha must be in [0, 1], not 2",
        "None a NoneType is not a photo",
    ], done.stderr
