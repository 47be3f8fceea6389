import json
from types import SimpleNamespace

import pytest
from PIL import Image

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.evaluate.run import run_evaluate, to_text
from grapy_cli.labels import LABEL_SETS
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import (
    DataSettings,
    EvaluateSettings,
    InferSettings,
    RunSettings,
)
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_weights
from tests.support.tiny import tiny_label_map, tiny_photo


def write_prepared(folder, labels):
    writer = DatasetWriter(folder, labels)
    keys = [f"photo {number}" for number in range(8)]
    for seed, key in enumerate(keys):
        label_map = tiny_label_map(labels, seed)
        photo = Image.fromarray(tiny_photo(labels, label_map))
        photo.save(folder / "images" / f"{key}.jpg", quality=95)
        writer.add_label_map(key, label_map)
    splits = {"train": keys[:6], "val": keys[6:]}
    writer.finish(splits, extensions=[".jpg"], problems=[], source="drawn", version="0.1.0")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Prepared `atr` and `pascal` of eight photos, two for val; not to be changed."""
    root = tmp_path_factory.mktemp("data")
    for name in ("atr", "pascal"):
        write_prepared(root / name, LABEL_SETS[name])
    return root


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Weights files: `background` finds nobody, `looking` looks at the photo."""
    folder = tmp_path_factory.mktemp("weights")
    return SimpleNamespace(
        background=write_weights(folder / "background", answer=0),
        looking=write_weights(folder / "looking"),
    )


@pytest.fixture
def evaluate(prepared):
    """Run the evaluation and return its JSON: `evaluate(weights, "atr", split="val")`.

    A list of weights is given as `grapy eval --weights` gives it, else they are those of `infer`.
    """

    def run(weights, *names, root=prepared, report=silence, longest_side=None, **more):
        several = weights if isinstance(weights, list) else []
        settings = Settings(
            data=DataSettings(root=root, dataset=list(names)),
            evaluate=EvaluateSettings(weights=several, **more),
            infer=InferSettings(weights=None if several else weights, longest_side=longest_side),
            run=RunSettings(device="cpu"),
        )
        return json.loads(to_text(run_evaluate(settings, report)))

    return run
