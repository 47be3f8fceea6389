import pytest

from grapy_cli import safe_text


def test_text_is_read_within_bounds(tmp_path, monkeypatch):
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeffa = 'ä'".encode())
    assert safe_text.read_toml(path) == {"a": "ä"}
    monkeypatch.setattr(safe_text, "LARGEST", 5)
    with pytest.raises(ValueError, match="which no such file has"):
        safe_text.read_text(path)


@pytest.mark.parametrize("read", [safe_text.read_toml, safe_text.read_json])
def test_what_is_nested_without_end_is_refused(tmp_path, read):
    (tmp_path / "a").write_text(("a = " if read is safe_text.read_toml else "") + "[" * 10_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read(tmp_path / "a")


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"\xff", "[" * 100_000, "1" * 5000])
def test_what_is_no_row_is_none(line):
    assert safe_text.read_row(line) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("写真 é\u200d.png", "写真 é\u200d.png"),
        ("\x1b[31m\r\n", r"\x1b[31m\x0d\x0a"),
        ("\x9b\u202e\udcff\ud800", r"\x9b\u202e\xff\ud800"),
    ],
)
def test_what_would_act_on_a_terminal_is_spelled_out(name, said):
    assert safe_text.spelled(name) == said
    assert safe_text.read_row(safe_text.write_row({"name": name})) == {"name": name}
    assert not set(safe_text.write_row({"name": name})) & {"\x1b", "\x9b", "\u202e"}
    assert safe_text.spelled("a\nb", keep="\n") == "a\nb"


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "\x7f", "\udcff"])
def test_what_cannot_stand_in_a_list_is_no_name(name):
    assert not safe_text.is_name(name)
    assert safe_text.is_name("left arm")
