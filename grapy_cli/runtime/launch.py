"""Start several processes of one command with torch's launcher."""

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
"""More than each of a few dozen processes opens; the launcher opens a socket to every other one."""


def is_launched() -> bool:
    """Tell whether torch's launcher started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ or "RANK" in os.environ


def launch(arguments: Sequence[str], processes: int, *, go_on: str) -> None:
    """Run a command of grapy in several processes of this machine and wait for them.

    They get a Ctrl-C or SIGTERM as well, finish the running step and save.

    Args:
        arguments: What is typed after `grapy`.
        go_on: What to type to continue work that ended early.

    Raises:
        GrapyError: If they failed, with the exit code of the first. They report the reason.
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
    # The processes report their own errors; the launcher would add a page about each.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    start = elastic_launch(config, sys.executable)
    try:
        start("-m", "grapy_cli", *arguments)
    except ChildFailedError as error:
        raise _failure(_first_code(error), go_on) from error
    except SignalException as error:
        raise _stopped(go_on) from error


def allow_open_files(count: int) -> None:
    """Raise the limit of open files for this process and those it starts.

    Without free sockets the launcher retries for minutes without a message.

    Raises:
        SettingsError: If the system allows fewer.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SettingsError(
            f"this shell allows {hard} open files, too few for several processes",
            hint="ulimit -n 1024",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def _first_code(error: "ChildFailedError") -> int:
    """Return the exit code of the process that failed first.

    Processes that lose their connection to it fail as well, often within the same second. The
    launcher then stops the others.
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
        f"a process of the run {what}", hint=f"After fixing the cause, go on with: {go_on}"
    )


def _stopped(go_on: str) -> InterruptedRun:
    return InterruptedRun(
        "the processes were stopped; everything is saved", hint=f"Go on with: {go_on}"
    )
