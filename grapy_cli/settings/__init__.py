"""The settings, and how defaults, files, environment and options become one tree."""

from grapy_cli.settings.layers import Resolved, resolve, to_toml
from grapy_cli.settings.settings import Settings

__all__ = ["Resolved", "Settings", "resolve", "to_toml"]
