import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api

from grapy_cli.errors import DatasetError, GrapyError, InterruptedRun
from grapy_cli.runtime.launch import launch

KILLED, STOPPED = -9, -15


@pytest.fixture
def ended(monkeypatch):
    """Have the launcher find processes that ended with these codes: all at once, or a second apart.

    No race can be had on demand: of a killed process and of the one that misses it, torch's
    launcher finds both at one look or each at its own.
    """

    def set_codes(*codes, seconds_apart=0):
        failures = {}
        for rank, code in enumerate(codes):
            failures[rank] = ProcessFailure(rank, 0, code, error_file="none")
            failures[rank].timestamp = 100 + rank * seconds_apart

        class Launcher:
            def __init__(self, *_):
                pass

            def __call__(self, *_):
                raise ChildFailedError("grapy", failures)

        monkeypatch.setattr(api, "elastic_launch", Launcher)

    return set_codes


@pytest.mark.parametrize(
    ("codes", "seconds_apart", "said"),
    [
        ((1, KILLED), 0, "was killed by signal 9"),
        ((KILLED, 1), 0, "was killed by signal 9"),
        ((1, KILLED), 31, "ended with code 1"),  # the launcher kills what doesn't end by itself
        ((3, STOPPED), 0, "ended with code 3"),  # and asks it to stop before
        ((STOPPED, 3), 0, "ended with code 3"),
        ((KILLED, 1), 1, "was killed by signal 9"),
    ],
)
def test_the_cause_is_named_and_not_what_followed_from_it(ended, codes, seconds_apart, said):
    ended(*codes, seconds_apart=seconds_apart)
    with pytest.raises(GrapyError, match=said) as caught:
        launch(["train"], 2, go_on="grapy train --resume run")
    assert "grapy train --resume run" in str(caught.value.hint)


def test_the_kind_of_error_is_that_of_the_process(ended):
    ended(DatasetError.exit_code, STOPPED)
    with pytest.raises(DatasetError):
        launch(["train"], 2, go_on="")
    ended(InterruptedRun.exit_code, InterruptedRun.exit_code)
    with pytest.raises(InterruptedRun):
        launch(["train"], 2, go_on="")
