import pytest


@pytest.fixture
def record(request):
    """Note a difference in the report (`--junitxml`, where that is asked for)."""
    return lambda name, difference: request.node.user_properties.append((name, float(difference)))
