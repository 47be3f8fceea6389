from pathlib import Path

import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.settings import Settings, resolve


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(text, name="grapy.toml"):
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def fault(**layers):
    with pytest.raises(SettingsError) as caught:
        resolve(**layers)
    return caught.value


@pytest.mark.parametrize("path", ["predict.out", "evaluate.out", "train.out", "data.root"])
@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_is_no_file(path, name, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=f"{path}.*file is a file, and a folder is needed"):
        resolve(flags={path: str(tmp_path / name)})


def test_without_layers_there_are_the_defaults():
    resolved = resolve()
    assert resolved.settings == Settings()
    assert set(resolved.origins.values()) == {"default"}


def test_each_layer_wins_over_those_before():
    write("[train]\nlr = 0.2\nepochs = 2\nseed = 2\nbatch_size = 2")
    resolved = resolve(
        stage_rows=True,
        environ={"GRAPY_TRAIN__EPOCHS": "3", "GRAPY_TRAIN__SEED": "3", "HOME": "x"},
        flags={"train.seed": "4", "train.batch_size": "4"},
        sets=["train.batch_size=5"],
    )
    train, origins = resolved.settings.train, resolved.origins
    assert (train.refine, origins["train.refine"]) == (True, "stage joint")
    assert (train.lr, origins["train.lr"]) == (0.2, "grapy.toml")
    assert (train.epochs, origins["train.epochs"]) == (3, "GRAPY_TRAIN__EPOCHS")
    assert (train.seed, origins["train.seed"]) == (4, "--seed")
    assert (train.batch_size, origins["train.batch_size"]) == (5, "--set")
    assert origins["train.crop"] == "default"


@pytest.mark.parametrize(
    "layer",
    [
        {"environ": {"GRAPY_TRAIN__STAGE": "pretrain"}},
        {"flags": {"train.stage": "pretrain"}},
        {"sets": ["train.stage=pretrain"]},
    ],
)
def test_the_stage_row_follows_the_stage_from_any_layer(layer):
    resolved = resolve(stage_rows=True, **layer)
    assert resolved.settings.train.lr == 7e-3
    assert resolved.origins["train.lr"] == "stage pretrain"


@pytest.mark.parametrize(
    ("datasets", "epochs", "origin"),
    [
        ("pascal", 200, "stage joint on pascal"),
        ("atr", 100, "stage joint"),
        ("pascal,atr", 100, "stage joint"),
        ("", 100, "stage joint"),
    ],
)
def test_a_row_may_hold_for_certain_data_sets(datasets, epochs, origin):
    flags = {"data.dataset": datasets, "train.stage": "joint"}
    resolved = resolve(flags=flags, stage_rows=True)
    assert resolved.settings.train.epochs == epochs
    assert resolved.origins["train.epochs"] == origin
    assert resolved.origins["train.lr"] == "stage joint"


def test_the_row_of_a_data_set_is_for_one_stage_and_below_a_file(tmp_path):
    flags = {"data.dataset": "pascal", "train.stage": "finetune"}
    assert resolve(flags=flags, stage_rows=True).settings.train.epochs == 30
    file = tmp_path / "own.toml"
    file.write_text("[data]\ndataset = ['pascal']\n[train]\nepochs = 3")
    assert resolve(config=file, stage_rows=True).settings.train.epochs == 3


def test_the_stage_row_concerns_training_alone():
    assert resolve(flags={"train.stage": "pretrain"}).settings.train.lr == 7e-4


def test_a_named_file_replaces_the_one_that_lies_about():
    write("[train]\nlr = 0.2")
    resolved = resolve(config=write("[train]\nepochs = 2", "other.toml"))
    assert resolved.settings.train.lr == 7e-4
    assert resolved.origins["train.epochs"] == "other.toml"


def test_empty_options_and_variables_are_absent():
    resolved = resolve(flags={"train.lr": "", "train.out": None}, environ={"GRAPY_TRAIN__SEED": ""})
    assert set(resolved.origins.values()) == {"default"}


def test_a_switch_that_is_off_is_given():
    assert resolve(flags={"train.refine": False}).origins["train.refine"] == "--refine"


def test_set_takes_tables_arrays_and_strings():
    train = resolve(
        sets=["train.optimizer={name='adamw', clip=1}", "train.crop=[64, 32]", "data.root=2026"]
    ).settings
    assert (train.train.optimizer.name, train.train.optimizer.clip) == ("adamw", 1.0)
    assert train.train.crop == (64, 32)
    assert train.data.root == Path("2026")


@pytest.mark.parametrize(
    ("layers", "message", "hint"),
    [
        ({"sets": ["train.lrr=1"]}, "there is no setting train.lrr (from --set)", "train.lr"),
        ({"sets": ["lr=1"]}, "there is no setting lr (from --set)", "train.lr"),
        (
            {"environ": {"GRAPY_TRAIN__EPOCH": "1"}},
            "there is no setting GRAPY_TRAIN__EPOCH (from the environment)",
            "GRAPY_TRAIN__EPOCHS",
        ),
        (
            {"sets": ["train=1"]},
            "train is a table of settings, not a single value (from --set)",
            "epochs",
        ),
        ({"sets": ["train.lr"]}, "--set train.lr is not of the form", "--set train.lr=0.01"),
        ({"sets": ["train.lr="]}, "--set train.lr= is not of the form", "--set train.lr=0.01"),
        ({"sets": ["train.crop=[1"]}, "--set train.crop=[1 is not valid TOML", ""),
        ({"config": Path("no.toml")}, "the settings file no.toml does not exist", ""),
        ({"config": Path()}, "the settings file . cannot be read", ""),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_place(layers, message, hint):
    error = fault(**layers)
    assert error.message.startswith(message)
    assert hint in error.hint


def test_an_unknown_key_of_a_file_names_the_file_and_the_nearest_key():
    write("[train]\nbatchsize = 3")
    error = fault()
    assert error.message == "there is no setting train.batchsize (from grapy.toml)"
    assert error.hint == "Did you mean train.batch_size?"


def test_a_syntax_error_of_a_file_names_its_line():
    write("[train]\nlr = = 3")
    assert "grapy.toml is not valid TOML" in fault().message
    assert "line 2" in fault().message


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            {"environ": {"GRAPY_TRAIN__EPOCHS": "0"}},
            "train.epochs: Input should be greater than 0 (from GRAPY_TRAIN__EPOCHS)",
        ),
        (
            {"flags": {"predict.levels": "3,4"}},
            "predict.levels: Input should be 1, 2 or 3 (from --levels)",
        ),
        ({"flags": {"train.crop": "512"}}, "train.crop: One value too few (from --crop)"),
        (
            {"flags": {"train.stage": "first"}, "stage_rows": True},
            "train.stage: Input should be 'pretrain', 'joint' or 'finetune' (from --stage)",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_origin(layers, message):
    assert fault(**layers).message == message


def test_all_faults_are_told_at_once():
    error = fault(flags={"train.lr": "fast", "train.epochs": "0"})
    assert [line.partition(":")[0] for line in error.message.splitlines()] == [
        "train.epochs",
        "train.lr",
    ]


def test_a_file_may_begin_with_a_byte_order_mark():
    Path("grapy.toml").write_bytes(b"\xef\xbb\xbf[train]\nlr = 0.5\n")
    assert resolve().settings.train.lr == 0.5
