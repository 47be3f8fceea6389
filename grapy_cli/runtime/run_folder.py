"""The files of a training run."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from grapy_cli.errors import SettingsError
from grapy_cli.image_io.names import numbered
from grapy_cli.runtime.lock import locked


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; `create` makes it, `open` finds it again."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            SettingsError: If the folder has a run already.
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
            SettingsError: If the folder has no run.
        """
        folder = cls(path)
        if folder.settings_file.exists():
            return folder
        around = next((one for one in path.parents if cls(one).settings_file.is_file()), None)
        raise SettingsError(
            f"{path} is not a run folder: "
            + ("it is a file" if path.is_file() else "it has no settings.toml"),
            hint=f"Go on with the run it belongs to by --resume {around}, or start a new run from "
            f"its weights by --init {path}."
            if around
            else "--resume takes the folder a run wrote; weights to start a new run from go to "
            "--init.",
        )

    @classmethod
    def free(cls, path: Path) -> "RunFolder":
        """Name a folder that does not exist yet: `path`, or `path-2` and so on.

        Names made of the time occur twice when two runs start in the same second, or a clock is set
        back.
        """
        folders = (path.with_name(name) for name in numbered(path.name))
        return cls(next(folder for folder in folders if not folder.exists()))

    def held(self) -> AbstractContextManager[None]:
        """Lock the folder for training while the block runs.

        Raises:
            LockedError: If another process trains there.
        """
        return locked(self.path / ".train.lock")

    @property
    def settings_file(self) -> Path:
        """Resolved settings, a valid `--config`."""
        return self.path / "settings.toml"

    @property
    def journal_file(self) -> Path:
        """All events, one a line."""
        return self.path / "journal.jsonl"

    @property
    def metrics_file(self) -> Path:
        """Losses and scores as a table."""
        return self.path / "metrics.csv"

    @property
    def curves_file(self) -> Path:
        """Losses and scores as a picture."""
        return self.path / "curves.svg"

    @property
    def divergence_file(self) -> Path:
        """The step whose loss was no longer finite."""
        return self.path / "diverged.json"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's files."""
        return self.path / "tensorboard"

    @property
    def pseudo(self) -> Path:
        """Folder of the data sets with the teacher's pseudo labels."""
        return self.path / "pseudo"

    def sheet(self, epochs: int) -> Path:
        """Picture of photos, truths and parsings after that many epochs."""
        return self.path / "sheets" / f"epoch-{epochs:04d}.png"

    def checkpoint(self, name: str) -> Path:
        """Folder of a checkpoint: `last`, `best`, or `best-` and a data set."""
        return self.path / name
