"""The room that workers need in shared memory, against the room that there is."""

import shutil
from pathlib import Path

from grapy_cli.data.loader import AHEAD

PLACE = Path("/dev/shm")
MIB = 2**20


def shortage(
    photos: int, crop: tuple[int, int], label_maps: int, workers: int, place: Path = PLACE
) -> str:
    """Say that the batches of the workers do not fit into shared memory; empty if they do.

    Args:
        photos: Of a batch of one process.
        crop: Height and width of a sample, pixels.
        label_maps: Of a photo.
        workers: Of all processes on this machine.
        place: Folder of the file system that holds shared memory.
    """
    if not workers or not place.is_dir():
        return ""
    needed = photos * crop[0] * crop[1] * (3 + label_maps) * workers * AHEAD
    free = shutil.disk_usage(place).free
    if free >= needed:
        return ""
    return (
        f"{place} has {free // MIB} MiB free, and {workers} workers fill up to "
        f"{needed // MIB + 1} MiB: the rest goes through pipes, which is slower. "
        f"`docker run --shm-size={needed // MIB + 64}m` makes room; --workers 0 needs none"
    )
