"""Starting the processes of a run on several cards, through torch's own launcher."""

import logging
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from grapy_cli.errors import GrapyError, InterruptedRun
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.settings.layers import ENVIRONMENT_PREFIX
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml


def is_launched() -> bool:
    """Whether this process was started by torch's launcher."""
    return "TORCHELASTIC_RUN_ID" in os.environ or "RANK" in os.environ


def launch(settings: Settings, folder: RunFolder, processes: int) -> None:
    """Run this very training in several processes of this machine and wait for them.

    A Ctrl-C or SIGTERM is passed on to them; they finish their step and save.

    Raises:
        GrapyError: If they failed, with the exit code of the first; they have said why.
        InterruptedRun: If they were stopped.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.5,
    )
    # What went wrong the processes say themselves; the launcher would add a page about it.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with _handed_over(settings, folder) as file:
        train = elastic_launch(config, sys.executable)
        try:
            train("-m", "grapy_cli", "train", "--config", str(file))
        except ChildFailedError as error:
            raise _failure(error.get_first_failure()[1].exitcode, folder) from error
        except SignalException as error:
            raise _stopped(folder) from error


@contextmanager
def _handed_over(settings: Settings, folder: RunFolder) -> Iterator[Path]:
    """Write the resolved settings to a file, so that the processes see what this one sees."""
    out = {"out": folder.path} if settings.train.resume is None else {}
    train = settings.train.model_copy(update=out)
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # is in the file, and may have been overruled by an option
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "settings.toml"
        file.write_text(to_toml(settings.model_copy(update={"train": train})), encoding="utf-8")
        yield file


def _failure(code: int, folder: RunFolder) -> GrapyError:
    if code == InterruptedRun.exit_code:
        return _stopped(folder)
    kinds = {kind.exit_code: kind for kind in GrapyError.__subclasses__()}
    what = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}; see above"
    return kinds.get(code, GrapyError)(
        f"a process of the run {what}",
        hint=f"Once mended, go on from the last checkpoint with --resume {folder.path}.",
    )


def _stopped(folder: RunFolder) -> InterruptedRun:
    return InterruptedRun(
        "the processes were stopped; everything is saved",
        hint=f"Go on with: grapy train --resume {folder.path}",
    )
