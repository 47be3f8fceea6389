"""Loading large libraries without looking for garbage meanwhile."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import in this block what is large: all that modules make is there to stay.

    Python looks through all objects now and then for such as nobody can reach any more. Torch
    makes 160,000: that would be a tenth of the time that loading takes, and would find nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # once: a later block may find garbage lying about
            gc.freeze()
        if was_on:
            gc.enable()
