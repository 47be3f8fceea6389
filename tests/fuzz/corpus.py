"""Small valid files of every kind that `grapy` reads: what the fuzzer damages."""

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save

from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.template import EXAMPLE, label_file
from grapy_cli.model.weights import CARD_KEY, read_card
from grapy_cli.prepare.finished import Finding
from grapy_cli.prepare.sources import PASCAL_COLORS
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml
from tests.support import tiny
from tests.support.networks import write_weights
from tests.support.photos import png

NOISE = np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8)


def photos() -> list[bytes]:
    """A photo in every format that this Pillow writes and reads."""
    picture = Image.fromarray(NOISE)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photo"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    text = PngImagePlugin.PngInfo()
    text.add_itxt("note", "words " * 9, zip=True)
    text.add_text("more", "words " * 9, zip=True)
    kinds: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (picture, "JPEG", {"exif": exif, "icc_profile": b"\0" * 140, "comment": b"hello"}),
        (picture, "JPEG", {"progressive": True, "quality": 30}),
        (picture.convert("CMYK"), "JPEG", {}),
        (picture, "PNG", {"exif": exif, "icc_profile": b"\0" * 140, "pnginfo": text}),
        (picture.convert("RGBA"), "PNG", {}),
        (picture, "PNG", {"save_all": True, "append_images": [picture.rotate(90)]}),
        (Image.fromarray(NOISE[..., 0].astype(np.uint16)), "PNG", {}),
        (picture.quantize(8), "PNG", {"transparency": 1}),
        (picture.quantize(8), "GIF", {"save_all": True, "append_images": [picture.quantize(4)]}),
        (picture, "WEBP", {"exif": exif, "quality": 10}),
        (picture, "WEBP", {"save_all": True, "append_images": [picture.rotate(90)]}),
        (picture, "TIFF", {"exif": exif}),
        (picture, "TIFF", {"compression": "tiff_lzw"}),
        (picture.convert("1"), "TIFF", {"compression": "group4"}),
        (Image.fromarray(NOISE[..., 0] / np.float32(255)), "TIFF", {}),
        (Image.fromarray(NOISE[..., 0].astype(np.int32) * 16), "TIFF", {}),
        (picture.resize((4, 4)), "TIFF", {"save_all": True, "append_images": [picture]}),
        *((picture, kind, {}) for kind in ("BMP", "PPM", "TGA", "PCX", "ICO", "SGI", "DDS")),
        *((picture, kind, {}) for kind in ("AVIF", "JPEG2000", "QOI", "MPO")),
        *((picture.convert("1"), kind, {}) for kind in ("XBM", "MSP")),
    ]
    deep = (cv2.imencode(kind, NOISE.astype(np.uint16) * 16)[1] for kind in (".png", ".tif"))
    written = [_saved(*kind) for kind in kinds if kind[1] in Image.SAVE or Image.init()]
    return [*written, *(data.tobytes() for data in deep)]


def heifs() -> list[bytes]:
    import pillow_heif

    written = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(NOISE)).save(written, quality=10)
    return [written.getvalue()]


def label_maps() -> list[bytes]:
    """Ids as gray values, indices and colors, with few and many bits, and a photo."""
    ids = Image.fromarray(NOISE[..., 0] % 7)
    deep = Image.fromarray((NOISE[..., 0] % 7).astype(np.uint16))
    indexed = ids.copy()
    indexed.putpalette(LABEL_SETS["atr"].palette())
    permuted = ids.copy()
    colors = sorted(PASCAL_COLORS, key=PASCAL_COLORS.__getitem__)
    permuted.putpalette([channel for color in reversed(colors) for channel in color])
    return [
        _saved(ids, "PNG", {}),
        _saved(indexed, "PNG", {}),
        _saved(indexed, "PNG", {"bits": 4}),
        _saved(permuted, "PNG", {}),
        *(png(NOISE[..., 0] % 2**bits, bits, 0) for bits in (1, 2, 4)),
        _saved(ids.convert("RGB"), "PNG", {}),
        _saved(Image.fromarray(NOISE), "PNG", {}),
        _saved(deep, "PNG", {}),
        _saved(ids.convert("LA"), "PNG", {}),
        _saved(ids.convert("RGBA"), "PNG", {}),
        _saved(indexed.convert("RGB").quantize(7), "PNG", {}),
        _saved(deep, "TIFF", {}),
        _saved(indexed, "TIFF", {"compression": "tiff_lzw"}),
        _saved(indexed, "BMP", {}),
        cv2.imencode(".png", (NOISE % 7).astype(np.uint16))[1].tobytes(),
    ]


def mats() -> list[bytes]:
    """PASCAL-Part's annotations as MATLAB writes them, plain and compressed."""
    from scipy.io import savemat

    part = {"part_name": "hair", "mask": np.eye(4, dtype=np.uint8)}
    person = {"class": "person", "mask": np.eye(4, dtype=np.uint8), "parts": _structs([part])}
    files = []
    for compressed in (False, True):
        written = io.BytesIO()
        savemat(written, {"anno": {"objects": _structs([person])}}, do_compression=compressed)
        files.append(written.getvalue())
    return files


def weights() -> list[bytes]:
    """Weights of a network of a few thousand parameters: with a card, and without one."""
    score = {"dataset": "pascal", "level": 3, "split": "val", "photos": 2, "mean_iou": 0.5}
    score |= {"mean_accuracy": None, "pixel_accuracy": 0.5, "protocol": {"tta": "none"}}
    with TemporaryDirectory() as scratch:
        path = write_weights(Path(scratch) / "w", ("pascal",), answer=1, scores=[score])
        own, card = path.read_bytes(), {CARD_KEY: read_card(path).model_dump_json()}
    tensors = {"x": torch.zeros(3)}
    return [own, save(tensors), save(tensors, card), save({}, card)]


def checkpoints() -> list[bytes]:
    """State dicts in both forms that torch has, and a plain pickle."""
    state = {"module.xception_features.conv1.weight": torch.zeros(2, 3, 3, 3)}
    files = [pickle.dumps({"a": 1})]
    for zipped in (False, True):
        written = io.BytesIO()
        torch.save(
            {"state_dict": state, "epoch": 3}, written, _use_new_zipfile_serialization=zipped
        )
        files.append(written.getvalue())
    return files


def label_files() -> list[bytes]:
    order = 'names = ["background", "hat"]\ntitle = "x"\n[reads.cihp]\nhat = "glove"\n'
    return [label_file(EXAMPLE, name="own").encode(), order.encode()]


def settings() -> list[bytes]:
    return [
        to_toml(Settings()).encode(),
        b'[train]\nstage = "finetune"\nlr = 1e-3\n[data]\ndataset = ["atr"]\n',
    ]


def zips() -> list[bytes]:
    files = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", kind) as archive:
            for name, data in _members():
                archive.writestr(zipfile.ZipInfo(name), data, kind)
        files.append(written.getvalue())
    return files


def tars() -> list[bytes]:
    """Plain and packed, in the dialects of tar, with a name that needs a header of its own."""
    files = []
    for mode in ("w", "w:gz"):
        for dialect in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            written = io.BytesIO()
            with tarfile.open(fileobj=written, mode=mode, format=dialect) as archive:
                for name, data in _members():
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            files.append(written.getvalue()[: 10 * 512] if mode == "w" else written.getvalue())
    return files


def _members() -> list[tuple[str, bytes]]:
    return [("images/a.png", NOISE.tobytes()), ("x" * 150 + "/ö.png", b"b" * 300)]


def lists() -> list[bytes]:
    wide = "# mine\n'a.jpg'\r\nfolder\\ö.png  # sharp\npath,label\n".encode("utf-16")
    return [
        b"a.jpg\nfolder/b.png\n\n  c d.webp \r\n",
        b"\xef\xbb\xbf/etc\n@x\n*.png\n",
        wide,
    ]


def manifests() -> list[bytes]:
    row = {
        "source": "a.jpg",
        "files": ["pascal/a.png", ".gallery/photo/a.jpg"],
        "width": 3,
        "height": 2,
        "shares": {"pascal": {"head": 0.1}},
        "confidence": {"pascal": 0.8},
        "doubt": 0.2,
        "seconds": 0.1,
        "sha256": "0f",
        "recipe": "0f",
    }
    failed = {"source": "b.jpg", "reason": "it is no picture"}
    return [_lines(row, failed), _lines(row, {**row, "source": "c.jpg"})]


def ledgers() -> list[bytes]:
    """Photos that were scored, as `photos.jsonl` has them."""
    row = {
        "case": {"parser": "w", "tta": "none", "protocol": "strict"},
        "dataset": "pascal",
        "photo": "a",
        "mean_iou": 0.5,
        "pixel_accuracy": None,
        "parts": {"head": 0.5},
        "wrong": {"head": 3},
        "id": "0f" * 16,
        "size": 7,
        "counts": [[0, 0, 5], [1, 2, 3]],
        "boundary": {"3": [[1] * 7] * 3, "2": [[1] * 5] * 3, "1": [[1] * 2] * 3},
        "bins": [[1, 2, 3]] * 3,
    }
    return [_lines(row), _lines(row, {**row, "id": "1f" * 16, "bins": None})]


def findings() -> list[bytes]:
    found = Finding("a", [["nobody", "x"]], digest="0f", pixels=[1, 2], mirrored={"hat": [1, 2, 1]})
    return [_lines(asdict(found)), _lines(asdict(found), asdict(replace(found, key="b")))]


def journals() -> list[bytes]:
    step = {"time": 1.5, "event": "StepDone", "step": 1, "total": 9, "epoch": 0, "lr": 0.1}
    return [
        _lines(
            {**step, "losses": {"atr/main": 0.5}},
            {"time": 2, "event": "EpochScored", "step": 1, "epoch": 0, "mean_iou": {"atr": 0.4}},
            {"time": 3, "event": "Told", "text": "x"},
        )
    ]


def baselines() -> list[bytes]:
    scores = dict.fromkeys(
        ("mean_iou", "mean_accuracy", "pixel_accuracy", "weighted_iou", "mean_f1", "boundary_iou"),
        0.5,
    )
    result = {
        "dataset": "atr",
        "split": "val",
        "level": 3,
        "parser": "w",
        "tta": "none",
        "protocol": "strict",
        "photos": 3,
        "parts": {"hat": {"iou": 0.5}},
        **scores,
    }
    data = {"atr": {"list_sha256": "0f", "label_set": "0f"}}
    parsers = [{"parser": "w", "longest_side": None}]
    document = {"results": [result], "protocol": {"data": data}, "weights": {}, "parsers": parsers}
    return [json.dumps(document).encode()]


def dataset_cards() -> list[bytes]:
    card = {
        "format": 1,
        "name": "atr",
        "label_set": LABEL_SETS["atr"].to_dict(),
        "photos": {"train": 2},
        "extensions": [".jpg"],
        "source": "x",
        "grapy": "0.1.0",
        "audit": {},
    }
    return [json.dumps(card).encode()]


def videos() -> list[bytes]:
    import av

    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for value in (0, 200):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), value, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return [written.getvalue()]


def _lines(*rows: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _saved(picture: Image.Image, kind: str, options: Mapping[str, Any]) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


_structs: Callable[..., np.ndarray] = tiny._structs
