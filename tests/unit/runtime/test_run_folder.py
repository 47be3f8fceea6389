import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.runtime.run_folder import RunFolder


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    folder.settings_file.write_text("")
    folder.checkpoint("last").mkdir()
    (folder.checkpoint("last") / "weights.safetensors").write_text("")
    return folder


def test_a_run_is_found_again(run):
    assert RunFolder.open(run.path) == run


@pytest.mark.parametrize(
    ("inside", "said"),
    [("last", "it has no settings.toml"), ("last/weights.safetensors", "it is a file")],
)
def test_what_lies_in_a_run_names_the_run_and_the_other_option(run, inside, said):
    path = run.path / inside
    with pytest.raises(SettingsError, match=said) as caught:
        RunFolder.open(path)
    assert f"--resume {run.path}" in caught.value.hint
    assert f"--init {path}" in caught.value.hint


def test_weights_that_lie_elsewhere_go_to_init(tmp_path):
    (tmp_path / "w.safetensors").write_text("")
    with pytest.raises(SettingsError, match="it is a file") as caught:
        RunFolder.open(tmp_path / "w.safetensors")
    assert "--init" in caught.value.hint


def test_a_name_that_is_taken_is_not_taken_twice(tmp_path):
    assert RunFolder.free(tmp_path / "joint").path == tmp_path / "joint"
    for name in ("joint", "joint-2"):
        (tmp_path / name).mkdir()
    assert RunFolder.free(tmp_path / "joint").path == tmp_path / "joint-3"
