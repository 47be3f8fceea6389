from rich.text import Text

from grapy_cli.cli.console import say, show_error, show_table, talk
from grapy_cli.errors import InterruptedRun, WeightsError


def test_an_error_is_a_line_and_a_hint_on_standard_error(capsys):
    show_error(WeightsError("w [1] does not fit", hint="grapy weights list"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: w [1] does not fit\ngrapy weights list\n"


def test_an_interruption_is_no_error(capsys):
    show_error(InterruptedRun("stopped; saved"))
    assert capsys.readouterr().err == "stopped; saved\n"


def test_lines_are_not_broken_in_pipes(capsys):
    say(talk(), "word " * 200)
    assert capsys.readouterr().err == "word " * 200 + "\n"


def test_tables_are_aligned_by_spaces_in_pipes(capsys):
    show_table(["name", ">parts"], [("atr", "18"), (Text("[my]"), "7")], title="Sets")
    captured = capsys.readouterr()
    assert captured.out == "Sets\nname  parts\natr      18\n[my]      7\n"
    assert captured.err == ""
