"""ONNX files of other tools, made usable as weights."""

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch.nn import functional as F

from grapy_cli import HumanParser
from grapy_cli.cli.completion import complete_presets
from grapy_cli.errors import SettingsError, WeightsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.weights import read_card
from grapy_cli.weights.adopt import PRESETS, adopt_onnx
from tests.support.engines import write_flat_onnx
from tests.support.published import schp_matrix, write_schp_onnx

ATR = LABEL_SETS["atr"]


@pytest.fixture(scope="module")
def adopted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adopted")
    out = folder / "schp.onnx"
    adopt_onnx(write_schp_onnx(folder / "parsing_atr.onnx"), "schp-atr", out)
    return out


def as_schp_does(photo):
    """A plain reimplementation: warp into 512x512, network, enlarge, warp back, argmax."""
    height, width = photo.shape[:2]
    side = max(height - 1, width - 1, 1)
    scale = 511 / side
    shift = [255.5 - scale * (width - 1) / 2, 255.5 - scale * (height - 1) / 2]
    there = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    picture = cv2.warpAffine(photo[..., ::-1], there, (512, 512), flags=cv2.INTER_LINEAR)
    values = (picture / 255 - [0.406, 0.456, 0.485]) / [0.225, 0.224, 0.229]
    logits = np.einsum("hwc,pc->phw", values[::4, ::4], schp_matrix()[..., 0, 0])
    large = F.interpolate(torch.tensor(logits)[None], (512, 512), mode="bilinear",
                          align_corners=True)[0].numpy()  # fmt: skip
    x = np.clip(scale * np.arange(width) + shift[0], 0, 511)
    y = np.clip(scale * np.arange(height) + shift[1], 0, 511)
    left, above = np.minimum(x.astype(int), 510), np.minimum(y.astype(int), 510)
    across = large[:, :, left] * (1 - (x - left)) + large[:, :, left + 1] * (x - left)
    down = (y - above)[:, None]
    return (across[:, above] * (1 - down) + across[:, above + 1] * down).argmax(0)


@pytest.mark.parametrize("size", [(40, 70), (513, 300), (90, 90), (3, 200)])
def test_masks_are_those_of_a_plain_reimplementation(adopted, size):
    photo = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), dtype=np.uint8)
    photo = cv2.blur(photo, (5, 5))
    mask = HumanParser.load(adopted, device="cpu").parse(photo, "atr").label_map
    assert (mask == as_schp_does(photo)).mean() > 0.9995  # double and single precision
    assert len(np.unique(mask)) > 4


def test_flip_and_batches_work_with_a_file_of_one_photo(adopted):
    photo = cv2.blur(np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8), (9, 9))
    parser = HumanParser.load(adopted, device="cpu", tta="flip")
    own = parser.parse(photo, "atr").label_map
    reading, mirrored = parser.read(photo), parser.read(photo[:, ::-1].copy())
    first, second = parser.parse_together([reading, mirrored], ["atr"])
    np.testing.assert_array_equal(first["atr"].label_map, own)
    swapped = np.asarray(ATR.mirror_ids, np.uint8)[second["atr"].label_map[:, ::-1]]
    assert (swapped == own).mean() > 0.99


def test_the_copy_differs_in_its_card_alone(adopted):
    original, copy = (
        onnx.load(str(path)) for path in (adopted.with_name("parsing_atr.onnx"), adopted)
    )
    onnx.checker.check_model(copy)
    assert not original.metadata_props
    del copy.metadata_props[:]
    assert copy == original


def test_the_card_says_where_its_numbers_come_from(adopted):
    card = read_card(adopted)
    assert card.name == "schp"
    assert card.stage == "adopted"
    assert card.input.fit == "letterbox"
    assert "SCHP" in card.input.source
    assert "parsing_atr.onnx" in card.provenance
    assert card.load_label_sets() == [ATR]


def test_a_preset_may_be_a_file(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('labels = "atr"\nheight = 64\nwidth = 32\noutput = 1\nchannels = "bgr"\n')
    adopt_onnx(write_flat_schp(tmp_path / "in.onnx", 64, 32), str(own), tmp_path / "w.onnx")
    parser = HumanParser.load(tmp_path / "w.onnx", device="cpu")
    assert parser.parse(np.zeros((9, 7, 3), np.uint8)).label_map.shape == (9, 7)
    for text, says in [
        ("height = 3", "has no 'labels'"),
        ('labels = "atr"\nheight = 0\nwidth = 1', "height"),
        ('labels = "atr"\nheight = 1\nwidth = 1\nfoo = 2', "foo"),
        ("labels =", "cannot be read"),
    ]:
        own.write_text(text)
        with pytest.raises(SettingsError, match=says):
            adopt_onnx(tmp_path / "in.onnx", str(own), tmp_path / "w.onnx")


def write_flat_schp(path, height, width):
    """A file whose second output is as large as its input."""
    shape = [1, 18, height, width]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1]),
            helper.make_node("Concat", ["mean"] * 18, ["logits"], axis=1),
        ],
        "flat",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, height, width])],
        [
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 1, height, width]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=10)
    onnx.save_model(model, str(path))
    return path


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ("schp-lip", "cannot be run"),  # another size
        ("schp-pascal", "logits of 7 labels are expected"),
        ("segformer-clothes", None),  # its first output has 18 labels as well
    ],
)
def test_a_file_that_is_not_of_the_preset_is_refused(tmp_path, like, says):
    file = write_schp_onnx(tmp_path / "parsing_atr.onnx")
    out = tmp_path / "w.onnx"
    if says is None:
        assert adopt_onnx(file, like, out).name == "w"
        return
    with pytest.raises(WeightsError, match=says):
        adopt_onnx(file, like, out)
    assert not out.exists()


def test_what_cannot_be_adopted_says_why(tmp_path, adopted):
    own = write_flat_onnx(tmp_path / "own.onnx")
    with pytest.raises(WeightsError, match="has grapy's card already"):
        adopt_onnx(own, "schp-atr", tmp_path / "w.onnx")
    with pytest.raises(SettingsError, match="cannot be the adopted file"):
        adopt_onnx(own, "schp-atr", own)
    with pytest.raises(SettingsError, match="cannot be the adopted file"):
        adopt_onnx(own, "schp-atr", tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="do not exist"):
        adopt_onnx(tmp_path / "none.onnx", "schp-atr", tmp_path / "w.onnx")
    (tmp_path / "torn.onnx").write_bytes(b"\x0a\xff\xff")
    with pytest.raises(WeightsError, match="is not an ONNX file"):
        adopt_onnx(tmp_path / "torn.onnx", "schp-atr", tmp_path / "w.onnx")


def test_the_presets_are_offered_by_completion():
    assert complete_presets("") == list(PRESETS)
