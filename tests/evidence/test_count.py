"""Many models are counted like one, in order, in one process or in several."""

import os

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from sepcost import analyze
from sepcost.budget.baseline import updated
from sepcost.budget.judge import Evidence, judge
from sepcost.budget.results import Facts, Fault, Status
from sepcost.evidence.count import Model, file_size
from sepcost.evidence.count import count as counted
from sepcost.model.external import ModelSize
from tests.budget.build import budget
from tests.cli import models


def count(*given):
    """What is known of models that can all be read."""
    found = [one for one in counted(*given) if isinstance(one, Facts)]
    assert len(found) == len(given[0])
    return found


def named(folder, many):
    paths = [models.conv(folder, f"{at}.onnx") for at in range(many)]
    return [Model(path, path) for path in paths]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_number_of_processes_changes_nothing(tmp_path, jobs):
    found = count(named(tmp_path, 5), analyze, jobs)
    assert [facts.values["macs"] for facts in found] == [18432] * 5
    assert [facts.model for facts in found] == [model.name for model in named(tmp_path, 5)]
    first = found[0].analysis
    assert first is not None
    assert first.rows[0].layer.op_type == "Conv"


def test_an_error_names_its_model_and_leaves_the_others(tmp_path):
    broken = [*named(tmp_path, 2), Model("gone.onnx", str(tmp_path / "gone.onnx"))]
    *sound, gone = counted(broken, analyze, 2)
    assert [isinstance(one, Facts) for one in sound] == [True] * 2
    assert isinstance(gone, Fault)
    assert (gone.model, gone.exit_code) == ("gone.onnx", 2)
    assert gone.message.startswith("No such file")
    (unbound,) = counted([Model("other", models.dynamic(tmp_path), {"bind": {"M": 2}})], analyze)
    assert isinstance(unbound, Fault)
    assert (unbound.model, unbound.exit_code) == ("other", 2)
    assert unbound.message.startswith("no dimension named 'M'")


def test_options_of_a_budget_say_how_to_count(tmp_path):
    path = models.dynamic(tmp_path)
    (facts,) = count([Model("m", path, {"bind": {"N": 3}, "baseline": "x"})], analyze)
    assert facts.values["macs"] == 3 * 8


@pytest.fixture
def apart(tmp_path):
    """A model whose 16,384 bytes of weights are in ``m.data``."""
    path = tmp_path / "m.onnx"
    weights = numpy_helper.from_array(np.zeros((64, 64), np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 64])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 64])], [weights],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    return path


def test_the_size_of_a_file_includes_its_external_data(apart):
    assert file_size(apart) == ModelSize(apart.stat().st_size + 16384)


def pointer(size):
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize {size}\n"


def test_a_git_lfs_pointer_states_the_size_of_its_content(apart):
    (apart.parent / "m.data").write_text(pointer(16384))
    assert file_size(apart) == ModelSize(apart.stat().st_size + 16384)


@pytest.mark.parametrize("data", [None, b"", bytes(16383), pointer("many").encode()])
def test_missing_data_leave_only_a_lower_bound(apart, data):
    """It passes no budget, breaks one that it exceeds already, and is never a baseline."""
    (apart.parent / "m.data").unlink()
    if data is not None:
        (apart.parent / "m.data").write_bytes(data)
    found = file_size(apart)
    assert found is not None
    assert found.missing == ("m.data",)
    assert found.bytes == apart.stat().st_size + (len(data) if data in (b"", bytes(16383)) else 0)
    (facts,) = count([Model("m", str(apart))], analyze)
    (passed,) = judge([budget("file-size", "1 GB")], Evidence(facts))
    assert (passed.status, passed.breaks) == (Status.UNKNOWN, True)
    assert passed.detail == "external data missing or truncated: m.data"
    (broken,) = judge([budget("file-size", "1 B")], Evidence(facts))
    assert (broken.status, broken.detail) == (Status.FAIL, "at least")
    assert "file-size" not in updated({}, [facts]).text
    assert "macs" in updated({}, [facts]).text


def test_sources_that_are_not_files_have_no_size(tmp_path):
    assert file_size(tmp_path / "mobilenet-v1") is None


def crashing(source, **_):
    """Count by the name of the file: some crash, one after the other was done."""
    if "crash" in source:
        os._exit(9)
    if "odd" in source:
        raise ValueError("x\ny")
    if "large" in source:
        raise MemoryError
    return analyze("small-cnn")


def test_a_process_that_is_killed_costs_its_own_model_alone():
    names = ["a", "crash-1", "b", "crash-2", "c"]
    found = counted([Model(name, name) for name in names], crashing, 2)
    assert [one.model for one in found] == names
    assert [one.model for one in found if isinstance(one, Fault)] == [
        "crash-1", "crash-2",
    ]  # fmt: skip
    assert isinstance(found[1], Fault)
    assert "was killed" in found[1].message


def test_an_error_that_nobody_expected_is_one_of_its_model(monkeypatch):
    models = [Model(name, name) for name in ("odd", "a", "large")]
    odd, sound, large = counted(models, crashing)
    assert isinstance(sound, Facts)
    assert isinstance(odd, Fault)
    assert isinstance(large, Fault)
    assert (odd.model, odd.exit_code) == ("odd", 2)
    assert odd.message.startswith("unexpected ValueError: x")
    assert "\n" not in odd.message
    assert large.message.startswith("out of memory")
    monkeypatch.setenv("SEPCOST_DEBUG", "1")
    with pytest.raises(ValueError, match="x"):
        counted(models, crashing)


def test_a_name_that_does_not_print_is_not_repeated_in_the_reason(tmp_path):
    path = tmp_path / "new\nline.onnx"
    path.write_text("{}")
    (found,) = counted([Model(str(path), str(path))], analyze)
    assert isinstance(found, Fault)
    assert found.message == "JSON, not an ONNX model"
