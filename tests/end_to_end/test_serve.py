"""`grapy serve` as a process of its own, and its page in a real browser."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from tests.support.browser import open_page
from tests.support.command_line import plain_environment, run_grapy, run_python
from tests.support.networks import write_weights

for module in ("fastapi", "uvicorn", "python_multipart"):
    pytest.importorskip(module, reason="the extra serve is not installed")


@contextmanager
def serving(folder, *options):
    """Start the service on a free port, and give its address and the process."""
    command = [sys.executable, "-m", "grapy_cli", "serve", "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, *options], cwd=folder, env=plain_environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        assert "http://" in line, line + process.stderr.read()
        yield next(word for word in line.split() if word.startswith("http://")), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    write_weights(folder / "w.safetensors", answer=2)
    Image.fromarray(np.zeros((60, 40, 3), np.uint8)).save(folder / "me.png")
    (folder / "notes.png").write_text("hello")
    return folder


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_the_service_answers_and_stops_when_asked(folder, wish):
    with serving(folder, "--weights", "w.safetensors") as (url, process):
        photo = (folder / "me.png").read_bytes()
        request = urllib.request.Request(f"{url}parse?dataset=atr&kind=json", photo)
        with urllib.request.urlopen(request) as response:
            (parsing,) = json.load(response)["parsings"]
        assert [part["part"] for part in parsing["parts"]] == ["hair"]
        process.send_signal(wish)
        assert process.wait(60) == 0
        assert process.stderr.read().splitlines() == ["stopped"]


def test_a_port_that_is_taken_is_told(folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = run_grapy("serve", "--port", port, folder=folder)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be used" in done.stderr
    assert "--port 0" in done.stderr


def test_without_the_extra_its_name_is_told(folder):
    program = (
        "import sys; sys.modules['uvicorn'] = None\nfrom grapy_cli.cli.app import main\nmain()"
    )
    done = run_python("-c", program, "serve", "--weights", "w.safetensors", folder=folder)
    assert done.returncode == 2, done.stderr
    assert "pip install '.[serve]'" in done.stderr


def test_photos_chosen_on_the_page_are_seen_with_their_parts(folder):
    with serving(folder, "--weights", "w.safetensors") as (url, _), open_page(url) as page:
        page.locator("#drop[data-ready]").wait_for()
        for name in ("set", "level", "file"):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.id") == name
        page.select_option("#set", "atr")
        page.set_input_files("#file", [folder / "me.png", folder / "notes.png"])
        page.locator("#legend button").first.wait_for()
        assert page.locator("#legend button").all_inner_texts() == ["hair 100.0%"]
        large = page.locator("#large").bounding_box()
        page.mouse.move(large["x"] + large["width"] / 2, large["y"] + large["height"] / 3)
        assert page.inner_text("#part-here") == "hair"
        page.keyboard.press("ArrowRight")
        border = page.locator("#large .compare")
        assert border.evaluate("it => it.style.getPropertyValue('--at')") == "51%"

        page.keyboard.press("Escape")
        page.locator("#messages .bad").wait_for()
        assert "notes.png: the photo cannot be read" in page.inner_text("#messages")
        assert page.locator(".card .name").all_inner_texts() == ["me.png"]
        page.keyboard.press("Enter")  # the focus is back on the photo
        page.locator("#viewer[open]").wait_for()
        # The browser itself notes that the broken photo was answered with 422.
        assert all("422" in error for error in page.errors)
        page.errors.clear()
