"""A run of three photos as `grapy predict --gallery` leaves it, without a network."""

from pathlib import Path, PurePosixPath

import numpy as np

from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs.kinds import Kind, plan_kinds
from tests.support.parsings import PASCAL, block_map, parsing_of

HEAD, TORSO = np.s_[4:16, 8:22], np.s_[16:34, 5:25]
MAPS = {
    "trip/both.jpg": block_map(head=HEAD, torso=TORSO),
    "trip/head.jpg": block_map(head=HEAD),
    "nobody.jpg": block_map(),
}
CONFIDENCE = dict(zip(MAPS, (0.9, 0.7, 0.8), strict=True))


def write_run(out: Path, save=("mask",), **row) -> tuple[list[Kind], list[dict]]:
    """Write what photos parsed by PASCAL and ATR leave; ATR sees a hat wherever PASCAL a head."""
    label_sets = [PASCAL, LABEL_SETS["atr"]]
    kinds = plan_kinds(label_sets, [3], save, thumbnails=True)
    rows = []
    for source, label_map in MAPS.items():
        parsings = {
            "pascal": parsing_of(label_map),
            "atr": parsing_of(label_map == 1, LABEL_SETS["atr"]),
        }
        name = PurePosixPath(source).with_suffix("")
        files = [file for kind in kinds for file in kind.write(parsings, out, name)]
        rows.append(
            {
                "source": source,
                "files": files,
                "width": label_map.shape[1],
                "height": label_map.shape[0],
                "confidence": {"pascal": CONFIDENCE[source], "atr": 1 - CONFIDENCE[source]},
                **row,
            }
        )
    return kinds, rows
