"""Made-up people: in the layout of a release, the same for a seed, and right way round."""

import time

import numpy as np
import pytest

from grapy_cli.data.files import load_label_map, load_photo
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.labels import LABEL_SETS
from grapy_cli.prepare.sources import synthetic_source
from grapy_cli.prepare.synthetic.labels import PLACES, WORN, code_of, codes_to_ids
from grapy_cli.prepare.synthetic.scene import draw_scene
from grapy_cli.runtime.reporting import Warned
from tests.unit.prepare.test_resume import bytes_of

SIZE = (224, 192)


@pytest.mark.parametrize("labels", ["cihp", "atr", "pascal"])
def test_it_is_written_as_the_release_is_and_read_back(tmp_path, prepare, labels):
    made = {"labels": labels, "count": 10, "size": (96, 80)}
    summary = prepare("synthetic", synthetic=made)
    assert summary.rejected == 0
    assert summary.datasets[0].photos == {"train": 9, "val": 1}
    prepared = PreparedDataset.open(tmp_path / "data" / "synthetic")
    assert prepared.label_set.parts == LABEL_SETS[labels].parts
    root = synthetic_source(labels).layouts[0].roots[0]
    assert (tmp_path / "data/raw" / f"synthetic-{labels}-10-96x80-0" / root).is_dir()
    for key in prepared.keys("train"):
        assert load_photo(prepared.photo(key)).shape == (96, 80, 3)
        assert load_label_map(prepared.label_map(key)).any()


def test_the_same_seed_gives_the_same_bytes(tmp_path, prepare):
    made = {"count": 4}
    for root, seed in (("a", 0), ("b", 0), ("c", 1)):
        prepare("synthetic", synthetic=made, seed=seed, root=tmp_path / root)
    first, again, other = (bytes_of(tmp_path / root / "synthetic") for root in "abc")
    assert first == again != other


def test_other_settings_than_those_it_was_drawn_with_are_told(prepare):
    prepare("synthetic", synthetic={"count": 3})
    events = []
    prepare("synthetic", synthetic={"count": 4}, report=events.append)
    assert any(isinstance(event, Warned) and "other settings" in event.text for event in events)


def test_all_parts_of_all_label_sets_occur():
    codes = [draw_scene(SIZE, np.random.default_rng(seed))[1] for seed in range(120)]
    seen = np.unique(np.concatenate([one.ravel() for one in codes]))
    for name, labels in LABEL_SETS.items():
        shown = {labels.names[part] for part in codes_to_ids(labels, name)[seen]}
        assert shown == set(labels.names), name


def test_each_thing_has_a_part_where_it_can_be_worn():
    assert len({code_of(worn, place) for worn in WORN for place in PLACES}) < 256
    atr = LABEL_SETS["atr"]
    table = codes_to_ids(atr, "atr")
    assert atr.names[table[code_of("skin", "left-lower-arm")]] == "left-arm"
    assert atr.names[table[code_of("shoes", "right-lower-leg")]] == "right-shoe"
    pascal = LABEL_SETS["pascal"]
    worn = codes_to_ids(pascal, "pascal")[code_of("coat", "left-lower-arm")]
    assert pascal.names[worn] == "lower-arm"


def test_left_is_the_persons_own_and_heads_are_up():
    cihp = LABEL_SETS["cihp"]
    table, rights, lefts = codes_to_ids(cihp, "cihp"), [], []
    for seed in range(60):
        parts = table[draw_scene(SIZE, np.random.default_rng(seed))[1]]
        middle = {
            name: np.argwhere(parts == cihp.names.index(name)).mean(axis=0)
            for name in ("face", "left-shoe", "right-shoe")
            if (parts == cihp.names.index(name)).sum() > 20
        }
        if len(middle) == 3:  # whoever shows a face looks at us
            lefts.append(middle["left-shoe"][1])
            rights.append(middle["right-shoe"][1])
            assert middle["face"][0] < middle["left-shoe"][0]
    assert len(lefts) > 15
    assert np.mean(np.array(lefts) > np.array(rights)) > 0.9


def test_twenty_photos_a_second():
    draw_scene(SIZE, np.random.default_rng(0))
    start = time.process_time()
    for seed in range(10):
        draw_scene(SIZE, np.random.default_rng(seed))
    assert (time.process_time() - start) / 10 < 2 / 20  # two cores have two seconds in one
