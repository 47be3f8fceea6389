from typing import Annotated

import pytest
import typer

from grapy_cli.cli.command import command
from grapy_cli.errors import DatasetError, GrapyError, InterruptedRun
from grapy_cli.runtime.reporting import Reporter, Told
from grapy_cli.settings import Settings

SECTIONS = ("data", "train", "run")


def make_app(*sections, raises=None):
    """One command that keeps the settings it was called with in `app.seen`."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.seen = []

    @command(app, *sections, example="work me [now]")
    def work(
        what: Annotated[str | None, typer.Argument()] = None,
        *,
        settings: Settings,
        reporter: Reporter,
    ) -> None:
        """Do some work."""
        app.seen.append((what, settings))
        reporter(Told("working"))
        if raises is not None:
            raise raises

    return app


def settings_of(invoke, *arguments, **more):
    app = make_app(*SECTIONS)
    result = invoke(app, *arguments, **more)
    assert result.exit_code == 0, result.output
    return app.seen[0][1]


def test_options_reach_the_settings(invoke):
    settings = settings_of(
        invoke, "--lr", "0.1", "--data", "d", "--dataset", "atr,cihp", "--crop", "8,9"
    )
    assert settings.train.lr == 0.1
    assert str(settings.data.root) == "d"
    assert settings.data.dataset == ["atr", "cihp"]
    assert settings.train.crop == (8, 9)


def test_a_list_may_be_given_option_by_option(invoke):
    settings = settings_of(invoke, "--dataset", "atr", "--dataset", "cihp,pascal")
    assert settings.data.dataset == ["atr", "cihp", "pascal"]


@pytest.mark.parametrize(
    ("arguments", "join"), [([], False), (["--join-photos"], True), (["--no-join-photos"], False)]
)
def test_switches(invoke, arguments, join):
    more = {"env": {"GRAPY_DATA__JOIN_PHOTOS": "true"}} if arguments else {}
    assert settings_of(invoke, *arguments, **more).data.join_photos == join


def test_the_body_gets_its_own_arguments(invoke):
    app = make_app("run")
    invoke(app, "this")
    assert app.seen[0][0] == "this"


def test_file_environment_and_set_are_heard(invoke, tmp_path):
    (tmp_path / "grapy.toml").write_text("[train]\nlr = 0.2\nepochs = 3")
    settings = settings_of(
        invoke,
        "--set",
        "train.optimizer.clip=2",
        "--set",
        "train.seed=9",
        env={"GRAPY_TRAIN__EPOCHS": "4"},
    )
    train = settings.train
    assert (train.lr, train.epochs, train.optimizer.clip, train.seed) == (0.2, 4, 2.0, 9)


def test_stage_rows_apply_where_the_stage_is_an_option(invoke):
    assert settings_of(invoke, "--stage", "pretrain").train.lr == 7e-3
    app = make_app("data")
    invoke(app, "--set", "train.stage=pretrain")
    assert app.seen[0][1].train.lr == 7e-4


def test_a_single_field_has_an_option_alone(invoke):
    app = make_app("data.dataset")
    assert invoke(app, "--dataset", "atr").exit_code == 0
    assert invoke(app, "--workers", "1").exit_code == 2


def test_nested_fields_have_no_option(invoke):
    assert invoke(make_app(*SECTIONS), "--momentum", "0.5").exit_code == 2


def test_show_settings_prints_every_section_and_does_not_work(invoke):
    app = make_app("run")
    result = invoke(app, "--show-settings", "--device", "cpu")
    assert result.exit_code == 0
    assert app.seen == []
    assert 'device = "cpu"  # --device' in result.stdout
    assert all(f"[{name}]" in result.stdout for name in Settings.model_fields)


def test_a_wrong_value_is_a_settings_error(invoke):
    result = invoke(make_app(*SECTIONS), "--lr", "fast")
    assert result.exit_code == 2
    assert "train.lr: Input should be a valid number" in result.stderr
    assert "(from --lr)" in result.stderr


def test_errors_become_a_line_a_hint_and_an_exit_code(invoke):
    app = make_app("run", raises=DatasetError("no [atr] here", hint="grapy prepare"))
    result = invoke(app)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr == "working\nerror: no [atr] here\ngrapy prepare\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InterruptedRun("stopped; saved")])
def test_an_interruption_is_130_and_no_error(invoke, error):
    result = invoke(make_app("run", raises=error))
    assert result.exit_code == 130
    assert "error" not in result.stderr


def test_a_defect_keeps_its_traceback(invoke):
    result = invoke(make_app("run", raises=ZeroDivisionError("ours")))
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("kind", GrapyError.__subclasses__())
def test_every_kind_of_error_has_its_code(invoke, kind):
    assert invoke(make_app("run", raises=kind("so"))).exit_code == kind.exit_code


def test_two_settings_of_one_command_may_not_share_an_option():
    with pytest.raises(TypeError, match="--seed"):
        make_app("train", "prepare")


def test_a_section_that_is_none_is_found_at_once():
    with pytest.raises(TypeError, match="no section or setting"):
        make_app("trains")


def test_the_help_page_shows_panels_defaults_and_the_example(invoke):
    page = invoke(make_app(*SECTIONS), "--help", env={"COLUMNS": "200"}).stdout
    for text in ("Training", "Machine", "[default: 0.0007]", "work me [now]", "--no-refine"):
        assert text in page


def test_the_help_page_breaks_no_name_in_80_columns(invoke):
    page = invoke(make_app("train", "model"), "--help", env={"COLUMNS": "80"}).stdout
    for text in (
        "--checkpoint-activations ",
        "efficientnet_lite2",
        "movenet_multipose",
        "balanced",
    ):
        assert text in page
    assert "--no-compile" not in page


def test_a_command_without_settings_has_no_common_options(invoke):
    app = typer.Typer()

    @command(app)
    def plain() -> None:
        """Do nothing."""

    assert invoke(app).exit_code == 0
    assert invoke(app, "--show-settings").exit_code == 2
