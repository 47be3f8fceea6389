"""The results of a parsed photo: its files, and its row of the manifest."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from grapy_cli.errors import PhotoError
from grapy_cli.inference.parsing import Parsing
from grapy_cli.predict.outputs.consistency import disagreement_share
from grapy_cli.predict.outputs.kinds import Kind
from grapy_cli.predict.outputs.videos import as_video
from grapy_cli.runtime.profiler import span

# The file system refuses the name, or has a file in place of a folder: one photo is affected.
_OF_ONE_PHOTO = {errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}


@dataclass(frozen=True)
class Results:
    """Everything that is written about each photo."""

    out: Path
    kinds: Sequence[Kind]

    @cached_property
    def of_video(self) -> "Results":
        """The same for a video."""
        return Results(self.out, [as_video(kind) for kind in self.kinds])

    @property
    def show_photo(self) -> bool:
        """Whether any of them shows the photo's own pixels."""
        return any(kind.output.shows_photo for kind in self.kinds)

    def paths(self, name: PurePosixPath) -> list[Path]:
        """Return every file that a photo may get."""
        return [path for kind in self.kinds for path in kind.paths(self.out, name)]

    def are_there(self, row: Mapping[str, Any], name: PurePosixPath) -> bool:
        """Tell whether a photo's files are those that would be written now, and all of them exist.

        Which files a folder of parts gets depends on the photo: those of the row count.
        """
        files = set(row["files"])
        wanted = [
            path.relative_to(self.out).as_posix()
            for kind in self.kinds
            if not kind.output.by_part
            for path in kind.paths(self.out, name)
        ]
        return files.issuperset(wanted) and all((self.out / file).is_file() for file in files)

    @span("writing")
    def write(self, parsings: Mapping[str, Parsing], name: PurePosixPath) -> list[str]:
        """Write a photo's results and return its files, relative to the output folder.

        Raises:
            PhotoError: If its name is not possible for a file.
            OSError: If nothing can be written at all, as on a full disk.
        """
        return [file for kind in self.kinds for file in self._write(parsings, kind, name)]

    def _write(self, parsings: Mapping[str, Parsing], kind: Kind, name: PurePosixPath) -> list[str]:
        try:
            return kind.write(parsings, self.out, name)
        except OSError as error:
            if error.errno in _OF_ONE_PHOTO:
                path = kind.paths(self.out, name)[0]
                raise PhotoError(f"{path} cannot be written: {error.strerror}") from error
            raise


@span("describing")
def describe(parsings: Mapping[str, Parsing]) -> dict[str, Any]:
    """Measure a photo's parsings, for its row of the manifest.

    `doubt` is the mean over label sets; `disagreement` exists where there are several.
    """
    height, width = next(iter(parsings.values())).label_map.shape
    row = {
        "width": width,
        "height": height,
        "shares": {name: parsing.shares for name, parsing in parsings.items()},
        "confidence": {
            name: round(parsing.mean_confidence, 4) for name, parsing in parsings.items()
        },
        "doubt": round(sum(one.doubt for one in parsings.values()) / len(parsings), 4),
    }
    if len(parsings) > 1:
        row["disagreement"] = round(disagreement_share(list(parsings.values())), 4)
    return row
