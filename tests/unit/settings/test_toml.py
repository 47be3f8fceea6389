import tomllib
from pathlib import Path

from grapy_cli.settings import Settings, resolve, to_toml
from grapy_cli.settings.sections import DataSettings, RunSettings


def test_a_written_file_resolves_to_the_same_settings(tmp_path):
    made = resolve(
        flags={"train.out": "runs/x", "predict.levels": "2,1", "train.stage": "pretrain"},
        sets=["train.augment.scale=1,1.5", "model.pyramid.levels=3"],
        stage_rows=True,
    ).settings
    file = tmp_path / "settings.toml"
    file.write_text(to_toml(made), encoding="utf-8")
    assert resolve(config=file, stage_rows=True).settings == made


def test_strings_of_any_kind_survive():
    odd = 'a "quoted" \\ back\tslash\n\x7f \u00e9 \U0001f600 # no comment'
    made = Settings(data=DataSettings(root=Path("b c"), dataset=[odd]), run=RunSettings(device=odd))
    assert Settings.model_validate(tomllib.loads(to_toml(made))) == made


def test_origins_stand_behind_the_values():
    resolved = resolve(flags={"train.lr": "0.5"})
    text = to_toml(resolved.settings, resolved.origins)
    assert "lr = 0.5  # --lr\n" in text
    assert "epochs = 100  # default\n" in text
    assert "# weights is unset\n" in text
    assert Settings.model_validate(tomllib.loads(text)) == resolved.settings


def test_a_path_of_loose_bytes_is_written_as_text():
    settings = Settings(data={"root": b"l\xc3\xa4uft \xff".decode("ascii", "surrogateescape")})
    assert 'root = "läuft \N{REPLACEMENT CHARACTER}"' in to_toml(settings)
