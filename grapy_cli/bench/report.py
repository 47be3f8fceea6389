"""The results of a bench: as a JSON document, and as table rows."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from grapy_cli.bench.build import Facts
from grapy_cli.bench.contestant import Round
from grapy_cli.evaluate.report.tables import markdown_table


class Measure(NamedTuple):
    """A figure that each contestant has."""

    key: str
    title: str
    digits: int


MEASURES = (
    Measure("photos_per_second", "photos per second, a folder", 2),
    Measure("latency_ms", "from file to mask, median, ms", 1),
    Measure("latency_p95_ms", "from file to mask, 95 of 100 within, ms", 1),
    Measure("cpu_ms", "processor time of a photo, ms", 1),
    Measure("load_ms", "loading the network, ms", 1),
    Measure("weights_mb", "weights on disk, MB", 1),
    Measure("memory_mib", "peak memory, MiB", 0),
    Measure("gpu_memory_mib", "peak memory of the GPU, MiB", 0),
)

STAGES = (
    "reading",
    "resizing the photo",
    "backbone and decoder",
    "heads and pyramid",
    "resizing logits",
    "choosing parts",
    "writing",
    "describing",
)
"""Names that `runtime.profiler.span` marks, in the order in which a photo passes them."""


@dataclass(frozen=True)
class Result:
    """A contestant and its figures."""

    name: str
    facts: Facts
    figures: Mapping[str, float | None]
    """By the keys of `MEASURES`; None for figures that this system cannot measure."""
    stages: Mapping[str, float]
    """Share of each stage in the time from file to mask, in [0, 1]."""

    @classmethod
    def of(cls, name: str, facts: Facts, rounds: Sequence[Round]) -> "Result":
        """Take the median of each figure over the rounds."""
        latencies = [seconds for one in rounds for seconds in one.latencies]
        figures = {
            "photos_per_second": statistics.median(one.photos_per_second for one in rounds),
            "latency_ms": 1e3 * statistics.median(latencies),
            "latency_p95_ms": 1e3 * float(np.percentile(latencies, 95)),
            "cpu_ms": 1e3 * statistics.median(one.cpu_seconds for one in rounds),
            "load_ms": 1e3 * facts.load_seconds,
            "weights_mb": facts.weights_bytes / 1e6,
            "memory_mib": _mebibytes([one.process_peak for one in rounds]),
            "gpu_memory_mib": _mebibytes([one.gpu_peak for one in rounds]),
        }
        return cls(name, facts, figures, _shares(rounds))


@dataclass(frozen=True)
class BenchReport:
    """The results of one contestant, of two with their ratios, or of several weights."""

    machine: Mapping[str, str | int]
    photos: Sequence[str]
    """Size of each, as "512x384"."""
    drawn: bool
    """Whether the photos were drawn for this bench."""
    repeats: int
    results: Sequence[Result]
    differences: Mapping[str, Any]
    """Settings in which the second of two contestants differs from the first."""
    equal_pixels: float | None
    """Share of pixels where two have the same part; None where there is nothing to compare."""
    mean_iou: Mapping[str, float] = field(default_factory=dict)
    """By the name of the contestant, in [0, 1]; empty without label maps to compare with."""

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        document = {
            "machine": dict(self.machine),
            "photos": {"sizes": list(self.photos), "drawn": self.drawn},
            "repeats": self.repeats,
            "mean_iou": dict(self.mean_iou),
            "contestants": [
                {"name": one.name, **asdict(one.facts), **one.figures, "stages": dict(one.stages)}
                for one in self.results
            ],
        }
        if len(self.results) != 2:
            return document
        second = {key: str(value) for key, value in self.differences.items()}
        against = {"differences": second, "equal_pixels": self.equal_pixels}
        return document | {"against": {**against, "ratios": self.ratios}}

    @property
    def ratios(self) -> dict[str, float]:
        """Each figure of the second of two contestants divided by the first's."""
        if len(self.results) != 2:
            return {}
        first, second = (one.figures for one in self.results)
        return {
            key: second[key] / value  # type: ignore[operator] # both have it or neither
            for key, value in first.items()
            if value and second[key] is not None
        }

    def columns(self) -> list[str]:
        """Heads of the table; ">" marks columns of numbers."""
        ratio = [">ratio"] if len(self.results) == 2 else []
        return ["", *(f">{one.name}" for one in self.results), *ratio]

    def rows(self) -> Iterator[list[str]]:
        """Give the rows of the table: figures first, then the share of time of each stage."""
        for measure in MEASURES:
            values = [one.figures[measure.key] for one in self.results]
            if values[0] is None:
                continue
            of_two = f"{self.ratios[measure.key]:.2f}" if measure.key in self.ratios else "-"
            ratio = [of_two] if len(values) == 2 else []
            yield [measure.title, *(f"{value:.{measure.digits}f}" for value in values), *ratio]
        for name in self.results[0].stages:
            shares = [f"{100 * one.stages[name]:.1f} %" for one in self.results]
            yield [f"  {name}", *shares, *[""] * (len(self.columns()) - 1 - len(shares))]

    def sentences(self) -> Iterator[str]:
        """Say what was measured, on which machine, and how far two contestants agree."""
        machine, facts = self.machine, self.results[0].facts
        threads = f"{facts.threads} thread{'s' if facts.threads > 1 else ''}"
        device = "" if facts.device == "cpu" else f"; network on {facts.device}"
        yield (
            f"{machine['cpu']}, {machine['cores']} cores, {threads}, torch {machine['torch']}, "
            f"grapy {machine['grapy']}{device}"
        )
        sizes = ", ".join(dict.fromkeys(self.photos))
        drawn = ", drawn for this" if self.drawn else ""
        yield f"{len(self.photos)} photos of {sizes} pixels{drawn}; medians of {self.repeats}"
        yield from map(_described, self.results if not self.differences else self.results[:1])
        if len(self.results) == 2 and self.differences:
            second = ", ".join(f"{key} = {value}" for key, value in self.differences.items())
            rival = self.results[1]
            how = "" if _form(rival.facts) == _form(facts) else f" ({_form(rival.facts)})"
            yield f"{rival.name}: the same but {second}{how}"
        if self.equal_pixels is not None:
            yield f"masks agree on {100 * self.equal_pixels:.4f} % of all pixels"
        if self.mean_iou:
            first, *others = self.mean_iou.values()
            change = f", {100 * (others[0] - first):+.2f}" if others else ""
            scores = ", ".join(f"{name} {100 * iou:.2f}" for name, iou in self.mean_iou.items())
            yield f"mean IoU: {scores}{change}"

    def to_markdown(self) -> str:
        """Return a table and what was measured, as Markdown for a README."""
        table = markdown_table(self.columns(), self.rows())
        return "\n".join([table, *(f"- {line}" for line in self.sentences())])


def _described(result: Result) -> str:
    facts = result.facts
    side = f"longest side {facts.longest_side} px" if facts.longest_side else "photos as they are"
    if facts.form == "published":
        side = "photos in its own size"
    return (
        f"{result.name}: {facts.weights} ({facts.weights_sha256[:12]}), "
        f"{'+'.join(facts.datasets)}, {_form(facts)}, augmentation {facts.tta}, {side}, "
        f"batches of {facts.batch}"
    )


def _form(facts: Facts) -> str:
    engine = "" if facts.engine == "torch" else f" by {facts.engine}"
    return f"{facts.precision}, {facts.form}{engine}"


def _shares(rounds: Sequence[Round]) -> dict[str, float]:
    """Return each stage's share of the time from file to mask, medians over the rounds."""
    shares = {
        name: statistics.median(one.stages[name] / sum(one.latencies) for one in rounds)
        for name in STAGES
    }
    return shares | {"the rest": max(0.0, 1 - sum(shares.values()))}


def _mebibytes(peaks: Sequence[int | None]) -> float | None:
    known = [peak for peak in peaks if peak is not None]
    return statistics.median(known) / 2**20 if known else None
