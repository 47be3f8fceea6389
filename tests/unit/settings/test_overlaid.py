import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.settings.layers import differences, overlaid, resolve


@pytest.fixture
def settings():
    flags = {"infer.longest_side": "300", "infer.weights": "w.safetensors", "predict.levels": "1,2"}
    return resolve(flags=flags).settings


def test_only_what_the_file_names_is_other(settings, tmp_path):
    file = tmp_path / "other.toml"
    file.write_text('[infer]\nprecision = "bf16"\n[predict]\nlevels = [1, 2]\n')
    assert differences(settings, overlaid(settings, file)) == {"infer.precision": "bf16"}


def test_an_empty_file_changes_nothing(settings, tmp_path):
    (tmp_path / "empty.toml").touch()
    assert overlaid(settings, tmp_path / "empty.toml") == settings


@pytest.mark.parametrize(
    ("text", "words"), [("[infer]\nspeed = 3\n", "speed"), ("[bench]\nrepeats = 0\n", "repeats")]
)
def test_what_cannot_be_used_is_an_error_that_names_the_file(settings, tmp_path, text, words):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        overlaid(settings, file)
    assert str(file) in caught.value.message
