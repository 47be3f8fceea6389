import pytest

from grapy_cli.cli.format_events import line_of
from grapy_cli.runtime.reporting import Progressed


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (12.4, ", 12 s left"), (600.0, ", 10 min left")]
)
def test_progress_tells_rate_and_time_left(seconds, said):
    event = Progressed("preparing cihp", 5, 20, "57 photos/s", seconds)
    assert line_of(event) == f"preparing cihp 5/20, 57 photos/s{said}"
