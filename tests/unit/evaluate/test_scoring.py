from dataclasses import dataclass, field

import numpy as np
import pytest

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.evaluate.scoring import score_datasets
from grapy_cli.inference.parser import HumanParser
from grapy_cli.runtime.world import World


@dataclass(frozen=True)
class LonelyWorld(World):
    """One of several processes, whose others never answer; it notes what it would have sent."""

    sent: list = field(default_factory=list)

    def sum(self, tensor):
        return tensor

    def gather(self, rows):
        self.sent.extend(rows)
        return rows


@pytest.fixture(scope="module")
def datasets(prepared):
    return {name: PreparedDataset.open(prepared / name) for name in ("atr", "pascal")}


def test_processes_take_disjoint_photos_and_leave_none_out(datasets, weights):
    parser = HumanParser.load(weights.looking, device="cpu")
    whole = score_datasets(parser, datasets, "train")
    shares = [
        score_datasets(parser, datasets, "train", world=LonelyWorld(rank, 5)) for rank in range(5)
    ]
    for name, totals in whole.items():
        assert totals.photos == 6
        assert sum(share[name].photos for share in shares) == 6
        np.testing.assert_array_equal(sum(share[name].counts for share in shares), totals.counts)


def test_what_was_skipped_is_gathered(datasets, weights):
    parser = HumanParser.load(weights.background, device="cpu")
    # The pascal photos' own sizes are those of the masks; another dataset's labels are unknown ids.
    swapped = {"pascal": PreparedDataset(
        datasets["atr"].folder, datasets["atr"].card.model_copy(update={"name": "pascal"}),
        datasets["pascal"].label_set,
    )}  # fmt: skip
    worlds = [LonelyWorld(rank, 2) for rank in range(2)]
    for world in worlds:
        score_datasets(parser, swapped, "train", world=world)
    sent = [row["photo"] for world in worlds for row in world.sent]
    whole = score_datasets(parser, swapped, "train")["pascal"]
    assert sorted(sent) == [row["photo"] for row in whole.skipped]
    assert len(sent) == len(set(sent)) > 1
