"""Going on with a run: by the settings it was begun with, not all of which can still change."""

from collections.abc import Iterator
from operator import attrgetter

from grapy_cli.errors import SettingsError
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.settings.layers import resolve
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.tree import leaves

FIXED = (
    "data.dataset",
    "data.join_photos",
    "data.more",
    "data.more_shares",
    "model",
    "train.stage",
    "train.batch_size",
    "train.crop",
    "train.mixing",
    "train.sampling",
    "train.shares",
    "train.refine",
    "train.ema",
    "train.seed",
    "train.optimizer.name",
    "train.self_training",
)
"""Settings and sections that a run keeps: with others its state would not fit, or it would be
another run. The rest (epochs, learning rate, cards, ...) may change from one stop to the next."""


def settings_of_run(folder: RunFolder, settings: Settings) -> Settings:
    """Return the settings to write down for a run that goes on.

    Args:
        folder: Of the run.
        settings: What it shall go on with.

    Raises:
        SettingsError: If they are not those of this run, or its own cannot be read.
    """
    begun = resolve(config=folder.settings_file).settings
    for path in _fixed():
        was, wanted = attrgetter(path)(begun), attrgetter(path)(settings)
        if was != wanted:
            raise SettingsError(
                f"{path}: {folder.path} was begun with {was} and cannot go on with {wanted}",
                hint=f"Leave it as it was, or start a new run with --init {folder.path}.",
            )
    places = {"init": begun.train.init, "out": begun.train.out, "resume": None}
    return settings.model_copy(update={"train": settings.train.model_copy(update=places)})


def _fixed() -> Iterator[str]:
    for path in leaves():
        if any(path == fixed or path.startswith(f"{fixed}.") for fixed in FIXED):
            yield path
