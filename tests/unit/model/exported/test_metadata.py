"""What is read of a file before any engine sees it, and what is refused."""

from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from grapy_cli.errors import WeightsError
from grapy_cli.export.openvino_ir import write_openvino
from grapy_cli.model.exported.metadata import is_exported, read_metadata
from grapy_cli.model.exported.onnx_file import read_onnx_metadata
from grapy_cli.model.exported.openvino_file import check_numbers
from grapy_cli.model.weights import CARD_KEY, load_weights, read_card
from tests.support.engines import card, flat_model, write_flat_onnx


@pytest.fixture
def file(tmp_path):
    return write_flat_onnx(tmp_path / "flat.onnx")


@pytest.fixture
def ir(file, tmp_path):
    path = tmp_path / "flat.xml"
    write_openvino(file, path, {CARD_KEY: card().model_dump_json()})
    return path


def refuse(path, *words):
    with pytest.raises(WeightsError) as caught:
        read_card(path)
    for word in (str(path), *words):
        assert word in caught.value.message


def test_both_kinds_carry_the_whole_card(file, ir):
    assert read_card(file) == read_card(ir) == card()


def test_metadata_are_what_onnx_says_they_are(file):
    theirs = {one.key: one.value for one in onnx.load(file).metadata_props}
    assert read_metadata(file) == theirs


def test_kinds_are_told_by_the_name(tmp_path):
    assert is_exported(tmp_path / "A.ONNX")
    assert not is_exported(tmp_path / "onnx")


def test_missing_files_are_said_so(tmp_path):
    refuse(tmp_path / "none.onnx", "do not exist")
    refuse(tmp_path / "none.xml", "do not exist")


def test_no_truncated_onnx_file_is_taken(file):
    whole = file.read_bytes()
    metadata = onnx.load(file)
    size = len(whole) - sum(one.ByteSize() + 3 for one in metadata.metadata_props)
    for length in (0, 1, 7, 100, size, len(whole) - 1):
        file.write_bytes(whole[:length])
        refuse(file)


def test_other_peoples_networks_are_refused(tmp_path):
    onnx.save_model(flat_model(metadata={"author": "somebody"}), tmp_path / "other.onnx")
    refuse(tmp_path / "other.onnx", "without grapy's card")
    (tmp_path / "other.xml").write_text("<net><layers/></net>")
    refuse(tmp_path / "other.xml", "without grapy's card")


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes", numbered=True) / "some.onnx"
    path.write_bytes(data)
    with suppress(WeightsError):
        assert isinstance(read_onnx_metadata(path), dict)


def outside(name="numbers"):
    """A tensor whose numbers lie in a file of somebody else's."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return tensor


def among_the_numbers(model):
    model.graph.initializer.append(outside())


def in_an_operation(model):
    model.graph.node.append(helper.make_node("Constant", [], ["a"], value=outside()))


def deep_in_a_branch(model):
    branch = helper.make_graph([], "branch", [], [], [outside()])
    for _ in range(20):
        node = helper.make_node("If", ["a"], ["b"], then_branch=branch, else_branch=branch)
        branch = helper.make_graph([node], "branch", [], [])
        del branch.node[0].attribute[1:]
    model.graph.node.extend(branch.node)


def in_a_function(model):
    node = helper.make_node("Constant", [], ["a"], value=outside())
    model.functions.append(
        helper.make_function("own", "f", [], ["a"], [node], [helper.make_opsetid("", 18)])
    )


@pytest.mark.parametrize(
    "hide", [among_the_numbers, in_an_operation, deep_in_a_branch, in_a_function]
)
def test_numbers_in_other_files_are_refused_wherever_they_hide(hide, tmp_path):
    model = flat_model()
    hide(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    refuse(path, "other files")


@pytest.mark.parametrize("text", ["", "<net>", "<!DOCTYPE net><net/>", "<net>\u00e9"])
def test_no_broken_xml_is_taken(text, ir):
    ir.write_bytes(text.encode("latin-1"))
    refuse(ir)


def test_numbers_of_another_network_are_noticed(ir):
    check_numbers(ir, read_metadata(ir))
    numbers = ir.with_suffix(".bin")
    numbers.write_bytes(numbers.read_bytes()[::-1])
    with pytest.raises(WeightsError, match="does not belong"):
        check_numbers(ir, read_metadata(ir))
    numbers.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        check_numbers(ir, read_metadata(ir))


def test_what_is_for_another_engine_cannot_be_trained(file):
    with pytest.raises(WeightsError, match="another engine"):
        load_weights(file)
