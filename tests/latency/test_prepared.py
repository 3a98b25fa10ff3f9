"""What a job needs of onnx is done before and after the worker."""

import onnx
import pytest

from sepcost.errors import MeasurementError
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.prepared import prepared
from tests.latency.models import RELU, conv

CUDA = Runtime(("cuda", "cpu"))


def test_the_cpu_is_not_asked_where_nodes_ran(write):
    job = Job("probe", [write(RELU)])
    with prepared(job) as (ready, finish):
        assert ready is job
        assert finish({"placement": 1}) == {"placement": 1}


def test_other_providers_get_a_labelled_copy_and_their_nodes_their_ids(write):
    model = write(conv())
    with prepared(Job("probe", [model], CUDA)) as (ready, finish):
        first, copy = ready.models
        names = [node.name for node in onnx.load(copy.path).graph.node]
        found = finish({"placement": [["cuda", names[:2]], ["cpu", names[2:]]], "other": 1})
    assert first == model
    assert ready.data_folder == model.path.parent
    assert found == {"placement": [("cuda", ["w", "one"]), ("cpu", ["c", "b", "y"])], "other": 1}
    assert not copy.path.exists()


def test_a_profile_that_cannot_give_a_graph_is_read_by_placement(write):
    with prepared(Job("profile", [write(RELU)], CUDA)) as (ready, finish):
        (name,) = [node.name for node in onnx.load(ready.models[0].path).graph.node]
        timed = {"times": {"fused": ["Fused", "cuda", 5.0]}, "optimised": None}
        (row,) = finish(timed | {"placement": [["cuda", [name]]], "arena": None})["layers"]
    assert (row["nodes"], row["kernel"], row["time_ns"]) == (["y"], "Fused", 5.0)
    assert ready.most_runs == 200


def test_a_file_that_onnx_cannot_read_is_one_line(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\xff" * 9)
    job = Job("profile", [ModelFile("m", path, ())])
    with pytest.raises(MeasurementError, match=r"^m: failed while labelling its nodes: "):
        prepared(job).__enter__()
