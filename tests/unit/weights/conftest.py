import json

import pytest

from grapy_cli.labels import ATR
from tests.support.evaluation import tiny_evaluation
from tests.support.networks import write_weights


@pytest.fixture
def evaluation():
    """What `grapy eval --json` prints, of made-up label maps."""
    document = tiny_evaluation(ATR).report.to_json()
    document["protocol"]["data"] = {"atr": {"list_sha256": "0f" * 32, "listed": 4}}
    document["weights"] = {"name": "tiny", "sha256": "ab" * 32, "card": {"scores": []}}
    return json.loads(json.dumps(document))


@pytest.fixture
def write(tmp_path):
    """Write a file: `write("card.toml", 'name = "x"')`, or of JSON."""

    def write(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def weights(tmp_path):
    """A weights file of a tiny network that knows pascal and atr."""
    return write_weights(tmp_path / "tiny.safetensors")
