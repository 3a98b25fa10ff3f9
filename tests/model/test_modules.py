"""Names of layers from the modules of the exporting framework."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sepcost.cost.count import count
from sepcost.cost.groups import groups
from sepcost.model.describe import describe
from sepcost.model.load import Loaded
from sepcost.model.modules import MAX_LENGTH, NAME_SCOPES
from sepcost.report.labels import label


def conv(name, weight, scopes=None, x="x", y="y"):
    node = helper.make_node("Conv", [x, weight], [y], name, pads=[1, 1, 1, 1])
    if scopes is not None:
        node.metadata_props.add(key=NAME_SCOPES, value=scopes)
    return node


def relu(name, scopes, x, y):
    node = helper.make_node("Relu", [x], [y], name)
    node.metadata_props.add(key=NAME_SCOPES, value=scopes)
    return node


def network(*nodes, weights=("w",)):
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4])
    result = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [1, 2, 4, 4])
    values = np.zeros((2, 2, 3, 3), np.float32)
    graph = helper.make_graph(
        nodes, "g", [image], [result], [numpy_helper.from_array(values, name) for name in weights]
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(proto)
    return describe(Loaded("m", "m.onnx", proto))


def name_of(*nodes, **more):
    (layer,) = network(*nodes, **more).layers
    return layer.name


RESNET = (
    conv("node_Conv_1", "conv1.weight", "['', 'bn1', 'batch_norm']", y="a"),
    relu("node_relu", "['', 'relu', 'relu']", "a", "b"),
    conv(
        "node_Conv_2", "layer1.0.conv1.weight", "['', 'layer1', 'layer1.0', 'layer1.0.bn1', 'bn']",
        "b", "c",
    ),
    relu("node_relu_1", "['', 'layer1', 'layer1.0', 'layer1.0.relu', 'relu_1']", "c", "d"),
)  # fmt: skip
RESNET_WEIGHTS = ("conv1.weight", "layer1.0.conv1.weight")


def test_layers_have_the_names_of_their_modules():
    """A folded batch normalisation leaves its own module in the metadata: the weight decides."""
    found = network(*RESNET, weights=RESNET_WEIGHTS).layers
    assert [layer.name for layer in found] == [
        "conv1", "relu/relu", "layer1.0.conv1", "layer1.0.relu/relu_1",
    ]  # fmt: skip
    assert [layer.node for layer in found] == [node.name for node in RESNET]


@pytest.mark.parametrize(
    ("depth", "keys"),
    [
        (1, {"conv1", "relu", "layer1"}),
        (2, {"conv1", "relu", "layer1.0"}),
        (None, {"conv1", "relu", "layer1.0.conv1", "layer1.0.relu"}),
    ],
)
def test_the_tree_of_modules_is_the_scope(depth, keys):
    analysis = count(network(*RESNET, weights=RESNET_WEIGHTS), "m.onnx")
    assert {group.key for group in groups(analysis, "scope", depth)} == keys


@pytest.mark.parametrize(
    ("weight", "shown"),
    [
        ("layer1.0.conv1.weight", "layer1.0.conv1"),
        ("layer1.0.conv1.weight_quantized", "layer1.0.conv1"),
        ("conv2d_0.w_0", "conv2d_0"),
        ("attn.in_proj_weight", "attn"),
        ("onnx::Conv_497", "Conv_12"),
        ("weight", "Conv_12"),
        ("a.scale", "Conv_12"),
    ],
)
def test_without_metadata_the_weight_names_the_module(weight, shown):
    assert name_of(conv("Conv_12", weight), weights=[weight]) == shown


@pytest.mark.parametrize(
    "name", ["", "Conv", "Conv_12", "p2o.Conv.3", "node_Conv_292", "fused Conv_1", "Conv_3_quant"]
)
def test_generated_names_give_way(name):
    assert name_of(conv(name, "a.b.weight"), weights=["a.b.weight"]) == "a.b"


@pytest.mark.parametrize("name", ["/layer1/conv1/Conv", "stem", "model/conv2d/Conv2D", "conv_1"])
def test_given_names_stay(name):
    assert name_of(conv(name, "a.b.weight"), weights=["a.b.weight"]) == name


def test_a_weight_without_a_path_takes_the_module_of_the_metadata():
    assert name_of(conv("node_conv2d", "w", "['', 'stem', 'conv2d']")) == "stem/conv2d"


def test_the_root_of_an_exported_program_is_not_a_module():
    assert name_of(conv("node_conv2d", "w", "['', '_export_root', 'conv2d']")) == "node_conv2d"


@pytest.mark.parametrize(
    "scopes",
    [
        "", "[", "['', 'conv']", "{'a': 1}", "[1, 2, 3]", "['a', 'b'", "[" * 300, "f()",
        str(["", "a" * MAX_LENGTH, "conv"]),
    ],
)  # fmt: skip
def test_metadata_of_another_kind_are_ignored(scopes):
    assert name_of(conv("node_conv2d", "w", scopes)) == "node_conv2d"


@pytest.mark.parametrize(
    ("weight", "shown"),
    [
        ("conv1_weights", "conv1"),
        ("conv4_depthwise_weights", "conv4_depthwise"),
        ("conv5_linear_bn_scale", "conv5_linear_bn"),
        ("conv2d_0.w_0_deepcopy_12", "conv2d_0"),
        ("_weights", "Conv_12"),
        ("onnx::Conv_weights", "Conv_12"),
        ("attn_scale", "Conv_12"),
    ],
)
def test_paddles_weights_name_their_layers(weight, shown):
    assert name_of(conv("Conv_12", weight), weights=[weight]) == shown


def test_a_dequantised_weight_is_in_its_module():
    nodes = [
        helper.make_node("DequantizeLinear", ["a.b.weight_quantized", "s"], ["w"], "w_Dequantize"),
        conv("node_Conv_1", "w"),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    stored = [
        numpy_helper.from_array(np.zeros((2, 2, 3, 3), np.int8), "a.b.weight_quantized"),
        numpy_helper.from_array(np.array(1, np.float32), "s"),
    ]
    graph = helper.make_graph(nodes, "g", [image], [result], stored)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    analysis = count(describe(Loaded("m", "m.onnx", proto)), "m.onnx")
    assert [row.layer.name for row in analysis.rows] == ["w_Dequantize", "a.b"]
    assert [group.key for group in groups(analysis, "scope")] == ["a.b"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("embedding_DequantizeLinear/duplicated", "/"),
        ("embedding_DequantizeLinear/duplicated_token_0", "/"),
        ("node_MatMul_73/MatMulScaleFusion//MatmulTransposeFusion/", "/"),
        ("/a/b/MatMul/MatMulAddFusion", "a/b"),
        ("/a/b/Conv", "a/b"),
        ("a/duplicated/Conv", "a/duplicated"),
    ],
)
def test_what_onnx_runtime_appends_to_a_name_is_no_module(name, key):
    analysis = count(network(conv(name, "w")), "m.onnx")
    assert [group.key for group in groups(analysis, "scope")] == [key]


def test_layers_in_a_function_are_named_after_its_calls():
    """As jax2onnx writes modules: one function, and a call per module."""
    body = helper.make_node("Relu", ["a"], ["b"], "node_Relu_0")
    function = helper.make_function(
        "custom", "Block", ["a"], ["b"], [body], [helper.make_opsetid("", 17)]
    )
    calls = [
        helper.make_node("Block", ["x"], ["v_0"], "Block_1", domain="custom"),
        helper.make_node("Block", ["v_0"], ["y"], "", domain="custom"),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("custom", 1)]
    proto = helper.make_model(
        helper.make_graph(calls, "g", [image], [result]),
        opset_imports=opsets, functions=[function],
    )  # fmt: skip
    analysis = count(describe(Loaded("m", "m.onnx", proto)), "m.onnx")
    assert [label(row.layer) for row in analysis.rows] == ["Block_1/node_Relu_0", "y/node_Relu_0"]
    assert [row.layer.id for row in analysis.rows] == ["v_0/b", "y/b"]
    assert [group.key for group in groups(analysis, "scope")] == ["Block_1", "y"]
