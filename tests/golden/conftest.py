import pytest

from tests.support import parity


@pytest.fixture(scope="module", autouse=True)
def _networks_are_dropped():
    """Those that the tests of a file share take a gigabyte."""
    yield
    parity.network_of.cache_clear()
    parity.folded_of.cache_clear()


@pytest.fixture
def record(request):
    """Note a difference in the report (`--junitxml`, where that is asked for)."""
    return lambda name, difference: request.node.user_properties.append((name, float(difference)))
