import json

from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.jsonl import append_row, end_line, read_rows, whole_lines

TEXTS = st.lists(st.text(), max_size=4)


@given(before=TEXTS, after=TEXTS, lost=st.integers(0, 40))
def test_a_kill_costs_no_more_than_the_line_it_cut_off(tmp_path_factory, before, after, lost):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.touch()
    starts = [append_row(path, {"text": text}) for text in before]
    kept = max(0, path.stat().st_size - lost)
    path.write_bytes(path.read_bytes()[:kept])
    ends = [*starts[1:], starts[-1] + len(json.dumps({"text": before[-1]})) + 1] if starts else []
    whole = [text for text, end in zip(before, ends, strict=True) if end <= kept]
    assert len(list(whole_lines(path))) == len(whole)
    end_line(path)
    found = [append_row(path, {"text": text}) for text in after]
    rows = list(read_rows(path))
    texts = [row["text"] for _, row in rows]
    closed = [text for text, end in zip(before, ends, strict=True) if end <= kept + 1]
    assert texts == [*closed, *after]  # the end of a line alone is given back to it
    assert [start for start, _ in rows][len(closed) :] == found


def test_closing_a_line_twice_or_of_no_file_changes_nothing(tmp_path):
    path = tmp_path / "rows.jsonl"
    end_line(path)
    assert not path.exists()
    append_row(path, {})
    for _ in range(2):
        end_line(path)
    assert path.read_bytes() == b"{}\n"


def test_what_is_no_row_is_passed_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'3\n{"a": 1}\n\xff\n\n{"b": 2}')
    assert list(read_rows(path)) == [(2, {"a": 1}), (14, {"b": 2})]
