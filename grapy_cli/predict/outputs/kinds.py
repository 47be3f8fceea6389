"""The kinds of results that can be written for a photo, and their places."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from grapy_cli.errors import SettingsError
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LabelSet, Level
from grapy_cli.predict.outputs import writers
from grapy_cli.predict.outputs.consistency import write_disagreement
from grapy_cli.predict.outputs.polygons import write_polygons
from grapy_cli.predict.outputs.remap import Layer, View, plan_views
from grapy_cli.predict.outputs.summary import write_summary
from grapy_cli.predict.outputs.thumbnails import write_small_mask, write_small_photo

Row = Mapping[str, Any]
"""Of the manifest."""


@dataclass(frozen=True)
class Output:
    """How one kind of result is written."""

    suffix: str
    write: Callable[[Layer, Path], None]
    """Writes the file, or with `by_part` the files of a folder."""
    by_level: bool = True
    """Whether there is one for each level, or one for the parts only."""
    by_dataset: bool = True
    """Whether there is one for each label set, or one for all of them together."""
    by_part: bool = False
    """Whether a photo gets a folder with a file for each part that is there."""
    shows_photo: bool = False
    """Whether the photo's own pixels are in it."""


@dataclass(frozen=True)
class Kind:
    """One result of every photo: what, by which label set, at which level, and its folder."""

    save: str
    output: Output
    labels: LabelSet
    level: int
    view: View
    folder: str
    """Below the output folder; empty where it is the only kind."""
    alpha: float = 0.6

    def paths(self, out: Path, name: PurePosixPath) -> list[Path]:
        """Return every file that a photo's result may have."""
        at = out / self.folder / name.parent
        if self.output.by_part:
            files = writers.part_files(self.view.nodes).values()
            return [at / name.name / file for file in files]
        return [at / f"{name.name}{self.output.suffix}"]

    def write(self, parsings: Mapping[str, Parsing], out: Path, name: PurePosixPath) -> list[str]:
        """Write a photo's result and return its files, relative to the output folder.

        Raises:
            OSError: If a file cannot be written.
        """
        paths = self.paths(out, name)
        target = paths[0].parent if self.output.by_part else paths[0]
        self.output.write(self.layer(parsings), target)
        return [path.relative_to(out).as_posix() for path in paths if path.exists()]

    def layer(self, parsings: Mapping[str, Parsing]) -> Layer:
        """Return a photo's parsing as this kind shows it."""
        return Layer(parsings[self.labels.name], self.view, parsings, self.alpha)

    def files_of(self, row: Row) -> list[str]:
        """Return the files of this kind from a row of the manifest."""
        start = f"{self.folder}/" if self.folder else ""
        return [
            file
            for file in row["files"]
            if file.startswith(start) and file.endswith(self.output.suffix)
        ]


def plan_kinds(
    label_sets: Sequence[LabelSet],
    levels: Sequence[int],
    save: Sequence[str],
    *,
    only: Sequence[str] = (),
    remap: str | None = None,
    alpha: float = 0.6,
    thumbnails: bool = False,
) -> list[Kind]:
    """List everything that is written for each photo.

    Folders of masks are named after label set and level, other folders after the kind of result,
    followed by the label set where there are several.

    Args:
        levels: 3 parts, 2 groups, 1 person.
        save: Names of rows of `OUTPUTS`.
        only: See `plan_views`.
        remap: See `plan_views`.
        alpha: How much of the colors an overlay shows, in [0, 1].
        thumbnails: Also write the small pictures for gallery and contact sheet, into a hidden
            folder; the other results keep their places.

    Raises:
        SettingsError: If two kinds would share a folder, as a label set may be called "overlay",
            or `only` or `remap` is impossible.
        DatasetError: If no table leads to the order of `remap`.
    """
    views = plan_views(label_sets, levels, only, remap)
    sets = list(dict.fromkeys(label_sets))
    kinds = [
        Kind(
            save=what,
            output=output,
            labels=labels,
            level=level,
            view=views[labels.name, level],
            folder=_folder(what, labels.name, level, several=output.by_dataset and len(sets) > 1),
            alpha=alpha,
        )
        for what, output in ((what, OUTPUTS[what]) for what in dict.fromkeys(save))
        for labels in (sets if output.by_dataset else sets[:1])
        for level in (dict.fromkeys(levels) if output.by_level else [int(Level.PART)])
    ]
    small = _thumbnails(sets, max(levels), views) if thumbnails else []
    if len(kinds) == 1:
        return [replace(kinds[0], folder=""), *small]
    folders = Counter(kind.folder.casefold() for kind in kinds)
    for folder, count in folders.items():
        if count > 1:
            raise SettingsError(
                f"{count} kinds of results would share the folder {folder!r}",
                hint="Write each in a separate run.",
            )
    return [*kinds, *small]


def _thumbnails(
    sets: Sequence[LabelSet], level: int, views: Mapping[tuple[str, int], View]
) -> list[Kind]:
    """Return the photo once, and the finest mask of each label set."""
    return [
        Kind(what, output, labels, level, views[labels.name, level], f".gallery/{folder}")
        for what, output in THUMBNAILS.items()
        for labels in (sets if output.by_dataset else sets[:1])
        for folder in [labels.name if output.by_dataset else "photo"]
    ]


def _folder(what: str, dataset: str, level: int, *, several: bool) -> str:
    name = dataset if what == "mask" else f"{what}-{dataset}" if several else what
    return name if level == Level.PART else f"{name}-level{level}"


OUTPUTS: Mapping[str, Output] = {
    "mask": Output(".png", writers.write_mask),
    "overlay": Output(".png", writers.picture_writer(Layer.overlay), shows_photo=True),
    "color": Output(".png", writers.picture_writer(Layer.color)),
    "contours": Output(".png", writers.picture_writer(Layer.contours), shows_photo=True),
    "cutouts": Output(".png", writers.write_cutouts, by_part=True, shows_photo=True),
    "polygons": Output(".geojson", write_polygons),
    "summary": Output(".json", write_summary),
    "confidence": Output(".png", writers.write_confidence, by_level=False),
    "entropy": Output(".png", writers.write_entropy, by_level=False),
    "probs": Output(".npz", writers.write_probabilities, by_level=False),
    "disagreement": Output(".png", write_disagreement, by_level=False, by_dataset=False),
}
"""By its name in `--save`; another kind of result is a row here and a function."""

THUMBNAILS: Mapping[str, Output] = {
    "small-photo": Output(".jpg", write_small_photo, by_dataset=False, shows_photo=True),
    "small-mask": Output(".png", write_small_mask),
}
"""The small pictures in gallery and contact sheet."""
