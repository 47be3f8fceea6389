"""A process that has imported what commands import, and runs each in a fork of itself.

Starting Python and importing torch takes two seconds of processor time, more than most commands on
tiny data. A fork has its own folder, variables, streams, signals and exit code, as a new process.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.command_line import plain_environment

IMPORTED = ("train", "predict", "evaluate", "prepare", "export", "bench")
"""Packages whose `run` is imported before the first fork; torch comes with them."""


def call_grapy(
    *arguments: str, folder: Path, timeout: int = 120, **environment: str
) -> subprocess.CompletedProcess:
    """Run a command as `run_grapy` does: for tests of what it does, not of how it starts.

    Raises:
        subprocess.TimeoutExpired: If it takes longer than `timeout` seconds; it is killed.
    """
    with TemporaryDirectory() as scratch:
        streams = [Path(scratch) / name for name in ("out", "err")]
        asked = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": plain_environment(**environment),
            "streams": [*map(str, streams)],
            "timeout": timeout,
        }
        process = _server()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(["grapy", *arguments], timeout)
        said = [stream.read_text(encoding="utf-8") for stream in streams]
        return subprocess.CompletedProcess(["grapy", *arguments], code, *said)


@cache
def _server() -> subprocess.Popen[str]:
    """Start the process that forks; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm"],
        env=plain_environment(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def _serve() -> None:
    for name in IMPORTED:
        import_module(f"grapy_cli.{name}.run")
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            return _run(**json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    return None


def _run(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    streams: list[str],
    timeout: int,
) -> None:
    """Run the command as if this process had been started for it."""
    from grapy_cli.cli.app import main

    signal.alarm(timeout)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    modes = [(os.devnull, os.O_RDONLY), *((path, os.O_WRONLY | os.O_CREAT) for path in streams)]
    for number, (path, mode) in enumerate(modes):
        file = os.open(path, mode)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["grapy", *arguments]
    main()


if __name__ == "__main__":
    _serve()
