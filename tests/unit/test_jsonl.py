import pytest
from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.jsonl import Log, read_line, read_lines, write_lines

TEXTS = st.lists(st.text(), max_size=4)


def texts_of(path):
    return [line.row["text"] for line in read_lines(path) if "text" in line.row]


@given(before=TEXTS, after=TEXTS, lost=st.integers(0, 40), settings=st.sampled_from([None, "same"]))
def test_a_kill_costs_no_more_than_the_line_it_cut_off(
    tmp_path_factory, before, after, lost, settings
):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    log = Log(path, settings)
    starts = [log.add({"text": text}) for text in before]
    data = path.read_bytes() if path.exists() else b""
    head = starts[0] if starts else len(data)
    kept = max(head, len(data) - lost)
    ends = [*starts[1:], len(data)] if starts else []
    path.write_bytes(data[:kept])
    whole = [text for text, end in zip(before, ends, strict=True) if end <= kept]
    assert texts_of(path) == whole
    log = Log(path, settings)
    assert not log.had_others
    found = [log.add({"text": text}) for text in after]
    assert texts_of(path) == [*whole, *after]
    lines = list(log)
    assert [line.start for line in lines][len(whole) :] == found
    assert all(read_line(path, line.start) == line.text for line in lines)


def test_what_is_no_row_is_passed_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(path, [b"3\n", b'{"a": 1}\n', b"\xff\n\n", b'{"b": 2}\n', b'{"c": 3}'])
    assert [(line.start, line.row) for line in read_lines(path)] == [(2, {"a": 1}), (14, {"b": 2})]


def test_where_there_is_no_file_there_are_no_rows(tmp_path):
    log = Log(tmp_path / "deep" / "rows.jsonl")
    assert list(log) == []
    assert not (tmp_path / "deep").exists()
    log.add({})
    assert (tmp_path / "deep" / "rows.jsonl").read_bytes() == b"{}\n"


def test_rows_of_other_settings_are_dropped(tmp_path):
    path = tmp_path / "rows.jsonl"
    Log(path, "ours").add({"a": 1})
    assert [line.row for line in Log(path, "ours")] == [{"a": 1}]
    other = Log(path, "others")
    assert other.had_others
    assert list(other) == []
    other.add({"b": 2})
    assert [line.row for line in Log(path, "others")] == [{"b": 2}]


def test_a_log_that_was_removed_meanwhile_is_said(tmp_path):
    log = Log(tmp_path / "rows.jsonl")
    log.add({})
    log.remove()
    with pytest.raises(FileNotFoundError, match="removed during the run"):
        log.add({})


def test_names_that_are_no_text_can_be_written(tmp_path):
    log = Log(tmp_path / "rows.jsonl")
    log.add({"source": "caf\udce9\u2028 \u00fc"})
    assert [line.row["source"] for line in log] == ["caf\udce9\u2028 \u00fc"]
