"""Starting several processes of one command, through torch's own launcher."""

import logging
import os
import signal
import sys
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grapy_cli.errors import GrapyError, InterruptedRun, SettingsError

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

OPEN_FILES = 128
"""More than each process of a few dozen opens: of the launcher's sockets one to every other."""


def is_launched() -> bool:
    """Whether this process was started by torch's launcher."""
    return "TORCHELASTIC_RUN_ID" in os.environ or "RANK" in os.environ


def launch(arguments: Sequence[str], processes: int, *, go_on: str) -> None:
    """Run a command of grapy in several processes of this machine and wait for them.

    A Ctrl-C or SIGTERM is passed on to them; they finish what they are at and save.

    Args:
        arguments: What is typed after `grapy`.
        processes: How many.
        go_on: What to type to go on with work that ended early.

    Raises:
        GrapyError: If they failed, with the exit code of the first; they have said why.
        InterruptedRun: If they were stopped.
        SettingsError: If this shell allows too few open files.
    """
    allow_open_files(OPEN_FILES)
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
    start = elastic_launch(config, sys.executable)
    try:
        start("-m", "grapy_cli", *arguments)
    except ChildFailedError as error:
        raise _failure(_first_code(error), go_on) from error
    except SignalException as error:
        raise _stopped(go_on) from error


def allow_open_files(count: int) -> None:
    """Let this process and those it starts open so many files, as far as the system lets us.

    The launcher that finds no socket left asks for one again for minutes, and says nothing.

    Raises:
        SettingsError: If fewer are allowed.
    """
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SettingsError(
            f"{hard} files may be open here at a time, too few for several processes",
            hint="ulimit -n 1024",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def _first_code(error: "ChildFailedError") -> int:
    """The exit code of the process whose end the others' followed from.

    One that misses a killed one fails as well, and is often found at the same look, in the same
    second; those that go on then are told to stop.
    """

    def order(failure: "ProcessFailure") -> tuple[int, bool, bool]:
        code = failure.exitcode
        return failure.timestamp, code == -signal.SIGTERM, code > 0

    return min(error.failures.values(), key=order).exitcode


def _failure(code: int, go_on: str) -> GrapyError:
    if code == InterruptedRun.exit_code:
        return _stopped(go_on)
    kinds = {kind.exit_code: kind for kind in GrapyError.__subclasses__()}
    what = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}; see above"
    return kinds.get(code, GrapyError)(
        f"a process of the run {what}", hint=f"Once mended, go on with: {go_on}"
    )


def _stopped(go_on: str) -> InterruptedRun:
    return InterruptedRun(
        "the processes were stopped; everything is saved", hint=f"Go on with: {go_on}"
    )
