import csv
import io
import json
from dataclasses import asdict
from xml.etree import ElementTree

from grapy_cli.html.svg import NAMESPACE
from grapy_cli.runtime.journal import Journal
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.events import CheckpointSaved, Diverged, EpochScored
from grapy_cli.train.learning_curves import Records, Table, to_csv, to_picture
from tests.support.training import step_done


def step(number, loss, total=10, dataset="atr"):
    return step_done(
        step=number,
        total=total,
        epoch=(number - 1) // 5,
        datasets=(dataset,),
        losses={f"{dataset}/main": loss},
        lr=0.1 / number,
    )


def journal(*events):
    return [{"event": type(event).__name__, **asdict(event)} for event in events]


def rows_of(events):
    """By the journal of a run that goes on, and by its events as they come: they are the same."""
    whole = Table(events).rows()
    growing = Table(events[:1])
    for event in events[1:]:
        growing.add(event)
    assert growing.rows() == whole
    return whole


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
    rows = Table(journal(step(1, 2.0), step(2, 9.0), step(2, 1.0))).rows()
    assert [row["loss atr/main"] for row in rows] == [2.0, 1.0]


def test_the_table_leaves_empty_what_is_not_there():
    rows = rows_of(journal(step(1, 2.0), step(2, 1.0, dataset="my, set")))
    table = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [row["loss atr/main"] for row in table] == ["2.0", ""]
    assert [row["loss my, set/main"] for row in table] == ["", "1.0"]


def test_the_picture_shows_losses_scores_and_rate():
    rows = rows_of(
        journal(step(1, 2.0, dataset="a<b&c"), step(2, 0.0), EpochScored(0, 2, {"atr": 0.5}))
    )
    picture = to_picture(rows)
    without_scores = to_picture(rows_of(journal(step(1, 2.0), step(2, 1.0))))
    assert picture.width == without_scores.width
    assert picture.height - without_scores.height > 200


def test_a_picture_of_nothing():
    assert "polyline" not in str(to_picture([]))


def test_records_are_drawn_with_every_checkpoint(tmp_path):
    folder = RunFolder(tmp_path)
    records, write = Records(folder), Journal(folder.journal_file)
    for event in (step(1, 2.0), CheckpointSaved("last", 1)):
        records(event)
        write(event)
    assert folder.metrics_file.read_text().startswith("step,epoch,lr,loss atr/main\n1,0,")
    assert ElementTree.parse(folder.curves_file).getroot().tag == f"{{{NAMESPACE}}}svg"
    again = Records(folder)
    for event in (step(2, 1.0), CheckpointSaved("last", 2)):
        again(event)
    assert len(folder.metrics_file.read_text().splitlines()) == 3


def test_a_divergence_has_a_file_of_its_own(tmp_path):
    folder = RunFolder(tmp_path)
    Records(folder)(Diverged(3, 0, "the loss is nan", 0.1, ("atr",), [["a"], ["b"]], {"l": "nan"}))
    read = json.loads(folder.divergence_file.read_text())
    assert (read["step"], read["photos"], read["losses"]) == (3, [["a"], ["b"]], {"l": "nan"})
