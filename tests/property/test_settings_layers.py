"""Whatever subset of the layers sets a field, the highest of them has its way."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.settings import Settings, resolve, to_toml
from grapy_cli.settings.stages import STAGES, stage_rows

STAGE_NAMES = sorted({row.stage for row in STAGES})

VALUES = {
    "train.epochs": st.integers(1, 10**6),
    "train.seed": st.integers(0, 2**31),
    "train.lr": st.floats(1e-9, 1e3),
    "train.optimizer.momentum": st.floats(0, 1),
    "train.crop": st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    "predict.levels": st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3),
    "data.dataset": st.lists(st.sampled_from(["atr", "cihp", "my.toml"]), min_size=1),
}
LAYERS = ("file", "environment", "option", "set")

layered = st.sampled_from(sorted(VALUES)).flatmap(
    lambda path: st.tuples(
        st.just(path), st.fixed_dictionaries({}, optional=dict.fromkeys(LAYERS, VALUES[path]))
    )
)


def as_text(value):
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else repr(value)


def as_toml(path, value):
    section, _, name = path.rpartition(".")
    value = list(value) if isinstance(value, tuple) else value
    return f"[{section}]\n{name} = {str(value) if not isinstance(value, float) else repr(value)}\n"


def value_of(settings, path):
    for name in path.split("."):
        settings = getattr(settings, name)
    return settings


def resolve_layers(path, by_layer, folder, stage):
    file = folder / "some.toml"
    file.write_text(as_toml(path, by_layer["file"]) if "file" in by_layer else "")
    environ = {f"GRAPY_{path.replace('.', '__').upper()}": by_layer.get("environment")}
    return resolve(
        config=file,
        environ={name: as_text(value) for name, value in environ.items() if value is not None},
        flags={path: as_text(by_layer["option"]), "train.stage": stage}
        if "option" in by_layer
        else {"train.stage": stage},
        sets=[f"{path}={as_text(by_layer['set'])}"] if "set" in by_layer else [],
        stage_rows=True,
    )


@given(case=layered, stage=st.sampled_from(STAGE_NAMES))
def test_the_highest_layer_wins(case, stage, tmp_path_factory):
    path, by_layer = case
    resolved = resolve_layers(path, by_layer, tmp_path_factory.getbasetemp(), stage)
    given_by = [layer for layer in LAYERS if layer in by_layer]
    section, _, name = path.partition(".")
    (row,) = stage_rows(stage, ())
    lowest = row.settings.get(section, {}).get(name, value_of(Settings(), path))
    expected = by_layer[given_by[-1]] if given_by else lowest
    assert value_of(resolved.settings, path) == expected
    assert (resolved.origins[path] in ("default", f"stage {stage}")) == (not given_by)


@given(case=layered, stage=st.sampled_from(STAGE_NAMES))
def test_what_is_resolved_can_be_written_and_read(case, stage, tmp_path_factory):
    resolved = resolve_layers(*case, tmp_path_factory.getbasetemp(), stage)
    for text in (to_toml(resolved.settings), to_toml(resolved.settings, resolved.origins)):
        assert Settings.model_validate(tomllib.loads(text)) == resolved.settings
