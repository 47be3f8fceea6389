"""Import large libraries without garbage collection."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Turn garbage collection off in this block, which imports large modules.

    What modules create stays. Torch creates 160,000 objects; looking through them takes a tenth of
    the loading time and finds nothing to free.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # once: later there may be garbage to free
            gc.freeze()
        if was_on:
            gc.enable()
