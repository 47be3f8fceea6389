"""The names of what a training run leaves behind."""

from dataclasses import dataclass
from pathlib import Path

from grapy_cli.errors import SettingsError


@dataclass(frozen=True)
class RunFolder:
    """One folder per run; made by `create`, found again by `open`."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            SettingsError: If a run lies there already.
        """
        folder = cls(path)
        if folder.settings_file.exists():
            raise SettingsError(
                f"{path} holds a run already",
                hint=f"Go on with it by --resume {path}, or choose another folder with --out.",
            )
        path.mkdir(parents=True, exist_ok=True)
        return folder

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Find the folder of an earlier run.

        Raises:
            SettingsError: If no run lies there.
        """
        folder = cls(path)
        if not folder.settings_file.exists():
            raise SettingsError(
                f"{path} is no run folder: it has no settings.toml",
                hint="--resume takes the folder a run wrote; weights to start from go to --init.",
            )
        return folder

    @property
    def settings_file(self) -> Path:
        """Resolved settings, a valid `--config`."""
        return self.path / "settings.toml"

    @property
    def journal_file(self) -> Path:
        """Every event, a line each."""
        return self.path / "journal.jsonl"

    @property
    def metrics_file(self) -> Path:
        """Losses and scores as a table."""
        return self.path / "metrics.csv"

    @property
    def curves_file(self) -> Path:
        """Losses and scores as a picture."""
        return self.path / "curves.svg"

    def checkpoint(self, name: str) -> Path:
        """Folder of a checkpoint: `last` or `best`."""
        return self.path / name
