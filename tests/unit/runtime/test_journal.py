from grapy_cli.runtime.journal import Journal, read_journal
from grapy_cli.runtime.reporting import Told


def texts(path):
    return [row["text"] for row in read_journal(path)]


def test_events_come_back_with_name_and_time(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path)(Told("ü \u2028"))
    (row,) = read_journal(path)
    assert (row["event"], row["text"]) == ("Told", "ü \u2028")
    assert row["time"] > 1.7e9


def test_a_line_that_a_crash_cut_off_costs_no_other(tmp_path):
    path = tmp_path / "journal.jsonl"
    for text in ("one", "two"):
        Journal(path)(Told(text))
    path.write_bytes(path.read_bytes()[:-9])
    assert texts(path) == ["one"]
    Journal(path)(Told("three"))
    Journal(path)(Told("four"))
    assert texts(path) == ["one", "three", "four"]
