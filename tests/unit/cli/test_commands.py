import json
import tomllib

import pytest
import typer

from grapy_cli.cli.app import app
from grapy_cli.cli.commands import PANELS, load_command
from grapy_cli.cli.doctor_checks import EXTRAS
from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.orders import ORDERS
from tests.support.command_line import ROOT


def test_labels_lists_the_label_sets(invoke):
    lines = invoke(app, "labels").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1 : 1 + len(LABEL_SETS)]] == [
        [name, str(labels.num_parts)] for name, labels in LABEL_SETS.items()
    ]


def test_labels_shows_parts_with_group_and_mirror(invoke):
    lines = invoke(app, "labels", "atr").stdout.splitlines()
    rows = [line.split() for line in lines]
    assert ["10", "right-shoe", "#553300", "legs", "left-shoe"] in [row[:5] for row in rows]
    assert ["14", "left-arm", "#33aadd", "arms", "right-arm", "left-arm", "left-arm"] in rows


def test_labels_as_json_is_the_table(invoke):
    assert json.loads(invoke(app, "labels", "atr", "--json").stdout) == LABEL_SETS["atr"].to_dict()
    assert len(json.loads(invoke(app, "labels", "--json").stdout)) == len(LABEL_SETS)


def test_labels_of_an_unknown_set(invoke):
    result = invoke(app, "labels", "atrr")
    assert result.exit_code == 3
    assert "Did you mean atr?" in result.stderr


def test_predict_wants_a_photo(invoke):
    result = invoke(app, "predict", "--dataset", "atr")
    assert result.exit_code == 2
    assert "name at least one photo" in result.stderr


def test_predict_shows_settings_without_a_photo(invoke):
    assert (
        "levels = [2]  # --levels"
        in invoke(app, "predict", "--levels", "2", "--show-settings").stdout
    )


@pytest.mark.parametrize("option", ["--pred", "--truth"])
def test_eval_wants_both_folders_or_none(invoke, option):
    result = invoke(app, "eval", option, "masks")
    assert result.exit_code == 2
    assert "must be used together" in result.stderr


def test_train_has_no_weights_option(invoke):
    assert invoke(app, "train", "--weights", "w").exit_code == 2


def test_weights_info_of_a_missing_file(invoke):
    assert invoke(app, "weights", "info", "none.safetensors").exit_code == 4


def test_doctor_finds_what_the_tests_need(invoke):
    result = invoke(app, "doctor")
    assert result.exit_code == 0, result.stdout
    for word in (
        "grapy",
        "python",
        "torch",
        "numpy",
        "pillow",
        "opencv",
        "CUDA",
        "GB free",
        "sha256",
    ):
        assert word in result.stdout


def test_doctor_as_json_is_one_document(invoke):
    found = json.loads(invoke(app, "doctor", "--json").stdout)
    assert set(found) == {"versions", "devices", "weights", "places", "extras", "missing"}
    assert set(found["extras"]) == set(EXTRAS)


def test_doctor_knows_every_extra_and_its_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {
        name: [line.partition(">=")[0] for line in lines]
        for name, lines in extras.items()
        if name != "dev"
    }
    assert {name: list(extra.packages) for name, extra in EXTRAS.items()} == asked


@pytest.mark.parametrize("name", [name for name in ORDERS if name not in LABEL_SETS])
def test_labels_shows_the_orders_of_other_tools(invoke, name):
    shown = invoke(app, "labels", name).stdout.splitlines()[2:]
    assert [line.split()[:2] for line in shown] == [
        [str(number), part] for number, part in enumerate(ORDERS[name].names)
    ]
    assert json.loads(invoke(app, "labels", name, "--json").stdout)["names"] == [
        *ORDERS[name].names
    ]


def commands():
    """Every command and group there is, by what is typed."""
    yield (), typer.main.get_command(app)
    for name in (name for panel in PANELS.values() for name in panel):
        yield (name,), (one := load_command(name))
        yield from (((name, below), two) for below, two in getattr(one, "commands", {}).items())


@pytest.mark.parametrize(
    ("name", "summary"), [row for panel in PANELS.values() for row in panel.items()]
)
def test_the_list_says_of_a_command_what_it_says_itself(name, summary):
    assert load_command(name).help.partition("\n\n")[0] == summary


def test_every_command_has_an_example():
    assert not [words for words, one in commands() if not (one.epilog or "").startswith("Example")]


def test_every_help_page_fits_eighty_columns_and_is_plain(invoke):
    for words, _ in commands():
        page = invoke(app, *words, "--help", env={"COLUMNS": "80", "NO_COLOR": "1"}).stdout
        assert max(map(len, page.splitlines())) <= 80, words
        assert "\x1b" not in page


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["trian"], "train"),
        (["train", "--epoch", "3"], "--epochs"),
        (["labels", "pascall"], "pascal"),
        (["train", "--set", "train.learning_rate=1"], "train."),
        (["train", "--set", "train.epoch=1"], "train.epochs"),
        (["train", "--stage", "joined"], "joint"),
    ],
)
def test_a_typo_is_answered_with_the_nearest(invoke, typed, meant):
    result = invoke(app, *typed)
    assert result.exit_code in (2, 3)
    assert meant in result.stderr
