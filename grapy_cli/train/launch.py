"""Starting the processes of a run on several cards, through torch's own launcher."""

import os
import subprocess
import sys

from grapy_cli.errors import GrapyError, InterruptedRun
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml


def is_launched() -> bool:
    """Whether this process was started by torch's launcher."""
    return "TORCHELASTIC_RUN_ID" in os.environ or "RANK" in os.environ


def launch(settings: Settings, folder: RunFolder, processes: int) -> None:
    """Run this very training in several processes and wait for them.

    The processes read the resolved settings from a file, so they see exactly what this one saw.

    Raises:
        GrapyError: If they failed; they have said why.
    """
    out = {"out": folder.path} if settings.train.resume is None else {}
    train = settings.train.model_copy(update=out)
    folder.path.mkdir(parents=True, exist_ok=True)
    shared = folder.path / "launch.toml"
    shared.write_text(to_toml(settings.model_copy(update={"train": train})), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", "grapy_cli", "train"]
    code = subprocess.call([*command, "--config", str(shared)])
    shared.unlink(missing_ok=True)
    if code == InterruptedRun.exit_code:
        raise InterruptedRun("the processes were stopped; everything is saved")
    if code:
        raise GrapyError(f"the training processes ended with code {code}; see what they said above")
