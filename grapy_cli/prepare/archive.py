"""Releases that are still the archive they were downloaded as."""

import shutil
import tarfile
from pathlib import Path

from grapy_cli.errors import DatasetError


def unpack(archive: Path, below: Path) -> Path:
    """Unpack a zip or tar file into a folder of its own and return that folder.

    A folder that is there already is taken as it is: it was renamed into place when complete.

    Raises:
        DatasetError: If the archive cannot be read, or would write outside its folder.
    """
    target = below / archive.name.split(".")[0]
    if target.is_dir():
        return target
    unfinished = target.with_name(f".{target.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(unfinished, filter="data")
        else:
            shutil.unpack_archive(archive, unfinished, format="zip")
    except (OSError, EOFError, tarfile.TarError, shutil.ReadError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise DatasetError(
            f"{archive} cannot be unpacked: {error}",
            hint="--source takes a folder, a zip or a tar file.",
        ) from error
    return unfinished.rename(target)
