"""Every test carries the mark of the folder it lies in, and its processes one thread each."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

# Tests run side by side, one process a core. Threads beside them would wait for one another more
# than they work, and the last digits of floats depend on how many there are.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test fails for being slow: machines are shared, and what is first called has to be loaded.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# CI draws the same examples each time, so that it judges a change by the change alone. A plain
# `pytest` draws new ones.
settings.register_profile("fixed", settings.get_profile("unhurried"), derandomize=True)

TESTS = Path(__file__).parent
KINDS = ("unit", "golden", "property", "end_to_end", "fuzz", "supply")


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        if kind in KINDS:
            item.add_marker(kind)
