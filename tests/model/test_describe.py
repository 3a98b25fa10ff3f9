"""A model as plain data: every layer and every shape that follows from the inputs."""

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from sepcost.errors import BindingError, ModelError, SepcostError
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.model.values import tensor_type
from sepcost.model.walk_state import Observation
from sepcost.network import ABSENT, Role
from tests.model.build import layers, loaded, model, network, run

CONV = """g (float[1, 3, 8, 8] x) => (float[] y) <float[4, 3, 3, 3] w, float[4] b> {
  [first] h = Conv <strides = [2, 2], auto_pad = "SAME_UPPER"> (x, w, b)
  y = Relu (h)
}"""


def test_a_layer_has_all_that_a_formula_reads():
    found = network(CONV)
    conv, relu = found.layers
    assert (conv.id, conv.name, conv.op_type, conv.domain, conv.scope) == (
        "h", "first", "Conv", "", ""
    )  # fmt: skip
    assert conv.inputs == ((1, 3, 8, 8), (4, 3, 3, 3), (4,))
    assert conv.outputs == ((1, 4, 4, 4),)
    assert conv.attributes == {"strides": (2, 2), "auto_pad": "SAME_UPPER"}
    assert conv.weights == {1, 2}
    assert (conv.parameters, conv.reads, conv.writes) == (("w", "b"), ("x", "w", "b"), ("h",))
    assert (conv.trips, conv.branches, conv.missing) == (1, (), ())
    assert relu.reads == ("h",)


def test_a_network_lists_its_inputs_and_outputs():
    found = network(CONV)
    assert [(v.name, v.shape, v.dtype, v.role) for v in found.inputs] == [
        ("x", (1, 3, 8, 8), "float32", Role.INPUT)
    ]
    assert found.outputs == ("y",)
    assert found.opsets[""] == 17
    assert {name: value.role for name, value in found.values.items()} == {
        "x": Role.INPUT, "w": Role.WEIGHT, "b": Role.WEIGHT, "h": Role.ACTIVATION,
        "y": Role.ACTIVATION,
    }  # fmt: skip


def test_the_model_is_not_changed():
    given_ = loaded(CONV)
    before = given_.proto.SerializeToString()
    describe(given_, shape={"x": [1, 3, 8, 8]})
    assert given_.proto.SerializeToString() == before


def test_sizes_that_were_bound_flow_through():
    source = "g (float[N, 3, H, 8] x) => (float[N, M] y) { y = Flatten (x) }"
    found = network(source, bind={"N": 2, "H": 5})
    assert found.values["y"].shape == (2, 120)
    assert found.bindings == {"N": 2, "H": 5}
    assert found.batch == 2


def test_a_chain_of_shapes_is_computed():
    source = """g (float[N, 3, 4, 5] x) => (float[] y) <int64 zero = {0}, int64[1] rest = {-1}> {
      s = Shape (x)
      n = Gather (s, zero)
      u = Unsqueeze (n, z)
      t = Concat <axis = 0> (u, rest)
      y = Reshape (x, t)
    }""".replace("int64 zero", "int64[1] z = {0}, int64 zero")
    found = network(source, bind={"N": 7})
    assert found.values["y"].shape == (7, 60)


# --- names


def test_names_that_repeat_or_are_empty_lose_no_layer():
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="same"),
        helper.make_node("Relu", ["a"], ["b"], name="same"),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Print", ["c"], []),
        helper.make_node("Print", ["c"], []),
        helper.make_node("Print", ["c"], [""]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    found = layers(_model(nodes))
    assert len(found) == 7
    assert found["b"].name == "same"


def test_names_of_the_graphs_within_may_be_those_outside():
    source = """g (bool c, float[2] x) => (float[] y) {
      h = Relu (x)
      y = If (c) <
        then_branch = t () => (float[] p) { p = Neg (h) },
        else_branch = e () => (float[] p) { p = Abs (h) }
      >
    }"""
    assert list(layers(source)) == ["h", "y.then/p", "y.else/p", "y"]


def test_ids_that_collide_with_those_of_a_subgraph_are_made_unique():
    source = """g (bool c, float[2] x) => (float[] z) {
      y = If (c) <
        then_branch = t () => (float[] p) { p = Neg (x) },
        else_branch = e () => (float[] p) { p = Abs (x) }
      >
      z = Relu (y)
    }"""
    proto = model(source)
    proto.graph.node.append(helper.make_node("Relu", ["z"], ["y.then/p"]))
    assert len(layers(proto)) == 5


@pytest.mark.parametrize("name", [b"\xff\xfe\xfa", b"\x1b[2", b"\n\r\t", b"=1+"])
def test_names_that_are_not_text_lose_no_layer(name):
    nodes = [
        helper.make_node("Relu", ["QQQ"], ["RRR"], name="TTT"),
        helper.make_node("Relu", ["RRR"], ["UUU"], name="TTT"),
    ]
    proto = _model(nodes, "QQQ", "UUU")
    for k, placeholder in enumerate((b"QQQ", b"RRR", b"UUU", b"TTT")):
        raw = proto.SerializeToString().replace(placeholder, name[:2] + bytes((65 + k,)))
        proto = onnx.ModelProto.FromString(raw)
    found = network(proto)
    assert [layer.inputs for layer in found.layers] == [((2,),), ((2,),)]
    assert found.layers[1].reads == found.layers[0].writes
    assert len({layer.id for layer in found.layers}) == 2
    assert all(isinstance(layer.name, str) for layer in found.layers)


def test_a_name_of_a_megabyte():
    name = "n" * 2**20
    found = layers(_model([helper.make_node("Relu", ["x"], [name], name)], "x", name))
    assert found[name].name == name


def _model(nodes, first="x", last="y", opset=17):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(first, 1, [2])],
        [helper.make_tensor_value_info(last, 1, None)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


# --- invalid graphs


def test_unsorted_nodes_are_described_in_order():
    nodes = [helper.make_node("Neg", ["h"], ["y"]), helper.make_node("Relu", ["x"], ["h"])]
    assert list(layers(_model(nodes))) == ["h", "y"]


@pytest.mark.parametrize(
    ("nodes", "part"),
    [
        ([("Relu", "q", "y")], "Relu 'y' reads 'q', which is not an input"),
        ([("Relu", "y", "h"), ("Relu", "h", "y")], "in a cycle"),
        ([("Relu", "x", "y"), ("Neg", "x", "y")], "Neg 'y' writes 'y', which is already written"),
        ([("Relu", "x", "x"), ("Relu", "x", "y")], "Relu 'x' writes 'x', which is already"),
        ([("Relu", "x", "h")], "no node writes the output 'y'"),
    ],
)
def test_graphs_that_contradict_themselves_are_refused(nodes, part):
    made = [helper.make_node(op, [a], [b]) for op, a, b in nodes]
    with pytest.raises(ModelError, match=part) as caught:
        network(_model(made))
    assert str(caught.value).startswith("m.onnx: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "node",
    [
        "y = MatMul (x, x)",
        "y = Reshape (x, three)",
        "y = Transpose <perm = [0, 0]> (x)",
        "y = Concat <axis = 9> (x, x)",
        "y = Flatten <axis = 9> (x)",
        "y = Conv (image, kernel)",
        "y = Conv <strides = [0, 0]> (image, right)",
        "y = Conv <group = 0> (image, right)",
        "y = Conv (small, right)",
        "y = MaxPool <kernel_shape = [0, 0]> (image)",
        "y = Relu <alpha = 1.0> (x)",
        "y = Relu (x, x)",
        "y = Split <axis = 7> (x)",
    ],
)
def test_nodes_that_contradict_their_inputs_are_refused_in_a_line(node):
    source = f"""g (float[2, 3] x, float[1, 3, 8, 8] image, float[1, 3, 2, 2] small) => (float[] y)
    <int64[1] three = {{4}}, float[4, 5, 3, 3] kernel, float[4, 3, 3, 3] right> {{ {node} }}"""
    with pytest.raises(ModelError, match=r"^m.onnx: \w+ 'y': [^\n]+$"):
        network(source)


# --- observed runs


def shown(**outputs):
    return {
        id_: Observation((tensor_type(TensorProto.FLOAT, shape),), 1)
        for id_, shape in outputs.items()
    }


FOLLOWED = """g (float[2, 3] x) => (float[] y) <float[4, 5] w> {
    a = Relu (x)
    y = MatMul (a, w)
}"""


def test_an_observed_run_overrides_inference():
    with pytest.raises(ModelError, match="MatMul"):
        network(FOLLOWED)
    found = network(FOLLOWED, observed=shown(a=(6, 4)))
    assert [layer.outputs for layer in found.layers] == [((6, 4),), ((6, 5),)]


def test_an_executed_node_is_not_refused():
    found = network(FOLLOWED, observed=shown(a=(2, 3), y=(2, 5)))
    assert found.layers[1].outputs == ((2, 5),)
    assert found.layers[1].missing == ()


def test_a_node_that_did_not_run_is_still_refused():
    with pytest.raises(ModelError, match="MatMul"):
        network(FOLLOWED, observed=shown(a=(2, 3)))


# --- declared shapes


def test_declarations_fill_what_inference_leaves_open():
    source = """g (float[N, 4] x) => (float[N, 2] y) <float[1, 7] h, float[N, 3, K] k> {
      h = Mystery (x)
      k = Mystery (h)
      y = Mystery (k)
    }"""
    found = network(source)
    assert found.values["h"].shape == (1, 7)
    assert found.values["k"].shape is None  # K is unbound
    assert found.values["y"].shape == (1, 2)  # N is bound to 1
    assert found.layers[1].missing == ("k has no static shape",)
    assert found.layers[1].outputs == (ABSENT,)


def test_declarations_are_not_trusted_once_sizes_are_given():
    source = "g (float[N, 4] x) => (float[] y) <float[1, 7] h> { h = Mystery (x) y = Relu (h) }"
    assert network(source, bind={"N": 3}).values["h"].shape is None
    assert network(source, bind={"N": 1}).values["h"].shape == (1, 7)


def test_inference_overrides_wrong_declarations():
    source = "g (float[2, 3] x) => (float[9, 9, 9] y) <float[5] h> { h = Relu (x) y = Neg (h) }"
    assert {v.shape for v in network(source).values.values()} == {(2, 3)}


@pytest.mark.parametrize(("opset", "part"), [(6, "older than 7"), (999, "newer than")])
def test_unusual_opsets_give_a_warning(opset, part):
    found = network(_model([helper.make_node("Relu", ["x"], ["y"])], opset=opset))
    assert found.values["y"].shape == (2,)
    (warning,) = found.warnings
    assert part in warning


@pytest.mark.parametrize("opset", [0, -1, 2**40, 2**63 - 1])
def test_impossible_opsets_are_tolerated(opset):
    found = network(_model([helper.make_node("Relu", ["x"], ["y"])], opset=opset))
    assert len(found.layers) == 1


# --- values that are not tensors


def test_sequences_optionals_and_maps():
    source = """g (seq(float[2, 3]) s, float[2, 3] x) => (float[] y) <int64 at = {0}> {
      a = SequenceAt (s, at)
      t = SequenceConstruct (x, a)
      o = Optional (x)
      e = OptionalGetElement (o)
      c = ConcatFromSequence <axis = 0> (t)
      y = Relu (e)
    }"""
    found = layers(source, opset=18)
    assert found["a"].outputs == ((2, 3),)
    assert found["y"].outputs == ((2, 3),)
    assert found["t"].missing == ("t is not a tensor",)
    assert found["t"].outputs == (ABSENT,)
    assert "s is not a tensor" in found["a"].missing


def test_a_map():
    node = helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[1, 2])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 2])],
        [onnx.ValueInfoProto(name="y")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    (layer,) = network(helper.make_model(graph, opset_imports=opsets)).layers
    assert layer.missing == ("y is not a tensor",)


# --- against ONNX Runtime


def test_every_value_is_shaped_as_in_a_run():
    source = """g (float[2, 3, 8, 8] x) => (float[] y)
    <float[4, 3, 3, 3] w, int64[2] s = {0, -1}, float[256, 10] f> {
      a = Conv <auto_pad = "SAME_LOWER"> (x, w)
      b = MaxPool <kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1> (a)
      c = Pad (b, p)
      d = Resize <mode = "nearest"> (c, , , r)
      e = Reshape (d, s)
      h = MatMul (e, f)
      i, j = Split <axis = 1> (h)
      k = Concat <axis = 0> (i, j)
      l = ReduceMean <axes = [1]> (k)
      y = Einsum <equation = "ij,kj->ik"> (l, l)
    }""".replace("<float[4", "<int64[8] p = {0, 0, 1, 1, 0, 0, 1, 1}, "
                 "int64[4] r = {2, 4, 8, 8}, float[4")  # fmt: skip
    proto = model(source)
    found = network(proto)
    for tensor in proto.graph.initializer:
        if not tensor.raw_data and tensor.data_type == TensorProto.FLOAT:
            tensor.raw_data = np.ones(tuple(tensor.dims), np.float32).tobytes()
    names = [name for node in proto.graph.node for name in node.output]
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    outputs = run(proto, {"x": np.ones((2, 3, 8, 8), np.float32)})
    shapes = {name: output.shape for name, output in zip(names, outputs, strict=True)}
    assert {name: found.values[name].shape for name in names} == shapes


# --- size and damage


def test_many_nodes():
    nodes = [helper.make_node("Relu", [f"v{k}"], [f"v{k + 1}"]) for k in range(20_000)]
    assert len(network(_model(nodes, "v0", "v20000")).layers) == 20_000


def test_a_binding_that_matches_nothing():
    with pytest.raises(BindingError, match="no dimension named 'Q'"):
        network(CONV, bind={"Q": 1})


RICH = """g (bool c, float[N, 3, 8, 8] x) => (float[] y)
<float[4, 3, 3, 3] w, int64 n = {3}, bool go = {1}, int64[2] s = {0, -1}> {
  h = Conv <pads = [1, 1, 1, 1]> (x, w)
  f = Reshape (h, s)
  l = Loop (n, go, f) <body = b (int64 i, bool d, float[] a) => (bool k, float[] o) {
    k = Identity (d)
    o = Relu (a)
  }>
  m = Scan <num_scan_inputs = 1, body = q (float[8] e) => (float[8] r) { r = Neg (e) }> (l)
  g = local.f <axis = 1> (m)
  y = If (c) <
    then_branch = t () => (float[] p) { p = Relu (g) },
    else_branch = e () => (float[] p) { p = Abs (g) }
  >
}
<domain: "local", opset_import: ["" : 17]>
f <axis> (a) => (b) { b = Softmax <axis: int = @axis> (a) }"""


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_bytes_are_described_or_refused(data):
    """A model that still parses is described, or refused in one line."""
    raw = bytearray(model(RICH).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    try:
        proto = onnx.ModelProto.FromString(bytes(raw))
    except DecodeError:  # load refuses such a file
        return
    _described_or_refused(proto)


VALUES = st.sampled_from([0, 1, -1, 2, 7, 2**31, 2**62, -(2**63), 2**63 - 1])


@given(st.data())
@settings(max_examples=150)
def test_mutated_fields_are_described_or_refused(data):
    proto = model(RICH)
    for _ in range(data.draw(st.integers(1, 3))):
        data.draw(st.sampled_from(MUTATIONS))(proto, data.draw)
    _described_or_refused(proto)


def _described_or_refused(proto):
    try:
        describe(Loaded("m", "m.onnx", proto))
    except SepcostError as error:
        assert "\n" not in str(error)  # noqa: PT017 - a refusal is one of two right answers


def _nodes(proto):
    graphs = [proto.graph, *proto.functions]
    graphs += [a.g for node in proto.graph.node for a in node.attribute if a.HasField("g")]
    return [node for graph in graphs for node in graph.node]


def _rename(proto, draw):
    names = draw(st.sampled_from(_nodes(proto)))
    field = draw(st.sampled_from([names.input, names.output]))
    if field:
        name = draw(st.sampled_from(["x", "w", "h", "y", "", "new", "p", "n"]))
        field[draw(st.integers(0, len(field) - 1))] = name


def _retype(proto, draw):
    node = draw(st.sampled_from(_nodes(proto)))
    node.op_type = draw(
        st.sampled_from(["Conv", "Loop", "Scan", "If", "Constant", "f", "", "LSTM"])
    )
    node.domain = draw(st.sampled_from(["", "ai.onnx", "local", "com.microsoft"]))


def _attribute(proto, draw):
    node = draw(st.sampled_from(_nodes(proto)))
    if node.attribute and draw(st.booleans()):
        del node.attribute[draw(st.integers(0, len(node.attribute) - 1))]
    else:
        name = draw(
            st.sampled_from(["axis", "pads", "group", "strides", "num_scan_inputs", "perm"])
        )
        value = draw(st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=4), st.just(0.5)))
        node.attribute.append(helper.make_attribute(name, value))


def _size(proto, draw):
    value = draw(st.sampled_from(list(proto.graph.input)))
    dims = value.type.tensor_type.shape.dim
    if dims:
        dims[draw(st.integers(0, len(dims) - 1))].dim_value = draw(VALUES)


def _weight(proto, draw):
    tensor = draw(st.sampled_from(list(proto.graph.initializer)))
    if tensor.dims:
        tensor.dims[0] = abs(draw(VALUES)) // 2
        tensor.ClearField("int64_data")


def _swap(proto, draw):
    nodes = list(proto.graph.node)
    order = draw(st.permutations(range(len(nodes))))
    del proto.graph.node[:]
    proto.graph.node.extend(nodes[k] for k in order)


MUTATIONS = [_rename, _retype, _attribute, _size, _weight, _swap]


def test_a_size_within_that_is_derived_from_a_symbol_is_computed():
    text = """g (float[N, 3] x) => (float[M, 4] y) <float[M, 3] a, float[3, 4] w> {
        a = com.acme.Twice (x)
        y = MatMul (a, w)
    }"""
    proto = model(text.replace("com.acme.Twice", "local.Twice"))
    for value in (*proto.graph.value_info, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "2*N"
    assert network(proto).layers[1].outputs == ((2, 4),)
