"""The files in `examples/paper` say what the paper says."""

from pathlib import Path

import pytest

from grapy_cli.model.grapy import BACKBONES
from grapy_cli.settings import resolve
from grapy_cli.settings.tree import leaves

PAPER = Path(__file__).parents[3] / "examples" / "paper"
ALL = ["cihp", "atr", "pascal"]


def settings_of(name, **flags):
    return resolve(config=PAPER / f"{name}.toml", flags=flags, stage_rows=True).settings


@pytest.mark.parametrize(
    ("name", "stage", "datasets", "lr", "epochs"),
    [
        ("pretrain", "pretrain", ALL, 0.007, 100),
        ("joint", "joint", ALL, 0.0007, 100),
        ("gpm-pascal", "joint", ["pascal"], 0.0007, 200),
        ("finetune-pascal", "finetune", ["pascal"], 0.0007, 30),
        ("finetune-cihp", "finetune", ["cihp"], 0.0007, 30),
        ("finetune-atr", "finetune", ["atr"], 0.0007, 30),
    ],
)
def test_the_papers_numbers(name, stage, datasets, lr, epochs):
    settings = settings_of(name)
    train, model = settings.train, settings.model
    assert settings.data.dataset == datasets
    assert (train.stage, train.lr, train.epochs) == (stage, lr, epochs)
    assert train.refine == (stage != "pretrain")
    assert (train.batch_size, train.crop) == (10, (512, 512))
    optimizer = train.optimizer
    assert (optimizer.name, optimizer.momentum, optimizer.weight_decay) == ("sgd", 0.9, 5e-4)
    assert (train.schedule.power, train.schedule.every_epochs) == (0.9, 0)
    assert (train.augment.scale, train.augment.mirror) == ((0.5, 2.0), 0.5)
    assert (train.loss.main, train.loss.refined) == (1.0, 1.0)
    assert (model.backbone, model.output_stride, model.width) == ("xception65", None, 1.0)
    assert BACKBONES[model.backbone].OUTPUT_STRIDE == 16


@pytest.mark.parametrize("name", ["pretrain", "joint", "gpm-pascal", "finetune-cihp"])
def test_the_stage_table_alone_says_the_same(name):
    """Whoever types `grapy train --stage joint` gets the paper's training as well."""
    written = settings_of(name)
    flags = {"train.stage": written.train.stage, "data.dataset": ",".join(written.data.dataset)}
    assert resolve(flags=flags, stage_rows=True).settings == written


def test_the_references_ways_are_three_switches():
    reference = settings_of("reference", **{"train.stage": "joint"})
    paper = resolve(flags={"train.stage": "joint"}, stage_rows=True).settings

    def value(settings, path):
        for name in path.split("."):
            settings = getattr(settings, name)
        return settings

    changed = {
        path: value(reference, path)
        for path in leaves()
        if value(reference, path) != value(paper, path)
    }
    assert changed == {
        "train.schedule.every_epochs": 10,
        "train.optimizer.restart": True,
        "train.augment.padding": "background",
    }


def test_every_file_is_looked_at_here():
    assert {path.stem for path in PAPER.iterdir()} == {
        "pretrain",
        "joint",
        "gpm-pascal",
        "finetune-pascal",
        "finetune-cihp",
        "finetune-atr",
        "reference",
    }
