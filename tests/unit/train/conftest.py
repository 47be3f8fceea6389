import pytest
import torch

from tests.support.training import prepare_tiny


@pytest.fixture(autouse=True)
def _few_threads():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """All three data sets, prepared: 5 photos to train on and 1 for val each."""
    return prepare_tiny(tmp_path_factory.mktemp("data"), "cihp", "atr", "pascal")
