import pytest
from typer.testing import CliRunner


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Run a Typer app in an empty folder: `invoke(app, "train", "--lr", "1")`."""
    monkeypatch.chdir(tmp_path)
    return lambda app, *arguments, **more: CliRunner().invoke(app, list(arguments), **more)
