import gc

import pytest

from grapy_cli.runtime.gc_pause import loading


@pytest.fixture(autouse=True)
def _thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_no_garbage_is_looked_for_while_something_is_loaded():
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_cannot_be_loaded_leaves_everything_as_it_was():
    with pytest.raises(ImportError), loading():
        raise ImportError("no torch")
    assert gc.isenabled()


def test_what_was_loaded_is_not_looked_through_again():
    with loading():
        loaded = {"is": ["loaded"]}
    assert not any(one is loaded for one in gc.get_objects())
    assert gc.get_freeze_count()


def test_garbage_of_a_later_block_is_found():
    with loading():
        pass
    frozen = gc.get_freeze_count()
    with loading():
        circle = []
        circle.append(circle)
    assert gc.get_freeze_count() <= frozen
    del circle
    assert gc.collect() > 0
