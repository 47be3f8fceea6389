"""The settings, and how defaults, files, environment and options become one tree."""

from grapy_cli.settings.layers import Resolved, resolve
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml

__all__ = ["Resolved", "Settings", "resolve", "to_toml"]
