"""Every test carries the mark of the folder it lies in, and its processes one thread each."""

import os
from pathlib import Path

# Tests run side by side, one process a core. Threads beside them would wait for one another more
# than they work, and the last digits of floats depend on how many there are.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TESTS = Path(__file__).parent
KINDS = ("unit", "golden", "property", "end_to_end", "fuzz", "supply")


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        if kind in KINDS:
            item.add_marker(kind)
