import csv
import io
from dataclasses import asdict
from xml.etree import ElementTree

from grapy_cli.runtime.journal import Journal
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.events import CheckpointSaved, EpochScored, StepDone
from grapy_cli.train.records import Records, rows_of, to_csv, to_svg


def step(number, loss, total=10, dataset="atr"):
    losses = {f"{dataset}/main": loss}
    return StepDone(number, total, (number - 1) // 5, (dataset,), losses, 0.1 / number, 3.0)


def journal(*events):
    return [{"event": type(event).__name__, **asdict(event)} for event in events]


def test_a_row_per_step_of_a_short_run():
    rows = rows_of(journal(step(1, 2.0), step(2, 1.0), EpochScored(0, 2, {"atr": 0.25})))
    assert rows == [
        {"step": 1, "epoch": 0, "lr": 0.1, "loss atr/main": 2.0},
        {"step": 2, "epoch": 0, "lr": 0.05, "loss atr/main": 1.0, "mIoU atr": 0.25},
    ]


def test_a_long_run_has_about_a_hundred_rows_of_means():
    rows = rows_of(journal(*(step(number, float(number), 1000) for number in range(1, 1001))))
    assert len(rows) == 100
    assert rows[0]["loss atr/main"] == 5.5
    assert [row["step"] for row in rows] == list(range(10, 1001, 10))


def test_steps_made_again_count_as_made_last():
    rows = rows_of(journal(step(1, 2.0), step(2, 9.0), step(2, 1.0)))
    assert [row["loss atr/main"] for row in rows] == [2.0, 1.0]


def test_the_table_leaves_empty_what_is_not_there():
    rows = rows_of(journal(step(1, 2.0), step(2, 1.0, dataset="my, set")))
    table = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [row["loss atr/main"] for row in table] == ["2.0", ""]
    assert [row["loss my, set/main"] for row in table] == ["", "1.0"]


def test_the_picture_is_well_formed_whatever_a_data_set_is_called():
    rows = rows_of(
        journal(step(1, 2.0, dataset="a<b&c"), step(2, 0.0), EpochScored(0, 2, {"atr": 0.5}))
    )
    root = ElementTree.fromstring(to_svg(rows))
    texts = ["".join(element.itertext()) for element in root.iter() if "text" in element.tag]
    assert "a<b&c/main 2.000" in texts
    assert "atr 0.500" in texts
    lines = [element for element in root.iter() if element.tag.endswith("polyline")]
    assert len(lines) == 3


def test_a_picture_of_nothing():
    assert ElementTree.fromstring(to_svg([])).tag.endswith("svg")


def test_records_are_drawn_with_every_checkpoint(tmp_path):
    folder = RunFolder(tmp_path)
    write = Journal(folder.journal_file)
    records = Records(folder)
    for event in (step(1, 2.0), CheckpointSaved("last", 1)):
        write(event)
        records(event)
    assert folder.metrics_file.read_text().startswith("step,epoch,lr,loss atr/main\n1,0,")
    ElementTree.fromstring(folder.curves_file.read_text())
