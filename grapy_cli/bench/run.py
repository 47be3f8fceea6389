"""`grapy bench`: contestants measured by turns, so that a disturbance disturbs all of them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from grapy_cli.bench.build import Facts
from grapy_cli.bench.contestant import Round
from grapy_cli.bench.input_photos import collect_photos
from grapy_cli.bench.machine import describe_machine
from grapy_cli.bench.report import BenchReport, Result
from grapy_cli.bench.truth import mean_iou
from grapy_cli.bench.worker import Worker
from grapy_cli.errors import SettingsError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import read_size
from grapy_cli.model.weights import read_card, resolve_weights
from grapy_cli.predict.sources import FoundPhoto
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.settings.layers import differences, overlaid
from grapy_cli.settings.settings import Settings

FIRST = "this"


def run_bench(
    sources: Sequence[str], against: Path | None, settings: Settings, report: Reporter
) -> BenchReport:
    """Measure how fast photos are parsed, by turns with other settings where a file names them.

    Args:
        sources: Photos and folders; none for photos that are drawn for this.
        against: Settings file whose values replace those in `settings` for a second contestant.

    Raises:
        SettingsError: If a source or the file does not exist, or label maps are given for photos
            that are resized.
        PhotoError: If a photo cannot be read.
        WeightsError: If weights cannot be read.
        DatasetError: If weights do not know a label set, or label maps do not fit the photos.
        DeviceError: If a device is absent, or does not have enough memory.
    """
    if settings.bench.size and settings.bench.truth:
        raise SettingsError("--truth needs the photos' own sizes", hint="Leave out --size.")
    entered = _contestants(settings, against)
    with TemporaryDirectory() as scratch:
        photos = collect_photos(sources, settings.bench.size, Path(scratch))
        sizes = ["{}x{}".format(*read_size(photo.source)) for photo in photos]
        folder = Path(scratch) / "masks"
        masks = {name: folder / str(place) for place, name in enumerate(entered)}
        facts, rounds = _measure(entered, photos, masks, report)
        is_pair = len(entered) == 2 and len({one.datasets for one in facts.values()}) == 1
        return BenchReport(
            machine=describe_machine(),
            photos=sizes,
            drawn=not sources,
            repeats=settings.bench.repeats,
            results=[Result.of(name, facts[name], rounds[name]) for name in entered],
            differences=differences(*entered.values()) if against else {},
            equal_pixels=share_of_equal(*masks.values()) if is_pair else None,
            mean_iou=_scores(masks, facts, next(iter(entered.values()))),
        )


def _contestants(settings: Settings, against: Path | None) -> dict[str, Settings]:
    """The settings of each contestant, by its name: several weights, or other settings."""
    weights = settings.infer.weights
    several = str(weights).split(",") if weights and not weights.exists() else []
    if len(several) > 1:
        if against is not None:
            raise SettingsError(
                "several weights are compared as they are, and --against compares settings",
                hint="Name one weights file, or leave --against out.",
            )
        named = [(Path(one).name if Path(one).exists() else one, one) for one in several]
        return {name: settings.having("infer", weights=Path(one)) for name, one in named}
    entered = {FIRST: settings}
    if against is not None:
        name = f"{against.stem} (2)" if against.stem == FIRST else against.stem
        entered[name] = overlaid(settings, against)
    return entered


def share_of_equal(one: Path, other: Path) -> float | None:
    """Return the share of pixels where the masks of two folders have the same value.

    None if they have no mask in common, as for contestants with different label sets.
    """
    equal = total = 0
    for path in sorted(one.rglob("*.png")):
        rival = other / path.relative_to(one)
        if rival.exists():
            same = load_label_map(path) == load_label_map(rival)
            equal, total = equal + int(same.sum()), total + same.size
    return equal / total if total else None


def _scores(
    masks: Mapping[str, Path], facts: Mapping[str, Facts], settings: Settings
) -> dict[str, float]:
    """Return the mean IoU of each contestant, where there are label maps to compare with."""
    truth = settings.bench.truth
    if truth is None:
        return {}
    datasets = {name for one in facts.values() for name in one.datasets}
    if len(datasets) > 1:
        raise SettingsError("label maps are of one label set", hint="Name it by --dataset.")
    card = read_card(resolve_weights(settings.infer.weights), settings.infer.labels)
    [dataset] = datasets
    parts = card.readable_label_sets()[dataset].num_parts
    return {name: mean_iou(folder, truth, parts) for name, folder in masks.items()}


def _measure(
    entered: Mapping[str, Settings],
    photos: Sequence[FoundPhoto],
    masks: Mapping[str, Path],
    report: Reporter,
) -> tuple[dict[str, Facts], dict[str, list[Round]]]:
    repeats = entered[FIRST].bench.repeats
    with ExitStack() as stack:
        workers = {name: stack.enter_context(closing(Worker())) for name in entered}
        facts = {
            name: worker.load(entered[name], photos, masks[name])
            for name, worker in workers.items()
        }
        rounds: dict[str, list[Round]] = {name: [] for name in entered}
        for done in range(repeats):
            report(Progressed("measuring", done, repeats))
            for name, worker in workers.items():
                rounds[name].append(worker.measure())
        report(Progressed("measuring", repeats, repeats))
    return facts, rounds
