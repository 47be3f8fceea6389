import json

import pytest

from grapy_cli.bench.build import Facts
from grapy_cli.bench.contestant import Round
from grapy_cli.bench.report import STAGES, BenchReport, Result

FACTS = Facts(
    weights="tiny",
    weights_sha256="abcdef0123456789",
    datasets=("atr",),
    engine="torch",
    form="folded",
    precision="fp32",
    tta="none",
    longest_side=0,
    batch=1,
    device="cpu",
    threads=1,
    load_seconds=0.25,
)
MIB = 2**20


def a_round(seconds, pace, *, peak=100 * MIB):
    stages = dict.fromkeys(STAGES, 0.0) | {"reading": seconds / 2, "writing": seconds / 4}
    return Round((seconds / 4, seconds * 3 / 4), seconds / 2, stages, pace, peak, None)


def a_report(*results, equal=None, differences=()):
    machine = {"cpu": "Abacus", "cores": 2, "torch": "9.9", "grapy": "0.0"}
    return BenchReport(machine, ["40x30", "20x10"], False, 3, results, dict(differences), equal)


@pytest.fixture
def alone():
    rounds = [a_round(0.4, 5.0), a_round(4.0, 0.5), a_round(0.8, 4.0)]
    return a_report(Result.of("this", FACTS, rounds))


@pytest.fixture
def both(alone):
    second = Result.of("other", FACTS, [a_round(0.4, 8.0, peak=50 * MIB)])
    return a_report(*alone.results, second, equal=0.25, differences={"infer.tta": "flip"})


def test_figures_are_medians(alone):
    assert alone.results[0].figures == {
        "photos_per_second": 4.0,
        "latency_ms": pytest.approx(450),
        "latency_p95_ms": pytest.approx(2500),  # 3/4 of the way from 1.0 to 3.0 s
        "cpu_ms": pytest.approx(400),
        "load_ms": 250,
        "weights_mb": 0,
        "memory_mib": 100,
        "gpu_memory_mib": None,
    }


def test_shares_of_the_stages_and_the_rest_are_the_whole(alone):
    stages = alone.results[0].stages
    assert [*stages] == [*STAGES, "the rest"]
    assert sum(stages.values()) == pytest.approx(1)
    assert stages["reading"] == pytest.approx(0.5)
    assert stages["the rest"] == pytest.approx(0.25)


def test_the_document_is_json_with_everything_in_it(both):
    document = json.loads(json.dumps(both.to_json(), allow_nan=False))
    assert document["machine"]["cpu"] == "Abacus"
    assert document["photos"] == {"sizes": ["40x30", "20x10"], "drawn": False}
    assert [one["name"] for one in document["contestants"]] == ["this", "other"]
    assert document["contestants"][0]["weights_sha256"] == "abcdef0123456789"
    assert document["against"]["equal_pixels"] == 0.25
    assert document["against"]["differences"] == {"infer.tta": "flip"}
    assert document["against"]["ratios"]["photos_per_second"] == 2.0
    assert document["against"]["ratios"]["memory_mib"] == 0.5
    assert "gpu_memory_mib" not in document["against"]["ratios"]


def test_alone_there_is_nothing_to_compare(alone):
    assert "against" not in alone.to_json()
    assert alone.columns() == ["", ">this"]
    assert not any("agree" in sentence for sentence in alone.sentences())


def test_masks_that_cannot_be_compared_are_no_agreement(both):
    unlike = a_report(*both.results, differences={"data.dataset": "['pascal']"})
    assert not any("agree" in sentence for sentence in unlike.sentences())
    assert unlike.to_json()["against"]["equal_pixels"] is None
    assert unlike.to_json()["against"]["ratios"]


def test_rows_have_a_cell_for_every_column(both):
    rows = list(both.rows())
    assert {len(row) for row in rows} == {len(both.columns())} == {4}
    assert rows[0] == ["photos per second, a folder", "4.00", "8.00", "2.00"]
    assert ["  reading", "50.0 %", "50.0 %", ""] in rows
    assert not any("card" in row[0] for row in rows)  # nobody has one


def test_the_table_fits_a_terminal(both):
    widths = [max(map(len, column)) for column in zip(*both.rows(), strict=True)]
    assert sum(widths) + 3 * len(widths) <= 80


def test_markdown_is_a_table_and_what_was_measured(both):
    lines = both.to_markdown().splitlines()
    assert lines[:3] == [
        "|  | this | other | ratio |",
        "| --- | ---: | ---: | ---: |",
        "| photos per second, a folder | 4.00 | 8.00 | 2.00 |",
    ]
    assert "- 2 photos of 40x30, 20x10 pixels; medians of 3" in lines
    assert "- other: the same but infer.tta = flip" in lines
    assert "- masks agree on 25.0000 % of all pixels" in lines
