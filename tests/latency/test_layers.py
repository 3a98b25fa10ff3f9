"""Every node is in exactly one row, the right one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from sepcost.latency import child, runtime
from sepcost.latency.jobs import Job, ModelFile, Runtime
from sepcost.latency.labels import labelled
from sepcost.latency.layers import _by_placement, placement, read
from sepcost.latency.profiles import Timed, arena_use, kernel_times
from sepcost.latency.results import ArenaUse
from sepcost.model.graphs import nodes
from tests.latency.conftest import model_file
from tests.latency.models import PRODUCTS, conv, quantised

Row = dict[str, Any]
SHARED = Path(__file__).parents[3] / "shared" / "models"

RESIDUAL = """net (float[1,8,16,16] x) => (float[1,8,16,16] y) <int64[4] shape = {8,8,3,3}> {
    w = ConstantOfShape <value = float[1] {0.01}> (shape)
    a = Conv <pads = [1,1,1,1]> (x, w)
    ar = Relu (a)
    b = Conv <pads = [1,1,1,1]> (ar, w)
    sum = Add (b, ar)
    y = Relu (sum)
}"""

BRANCHES = """net (float[1,8] x, bool which) => (float[1,8] y) {
    before = Abs (x)
    y = If (which) <
        then_branch = yes () => (float[1,8] r) { t = Sin (before)  r = Cos (t) },
        else_branch = no () => (float[1,8] r) { r = Tan (before) }
    >
}"""

LOOP = """net (float[1,8] x) => (float[1,8] z) <int64 trips = {50}, bool go = {1}> {
    y = Loop (trips, go, x) <body = step (int64 i, bool was, float[1,8] v)
        => (bool again, float[1,8] next) { again = Identity (was)  next = Sin (v) }>
    z = Cos (y)
}"""

CALLED_TWICE = """<ir_version: 8, opset_import: ["": 17, "local": 1]>
net (float[1,8] x) => (float[1,8] y) { a = local.twice (x)  y = local.twice (a) }
<domain: "local", opset_import: ["": 17]> twice (v) => (w) { s = Sin (v)  w = Cos (s) }"""


@pytest.fixture
def profile():
    """Profile a model in a child and return its rows."""

    def run(model: ModelFile, runtime: Runtime | None = None) -> list[Row]:
        job = Job("profile", [model], runtime or Runtime())
        rows: list[Row] = child.execute(job, 120)["layers"]
        return rows

    return run


def test_a_convolution_takes_up_its_normalisation_and_activation(write, profile):
    rows = profile(write(conv()))
    (kernel,) = [row for row in rows if "c" in row["nodes"]]
    assert {"c", "b", "y"} <= set(kernel["nodes"])
    assert "Conv" in kernel["kernel"]
    assert kernel["time_ns"] > 0
    assert kernel["provider"] == "cpu"


def test_layout_changes_have_a_row_of_their_own(write, profile):
    rows = profile(write(conv()))
    moves = [row for row in rows if row["kernel"].startswith("Reorder")]
    assert all(row["nodes"] == [] for row in moves)
    if any("Reorder" in row["kernel"] for row in rows):  # depends on the CPU's instruction set
        assert len({row["kernel"] for row in moves}) == len(moves)


def test_a_residual_joins_the_convolution_that_it_ends(write, profile):
    rows = profile(write(RESIDUAL))
    (first,) = [row for row in rows if "a" in row["nodes"]]
    (second,) = [row for row in rows if "b" in row["nodes"]]
    assert "ar" in first["nodes"]
    assert {"sum", "y"} <= set(second["nodes"]) or "sum" in {
        node for row in rows if row["kernel"] == "Add" for node in row["nodes"]
    }
    assert not set(first["nodes"]) & set(second["nodes"])


def test_a_quantisation_belongs_to_the_kernel_that_writes_it(write, profile):
    rows = profile(write(quantised()))
    found = {tuple(row["nodes"]) for row in rows if row["kernel"] == "QLinearConv"}
    assert found == {("a0", "b0", "c0", "q1"), ("a1", "b1", "c1", "q2")}
    assert all(row["nodes"] == [] for row in rows if row["kernel"] == "Transpose")


def compiled(placed, kernels):
    """The nodes of each kernel of a provider that compiles; nodes have their ids in the file."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {PRODUCTS}')
    labels = labelled(model)
    label = {id_: name for name, id_ in labels.ids.items()}
    parts = [(name, [label.get(node, node) for node in nodes]) for name, nodes in placed]
    times = {name: Timed(name, provider, 1.0) for name, provider in kernels.items()}
    found, constant = _by_placement(labels, parts, times)
    ids = [(kernel.name, {labels.ids[node] for node in kernel.nodes}) for kernel in found]
    return ids, {labels.ids[node] for node in constant}


def test_a_provider_that_takes_a_loop_whole_is_booked_what_is_inside():
    found = compiled([("npu", ["h", "y", "z"])], {"fused_0": "npu"})
    inside = {"y.body/again", "y.body/next"}
    assert found == ([("fused_0", {"h", "y", "z"} | inside)], set())


def test_a_loop_whose_body_is_placed_apart_is_not_taken_whole():
    placed = [("npu", ["h", "y"]), ("gpu", ["y.body/next"]), ("npu", ["z"])]
    found, constant = compiled(placed, {"a": "npu", "b": "npu", "c": "gpu"})
    assert found == [
        ("a", {"h", "y", "y.body/again"}), ("c", {"y.body/next"}), ("b", {"z"}),
    ]  # fmt: skip
    assert constant == set()


def test_branches_are_listed_under_their_if(write, profile):
    rows = profile(write(BRANCHES))
    scopes = {node: row["scope"] for row in rows for node in row["nodes"]}
    assert scopes["y"] == ""
    assert scopes["y.then/t"] == "y.then"
    assert scopes["y.else/r"] == "y.else"
    times = {node: row["time_ns"] for row in rows for node in row["nodes"]}
    assert times["y.then/t"] > 0  # random booleans of one element are true
    assert times["y.else/r"] == 0


def test_a_loop_keeps_only_its_own_time(write, profile):
    rows = profile(write(LOOP))
    times = {node: row["time_ns"] for row in rows for node in row["nodes"]}
    assert times["y.body/next"] > times["z"]  # fifty runs against one
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_functions_are_distinguished_by_call(tmp_path, profile):
    path = tmp_path / "calls.onnx"
    model = onnx.parser.parse_model(CALLED_TWICE)
    onnx.save(model, path)
    rows = profile(model_file(path, model))
    found = [node for row in rows for node in row["nodes"]]
    assert sorted(found) == ["a/s", "a/w", "y/s", "y/w"]


@pytest.mark.parametrize("level", ["disable", "basic", "extended", "all"])
def test_every_level_of_optimisation_maps(write, profile, level):
    rows = profile(write(RESIDUAL), Runtime(optimization_level=level))
    found = sorted(node for row in rows for node in row["nodes"])
    assert found == ["a", "ar", "b", "sum", "w", "y"]


def test_names_that_repeat_are_empty_or_break_json(tmp_path, profile):
    odd = 'quote"\\ \n\x1b[31m<b>'
    nodes = [
        onnx.helper.make_node("Sin", ["x"], [odd], name='same"\n'),
        onnx.helper.make_node("Cos", [odd], ["second"], name='same"\n'),
        onnx.helper.make_node("Tan", ["second"], ["y"]),
    ]
    one = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "g", [one("x", 1, [4])], [one("y", 1, [4])])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    path = tmp_path / "odd.onnx"
    onnx.save(model, path)
    rows = profile(model_file(path, model))
    assert [(row["kernel"], row["nodes"]) for row in rows] == [
        ("Sin", [odd]), ("Cos", ["second"]), ("Tan", ["y"]),
    ]  # fmt: skip


def test_nodes_in_any_order(write, profile):
    text = "net (float[1,8] x) => (float[1,8] y) { s = Sin (x)  c = Cos (s)  y = Tan (c) }"
    model = write(text)
    proto = onnx.load(model.path)
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save(proto, model.path)
    assert [row["nodes"] for row in profile(model)] == [["s"], ["c"], ["y"]]


def test_weights_next_to_the_model_are_read(tmp_path, profile):
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> '
        "net (float[1,512] x) => (float[1,512] y) { y = MatMul (x, w) }"
    )
    weight = onnx.numpy_helper.from_array(np.ones((512, 512), np.float32), "w")
    model.graph.initializer.append(weight)
    path = tmp_path / "outside.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin")
    (row,) = profile(model_file(path, model))
    assert row["nodes"] == ["y"]


def event(name: str, ts: int, dur: int, op: str = "Op") -> Row:
    args = {"op_name": op, "provider": "CPUExecutionProvider"}
    return {"cat": "Node", "name": name + "_kernel_time", "ts": ts, "dur": dur, "args": args}


def run(ts: int, dur: int) -> Row:
    return {"cat": "Session", "name": "model_run", "ts": ts, "dur": dur}


def test_the_arena_is_that_of_the_worst_kernel():
    memory = [("8", "64"), ("24", "64"), ("16", "128")]
    events = [run(0, 9), *(
        {**event("k", k, 1), "args": {"mem_in_use_peak": used, "mem_arena_held": held}}
        for k, (used, held) in enumerate(memory)
    )]  # fmt: skip
    assert arena_use(events) == ArenaUse(24, 128)
    assert arena_use([run(0, 9), event("k", 0, 1)]) is None


def test_the_arena_holds_what_the_kernels_write(write):
    """Even in place, a chain holds one tensor of 4 KB."""
    model = write(
        "net (float[1024] x) => (float[1024] y) { a = Sin (x)  b = Cos (a)  y = Sin (b) }"
    )
    found = child.execute(Job("profile", [model], Runtime()), 120)["arena"]
    if found is None:
        pytest.skip("an ONNX Runtime whose profiles do not tell")
    assert 4096 <= found["used_bytes"] <= found["held_bytes"]
    assert found["placed_bytes"] is None


def test_the_time_of_a_subgraph_is_subtracted_from_its_node():
    inner = [event("sin", 12, 3), event("cos", 20, 5)]
    times = kernel_times([*inner, event("loop", 10, 20, "Loop"), event("after", 30, 7), run(9, 30)])
    assert {name: t.time_ns for name, t in times.items()} == {
        "loop": 12_000, "sin": 3_000, "cos": 5_000, "after": 7_000,
    }  # fmt: skip


def test_the_first_run_and_the_disturbed_ones_do_not_count():
    events = []
    for number, length in enumerate([900, 10, 500, 12, 600]):
        events += [run(1000 * number, length), event("k", 1000 * number + 1, length - 2)]
    # of 8, 10, 498 and 598 us, three quarters of the way from the first to the second
    assert kernel_times(events)["k"].time_ns == 9_500


def test_a_kernel_is_undisturbed_in_a_run_that_is_disturbed_elsewhere():
    events = []
    for number in range(5):
        late = 500 * (number % 2)
        events += [run(2000 * number, 600 + late), event("a", 2000 * number + 1, 10 + late)]
        events += [event("b", 2000 * number + 520 + late, 510 - late)]
    times = kernel_times(events)
    assert (times["a"].time_ns, times["b"].time_ns) == (10_000, 10_000)


def test_a_node_is_placed_by_its_own_id_after_a_fusion_renamed_it(write):
    model = write("""net (float[1,2] x) => (float[1,2] y)
        <float[2,2] w = {1, 2, 3, 4}, float[2] bias = {5, 6}> {
            product = MatMul (x, w)
            y = Add (product, bias)
        }""")
    # ONNX Runtime places one Gemm, which it calls after the MatMul.
    labels = read(model)
    made = runtime.session(labels.model.SerializeToString(), Runtime())
    assert placement(labels, runtime.placement(made)) in ([("cpu", ["product"])], [])


def test_labels_are_plain_and_unique():
    model = onnx.parser.parse_model(CALLED_TWICE)
    labels = labelled(model)
    names = [node.name for node in nodes(labels.model.graph)]
    assert names == list(labels.ids)
    assert all(name.isascii() and '"' not in name for name in names)
    onnx.checker.check_model(labels.model, full_check=True)


def test_a_branch_within_a_function_gets_the_attributes_of_the_call():
    model = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["" : 17, "local" : 1]>
        net (float[2] x, bool which) => (float[2] y) { y = local.scaled <by = 3.0> (x, which) }
        <domain: "local", opset_import: ["" : 17]>
        scaled <by> (x, which) => (y) {
            y = If (which) <
                then_branch = yes () => (float[2] a) {
                    c = Constant <value_float: float = @by> ()
                    a = Mul (x, c)
                },
                else_branch = no () => (float[2] b) { b = Identity (x) }
            >
        }""")
    (constant,) = [n for n in nodes(labelled(model).model.graph) if n.op_type == "Constant"]
    assert [(a.name, a.f) for a in constant.attribute] == [("value_float", 3.0)]


def runnable() -> list[Path]:
    index = SHARED / "index.json"
    known = json.loads(index.read_text()).values() if index.exists() else []
    small = [m for m in known if m["ort_loads"] and m["bytes"] < 4e6]
    return [SHARED / m["file"] for m in small]


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/models")
def test_every_node_of_every_real_model_is_in_exactly_one_row(tmp_path):
    from onnxruntime import InferenceSession, SessionOptions

    from sepcost.latency import mapping

    for path in runnable():
        labels = labelled(onnx.load(path))
        options = SessionOptions()
        options.log_severity_level = 3
        runtime.profiled(tmp_path, tmp_path / "optimised.onnx", options)
        options.enable_profiling = False
        InferenceSession(labels.model.SerializeToString(), options)
        graph = onnx.load(tmp_path / "optimised.onnx", load_external_data=False).graph
        kernels, constant = mapping.kernels(labels, graph)
        found = [node for kernel in kernels for node in kernel.nodes] + list(constant)
        assert sorted(found) == sorted(labels.ids), path.name
        heavy = [k for k in kernels if k.op_type in {"Conv", "FusedConv", "MatMul", "Gemm"}]
        assert all(k.nodes for k in heavy), path.name
