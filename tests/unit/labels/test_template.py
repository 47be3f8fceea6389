import pytest

from grapy_cli.labels import LABEL_SETS, label_set
from grapy_cli.labels.template import EXAMPLE, label_file


@pytest.mark.parametrize("labels", [EXAMPLE, *LABEL_SETS.values()], ids=lambda one: one.name)
def test_a_template_is_a_label_file(tmp_path, labels):
    path = tmp_path / "mine.toml"
    path.write_text(label_file(labels, name="mine"))
    read = label_set(str(path))
    assert read.parts == labels.parts
    assert (read.name, read.title) == ("mine", "My parts")
