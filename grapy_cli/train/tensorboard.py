"""Write the curves of a run for TensorBoard; an extra, because it is a large package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grapy_cli.errors import SettingsError, install_extra
from grapy_cli.runtime.reporting import Event, Reporter
from grapy_cli.train.events import EpochScored, StepDone


@contextmanager
def open_tensorboard(folder: Path, first_step: int) -> Iterator[Reporter]:
    """Open a reporter that writes losses, scores, rate and pace as scalars.

    Args:
        first_step: Steps made already; later values of the folder are discarded.
    """
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder, purge_step=first_step + 1 if first_step else None)
    write: Callable[[str, float, int], None] = writer.add_scalar

    def report(event: Event) -> None:
        match event:
            case StepDone():
                for name, value in event.losses.items():
                    write(f"loss/{name}", value, event.step)
                write("pace/lr", event.lr, event.step)
                write("pace/photos per second", event.photos_per_second, event.step)
                write("pace/share waited for data", event.waited, event.step)
            case EpochScored():
                for name, value in event.mean_iou.items():
                    write(f"mIoU/{name}", value, event.step)

    try:
        yield report
    finally:
        writer.close()


def check_tensorboard() -> None:
    """Check that TensorBoard is installed, before the run starts.

    Raises:
        SettingsError: If it is not installed.
    """
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "train.tensorboard needs TensorBoard, which is not installed",
            hint=f"{install_extra('tensorboard')}. Or leave it out: metrics.csv and curves.svg are "
            "always written.",
        ) from error
