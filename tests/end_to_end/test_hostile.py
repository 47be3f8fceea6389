"""What somebody made on purpose, fed to the commands: a clear error, and nothing else happens."""

import io
import json
import os
import pickle
import re
import stat
import struct
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save
from typer.testing import CliRunner

from grapy_cli.cli.app import app
from grapy_cli.model.weights import CARD_KEY, read_card
from tests.support.command_line import run_grapy
from tests.support.networks import write_weights

NAMES = [
    *(b"a\nb.png", b"-rf.png", b"\x1b[2J.png", b"\xe2\x80\xaetxt.png", b"\xc2\x9b31m.png"),
    *(b"bad\xff\xfe.png", b"<script>.png", b"%s$(id);.png", b"@list.png", b"  .png", b"*.png"),
]
TOO_LONG = b"x" * 251 + b".png"
BROKEN = b"broken\x1b[31m\nfailed: all.png"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(
        tmp_path_factory.mktemp("weights") / "w.safetensors", ("pascal",), answer=1
    )


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Type a command that must fail with a code, and return what it says."""
    monkeypatch.chdir(tmp_path)

    def refused(code, *arguments):
        ran = CliRunner().invoke(app, list(arguments))
        assert ran.exit_code == code, ran.output
        assert "\x1b" not in ran.output
        assert code == 5 or re.search("^error: ", ran.stderr, re.MULTILINE)
        assert len(ran.stderr) < 10_000
        return ran.stderr

    return refused


def png():
    written = io.BytesIO()
    Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(written, "PNG")
    return written.getvalue()


class Code:
    """Makes a folder as soon as somebody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_names_of_photos_stay_names(tmp_path, weights, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in (*NAMES, TOO_LONG, BROKEN):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(b"x" if name == BROKEN else png())
    os.mkfifo(tmp_path / "in" / "pipe.png")
    options = ("--weights", str(weights), "--save", "mask,cutouts,polygons", "--gallery")
    options = (*options, "--contact-sheet", "--out", "out")
    ran = run_grapy("predict", "in", *options, folder=tmp_path)
    said = ran.stderr
    assert ran.returncode == 5, said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert said.count("\nfailed: ") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    lines = (tmp_path / "out" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    sources = {os.fsencode(json.loads(line)["source"]) for line in lines}
    assert sources == {b"in/" + name for name in NAMES}
    for name in ("manifest.jsonl", "failures.jsonl", "gallery.html"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert not set(text) & {"\x1b", "\x9b", "\u202e"}
    page = (tmp_path / "out" / "gallery.html").read_text(encoding="utf-8")
    assert "<script>.png" not in page
    monkeypatch.chdir(tmp_path)
    planned = CliRunner().invoke(app, ["predict", "in", *options, "--dry-run"])
    assert planned.exit_code == 0, planned.output
    assert "\x1b" not in planned.stdout
    assert len(planned.stdout.splitlines()) == len(NAMES) + 2


def test_rows_of_others_in_an_output_folder_lead_nowhere(tmp_path, weights, monkeypatch):
    (tmp_path / "me.png").write_bytes(png())
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    out = tmp_path / "out"
    out.mkdir()
    facts = {"width": 1, "height": 1, "confidence": {"pascal": 0.5}}
    rows = [
        {"source": "x", "files": ["../secret.jpg", ".gallery/photo/../../../secret.jpg"], **facts},
        {"source": "y", "files": [str(tmp_path / "secret.jpg")], **facts},
        {"source": "z", "files": "all"},
        {"files": []},
        ["no row"],
    ]
    garbage = b"\xff\xfe\0\n{\n" + b"[" * 100_000 + b"\n"
    text = b"".join(json.dumps(row).encode() + b"\n" for row in rows) + garbage
    for name in ("manifest.jsonl", "failures.jsonl", ".manifest-1-of-2.jsonl"):
        (out / name).write_bytes(text)
    monkeypatch.chdir(tmp_path)
    typed = ["predict", "me.png", "--weights", str(weights), "--out", "out", "--gallery"]
    ran = CliRunner().invoke(app, typed)
    assert ran.exit_code == 0, ran.output
    (line,) = (out / "manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["source"] == "me.png"


def test_a_photo_starts_no_other_program(tmp_path, weights, refused, monkeypatch):
    """Pillow has Ghostscript read PostScript, whatever the file is called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gs", "gswin64c"):
        (tools / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tools / name).chmod(stat.S_IRWXU)
    (tmp_path / "me.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    )
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    said = refused(5, "predict", "me.jpg", "--weights", str(weights))
    assert "cannot be read" in said
    assert not (tmp_path / "ran").exists()


def damaged_weights(folder, weights):
    """Weights files that are none, by name."""
    data, card = weights.read_bytes(), read_card(weights)
    tensors, size = load_file(weights), len(weights.read_bytes())
    key = next(iter(tensors))
    text = json.loads(card.model_dump_json())
    wide = {**text, "numbers": {**text["numbers"], "width": 1e9}}
    deep = {**text, "numbers": {**text["numbers"], "pyramid": {"rounds": 10**9}}}
    escapes = {**text, "label_sets": [{**text["label_sets"][0], "name": "\x1b[2J"}]}

    def carded(table, of=tensors):
        return save(of, {CARD_KEY: json.dumps(table)})

    return {
        "cut off": data[: size // 2],
        "of nothing": b"",
        "of zeros": bytes(1000),
        "with a header of exabytes": struct.pack("<Q", 2**62) + data[8:],
        "with a card of megabytes": save({}, {CARD_KEY: "x" * (20 << 20)}),
        "with a card that is none": save({}, {CARD_KEY: "[" * 10_000}),
        "of other shapes": carded(text, {**tensors, key: torch.zeros(2, 2)}),
        "of whole numbers": carded(text, {**tensors, key: tensors[key].to(torch.int32)}),
        "far too wide": carded(wide),
        "far too deep": carded(deep),
        "with a name that acts": carded(escapes),
        "that are a pickle": pickle.dumps(Code(folder / "ran")),
    }


def test_weights_that_are_none_are_refused(tmp_path, weights, refused):
    (tmp_path / "me.png").write_bytes(png())
    for data in damaged_weights(tmp_path, weights).values():
        (tmp_path / "bad.safetensors").write_bytes(data)
        refused(4, "predict", "me.png", "--weights", "bad.safetensors")
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {"bad.safetensors", "me.png", "masks"}


def test_a_checkpoint_with_code_is_not_run(tmp_path, refused):
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"state_dict": Code(tmp_path / "ran")}))
    torch.save({"state_dict": Code(tmp_path / "ran")}, tmp_path / "zipped.pth")
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(30 << 20))
        archive.writestr("archive/version", "3")
    for name in ("plain.pth", "zipped.pth", "bomb.pth"):
        said = refused(4, "weights", "import", name, "--out", "w.safetensors")
        assert "never run" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bomb.pth",
        "plain.pth",
        "zipped.pth",
    ]


def test_settings_and_lists_that_are_none_are_refused(tmp_path, weights, refused):
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    (tmp_path / "null.toml").write_text('[predict]\nout = "a\\u0000b"\n')
    (tmp_path / "list").write_bytes(b"a\0b.png\n" + b"x" * 500 + b"\n\x1b[2J.png\n")
    used = ("--weights", str(weights))
    for name in ("deep.toml", "null.toml"):
        assert "error: " in refused(2, "predict", "x", "--config", name)
    assert "deep.toml" in refused(3, "labels", "deep.toml")
    said = refused(5, "predict", "@list", *used, "--out", "out")
    assert said.count("\nfailed: ") == 3
    refused(2, "predict", "x" * 5000, *used)
    refused(2, "predict", "in/**x*", *used)
    refused(4, "predict", "list", "--weights", "/dev/zero")
    refused(5, "predict", "/dev/zero", *used, "--out", "out")
