"""A photo's parts in numbers."""

import json

import numpy as np
import pytest

from tests.support.parsings import block_map, parsing_of, write_kind


def test_a_summary_says_where_each_part_is(tmp_path):
    label_map = block_map(40, 30, head=np.s_[2:10, 5:15], torso=np.s_[10:30, 3:20])
    label_map[35, 25] = 1
    parsing = parsing_of(label_map, sure=2)
    assert write_kind(parsing, tmp_path, "summary") == ["a.json"]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert (summary["width"], summary["height"], summary["dataset"]) == (30, 40, "pascal")
    head, torso = summary["parts"]
    assert (torso["id"], torso["part"], torso["components"]) == (2, "torso", 1)
    assert torso["box"] == [3, 10, 17, 20]
    assert torso["centroid"] == [11.5, 20.0]
    assert torso["share"] == pytest.approx(340 / 1200, abs=1e-6)
    assert torso["confidence"] == pytest.approx(np.exp(2) / (np.exp(2) + 6), abs=1e-4)
    assert head["components"] == 2


def test_a_summary_of_a_coarser_level(tmp_path):
    label_map = block_map(head=np.s_[2:10, 5:15], upper_leg=np.s_[20:30, 3:20])
    write_kind(parsing_of(label_map), tmp_path, "summary", level=2)
    summary = json.loads((tmp_path / "a.json").read_text())
    assert [part["part"] for part in summary["parts"]] == ["head", "legs"]
