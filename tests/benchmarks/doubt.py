"""Which number, computed without labels, ranks badly parsed photos best?

    python -m tests.benchmarks.doubt --data PREPARED [--scenes TAR] [--person TAR] [--photos N]

Prints Spearman's rank correlation of each candidate with the true error of the embedded weights (or
`--weights`): on the val photos of the prepared data sets in `--data`, which must label the same
photos; on the same photos degraded, twice each (`--scenes` holds photos without people, as
backgrounds for small people); and on photos with person masks (`--person`: photos/*.jpg and
person/*.png).

The true error of a photo is the share of wrong pixels among those of people in the truth or in the
parsing, mean over the label sets; with person masks it is 1 - IoU.
"""

import argparse
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from grapy_cli import HumanParser
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import read_photo
from grapy_cli.inference.doubt import wrong_share
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import IGNORE
from grapy_cli.labels.agreement import together
from grapy_cli.predict.outputs.consistency import disagreement
from tests.benchmarks.spoiling import Spoiler, Truths

Parsings = Mapping[str, Parsing]
Candidates = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One parsed photo."""

    photo: str
    group: str
    error: float
    candidates: Candidates


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "photo": lambda wrong, person: float(wrong.mean()),
    "found": lambda wrong, person: float((wrong * person).sum() / max(1e-9, person.sum())),
    "share": lambda wrong, person: wrong_share(1 - wrong, person),
}
"""How a map of doubt becomes a number: mean over the photo, over the person, or its share."""


def main() -> None:
    options = read_options()
    parser = HumanParser.load(options.weights, device="cpu")
    scenes = [read_photo(photo) for _, photo in pictures(options.scenes, "", options.photos)]
    spoiler = Spoiler(np.random.default_rng(0), scenes)
    datasets = {name: PreparedDataset.open(options.data / name) for name in parser.datasets}
    rows = list(labeled(parser, datasets, spoiler, options.photos))
    rows += masked(parser, options.person, options.photos)
    show(rows)
    show_fits(rows)
    show_truths(datasets)


def read_options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--scenes", type=Path)
    options.add_argument("--person", type=Path)
    options.add_argument("--photos", type=int, default=1000)
    options.add_argument("--weights", type=Path)
    return options.parse_args()


def labeled(
    parser: HumanParser, datasets: Mapping[str, PreparedDataset], spoiler: Spoiler, most: int
) -> Iterator[Row]:
    first = next(iter(datasets.values()))
    ways = list(spoiler.ways.items())
    for index, key in enumerate(first.keys("val")[:most]):
        photo = read_photo(first.photo(key))
        truths = {name: load_label_map(data.label_map(key)) for name, data in datasets.items()}
        versions: list[tuple[str, np.ndarray, Truths]] = [("val", photo, truths)]
        for name, spoil in (ways[index % len(ways)], ways[(index + 3) % len(ways)]):
            versions.append((name, *spoil(photo, truths)))
        for group, version, version_truths in versions:
            parsings = parser.parse_all(version, parser.datasets)
            error = part_error(parsings, version_truths)
            yield Row(key, group, error, candidates(parser, version, parsings))


def masked(parser: HumanParser, archive: Path | None, most: int) -> Iterator[Row]:
    masks = dict(pictures(archive, "person/", most))
    for name, picture in pictures(archive, "photos/", most):
        person = np.asarray(masks[name])
        if (person == 1).mean() < 0.01:  # almost no person to find
            continue
        photo = read_photo(picture)
        parsings = parser.parse_all(photo, parser.datasets)
        yield Row(
            name, "person", person_error(parsings, person), candidates(parser, photo, parsings)
        )


def pictures(archive: Path | None, folder: str, most: int) -> Iterator[tuple[str, Image.Image]]:
    if archive is None:
        return
    with tarfile.open(archive) as tar:
        found = [one for one in tar if one.isfile() and one.name.startswith(folder)]
        found = [one for one in found if one.name.endswith((".jpg", ".png"))]
        for member in sorted(found, key=lambda one: one.name)[:most]:
            file = tar.extractfile(member)
            yield Path(member.name).stem, Image.open(io.BytesIO(file.read() if file else b""))


def part_error(parsings: Parsings, truths: Truths) -> float:
    errors = []
    for name, truth in truths.items():
        label_map = parsings[name].label_map
        people = (truth != IGNORE) & ((truth > 0) | (label_map > 0))
        errors.append((truth != label_map)[people].mean() if people.any() else 0.0)
    return float(np.mean(errors))


def person_error(parsings: Parsings, person: np.ndarray) -> float:
    errors = []
    for parsing in parsings.values():
        found, true = (parsing.label_map > 0)[person != IGNORE], (person == 1)[person != IGNORE]
        errors.append(1 - (found & true).sum() / max(1, (found | true).sum()))
    return float(np.mean(errors))


def candidates(parser: HumanParser, photo: np.ndarray, parsings: Parsings) -> Candidates:
    """Compute every summary of every map, and the doubt of `grapy predict`."""
    mirrored = parser.parse_all(photo[:, ::-1].copy(), list(parsings))
    person = np.mean([best(one) > 0 for one in parsings.values()], axis=0)
    maps = {
        "confidence": mean(1 - chances(one).max(0) for one in parsings.values()),
        "margin": mean(
            1 - np.diff(np.sort(chances(one), 0)[-2:], axis=0)[0] for one in parsings.values()
        ),
        "entropy": mean(entropy(chances(one)) for one in parsings.values()),
        "stories, hard": hard_disagreement(parsings),
        "stories, soft": disagreement(list(parsings.values())),
        "mirror, hard": mean(
            best(parsings[n]) != unmirrored(mirrored[n]).argmax(0) for n in parsings
        ),
        "mirror, soft": mean(
            1 - (chances(parsings[n]) * unmirrored(mirrored[n])).sum(0) for n in parsings
        ),
        "levels": mean(level_conflict(one) for one in parsings.values()),
    }
    sums = {
        f"{name} / {way}": sum_up(wrong, person)
        for name, wrong in maps.items()
        for way, sum_up in WAYS.items()
    }
    doubt = float(np.mean([one.doubt for one in parsings.values()]))
    stories = sums["stories, soft / share"]
    return sums | {
        "doubt": doubt,
        "doubt or stories, larger": max(doubt, stories),
        "doubt and stories, mean": (doubt + stories) / 2,
        "share of background": 1 - float(person.mean()),
    }


def chances(parsing: Parsing) -> np.ndarray:
    return parsing.logits.softmax(0).numpy()


def best(parsing: Parsing) -> np.ndarray:
    return parsing.logits.argmax(0).numpy()


def mean(maps: Iterator[np.ndarray]) -> np.ndarray:
    return np.mean(list(maps), axis=0)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Compute the entropy in [0, 1], divided by the log of the number of parts."""
    logs = np.log(probabilities.clip(1e-9))
    return -(probabilities * logs).sum(0) / np.log(len(probabilities))


def hard_disagreement(parsings: Parsings) -> np.ndarray:
    pairs = combinations(parsings.values(), 2)
    return mean(
        ~np.array(together(one.label_set, other.label_set))[best(one), best(other)]
        for one, other in pairs
    )


def unmirrored(parsing: Parsing) -> np.ndarray:
    return chances(parsing)[list(parsing.label_set.mirror_ids), :, ::-1]


def level_conflict(parsing: Parsing) -> np.ndarray:
    """Find where the most likely group is not that of the most likely part."""
    lift = np.array(parsing.label_set.lift(2))
    groups = np.stack([chances(parsing)[lift == group].sum(0) for group in range(5)])
    return groups.argmax(0) != lift[best(parsing)]


def groups_of(rows: list[Row]) -> dict[str, list[Row]]:
    spoiled = [row for row in rows if row.group not in ("val", "person")]
    groups = {"val": [row for row in rows if row.group == "val"], "spoiled": spoiled}
    groups["both"] = [*groups["val"], *spoiled]
    for name in dict.fromkeys(row.group for row in spoiled):
        groups[name] = [row for row in spoiled if row.group == name]
    groups["person"] = [row for row in rows if row.group == "person"]
    return {name: some for name, some in groups.items() if some}


def rank(rows: list[Row], numbers: list[float]) -> float:
    return float(spearmanr(numbers, [row.error for row in rows]).statistic)


def show(rows: list[Row]) -> None:
    groups = groups_of(rows)
    print(f"{'':34}" + "".join(f"{name:>9}" for name in groups))
    print(f"{'photos':34}" + "".join(f"{len(some):9}" for some in groups.values()))
    errors = (np.mean([row.error for row in some]) for some in groups.values())
    print(f"{'mean true error':34}" + "".join(f"{error:9.3f}" for error in errors))
    doubts = (np.mean([row.candidates["doubt"] for row in some]) for some in groups.values())
    print(f"{'mean doubt':34}" + "".join(f"{doubt:9.3f}" for doubt in doubts))
    for name in rows[0].candidates:
        figures = (rank(some, [row.candidates[name] for row in some]) for some in groups.values())
        print(f"{name:34}" + "".join(f"{figure:9.3f}" for figure in figures))


def show_fits(rows: list[Row], halvings: int = 20) -> None:
    """Fit the error to several candidates on half of the photos, and rank the other half."""
    columns = ["doubt", "stories, soft / share", "mirror, hard / found", "stories, hard / found"]
    labeled_rows = [row for row in rows if row.group != "person"]
    keys = sorted({row.photo for row in labeled_rows})
    for used in (columns[:1], columns[:2], columns[:3], columns):
        figures = []
        for seed in range(halvings):
            chosen = set(np.random.default_rng(seed).permutation(keys)[: len(keys) // 2])
            train = [row for row in labeled_rows if row.photo in chosen]
            test = [row for row in labeled_rows if row.photo not in chosen]
            target = logit(np.array([row.error for row in train]))
            fitted, *_ = np.linalg.lstsq(inputs(train, used), target, rcond=None)
            alike = [row for row in test if row.group == "val"]
            unlike = [row for row in test if row.group != "val"]
            person = [row for row in rows if row.group == "person"]
            figures.append(
                [
                    rank(some, list(inputs(some, used) @ fitted))
                    for some in (alike, unlike, person)
                    if some
                ]
            )
        print(f"fitted on half: {', '.join(used)}: {np.mean(figures, 0).round(3)}")


def inputs(rows: list[Row], columns: list[str]) -> np.ndarray:
    return np.array([[*(logit(row.candidates[name]) for name in columns), 1] for row in rows])


def logit(share: np.ndarray | float) -> np.ndarray:
    clipped = np.clip(share, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def show_truths(datasets: Mapping[str, PreparedDataset]) -> None:
    """Print how often true labels contradict each other according to the table."""
    for one, other in combinations(datasets.values(), 2):
        table, wrong, all_pixels = np.array(together(one.label_set, other.label_set)), 0, 0
        for key in one.keys("val"):
            left, right = load_label_map(one.label_map(key)), load_label_map(other.label_map(key))
            counted = (left != IGNORE) & (right != IGNORE) & ((left > 0) | (right > 0))
            wrong += int((~table[left[counted], right[counted]]).sum())
            all_pixels += int(counted.sum())
        print(f"true labels of {one.name} and {other.name} contradict: {wrong / all_pixels:.4f}")


if __name__ == "__main__":
    main()
