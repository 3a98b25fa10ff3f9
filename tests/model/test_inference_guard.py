"""Nodes that would crash ONNX's own shape inference or fill its memory are refused first."""

import onnx
import onnx.parser
import pytest

from sepcost.errors import ModelError
from sepcost.routes.analyze import analyze


def refused(tmp_path, body):
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 18]> {body}')
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ModelError) as error:
        analyze(tmp_path / "m.onnx")
    return str(error.value)


@pytest.mark.parametrize("axis", [2, -3, 2**40, -(2**63)])
def test_layer_normalization_over_a_missing_axis(tmp_path, axis):
    error = refused(
        tmp_path,
        f"g (float[2, 3] x, float[3] s) => (y) {{ y = LayerNormalization <axis = {axis}> (x, s) }}",
    )
    message = f"LayerNormalization 'y': axis {axis} does not exist in an input of 2 dimensions"
    assert message in error


@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
def test_layer_normalization_over_an_existing_axis(tmp_path, axis):
    text = f"""<ir_version: 9, opset_import: ["" : 18]> g (float[2, 3] x, float[3] s) => (y)
        {{ y = LayerNormalization <axis = {axis}> (x, s) }}"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "m.onnx")
    assert analyze(tmp_path / "m.onnx").rows[0].layer.outputs == ((2, 3),)


@pytest.mark.parametrize("parts", [1, 3, 0, -1, 2**40])
def test_split_into_another_number_than_its_outputs(tmp_path, parts):
    error = refused(
        tmp_path, f"g (float[6] x) => (a, b) {{ a, b = Split <num_outputs = {parts}> (x) }}"
    )
    assert f"Split 'a': num_outputs is {parts}, but it has 2 outputs" in error


@pytest.mark.parametrize("parts", [1, 3, 2**40, 2**62])
def test_split_of_a_constant_into_another_number_than_its_outputs(tmp_path, parts):
    error = refused(
        tmp_path,
        f"""g () => (a, b) {{ x = Constant <value_ints = [1, 2, 3, 4]> ()
            a, b = Split <num_outputs = {parts}> (x) }}""",
    )
    assert "but it has 2 outputs" in error


@pytest.mark.parametrize("number", [-1, -5, -(2**40), -(2**63)])
def test_gather_from_before_the_first_axis(tmp_path, number):
    error = refused(
        tmp_path,
        f"""g (float[2, 2, 2] x, int64[2, 1, 2] i) => (y)
        {{ y = GatherND <batch_dims = {number}> (x, i) }}""",
    )
    assert f"GatherND 'y': batch_dims is {number}, but must be at least 0" in error


@pytest.mark.parametrize("rank", [1025, 2**31, 2**40])
def test_expand_to_a_rank_beyond_reason(tmp_path, rank):
    error = refused(tmp_path, f"g (float[1] x, int64[{rank}] s) => (y) {{ y = Expand (x, s) }}")
    assert f"its output would have {rank} dimensions" in error


def test_the_mean_of_nothing_is_not_folded(tmp_path, capfd):
    text = """<ir_version: 9, opset_import: ["" : 18]> g (float[2] x) => (y, z)
        <float[0] n = {}> { y = ReduceMean (n) z = Relu (x) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "m.onnx")
    assert analyze(tmp_path / "m.onnx").rows[0].layer.outputs == ((1,),)
    assert capfd.readouterr().err == ""
