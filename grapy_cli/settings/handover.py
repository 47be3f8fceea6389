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
    """Yield a `--config` file that gives another process exactly these settings.

    Environment variables with settings are removed: their values are in the file, and an option may
    have overridden them.
    """
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "settings.toml"
        file.write_text(to_toml(settings), encoding="utf-8")
        yield file
