"""Pass the settings of this process to processes that it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from grapy_cli.settings.layers import ENVIRONMENT_PREFIX
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml


@contextmanager
def handed_over(settings: Settings) -> Iterator[Path]:
    """Give a `--config` file that has exactly these settings for another process.

    Variables with settings are removed from the environment: the file has them, or options
    changed them.
    """
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "settings.toml"
        file.write_text(to_toml(settings), encoding="utf-8")
        yield file
