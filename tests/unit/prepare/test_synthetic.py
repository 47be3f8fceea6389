"""Made-up people: in the layout of a release, the same for a seed, and right way round."""

import numpy as np
import pytest

from grapy_cli.data.dataset import group_photos
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import load_photo
from grapy_cli.labels import LABEL_SETS, PAPER_SETS
from grapy_cli.prepare.sources import SOURCES
from grapy_cli.prepare.synthetic.body import draw_body
from grapy_cli.prepare.synthetic.part_codes import PLACES, WORN, code_of, codes_to_ids
from grapy_cli.prepare.synthetic.scene import draw_scene
from grapy_cli.runtime.reporting import Warned
from tests.unit.prepare.test_resume import bytes_of

SIZE = (224, 192)


DRAWN = {labels.name: labels for labels in PAPER_SETS}


@pytest.mark.parametrize("labels", DRAWN)
def test_it_is_written_as_the_release_is_and_read_back(tmp_path, prepare, labels):
    made = {"labels": [labels], "count": 10, "size": (96, 80)}
    summary = prepare("synthetic", synthetic=made)
    assert summary.rejected == 0
    assert summary.datasets[0].photos == {"train": 9, "val": 1}
    prepared = PreparedDataset.open(tmp_path / "data" / "synthetic")
    assert prepared.label_set.parts == LABEL_SETS[labels].parts
    root = SOURCES[labels].layouts[0].roots[0]
    assert (tmp_path / "data/raw" / f"synthetic-{labels}-10-96x80-0" / root).is_dir()
    for key in prepared.keys("train"):
        assert load_photo(prepared.photo(key)).shape == (96, 80, 3)
        assert load_label_map(prepared.label_map(key)).any()


def test_in_several_label_sets_it_is_as_many_data_sets_of_the_same_photos(tmp_path, prepare):
    made = {"labels": list(DRAWN), "count": 5, "size": (96, 80)}
    prepare("synthetic", synthetic=made, val_share=0)
    datasets = [PreparedDataset.open(tmp_path / "data" / name) for name in DRAWN]
    [together] = group_photos(datasets, "train", join=True)
    assert together.datasets == tuple(DRAWN)
    assert len(together.keys) == 5
    for index in range(5):
        label_maps = together.read(index).label_maps
        for name, labels in DRAWN.items():
            assert label_maps[name].any()
            assert label_maps[name].max() < labels.num_parts


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
    said = [event.text for event in events if isinstance(event, Warned)]
    assert any("was not drawn with these settings" in text for text in said)


def test_all_parts_of_all_label_sets_occur():
    codes = [draw_scene(SIZE, np.random.default_rng(seed))[1] for seed in range(120)]
    seen = np.unique(np.concatenate([one.ravel() for one in codes]))
    for name, labels in DRAWN.items():
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
    for seed in range(100):
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
    # Legs cross where somebody is seen from the side, and shoes may be different people's.
    assert np.mean(np.array(lefts) > np.array(rights)) > 0.65


def test_left_is_on_the_right_of_whoever_looks_at_us():
    for seed in range(100):
        body = draw_body(np.random.default_rng(seed))
        for joint in ("shoulder", "hip"):
            is_right = body.joints[f"left-{joint}"][0] > body.joints[f"right-{joint}"][0]
            assert is_right == body.faces_us


def test_people_stand_sit_crouch_bend_and_raise_their_arms():
    bodies = [draw_body(np.random.default_rng(seed)) for seed in range(100)]
    heights = {
        name: np.array([body.joints[name][1] for body in bodies]) for name in bodies[0].joints
    }
    pelvis, head, hand = (heights[name] for name in ("pelvis", "head", "left-hand"))
    sits = np.array([body.sits for body in bodies])
    for count in ((pelvis > 0.45).sum(), sits.sum(), ((pelvis < 0.3) & ~sits).sum()):
        assert count > 8
    assert ((pelvis > 0.4) & (head - pelvis < 0.33)).sum() > 2  # bent
    assert (hand > head).sum() > 4


def test_people_are_seen_whole_cut_off_and_close():
    table, faces, whole, cut = codes_to_ids(LABEL_SETS["cihp"], "cihp"), [], 0, 0
    names = LABEL_SETS["cihp"].names
    for seed in range(100):
        counts = np.bincount(
            table[draw_scene(SIZE, np.random.default_rng(seed))[1]].ravel(), None, 20
        )
        seen = {name for name, count in zip(names, counts, strict=True) if count}
        faces.append(counts[names.index("face")] / counts.sum())
        whole += {"face", "left-shoe", "right-shoe"} <= seen
        cut += "face" in seen and not {"left-shoe", "right-shoe"} & seen
    assert whole > 20
    assert cut > 10
    assert sum(share > 0.05 for share in faces) > 4
