"""Every test carries the mark of the folder it lies in."""

from pathlib import Path

TESTS = Path(__file__).parent
KINDS = ("unit", "golden", "property", "end_to_end")


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        if kind in KINDS:
            item.add_marker(kind)
