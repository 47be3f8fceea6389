"""Preparing in a test: one call, and what it left."""

import csv

import pytest

from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings, SyntheticSettings
from grapy_cli.settings.settings import Settings


@pytest.fixture
def prepare(tmp_path):
    """Prepare data sets below `tmp_path / "data"`; options as of the command."""

    def run(*names, report=silence, root=tmp_path / "data", synthetic=None, **options):
        chosen = PrepareSettings(
            processes=2, synthetic=SyntheticSettings(**(synthetic or {})), **options
        )
        data = DataSettings(root=root, dataset=list(names))
        return run_prepare(Settings(data=data, prepare=chosen), report)

    return run


@pytest.fixture
def problems(tmp_path):
    """The rows of `problems.csv` as (severity, problem, split, key)."""

    def read(name):
        with (tmp_path / "data" / name / "problems.csv").open(newline="") as file:
            return [tuple(row.values())[:4] for row in csv.DictReader(file)]

    return read
