"""Resume a run with the settings it started with; some of them can still change."""

from operator import attrgetter

from grapy_cli.errors import SettingsError
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.settings.layers import differences, resolve
from grapy_cli.settings.settings import Settings
from grapy_cli.train.schedule import PolySchedule, build_schedule

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
"""Settings and sections that a resumed run keeps: its state would not fit others, or it would be
another run. Others (epochs, learning rate, GPUs, ...) may change."""


def settings_of_run(folder: RunFolder, settings: Settings) -> Settings:
    """Return the settings of a resumed run, as they are written to its folder.

    Raises:
        SettingsError: If they differ where they must not, or the run's own cannot be read.
    """
    begun = resolve(config=folder.settings_file).settings
    for path, wanted in differences(begun, settings).items():
        if any(f"{path}.".startswith(f"{fixed}.") for fixed in FIXED):
            was = attrgetter(path)(begun)
            raise SettingsError(
                f"{path}: {folder.path} started with {was} and cannot resume with {wanted}",
                hint=f"Keep the value, or start a new run with --init {folder.path}.",
            )
    return settings.having("train", init=begun.train.init, out=begun.train.out, resume=None)


def rate_change(folder: RunFolder, schedule: PolySchedule, settings: Settings, step: int) -> str:
    """Say how new settings change the learning rate; empty if they do not.

    Args:
        step: The next one, counted from 0 over the whole run.
    """
    begun = resolve(config=folder.settings_file).settings
    before = build_schedule(begun.train, schedule.steps_per_epoch)
    now = schedule.rate(step)
    if before.rate(step) == now:
        return ""
    new = differences(begun, settings)
    of_schedule = [path for path in new if path.startswith("train.schedule.")]
    changes = [
        f"{path} goes from {attrgetter(path)(begun)} to {new[path]}"
        for path in ("train.lr", "train.epochs", *of_schedule)
        if path in new
    ]
    return (
        f"the learning rate goes from {before.rate(max(0, step - 1)):.3g} at the last step to "
        f"{now:.3g} at the next: {', '.join(changes)}"
    )
