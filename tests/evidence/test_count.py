"""Many models are counted like one, in order, in one process or in several."""

import pytest

from sepcost import analyze
from sepcost.errors import BindingError, ModelError
from sepcost.evidence.count import Model, count, file_bytes
from tests.cli import models


def named(folder, many):
    paths = [models.conv(folder, f"{at}.onnx") for at in range(many)]
    return [Model(path, path) for path in paths]


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_change_nothing(tmp_path, jobs):
    found = count(named(tmp_path, 5), analyze, jobs)
    assert [facts.values["macs"] for facts in found] == [18432] * 5
    assert [facts.model for facts in found] == [model.name for model in named(tmp_path, 5)]
    first = found[0].analysis
    assert first is not None
    assert first.rows[0].layer.op_type == "Conv"


def test_an_error_names_its_model(tmp_path):
    broken = [*named(tmp_path, 2), Model("gone.onnx", str(tmp_path / "gone.onnx"))]
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        count(broken, analyze, 2)
    with pytest.raises(BindingError, match=r"m\.onnx: no dimension is called 'M'"):
        count([Model("other", models.dynamic(tmp_path), {"bind": {"M": 2}})], analyze)


def test_options_of_a_budget_say_how_to_count(tmp_path):
    path = models.dynamic(tmp_path)
    (facts,) = count([Model("m", path, {"bind": {"N": 3}, "baseline": "x"})], analyze)
    assert facts.values["macs"] == 3 * 8


def test_the_size_of_a_file_holds_its_external_data(tmp_path):
    import numpy as np
    import onnx
    import onnx.numpy_helper as numpy_helper

    path = tmp_path / "m.onnx"
    weights = numpy_helper.from_array(np.zeros((64, 64), np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 64])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 64])], [weights],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    assert file_bytes(path) == path.stat().st_size + 64 * 64 * 4


def test_sources_that_are_not_files_have_no_size(tmp_path):
    assert file_bytes(tmp_path / "mobilenet-v1") is None
